"""Senders: connected, checked, paused and resumed by the same services as the pages; and a message by hand."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messaging.admin.forms import ConnectForm, SenderForm, SendForm
from messaging.models import Message, Pace, Sender
from messaging.services.outbox import Origin, send_template, send_text
from messaging.services.senders import (
    NumberSettings,
    check_sender,
    connect_sender,
    findings_of,
    pause_sender,
    resume_sender,
    retire_sender,
)
from messaging.services.templates import sync_templates
from workspaces.admin.base import InspectAdmin, TenantAdmin
from workspaces.admin.filters import OfRow
from workspaces.admin.pages import fetch_row, form_page
from workspaces.admin.shown import error_html, lines_html
from workspaces.services.audit import actor_label


@admin.register(Sender)
class SenderAdmin(TenantAdmin):
    """Numbers that workspaces write from. Connecting one calls each part of its settings first."""

    form = SenderForm
    list_display = ("__str__", "phone", "status", "is_paused", "quality", "last_checked_at", "retired_at")
    list_filter = (("assistant", OfRow), "status", "is_paused", "quality", "retired_at")
    search_fields = ("phone", "display_name", "=provider_number_id", "=business_account_id", "workspace__slug")
    actions = ("check_senders", "sync", "pause", "resume", "retire")
    related_lists = (
        ("messaging.Chat", "sender"),
        ("messaging.Message", "sender"),
        ("messaging.WebhookEvent", "sender"),
        ("messaging.InboundLog", "sender"),
    )
    platforms = (
        "workspace", "phone", "display_name", "status", "status_reason", "status_since", "is_paused", "quality",
        "messaging_limit", "last_checked_at", "shown_findings", "webhook_address", "retired_at", "wake_at",
        "public_id", "created_at",
    )  # fmt: skip
    readonly_fields = platforms
    fieldsets = (
        (gettext_lazy("As the platform says"), {"fields": platforms}),
        (
            gettext_lazy("Connection"),
            {
                "fields": (
                    "address_key", "provider_number_id", "business_account_id", "token", "app_secret", "verify_token",
                )
            },
        ),
        (gettext_lazy("Answers"), {"fields": ("assistant", "ai_answers", "throughput", "unknown_policy")}),
    )  # fmt: skip

    @admin.display(description=gettext_lazy("findings of the last check"))
    def shown_findings(self, sender: Sender) -> str:
        lines = []
        for finding in findings_of(sender):
            said = _("in order") if finding.error is None else error_html(finding.error)
            lines.append(format_html("{}: {}", finding.label, said))
        return lines_html(lines)

    @admin.display(description=gettext_lazy("address for webhooks"))
    def webhook_address(self, sender: Sender) -> str:
        return f"/webhooks/whatsapp/{sender.public_id}/"

    # --- actions -----------------------------------------------------------------------------------
    @admin.action(description=gettext_lazy("Check"), permissions=["act"])
    def check_senders(self, request: HttpRequest, senders: Any) -> None:
        def check(sender: Sender) -> None:
            for finding in check_sender(sender, timezone.now()):
                if finding.error is not None:
                    text = format_html("{} · {}: {}", sender, finding.label, error_html(finding.error))
                    self.message_user(request, text, messages.WARNING)

        self.act_on_each(request, senders.select_related("workspace"), check, verb="sender.checked")

    @admin.action(description=gettext_lazy("Sync templates"), permissions=["act"])
    def sync(self, request: HttpRequest, senders: Any) -> None:
        def sync(sender: Sender) -> None:
            result = sync_templates(sender, timezone.now())
            facts = {"sender": sender, "added": result.added, "changed": result.changed, "removed": result.removed}
            text = _("%(sender)s: %(added)s added, %(changed)s changed, %(removed)s removed.") % facts
            self.message_user(request, text, messages.INFO)

        self.act_on_each(request, senders.select_related("workspace"), sync, verb="templates.synced")

    @admin.action(description=gettext_lazy("Pause"), permissions=["act"])
    def pause(self, request: HttpRequest, senders: Any) -> None:
        now = timezone.now()
        rows = senders.select_related("workspace")
        self.act_on_each(request, rows, lambda sender: pause_sender(sender, by=request.user, now=now))  # type: ignore[arg-type]

    @admin.action(description=gettext_lazy("Resume"), permissions=["act"])
    def resume(self, request: HttpRequest, senders: Any) -> None:
        now = timezone.now()
        rows = senders.select_related("workspace")
        self.act_on_each(request, rows, lambda sender: resume_sender(sender, by=request.user, now=now))  # type: ignore[arg-type]

    @admin.action(description=gettext_lazy("Disconnect for good"), permissions=["act"])
    def retire(self, request: HttpRequest, senders: Any) -> None:
        now = timezone.now()
        rows = senders.select_related("workspace")
        self.act_on_each(request, rows, lambda sender: retire_sender(sender, by=request.user, now=now))  # type: ignore[arg-type]

    # --- pages -------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        send = path("<int:sender_id>/send/", self.admin_site.admin_view(self.send_view), name="messaging_sender_send")
        return [send, *super().get_urls()]

    def row_links(self, request: HttpRequest, object_id: str) -> list[tuple[str, str]]:
        if not self.has_act_permission(request):
            return []
        return [(reverse("admin:messaging_sender_send", args=[object_id]), _("Send a message"))]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Connect a number; outside a transaction, because the platform is called."""
        if not self.has_add_permission(request):
            raise PermissionDenied

        def connect(data: dict[str, Any]) -> str:
            workspace = data.pop("workspace")
            sender = connect_sender(
                workspace=workspace,
                number=NumberSettings(**data),
                by=request.user,  # type: ignore[arg-type]
                now=timezone.now(),
            )
            return reverse("admin:messaging_sender_change", args=[sender.pk])

        form = ConnectForm(request.POST if request.method == "POST" else None)
        done = _("The number is connected.")
        return form_page(
            self, request, form=form, title=_("Connect a number"), submit=_("Connect"), act=connect, done=done
        )

    def send_view(self, request: HttpRequest, sender_id: int) -> HttpResponse:
        """Send a text or a template to one phone, through the same door as everything else."""
        sender = fetch_row(self, request, sender_id)

        def send(data: dict[str, Any]) -> str:
            origin = Origin(kind=Message.Cause.STAFF, id=str(request.user.pk), label=actor_label(request.user))  # type: ignore[arg-type]
            common: dict[str, Any] = {
                "sender": sender, "to": data["to"], "origin": origin, "key": None, "now": timezone.now(),
                "allow_taken_over": True,
            }  # fmt: skip
            if data["text"]:
                message = send_text(text=data["text"], **common)
            else:
                message = send_template(
                    template=data["template"], language=data["language"], variables=data["variables"], **common
                )
            facts = {"state": message.get_status_display()}
            self.message_user(request, _("The message is stored: %(state)s.") % facts, messages.SUCCESS)
            return reverse("admin:messaging_message_change", args=[message.pk])

        form = SendForm(request.POST if request.method == "POST" else None, sender=sender)
        return form_page(self, request, form=form, title=_("Send a message"), submit=_("Send"), act=send, row=sender)


@admin.register(Pace)
class PaceAdmin(InspectAdmin):
    """Token buckets and breakers: when the next message may go."""

    list_display = ("key", "next_at", "failures", "updated_at")
    list_filter = ("updated_at",)
    search_fields = ("^key", "workspace__slug")
