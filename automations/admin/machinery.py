"""The engine at a glance: who holds which run and until when, and which waits are due, overdue ones first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q

from automations.models import Run, Wait
from automations.run_picture import wait_words
from workspaces.admin.shown import link_to

SHOWN = 100
# The clock looks four times a second; a claim moves a due row on by 5 s.
LATE_AFTER = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A run that a worker holds. `is_lapsed`: the holder is dead, and the clock gives the run to another."""

    run: Run
    link: str
    is_lapsed: bool


@dataclass(frozen=True, kw_only=True)
class Due:
    """An open wait with its time."""

    wait: Wait
    link: str
    words: str
    is_overdue: bool
    stands: bool


def leases(now: datetime) -> dict[str, Any]:
    """Runs under way, the lapsed first. Two queries."""
    rows = Run.objects.across_workspaces().filter(status=Run.Status.RUNNING)
    counts = rows.aggregate(
        held=Count("pk"),
        lapsed=Count("pk", filter=Q(lease_until__lt=now)),
        crashed=Count("pk", filter=Q(crash_count__gt=1)),
    )
    shown = rows.select_related("flow", "workspace").order_by("lease_until")[:SHOWN]
    held = [
        Lease(run=run, link=link_to(run), is_lapsed=bool(run.lease_until and run.lease_until < now)) for run in shown
    ]
    return {"counts": counts, "leases": held, "shown": SHOWN}


def waits_due(now: datetime) -> dict[str, Any]:
    """Open waits by their time, what is overdue first; and those that have no time. Two queries."""
    rows = Wait.objects.across_workspaces().filter(resolved_at=None)
    counts = rows.aggregate(
        open=Count("pk"),
        overdue=Count("pk", filter=_overdue(now)),
        next_hour=Count("pk", filter=Q(due_at__gte=now, due_at__lt=now + timedelta(hours=1))),
        untimed=Count("pk", filter=Q(due_at=None)),
    )
    people = rows.select_related("run__flow", "chat__contact", "workspace")
    shown = people.order_by(F("due_at").asc(nulls_last=True), "pk")[:SHOWN]
    return {"counts": counts, "waits": list(_due(shown, now)), "shown": SHOWN}


def _overdue(now: datetime) -> Q:
    """Past its time, and not because a person has the conversation in hand: so long its time stands still."""
    return Q(due_at__lt=now - LATE_AFTER, stands_since=None)


def _due(waits: Any, now: datetime) -> Iterator[Due]:
    for wait in waits:
        stands = wait.stands_since is not None
        is_overdue = wait.due_at is not None and wait.due_at < now - LATE_AFTER and not stands
        yield Due(wait=wait, link=link_to(wait.run), words=wait_words(wait), is_overdue=is_overdue, stands=stands)
