"""What came in: raw bodies, replayed if need be, and the log line of each thing in them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messaging.models import InboundLog, WebhookEvent
from messaging.services.webhook_processing import replay_event
from workspaces.admin.base import InspectAdmin
from workspaces.admin.filters import OfRow


@admin.register(WebhookEvent)
class WebhookEventAdmin(InspectAdmin):
    """Verified bodies. For staff only: a body may speak for several tenants."""

    list_display = ("received_at", "endpoint", "processed_at", "attempts", "deliveries", "sender")
    list_filter = (("sender", OfRow), ("processed_at", admin.EmptyFieldListFilter), "received_at")
    list_select_related = ("sender",)
    search_fields = ("^endpoint", "=digest", "error")
    first = ("endpoint", "received_at", "processed_at", "attempts", "deliveries", "error")
    related_lists = (("messaging.InboundLog", "event"),)
    actions = ("replay",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Bodies go up to 4 MB: a list does not load them."""
        match = request.resolver_match
        is_list = match is not None and (match.url_name or "").endswith("_changelist") and request.method == "GET"
        rows = super().get_queryset(request)
        return rows.defer("body") if is_list else rows

    @admin.action(description=_("Process again"), permissions=["act"])
    def replay(self, request: HttpRequest, events: Any) -> None:
        """What is known already stays as it is: everything an item writes has a unique key."""
        self.act_on_each(
            request,
            events,
            lambda event: replay_event(event, by=request.user, now=timezone.now()),  # type: ignore[arg-type]
        )


@admin.register(InboundLog)
class InboundLogAdmin(InspectAdmin):
    """One line for each thing that came in: what it was, what became of it, and why."""

    list_display = ("at", "kind", "outcome", "reason", "sender", "message", "event")
    list_filter = (("sender", OfRow), ("event", OfRow), ("message", OfRow), "outcome", "kind", "at")
    list_select_related = ("sender", "message", "event")
    first = ("kind", "outcome", "reason", "detail", "excerpt", "at")
    search_fields = ("=kind", "=reason", "detail", "=message__provider_id", "workspace__slug")
