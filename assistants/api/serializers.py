"""Shapes of assistants and their replies in the API."""

from typing import Any

from rest_framework import serializers

from assistants.models import Assistant
from assistants.services.replies import Reply
from workspaces.api.serializers import JsonObjectField, StrictSerializer, TextField


class AssistantSerializer(serializers.ModelSerializer):
    """An assistant; its key never leaves the house."""

    id = serializers.UUIDField(source="public_id")

    class Meta:
        model = Assistant
        fields = ("id", "name", "model", "is_on", "created_at")
        read_only_fields = fields


class ReplyRequestSerializer(StrictSerializer):
    """What a customer wrote, and what the assistant may know about them. The service judges lengths."""

    customer_identifier = TextField(help_text="Phone, e-mail address or the id in your CRM; names the thread.")
    message = TextField()
    variables = JsonObjectField(required=False, default=dict, help_text="Merged into the thread's variables.")


class UsageSerializer(serializers.Serializer):
    """Tokens of one answer."""

    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class ReplySerializer(serializers.Serializer):
    """An answer. `is_fallback`: the model failed (`error`) and the assistant's own text stands in."""

    reply = serializers.CharField()
    thread = serializers.UUIDField()
    turn = serializers.UUIDField()
    usage = UsageSerializer()
    hand_off = serializers.BooleanField()
    is_fallback = serializers.BooleanField()
    error = serializers.CharField(allow_null=True)
    created = serializers.BooleanField()


def reply_body(reply: Reply) -> dict[str, Any]:
    """A reply as ReplySerializer says."""
    return {
        "reply": reply.text,
        "thread": str(reply.thread.public_id),
        "turn": str(reply.turn.public_id),
        "usage": {
            "prompt_tokens": reply.usage.prompt_tokens,
            "completion_tokens": reply.usage.completion_tokens,
            "total_tokens": reply.usage.total_tokens,
        },
        "hand_off": reply.hand_off,
        "is_fallback": reply.is_fallback,
        "error": reply.error_code or None,
        "created": True,
    }
