"""Messages and their statuses: history, with the two things that can still be done about a message of ours."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from messaging.models import AutomaticAnswer, Message, MessageStatus
from messaging.services.outbox import Origin, cancel_queued, send_again
from workspaces.admin.base import InspectAdmin
from workspaces.admin.filters import OfRow
from workspaces.admin.shown import EMPTY
from workspaces.services.audit import actor_label

# Which page lists what caused a message; the cause is kept by kind and id, without a foreign key.
CAUSES = {
    Message.Cause.RUN: "admin:automations_run_changelist",
    Message.Cause.API: "admin:workspaces_apikey_changelist",
}


@admin.register(Message)
class MessageAdmin(InspectAdmin):
    """What was said."""

    list_display = ("__str__", "direction", "kind", "status", "chat", "caused_by", "error_code", "occurred_at")
    list_filter = (
        ("sender", OfRow),
        ("chat", OfRow),
        ("chat__contact", OfRow),
        ("conversation", OfRow),
        "direction",
        "status",
        "kind",
        "cause_kind",
        "occurred_at",
    )
    list_select_related = ("chat__contact", "chat__sender")
    search_fields = ("body", "=provider_id", "=cause_id", "=error_code", "^chat__contact__phone", "=idempotency_key")
    id_fields = ("cause_id", "idempotency_key")
    first = ("body", "status", "error_code", "direction", "kind", "chat", "occurred_at")
    hidden = ("error_facts", "cause_kind", "cause_id", "cause_label")
    related_lists = (
        ("messaging.MessageStatus", "message"),
        ("messaging.InboundLog", "message"),
        ("messaging.AutomaticAnswer", "message"),
        ("automations.TriggerDecision", "message"),
    )
    actions = ("send_again", "cancel")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_fields(request, obj), "caused_by"]

    @admin.display(description=_("caused by"))
    def caused_by(self, message: Message) -> str:
        if not message.cause_kind:
            return EMPTY
        kind, label = message.get_cause_kind_display(), message.cause_label or message.cause_id
        try:
            address = reverse(CAUSES[message.cause_kind])  # type: ignore[index]
        except (KeyError, NoReverseMatch):
            return f"{kind}: {label}" if label else str(kind)
        return format_html('{}: <a href="{}?q={}">{}</a>', kind, address, message.cause_id, label)

    @admin.action(description=_("Send again"), permissions=["act"])
    def send_again(self, request: HttpRequest, rows: Any) -> None:
        """A new message with the content of one that has failed; that one stays as it is."""
        origin = Origin(kind=Message.Cause.STAFF, id=str(request.user.pk), label=actor_label(request.user))  # type: ignore[arg-type]
        self.act_on_each(
            request,
            rows.select_related("sender__workspace", "chat__contact", "workspace"),
            lambda message: send_again(message=message, origin=origin, now=timezone.now()),
            verb="message.sent_again",
        )

    @admin.action(description=_("Cancel what waits for a slot"), permissions=["act"])
    def cancel(self, request: HttpRequest, rows: Any) -> None:
        now = timezone.now()
        self.act_on_each(
            request,
            rows.select_related("workspace"),
            lambda message: message.status == Message.Status.QUEUED and cancel_queued(message, now=now),
            verb="message.cancelled",
        )


@admin.register(MessageStatus)
class MessageStatusAdmin(InspectAdmin):
    """What the platform has reported, also for messages that are not known yet."""

    list_display = ("occurred_at", "status", "message", "sender", "error_code", "provider_id")
    list_filter = (("message", OfRow), ("sender", OfRow), "status", "occurred_at")
    list_select_related = ("message", "sender")
    search_fields = ("=provider_id", "=callback_data", "=error_code")
    id_fields = ("callback_data",)


@admin.register(AutomaticAnswer)
class AutomaticAnswerAdmin(InspectAdmin):
    """Answers owed to messages by the assistant or for consent."""

    list_display = ("created_at", "kind", "status", "message", "attempts", "error_code")
    list_filter = (("message", OfRow), "kind", "status", "created_at")
    list_select_related = ("message",)
    search_fields = ("=error_code", "^message__chat__contact__phone", "workspace__slug")
