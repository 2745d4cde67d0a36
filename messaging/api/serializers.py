"""Shapes of senders, templates and messages in the API."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from messaging.models import Message, Sender, Template
from messaging.services.template_parameters import parameters_of
from workspaces.errors import stored_error


class SenderSerializer(serializers.ModelSerializer):
    """A number of the business; its secrets never leave the house."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField(source="display_name")
    status = serializers.ChoiceField(source="shown_status", choices=Sender.Status.choices)
    assistant = serializers.UUIDField(source="assistant.public_id", default=None, allow_null=True)

    class Meta:
        model = Sender
        fields = (
            "id", "name", "phone", "provider", "status", "status_reason", "status_since", "quality",
            "messaging_limit", "throughput", "assistant", "ai_answers", "last_checked_at",
        )  # fmt: skip
        read_only_fields = fields


class WindowSerializer(serializers.Serializer):
    """The 24 hours in which free text may go to a customer."""

    is_open = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_customer_message_at = serializers.DateTimeField(allow_null=True)
    minutes_remaining = serializers.IntegerField()
    requires_template = serializers.BooleanField()
    conversation = serializers.UUIDField(source="conversation.public_id", default=None, allow_null=True)


class ParameterSerializer(serializers.Serializer):
    """One value that a template takes; `key` is its name in `variables`."""

    key = serializers.CharField()
    component = serializers.ChoiceField(choices=["header", "body", "button"])
    kind = serializers.CharField()
    sample = serializers.CharField()
    is_required = serializers.BooleanField()


class TemplateSerializer(serializers.ModelSerializer):
    """A template as last synced from the platform."""

    id = serializers.UUIDField(source="public_id")
    parameters = serializers.SerializerMethodField()
    components = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = Template
        fields = (
            "id", "name", "language", "category", "status", "status_reason", "status_since", "quality",
            "parameter_format", "parameters", "components", "business_account_id", "last_synced_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ParameterSerializer(many=True))
    def get_parameters(self, template: Template) -> list[dict[str, Any]]:
        return list(ParameterSerializer(parameters_of(template), many=True).data)


class ErrorSerializer(serializers.Serializer):
    """Why a message or run failed."""

    code = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField()
    cure = serializers.CharField()


class CauseSerializer(serializers.Serializer):
    """What caused a message: kind, public id and label of a run, a person, a key or an assistant."""

    kind = serializers.ChoiceField(choices=Message.Cause.choices)
    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class TemplateUsedSerializer(serializers.Serializer):
    """The template that a message was made of."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    language = serializers.CharField()


class MessageSerializer(serializers.ModelSerializer):
    """A message, in or out."""

    id = serializers.UUIDField(source="public_id")
    type = serializers.CharField(source="kind")
    sender = serializers.UUIDField(source="sender.public_id")
    contact = serializers.UUIDField(source="chat.contact.public_id")
    conversation = serializers.UUIDField(source="conversation.public_id", default=None, allow_null=True)
    to = serializers.CharField(source="chat.contact.phone", allow_null=True)
    text = serializers.CharField(source="body")
    template = serializers.SerializerMethodField()
    caused_by = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields: tuple[str, ...] = (
            "id", "type", "direction", "status", "sender", "contact", "conversation", "to", "text", "template",
            "caused_by", "error", "provider_id", "occurred_at", "accepted_at", "created_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(TemplateUsedSerializer(allow_null=True))
    def get_template(self, message: Message) -> dict[str, str] | None:
        used = message.payload.get("template") if message.kind == "template" else None
        return {name: used[name] for name in ("id", "name", "language")} if used else None

    @extend_schema_field(CauseSerializer(allow_null=True))
    def get_caused_by(self, message: Message) -> dict[str, str] | None:
        if not message.cause_kind:
            return None
        return {"kind": message.cause_kind, "id": message.cause_id, "label": message.cause_label}

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, message: Message) -> dict[str, str] | None:
        return error_body(message.error_code, message.error_facts)


class StatusSerializer(serializers.Serializer):
    """A tick, as the platform reported it."""

    status = serializers.CharField()
    occurred_at = serializers.DateTimeField()


class MessageDetailSerializer(MessageSerializer):
    """A message with its ticks."""

    statuses = StatusSerializer(many=True)

    class Meta(MessageSerializer.Meta):
        fields = (*MessageSerializer.Meta.fields, "statuses")
        read_only_fields = fields


class SentMessageSerializer(MessageSerializer):
    """The answer of a send. `created` is false where the Idempotency-Key met a message that is there already."""

    created = serializers.SerializerMethodField()

    class Meta(MessageSerializer.Meta):
        fields = (*MessageSerializer.Meta.fields, "created")
        read_only_fields = fields

    def get_created(self, message: Message) -> bool:
        return bool(getattr(message, "was_created", True))


def error_body(code: str, facts: dict[str, Any]) -> dict[str, str] | None:
    """A stored error in the caller's language, or None where there is none."""
    if not code:
        return None
    error = stored_error(code, facts)
    return {
        "code": code,
        "title": error.title_text(),
        "detail": error.cause_text(),
        "cure": error.cure_text(),
    }
