"""What was done and what the team was told: looked at, not changed."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from workspaces.admin.base import InspectAdmin, TenantAdmin
from workspaces.admin.machinery import parts_of_machinery
from workspaces.admin.pages import draw
from workspaces.admin.verbs import verb_word
from workspaces.models import AuditEntry, Change, Notification, NotificationChannel, QueuedTask
from workspaces.services.notifications import solve

# Pages of other apps about the same, by name.
MORE = (
    ("admin:automations_run_leases", _("Leases")),
    ("admin:automations_wait_due", _("Waits due")),
    ("admin:messaging_message_outbox", _("Outbox")),
    ("admin:messaging_inboundlog_changelist", _("Inbound log")),
    ("admin:workspaces_bulkjob_changelist", _("Bulk jobs")),
)


@admin.register(AuditEntry)
class AuditEntryAdmin(InspectAdmin):
    """Who did what."""

    list_display = ("created_at", "actor", "shown_verb", "target_label")
    list_filter = ("created_at",)
    search_fields = ("actor", "^verb", "target_label", "=target_id", "workspace__slug")
    id_fields = ("target_id",)

    @admin.display(description=_("what"), ordering="verb")
    def shown_verb(self, entry: AuditEntry) -> str:
        return verb_word(entry.verb)


@admin.register(Notification)
class NotificationAdmin(InspectAdmin):
    """What the team was told, and whether it is settled."""

    list_display = ("shown_title", "level", "count", "last_at", "solved_at", "mailed_at")
    list_filter = ("level", "solved_at")
    search_fields = ("title", "=code", "digest_key", "workspace__slug")
    actions = ("settle",)
    hidden = ("title", "body")

    @admin.display(description=_("title"))
    def shown_title(self, notice: Notification) -> str:
        return notice.title_text()

    @admin.display(description=_("text"))
    def shown_body(self, notice: Notification) -> str:
        return notice.body_text()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["shown_title", "shown_body", *super().get_fields(request, obj)]

    @admin.action(description=_("Mark as settled"), permissions=["act"])
    def settle(self, request: HttpRequest, notices: Any) -> None:
        now = timezone.now()
        self.act_on_each(
            request,
            notices.select_related("workspace"),
            lambda notice: notice.solved_at is None and solve(notice.workspace, notice.digest_key, now),
            verb="notification.solved",
        )


@admin.register(NotificationChannel)
class NotificationChannelAdmin(TenantAdmin):
    """Where a team hears of things."""

    list_display = ("address", "kind", "is_on", "created_at")
    list_filter = ("kind", "is_on")
    search_fields = ("address", "workspace__slug", "workspace__name")
    fields = ("workspace", "kind", "address", "is_on")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["workspace"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("workspaces.delete_notificationchannel")


@admin.register(Change)
class ChangeAdmin(InspectAdmin):
    """What live pages were told in the last hour."""

    list_display = ("topic", "created_at")
    search_fields = ("^topic", "workspace__slug")


@admin.register(QueuedTask)
class QueuedTaskAdmin(InspectAdmin):
    """Tasks that nobody has taken yet (the embedded broker)."""

    list_display = ("id", "queue")
    list_filter = ("queue",)
    search_fields = ("=queue",)
    fields = ("queue", "payload")
    list_links = (("admin:workspaces_queuedtask_machinery", _("Queue and clock"), False),)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.machinery_view)
        return [path("machinery/", view, name="workspaces_queuedtask_machinery"), *super().get_urls()]

    def machinery_view(self, request: HttpRequest) -> HttpResponse:
        """How queues, clock and workers stand."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {"parts": list(parts_of_machinery(timezone.now())), "more": list(_more())}
        title = gettext("Queue and clock")
        return draw(self, request, "admin/workspaces/queuedtask/machinery.html", title=title, context=context)


def _more() -> Iterator[tuple[str, Any]]:
    for name, label in MORE:
        try:
            yield reverse(name), label
        except NoReverseMatch:
            continue
