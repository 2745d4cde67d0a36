"""Bodies of POST /messages: what all kinds have in common, text and template."""

from rest_framework import serializers

from workspaces.api.serializers import JsonObjectField, StrictSerializer, TextField


class MessageRequestSerializer(StrictSerializer):
    """What all kinds of message have in common."""

    sender = serializers.UUIDField()
    to = TextField(help_text="E.164, for example +4915112345678.", allow_blank=True)
    wait = serializers.BooleanField(
        default=False, help_text="Where a limit holds the message back: queue it and answer `queued`, not 429."
    )


class QuotingRequestSerializer(MessageRequestSerializer):
    """What may quote a message of the same chat."""

    reply_to = serializers.UUIDField(required=False, help_text="Id of the message that is quoted.")


class TextRequestSerializer(QuotingRequestSerializer):
    """Free text, within 24 hours after the customer wrote."""

    type = serializers.ChoiceField(choices=["text"])
    text = TextField(allow_blank=True)


class TemplateRequestSerializer(MessageRequestSerializer):
    """A template that the platform has approved."""

    type = serializers.ChoiceField(choices=["template"])
    template = TextField(help_text="Name or id.")
    language = TextField(required=False, default="", allow_blank=True)
    name = TextField(required=False, default="", allow_blank=True, max_length=255, help_text="Of the recipient.")
    variables = JsonObjectField(required=False, default=dict)
