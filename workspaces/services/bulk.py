"""Bulk jobs: a choice of rows is stored as a draft, started by a person, and worked off on the bulk queue.

Every row is done by the same service as on its page. A worker that dies costs nothing: the lease lapses, the clock
wakes the job, and a row that was done before it could be ticked off is not done twice by what `act` does (a key, a
state that it expects).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, models, transaction
from django.db.models import Count, QuerySet

from workspaces.errors import BotenwerkError, Text
from workspaces.models import BulkItem, BulkJob, User
from workspaces.queue import enqueue
from workspaces.stopping import is_stopping

log = structlog.get_logger(__name__)
Outcome = BulkItem.Outcome
State = BulkJob.State

TASK = "workspaces.tasks.work_on_bulk_job"
# Chosen in one go; whoever has more narrows the choice down.
AT_MOST = 10_000
BATCH = 20
SIFTED_AT_ONCE = 500
# A worker is shared: after this it lets others in and comes back.
TURN_SECONDS = 10.0
LEASE = timedelta(seconds=90)
FIRST_LOOK = timedelta(seconds=5)
DRAFTS_KEPT = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class BulkKind:
    """What can be done to many rows.

    `sift` names what must be left out, by primary key, in a constant number of queries. `act` does one row: it
    returns what is worth telling of it, or None where there was nothing to do; a named error refuses it.
    """

    name: str
    label: Text
    model: type[models.Model]
    permission: str
    rows: Callable[[Sequence[int]], QuerySet]
    sift: Callable[[Sequence[Any]], dict[int, BotenwerkError]]
    act: Callable[[Any, BulkJob, datetime], dict[str, Any] | None]


_kinds: dict[str, BulkKind] = {}


def register_bulk_kind(kind: BulkKind) -> None:
    """Make this kind of job known to the pages and to the workers."""
    _kinds[kind.name] = kind


def bulk_kinds() -> dict[str, BulkKind]:
    """Every kind by its name."""
    return dict(_kinds)


def draft_job(kind: BulkKind, row_ids: Sequence[int], *, by: User, now: datetime) -> BulkJob:
    """Store the choice, with what is left out of it and why. Nothing is done yet. At most AT_MOST rows are taken."""
    with transaction.atomic():
        job = BulkJob.objects.create(kind=kind.name, asked_by=by, created_at=now)
        for first in range(0, min(len(row_ids), AT_MOST), SIFTED_AT_ONCE):
            ids = row_ids[first : min(first + SIFTED_AT_ONCE, AT_MOST)]
            left_out = kind.sift(list(kind.rows(ids)))
            BulkItem.objects.bulk_create([_item(job, row_id, left_out.get(row_id)) for row_id in ids])
    return job


def start_job(job: BulkJob, *, by: User, now: datetime) -> bool:
    """Begin, in this person's name; False for one that was started or stopped before."""
    with transaction.atomic():
        moved = BulkJob.objects.move(
            job.pk, expected=State.DRAFT, to=State.RUNNING, asked_by=by, started_at=now, wake_at=now + FIRST_LOOK
        )
        if moved:
            enqueue(TASK, job.pk, queue="bulk")
    return moved


def stop_job(job: BulkJob, *, now: datetime) -> bool:
    """Do no further row; what was done stays done. False for a job that has ended."""
    for state in (State.RUNNING, State.DRAFT):
        if BulkJob.objects.move(job.pk, expected=state, to=State.STOPPED, ended_at=now, wake_at=None, lease_until=None):
            return True
    return False


def work_on_job(job: BulkJob, *, clock: Callable[[], datetime]) -> None:
    """Do rows for one turn, in the order they were chosen; then the job ends or comes to the queue's end again."""
    now = clock()
    if not BulkJob.objects.claim(job.pk, now=now, until=now + LEASE):
        return
    kind, until = _kinds[job.kind], time.monotonic() + TURN_SECONDS
    for item, row in _pending(job, kind):
        _do(item, row, job, kind, clock())
        if is_stopping() or time.monotonic() > until:
            _put_back(job, clock())
            return
        # Stopped by a person, or taken for dead and given to another worker.
        now = clock()
        if not BulkJob.objects.filter(pk=job.pk, state=State.RUNNING).update(
            lease_until=now + LEASE, wake_at=now + LEASE
        ):
            return
    BulkJob.objects.move(
        job.pk, expected=State.RUNNING, to=State.DONE, ended_at=clock(), wake_at=None, lease_until=None
    )


def progress_of(job: BulkJob) -> dict[str, int]:
    """How many rows of the job have come to what; one query."""
    counted = job.items.order_by().values_list("outcome").annotate(Count("pk"))
    return {**dict.fromkeys(Outcome.values, 0), **dict(counted)}


def sweep_drafts(now: datetime) -> int:
    """Forget choices that nobody has started."""
    return BulkJob.objects.abandoned(now - DRAFTS_KEPT).delete()[0]


def _item(job: BulkJob, row_id: int, why: BotenwerkError | None) -> BulkItem:
    if why is None:
        return BulkItem(job=job, row_id=row_id)
    return BulkItem(job=job, row_id=row_id, outcome=Outcome.LEFT_OUT, error_code=why.code, error_facts=why.facts)


def _pending(job: BulkJob, kind: BulkKind) -> Iterator[tuple[BulkItem, Any]]:
    while items := list(job.items.filter(outcome=Outcome.PENDING).order_by("pk")[:BATCH]):
        rows = {row.pk: row for row in kind.rows([item.row_id for item in items])}
        for item in items:
            yield item, rows.get(item.row_id)


def _do(item: BulkItem, row: Any, job: BulkJob, kind: BulkKind, now: datetime) -> None:
    outcome, error, result = Outcome.UNCHANGED, None, None
    # Since the choice was made the row may have changed, or gone.
    why = kind.sift([row]).get(row.pk) if row is not None else None
    if why is not None:
        outcome, error = Outcome.LEFT_OUT, why
    elif row is not None:
        try:
            result = kind.act(row, job, now)
        except BotenwerkError as refused:
            outcome, error = Outcome.REFUSED, refused
        except DatabaseError:
            raise
        except Exception:
            log.exception("bulk_row_failed", job=str(job.public_id), row=item.row_id)
            outcome, error = Outcome.REFUSED, BotenwerkError()
        else:
            outcome = Outcome.UNCHANGED if result is None else Outcome.DONE
    job.items.filter(pk=item.pk, outcome=Outcome.PENDING).update(
        outcome=outcome,
        error_code=error.code if error else "",
        error_facts=error.facts if error else {},
        result=result or {},
        done_at=now,
    )


def _put_back(job: BulkJob, now: datetime) -> None:
    with transaction.atomic():
        rows = BulkJob.objects.filter(pk=job.pk, state=State.RUNNING)
        if rows.update(lease_until=None, wake_at=now + FIRST_LOOK):
            enqueue(TASK, job.pk, queue="bulk")
