"""Shapes of events, flows and runs in the API."""

import json
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from automations.engine.plain import CONTEXT_LIMIT
from automations.errors import InputTooLarge
from automations.models import Event, Flow, Run, StepRun
from automations.triggers.api_event import NAME_PATTERN
from messaging.api.serializers import ErrorSerializer, error_body
from workspaces.api.serializers import JsonObjectField, StrictSerializer, TextField


class DataField(JsonObjectField):
    """What a run begins with. Raises InputTooLarge beyond what a run may carry."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        value = super().to_internal_value(data)
        size = len(json.dumps(value))
        if size > CONTEXT_LIMIT:
            raise InputTooLarge(field=self.field_name, kilobytes=size // 1024, limit=CONTEXT_LIMIT // 1024)
        return value


class FlowSerializer(serializers.ModelSerializer):
    """A flow; `version` is the number of the published one."""

    id = serializers.UUIDField(source="public_id")
    trigger = serializers.CharField(source="published.trigger_type", default=None, allow_null=True)
    version = serializers.IntegerField(source="published.number", default=None, allow_null=True)
    published_at = serializers.DateTimeField(source="published.published_at", default=None, allow_null=True)

    class Meta:
        model = Flow
        fields = ("id", "name", "is_on", "leads", "priority", "trigger", "version", "published_at", "created_at")
        read_only_fields = fields


class RunErrorSerializer(ErrorSerializer):
    """Why a run failed, and at which step."""

    step = serializers.CharField()


class RunSerializer(serializers.ModelSerializer):
    """A run."""

    id = serializers.UUIDField(source="public_id")
    flow = serializers.UUIDField(source="flow.public_id")
    flow_name = serializers.CharField(source="flow.name")
    version = serializers.IntegerField(source="version.number")
    contact = serializers.UUIDField(source="contact.public_id", default=None, allow_null=True)
    conversation = serializers.UUIDField(source="conversation.public_id", default=None, allow_null=True)
    error = serializers.SerializerMethodField()

    class Meta:
        model = Run
        fields: tuple[str, ...] = (
            "id", "flow", "flow_name", "version", "status", "mode", "only_recipient", "contact", "conversation",
            "started_by", "started_at", "ended_at", "error",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(RunErrorSerializer(allow_null=True))
    def get_error(self, run: Run) -> dict[str, str] | None:
        error = error_body(run.error_code, run.error_facts)
        return {**error, "step": run.error_step} if error else None


class StepRunSerializer(serializers.ModelSerializer):
    """One attempt of one step."""

    step = serializers.CharField(source="step_key")
    input = serializers.JSONField()
    output = serializers.JSONField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = StepRun
        fields = (
            "step", "iteration", "attempt", "status", "lane", "input", "output", "error", "started_at", "ended_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, step_run: StepRun) -> dict[str, str] | None:
        return error_body(step_run.error_code, step_run.error_facts)


class RunDetailSerializer(RunSerializer):
    """A run with what it began with and each attempt of its steps."""

    trigger = serializers.DictField()
    steps = StepRunSerializer(source="step_runs", many=True)

    class Meta(RunSerializer.Meta):
        fields = (*RunSerializer.Meta.fields, "trigger", "steps")
        read_only_fields = fields


class StartedRunSerializer(RunSerializer):
    """The answer of a start. `created` is false where the Idempotency-Key met a run that is there already."""

    created = serializers.BooleanField(default=True)

    class Meta(RunSerializer.Meta):
        fields = (*RunSerializer.Meta.fields, "created")
        read_only_fields = fields


class StartRequestSerializer(StrictSerializer):
    """The input of a manual start. With `only_recipient` nothing goes to anyone else."""

    data = DataField(required=False, default=dict)  # type: ignore[assignment]
    only_recipient = TextField(required=False, default="", allow_blank=True, help_text="E.164.")


class EventRequestSerializer(StrictSerializer):
    """Something that happened elsewhere. `id` names it: the same again starts nothing more."""

    event = serializers.RegexField(NAME_PATTERN, help_text="For example call.ended.")
    id = TextField(required=False, default="", allow_blank=True, max_length=200)
    data = DataField()  # type: ignore[assignment]


class EventSerializer(serializers.ModelSerializer):
    """A stored event."""

    id = serializers.UUIDField(source="public_id")

    class Meta:
        model = Event
        fields = ("id", "name", "deduplication_id", "occurred_at")
        read_only_fields = fields


class AcceptedEventSerializer(serializers.Serializer):
    """The event and the runs it started. `created` is false where its id was known already."""

    event = EventSerializer()
    runs = RunSerializer(many=True)
    created = serializers.BooleanField(source="was_created")
