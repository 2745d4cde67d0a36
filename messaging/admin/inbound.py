"""What came in: raw bodies, replayed if need be, and the log line of each thing in them."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messaging.admin.bulk import REPLAY
from messaging.admin.words import kind_word, reason_word
from messaging.models import InboundLog, Sender, WebhookEvent
from workspaces.admin.base import InspectAdmin
from workspaces.admin.bulk import offer_job
from workspaces.admin.fields import RowField
from workspaces.admin.filters import OfRow
from workspaces.admin.pages import draw
from workspaces.admin.shown import EMPTY
from workspaces.services.bulk import AT_MOST

LOOKED_BACK = timedelta(hours=24)
_LOCAL = "%Y-%m-%dT%H:%M"


class RangeForm(forms.Form):
    """Which webhook events are processed again."""

    since = forms.DateTimeField(
        label=_("From"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_LOCAL),
        help_text=_("Empty: the last 24 hours."),
    )
    until = forms.DateTimeField(
        label=_("To"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_LOCAL),
    )
    sender = RowField(
        label=_("Sender"),
        required=False,
        rows=lambda: Sender.objects.across_workspaces(),
        column="phone",
        missing=_("No sender has this number."),
        help_text=_("Its number, as in +43316555010. Empty: whatever came in, also at the app's address."),
    )
    state = forms.ChoiceField(
        label=_("Which"),
        required=False,
        choices=[
            ("", _("all")),
            ("open", _("not processed to the end")),
            ("failed", _("processed, but something in it failed or was not understood")),
        ],
    )


@admin.register(WebhookEvent)
class WebhookEventAdmin(InspectAdmin):
    """Verified bodies. For staff only: a body may speak for several tenants."""

    list_display = ("received_at", "shown_endpoint", "processed_at", "attempts", "deliveries", "sender")
    list_filter = (("sender", OfRow), ("processed_at", admin.EmptyFieldListFilter), "received_at")
    list_select_related = ("sender",)
    search_fields = ("^endpoint", "=digest", "error")
    first = ("endpoint", "received_at", "processed_at", "attempts", "deliveries", "error")
    related_lists = (("messaging.InboundLog", "event"),)
    actions = ("replay",)
    list_links = (("admin:messaging_webhookevent_range", _("Process a range again"), True),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Bodies go up to 4 MB: a list does not load them."""
        match = request.resolver_match
        is_list = match is not None and (match.url_name or "").endswith("_changelist") and request.method == "GET"
        rows = super().get_queryset(request)
        return rows.defer("body") if is_list else rows

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.range_view)
        return [path("range/", view, name="messaging_webhookevent_range"), *super().get_urls()]

    @admin.display(description=_("address"), ordering="endpoint")
    def shown_endpoint(self, event: WebhookEvent) -> str:
        """In words: whose address it came to."""
        return gettext("the app's address") if event.endpoint == "app" else gettext("the sender's own address")

    @admin.action(description=_("Process again"), permissions=["act"])
    def replay(self, request: HttpRequest, events: Any) -> HttpResponse:
        """What it would do is shown first. What is known already stays: all that an item writes has a unique key."""
        ids = events.order_by("received_at", "pk").values_list("pk", flat=True)[: AT_MOST + 1]
        return offer_job(self, request, REPLAY, list(ids))

    def range_view(self, request: HttpRequest) -> HttpResponse:
        """The events of a span of time, of a sender, or those that are not through."""
        if not self.has_act_permission(request):
            raise PermissionDenied
        form = RangeForm(request.GET)
        events = _chosen(form.cleaned_data if form.is_valid() else {})
        if request.method == "POST" and form.is_valid():
            ids = events.order_by("received_at", "pk").values_list("pk", flat=True)[: AT_MOST + 1]
            return offer_job(self, request, REPLAY, list(ids))
        counts = events.aggregate(
            count=Count("pk"), oldest=Min("received_at"), unprocessed=Count("pk", filter=Q(processed_at=None))
        )
        context = {"form": form, **counts}
        title = gettext("Process a range again")
        template = "admin/messaging/webhookevent/range.html"
        return draw(self, request, template, title=title, context=context, status=200 if form.is_valid() else 422)


def _chosen(given: dict[str, Any]) -> QuerySet[WebhookEvent]:
    events = WebhookEvent.objects.filter(received_at__gte=given.get("since") or timezone.now() - LOOKED_BACK)
    if given.get("until"):
        events = events.filter(received_at__lt=given["until"])
    if given.get("sender"):
        events = events.filter(sender=given["sender"])
    if given.get("state") == "open":
        events = events.filter(processed_at=None)
    if given.get("state") == "failed":
        went_wrong = (InboundLog.Outcome.FAILED, InboundLog.Outcome.NOT_UNDERSTOOD, InboundLog.Outcome.NOT_ROUTED)
        lines = InboundLog.objects.filter(outcome__in=went_wrong, event__isnull=False)
        events = events.filter(pk__in=lines.values("event"))
    return events


@admin.register(InboundLog)
class InboundLogAdmin(InspectAdmin):
    """One line for each thing that came in: what it was, what became of it, and why."""

    list_display = ("at", "shown_kind", "outcome", "shown_reason", "sender", "message", "event")
    list_filter = (("sender", OfRow), ("event", OfRow), ("message", OfRow), "outcome", "at")
    list_select_related = ("sender", "message", "event")
    first = ("kind", "outcome", "shown_reason", "detail", "excerpt", "at")
    hidden = ("reason",)
    search_fields = ("=kind", "=reason", "detail", "=message__provider_id", "workspace__slug")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_readonly_fields(request, obj), "shown_reason"]

    @admin.display(description=_("kind"), ordering="kind")
    def shown_kind(self, line: InboundLog) -> str:
        return kind_word(line.kind)

    @admin.display(description=_("why"), ordering="reason")
    def shown_reason(self, line: InboundLog) -> str:
        return reason_word(line.reason) if line.reason else EMPTY
