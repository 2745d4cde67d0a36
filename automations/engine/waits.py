"""Resolving waits: whoever comes first wins, once. A run that was resumed is queued in the same transaction."""

from datetime import datetime

from django.db import transaction

from automations.engine.commits import ADVANCE_TASK, WAKE_MARGIN, announce_run, the_line
from automations.models import Run, Wait
from messaging.models import Message
from workspaces.queue import enqueue


def resolve_wait(wait: Wait, *, resolution: str, now: datetime, message: Message | None = None) -> bool:
    """Resume the wait's run. True for the one caller who wins. Call it inside a transaction, under the line's lock."""
    workspace = wait.run.workspace
    if not Wait.objects.in_workspace(workspace).resolve(wait, resolution=resolution, now=now):
        return False
    if message is not None:
        Wait.objects.in_workspace(workspace).filter(pk=wait.pk).update(message=message)
    runs = Run.objects.in_workspace(workspace).filter(pk=wait.run_id, status=Run.Status.WAITING)
    runs.update(status=Run.Status.QUEUED, resumed_wait=wait, wake_at=now + WAKE_MARGIN, wake_tries=0, updated_at=now)
    announce_run(wait.run, now=now)
    enqueue(ADVANCE_TASK, wait.run_id)
    return True


def resolve_if_due(run: Run, *, now: datetime) -> None:
    """A waiting run whose time has come is resumed; one that stands still under a person's hand waits on."""
    if run.status != Run.Status.WAITING:
        return
    with transaction.atomic(), the_line(run):
        wait = (
            Wait.objects.in_workspace(run.workspace)
            .select_related("run__workspace", "run__contact")
            .filter(run=run, resolved_at=None)
            .first()
        )
        if wait is None or wait.due_at is None or wait.due_at > now:
            return
        if wait.kind == Wait.Kind.REPLY and run.conversation is not None:
            run.conversation.refresh_from_db()
            if run.conversation.is_taken_over(now):
                _stand_still(run, wait, until=run.conversation.taken_over_until)
                return
        resolve_wait(wait, resolution="timeout", now=now)


def _stand_still(run: Run, wait: Wait, *, until: datetime | None) -> None:
    Wait.objects.in_workspace(run.workspace).filter(pk=wait.pk).update(due_at=until)
    Run.objects.in_workspace(run.workspace).filter(pk=run.pk, status=Run.Status.WAITING).update(wake_at=until)
