"""Messages and their statuses: history, with what can still be done about a message of ours; and the outbox."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messaging.admin.bulk import RETRY
from messaging.admin.outbox import outbox
from messaging.admin.words import OfKind, kind_word
from messaging.errors import DeliveryUnknown
from messaging.models import AutomaticAnswer, Message, MessageStatus
from messaging.services.outbox import Origin, cancel_queued, send_again
from messaging.services.resending import mark_as_arrived
from workspaces.admin.base import InspectAdmin, everything
from workspaces.admin.bulk import offer_job
from workspaces.admin.choosing import choose_failed
from workspaces.admin.filters import OfRow
from workspaces.admin.pages import draw
from workspaces.admin.shown import EMPTY
from workspaces.services.audit import actor_label
from workspaces.services.bulk import AT_MOST

# Which page lists what caused a message; the cause is kept by kind and id, without a foreign key.
CAUSES = {
    Message.Cause.RUN: "admin:automations_run_changelist",
    Message.Cause.API: "admin:workspaces_apikey_changelist",
}


@admin.register(Message)
class MessageAdmin(InspectAdmin):
    """What was said."""

    list_display = ("__str__", "direction", "shown_kind", "status", "chat", "caused_by", "error_code", "occurred_at")
    list_filter = (
        ("sender", OfRow),
        ("chat", OfRow),
        ("chat__contact", OfRow),
        ("conversation", OfRow),
        "direction",
        "status",
        OfKind,
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
    actions = ("send_again", "mark_as_arrived", "cancel")
    list_links = (
        ("admin:messaging_message_outbox", _("Outbox"), False),
        ("admin:messaging_message_retry", _("Send failed ones again"), True),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("outbox/", view(self.outbox_view), name="messaging_message_outbox"),
            path("retry/", view(self.retry_view), name="messaging_message_retry"),
            *super().get_urls(),
        ]

    def outbox_view(self, request: HttpRequest) -> HttpResponse:
        """What ended unknown, what waits, what failed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {**outbox(timezone.now()), "may_act": self.has_act_permission(request)}
        title = gettext("Outbox")
        return draw(self, request, "admin/messaging/message/outbox.html", title=title, context=context)

    def retry_view(self, request: HttpRequest) -> HttpResponse:
        """Failed messages by error, to be sent again in bulk."""
        rows = everything(Message).filter(status=Message.Status.FAILED, direction=Message.Direction.OUT)
        intro = gettext(
            "Choose what failed. The next page shows each message, and which are left out: they may have arrived."
        )
        title = gettext("Send failed messages again")
        return choose_failed(self, request, rows=rows, failed_at="occurred_at", kind=RETRY, title=title, intro=intro)

    def action_fits(self, name: str, object_id: str) -> bool:
        message = Message.objects.across_workspaces().filter(pk=object_id).first()
        if message is None or message.direction != Message.Direction.OUT:
            return False
        is_held = message.status == Message.Status.FAILED and message.error_code == DeliveryUnknown.code
        fits = {
            "send_again": message.status == Message.Status.FAILED,
            "mark_as_arrived": is_held or message.status == Message.Status.UNKNOWN,
            "cancel": message.status == Message.Status.QUEUED,
        }
        return fits.get(name, True)

    def response_action(self, request: HttpRequest, queryset: Any, *args: Any) -> Any:
        """From the outbox an action leads back there."""
        response = super().response_action(request, queryset, *args)
        is_over = response is not None and response.headers.get("Location") == request.get_full_path()
        if request.POST.get("to_outbox") and is_over:
            return HttpResponseRedirect(reverse("admin:messaging_message_outbox"))
        return response

    @admin.display(description=_("kind"), ordering="kind")
    def shown_kind(self, message: Message) -> str:
        return kind_word(message.kind)

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
    def send_again(self, request: HttpRequest, rows: Any) -> HttpResponse | None:
        """One at once, in the name of who asked; of several the ones that surely did not go out, in the background."""
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[: AT_MOST + 1])
        if len(ids) != 1:
            return offer_job(self, request, RETRY, ids)
        origin = Origin(kind=Message.Cause.STAFF, id=str(request.user.pk), label=actor_label(request.user))  # type: ignore[arg-type]

        def again(message: Message) -> bool:
            sent = send_again(message=message, origin=origin, now=timezone.now())
            return bool(getattr(sent, "was_created", False))

        self.act_on_each(
            request,
            rows.select_related("sender__workspace", "chat__contact", "workspace"),
            again,
            verb="message.sent_again",
        )
        return None

    @admin.action(description=_("Mark as arrived"), permissions=["act"])
    def mark_as_arrived(self, request: HttpRequest, rows: Any) -> None:
        """For messages whose end is unknown: a person has seen that the customer has them."""
        now = timezone.now()
        self.act_on_each(
            request,
            rows.select_related("workspace"),
            lambda message: mark_as_arrived(message, by=request.user, now=now),  # type: ignore[arg-type]
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

    list_display = ("occurred_at", "shown_status", "message", "sender", "error_code", "provider_id")
    list_filter = (("message", OfRow), ("sender", OfRow), "occurred_at")
    list_select_related = ("message", "sender")
    search_fields = ("=provider_id", "=callback_data", "=error_code")
    id_fields = ("callback_data",)

    @admin.display(description=_("state"), ordering="status")
    def shown_status(self, status: MessageStatus) -> str:
        """What the platform calls otherwise than we do stays as it says it."""
        known = status.status in Message.Status.values
        return str(Message.Status(status.status).label) if known else status.status


@admin.register(AutomaticAnswer)
class AutomaticAnswerAdmin(InspectAdmin):
    """Answers owed to messages by the assistant or for consent."""

    list_display = ("created_at", "kind", "status", "message", "attempts", "error_code")
    list_filter = (("message", OfRow), "kind", "status", "created_at")
    list_select_related = ("message",)
    search_fields = ("=error_code", "^message__chat__contact__phone", "workspace__slug")
