"""Assistants in the API: list, one, and generate a reply."""

from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from assistants.api.serializers import AssistantSerializer, ReplyRequestSerializer, ReplySerializer, reply_body
from assistants.errors import AssistantUnavailable
from assistants.models import Assistant
from assistants.services.replies import ThreadBusy, generate_reply
from workspaces.api.idempotency import action_key, acts_once
from workspaces.api.views import WorkspaceViewSet

# A customer's messages are answered one after the other; a call waits this long for its turn (architecture.md).
TURN_SECONDS = 45


class AssistantViewSet(ListModelMixin, RetrieveModelMixin, WorkspaceViewSet):
    """The workspace's assistants."""

    model = Assistant
    serializer_class = AssistantSerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "assistants:read"}


class AssistantReplyViewSet(WorkspaceViewSet):
    """Replies of one assistant."""

    model = Assistant
    serializer_class = ReplySerializer
    required_scopes: ClassVar[dict[str, str]] = {"POST": "assistants:write"}

    @extend_schema(operation_id="assistants_reply", request=ReplyRequestSerializer, responses={200: ReplySerializer})
    @acts_once
    def create(self, request: Request, id: UUID) -> Response:
        """Answer a customer's message in the thread of (assistant, customer identifier), found or created."""
        assistant: Assistant = self.get_object()
        given = ReplyRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        now = timezone.now()
        try:
            reply = generate_reply(
                assistant=assistant, **given.validated_data, key=action_key(request), now=now, wait_seconds=TURN_SECONDS
            )
        except ThreadBusy as busy:
            wait = max(1.0, (busy.until - timezone.now()).total_seconds())
            raise AssistantUnavailable(assistant=assistant.name, kind="busy", retry_after=wait) from None
        return Response(reply_body(reply))
