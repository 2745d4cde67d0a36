"""Figures of the last seven days: of each flow for the list, and of each step for the cards."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Max
from django.db.models.functions import TruncDate
from django.utils import timezone

from automations.models import Flow, Run, StepRun
from automations.picture import Counts
from workspaces.models import Workspace

DAYS = 7


@dataclass
class FlowFigures:
    """A flow's runs: in the last seven days, day by day, and the newest one ever."""

    runs: int = 0
    waiting: int = 0
    failed: int = 0
    last_at: datetime | None = None
    days: list[int] = field(default_factory=lambda: [0] * DAYS)
    failed_days: list[int] = field(default_factory=lambda: [0] * DAYS)

    @property
    def bars(self) -> list[tuple[int, int]]:
        """Day by day all runs and the failed ones of them, today last."""
        return list(zip(self.days, self.failed_days, strict=True))

    @property
    def today(self) -> int:
        """The runs that began today."""
        return self.days[-1]

    @property
    def failed_today(self) -> int:
        """Those of them that failed."""
        return self.failed_days[-1]


def flow_figures(workspace: Workspace, *, now: datetime) -> dict[int, FlowFigures]:
    """Of every flow that has ever run, by its row's id; two queries, however many flows there are."""
    found: dict[int, FlowFigures] = defaultdict(FlowFigures)
    today = timezone.localdate(now)
    runs = Run.objects.in_workspace(workspace)
    for flow_id, last_at in runs.order_by().values_list("flow").annotate(Max("started_at")):
        found[flow_id].last_at = last_at
    recent = runs.filter(started_at__gte=_first_moment(now)).order_by()
    grouped = recent.annotate(day=TruncDate("started_at")).values_list("flow", "day", "status").annotate(Count("pk"))
    for flow_id, day, status, count in grouped:
        figures = found[flow_id]
        figures.runs += count
        figures.waiting += count if status == Run.Status.WAITING else 0
        figures.failed += count if status == Run.Status.FAILED else 0
        at = DAYS - 1 - (today - day).days
        if 0 <= at < DAYS:
            figures.days[at] += count
            figures.failed_days[at] += count if status == Run.Status.FAILED else 0
    return dict(found)


def step_counts(flow: Flow, *, now: datetime) -> dict[str, Counts]:
    """By step key: runs that went through, that wait there, and that failed there; one query."""
    counts: dict[str, Counts] = defaultdict(Counts)
    attempts = StepRun.objects.in_workspace(flow.workspace).filter(run__flow=flow, started_at__gte=_first_moment(now))
    grouped = attempts.order_by().values_list("step_key", "status").annotate(Count("run", distinct=True))
    for key, status, count in grouped:
        if status == StepRun.Status.DONE:
            counts[key].passed = count
        elif status == StepRun.Status.WAITING:
            counts[key].waiting = count
        elif status == StepRun.Status.FAILED:
            counts[key].failed = count
    return dict(counts)


def runs_in_days(flow: Flow, *, now: datetime) -> int:
    """How many runs began in the last seven days."""
    return Run.objects.in_workspace(flow.workspace).filter(flow=flow, started_at__gte=_first_moment(now)).count()


def _first_moment(now: datetime) -> datetime:
    """Midnight, six days before today, in the workspace's zone."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=DAYS - 1)
