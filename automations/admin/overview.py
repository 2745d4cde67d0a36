"""The engine's figures on the admin's first page."""

from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from automations.models import Run
from workspaces.admin.overview import Figure, register_figure

# The clock looks four times a second; a run that is due for longer waits for a clock that has stopped.
LAG_SECONDS = 10


def _clock_lag(now: datetime) -> float:
    """Seconds since the oldest run that is due should have been woken."""
    due = Run.objects.across_workspaces().filter(wake_at__lte=now).order_by("wake_at")
    oldest = due.values_list("wake_at", flat=True).first()
    return round((now - oldest).total_seconds(), 1) if oldest else 0


def _failed_today(now: datetime) -> int:
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return Run.objects.across_workspaces().filter(status=Run.Status.FAILED, ended_at__gte=midnight).count()


def _waiting(now: datetime) -> int:
    return Run.objects.across_workspaces().filter(wake_at__isnull=False, status=Run.Status.WAITING).count()


register_figure(
    Figure(
        _("Clock behind, seconds"),
        _clock_lag,
        "automations.view_run",
        lambda: reverse("admin:automations_wait_due"),
        LAG_SECONDS,
    )
)
register_figure(
    Figure(
        _("Runs failed today"),
        _failed_today,
        "automations.view_run",
        lambda: reverse("admin:automations_run_changelist") + "?status__exact=failed",
        1,
    )
)
register_figure(
    Figure(
        _("Runs waiting for a time"),
        _waiting,
        "automations.view_run",
        lambda: reverse("admin:automations_wait_due"),
    )
)
