"""Messages, senders and templates in the API. Sending is the outbox's: the view reads, asks it, and answers."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import exceptions, status
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from messaging.api.contents import CONTENTS
from messaging.api.filters import MessageFilters, SenderFilters, TemplateFilters
from messaging.api.requests import MessageRequestSerializer, TemplateRequestSerializer, TextRequestSerializer
from messaging.api.serializers import (
    MessageDetailSerializer,
    MessageSerializer,
    SenderSerializer,
    SentMessageSerializer,
    TemplateSerializer,
    WindowSerializer,
)
from messaging.content_errors import MessageUnknown
from messaging.models import Message, MessageStatus, Sender, Template
from messaging.services.outbox import (
    DEFAULT_DEADLINE,
    Origin,
    SlotPolicy,
    send_content,
    send_template,
    send_text,
    window_of,
)
from workspaces.api.authentication import key_of
from workspaces.api.errors import NotFound
from workspaces.api.idempotency import acts_once, attempt_key
from workspaces.api.views import WorkspaceViewSet

REQUESTS: dict[str, type[MessageRequestSerializer]] = {
    "text": TextRequestSerializer,
    "template": TemplateRequestSerializer,
    **CONTENTS,
}
MESSAGE_REQUEST = PolymorphicProxySerializer(
    component_name="MessageRequest",
    serializers=dict(REQUESTS),
    resource_type_field_name="type",
)


class MessageViewSet(ListModelMixin, RetrieveModelMixin, WorkspaceViewSet):
    """Messages of the workspace, in and out."""

    model = Message
    serializer_class = MessageSerializer
    filterset_class = MessageFilters
    required_scopes: ClassVar[dict[str, str]] = {"GET": "messages:read", "POST": "messages:write"}

    def get_queryset(self) -> QuerySet[Message]:
        rows = super().get_queryset().select_related("sender", "chat__contact", "conversation")
        if self.action != "retrieve" or getattr(self, "swagger_fake_view", False):
            return rows
        workspace = self.request.workspace  # type: ignore[attr-defined]
        statuses = MessageStatus.objects.in_workspace(workspace).order_by("occurred_at", "id")
        return rows.prefetch_related(Prefetch("statuses", queryset=statuses))

    def get_serializer_class(self) -> type[MessageSerializer]:
        return MessageDetailSerializer if self.action == "retrieve" else MessageSerializer

    @extend_schema(operation_id="messages_send", request=MESSAGE_REQUEST, responses={201: SentMessageSerializer})
    @acts_once
    def create(self, request: Request) -> Response:
        """Send one person a template, or within 24 hours after they wrote anything else."""
        message = self._send(_validated(request), request, timezone.now())
        return Response(SentMessageSerializer(message).data, status=status.HTTP_201_CREATED)

    def _send(self, given: dict[str, Any], request: Request, now: datetime) -> Message:
        senders = Sender.objects.in_workspace(request.workspace)  # type: ignore[attr-defined]
        sender = senders.select_related("workspace").filter(public_id=given["sender"]).first()
        if sender is None:
            raise NotFound(field="sender")
        key = key_of(request)
        common: dict[str, Any] = {
            "sender": sender,
            "to": given["to"],
            "origin": Origin(kind=Message.Cause.API, id=str(key.public_id), label=key.name),
            "key": attempt_key(request),
            "now": now,
            "slots": SlotPolicy(kind="queue" if given["wait"] else "refuse", deadline=now + DEFAULT_DEADLINE),
        }
        if given["type"] == "template":
            return send_template(
                recipient_name=given["name"],
                template=given["template"],
                language=given["language"],
                variables=given["variables"],
                **common,
            )
        said = _said(sender, given.get("reply_to"))
        if given["type"] == "text":
            return send_text(text=given["text"], reply_to=said, **common)
        return send_content(content=CONTENTS[given["type"]].content(given, said), reply_to=said, **common)


class SenderViewSet(ListModelMixin, RetrieveModelMixin, WorkspaceViewSet):
    """Numbers of the workspace that are in use."""

    model = Sender
    serializer_class = SenderSerializer
    filterset_class = SenderFilters
    required_scopes: ClassVar[dict[str, str]] = {"GET": "senders:read"}

    def get_queryset(self) -> QuerySet[Sender]:
        return super().get_queryset().filter(retired_at=None).select_related("assistant")


class SenderWindowViewSet(WorkspaceViewSet):
    """The customer service window of one customer with one sender."""

    model = Sender
    serializer_class = WindowSerializer
    filter_backends: Any = ()
    required_scopes: ClassVar[dict[str, str]] = {"GET": "senders:read"}
    query_parameters = ("to",)

    @extend_schema(
        operation_id="senders_window",
        parameters=[OpenApiParameter("to", str, required=True, description="The customer's phone, E.164.")],
        responses={200: WindowSerializer},
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Whether free text may go to this customer now, and for how long."""
        sender: Sender = self.get_object()
        to = request.query_params.get("to")
        if to is None:
            raise exceptions.ValidationError(
                {"to": [exceptions.ErrorDetail(_("This field is required."), code="required")]}
            )
        return Response(WindowSerializer(window_of(sender, to, timezone.now())).data)


class TemplateViewSet(ListModelMixin, RetrieveModelMixin, WorkspaceViewSet):
    """Templates as last synced from the platform."""

    model = Template
    serializer_class = TemplateSerializer
    filterset_class = TemplateFilters
    required_scopes: ClassVar[dict[str, str]] = {"GET": "templates:read"}


def _said(sender: Sender, message_id: UUID | None) -> str:
    """The platform's id of the message that is quoted or reacted to. Raises MessageUnknown."""
    if message_id is None:
        return ""
    rows = Message.objects.in_workspace(sender.workspace).filter(sender=sender, public_id=message_id)
    provider_id = rows.values_list("provider_id", flat=True).first()
    if not provider_id:
        raise MessageUnknown(field="reply_to")
    return provider_id


def _validated(request: Request) -> dict[str, Any]:
    """The body by its `type`. Raises ValidationError."""
    kind = request.data.get("type") if isinstance(request.data, dict) else None
    serializer = REQUESTS.get(kind if isinstance(kind, str) else "", TextRequestSerializer)
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)
