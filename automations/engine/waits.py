"""Resolving waits: whoever comes first wins, once. A run that was resumed is queued in the same transaction."""

from datetime import datetime

from django.db import transaction

from automations.engine.commits import ADVANCE_TASK, WAKE_MARGIN, announce_run, gather, take_signals, the_line
from automations.models import Run, Signal, Wait
from messaging.models import Conversation, Message
from workspaces.queue import enqueue


def resolve_wait(
    wait: Wait, *, resolution: str, now: datetime, message: Message | None = None, wakes: bool = True
) -> bool:
    """Resume the wait's run. True for the one caller who wins. Call it inside a transaction, under the line's lock.

    `wakes` false: no worker is woken, since the caller advances the run itself.
    """
    workspace = wait.run.workspace
    if not Wait.objects.in_workspace(workspace).resolve(wait, resolution=resolution, now=now):
        return False
    if message is not None:
        Wait.objects.in_workspace(workspace).filter(pk=wait.pk).update(message=message)
    runs = Run.objects.in_workspace(workspace).filter(pk=wait.run_id, status=Run.Status.WAITING)
    runs.update(status=Run.Status.QUEUED, resumed_wait=wait, wake_at=now + WAKE_MARGIN, wake_tries=0, updated_at=now)
    announce_run(wait.run, now=now)
    if wakes:
        enqueue(ADVANCE_TASK, wait.run_id)
    return True


def answer_wait(wait: Wait, message: Message, *, now: datetime) -> bool:
    """The customer's message answers the wait, at once or, where it gathers, together with what follows.

    True if it was still open. Call it inside a transaction, under the line's lock.
    """
    if not wait.quiet_seconds:
        return resolve_wait(wait, resolution="reply", now=now, message=message)
    gather(wait, now=now)
    rows = Wait.objects.in_workspace(wait.workspace).filter(pk=wait.pk, token=wait.token, resolved_at=None)
    changes = {"answered_at": wait.answered_at, "due_at": wait.due_at, "message": message, "updated_at": now}
    if not rows.update(**changes):
        return False
    keep_signal(wait.run, message)
    _wake_at(wait, wait.due_at)
    return True


def keep_signal(run: Run, message: Message) -> None:
    """Keep the message for the run, once."""
    Signal.objects.in_workspace(run.workspace).get_or_create(
        run=run, kind=Signal.Kind.REPLY, source=str(message.public_id), defaults={"message": message}
    )


def stand_still(wait: Wait, *, now: datetime) -> None:
    """A person has taken over: the wait's time does not run. Call it under the line's lock."""
    Wait.objects.in_workspace(wait.workspace).filter(pk=wait.pk, resolved_at=None, stands_since=None).update(
        stands_since=now, updated_at=now
    )


def run_on(wait: Wait, *, until: datetime) -> None:
    """The person's hold is over at `until`: what was left of the time is left now. Call it under the line's lock."""
    if wait.stands_since is None:
        return
    if wait.due_at is not None:
        wait.due_at += max(until, wait.stands_since) - wait.stands_since
    wait.stands_since = None
    Wait.objects.in_workspace(wait.workspace).filter(pk=wait.pk, resolved_at=None).update(
        stands_since=None, due_at=wait.due_at
    )
    _wake_at(wait, wait.due_at)


def resolve_if_due(run: Run, *, now: datetime) -> bool:
    """A waiting run whose time has come is resumed; one that stands still under a person's hand waits on.

    True if it was resumed here: whoever asked advances it.
    """
    if run.status != Run.Status.WAITING:
        return False
    with transaction.atomic(), the_line(run):
        wait = (
            Wait.objects.in_workspace(run.workspace)
            .select_related("run__workspace", "run__contact", "workspace")
            .filter(run=run, resolved_at=None)
            .first()
        )
        if wait is None or wait.due_at is None or wait.due_at > now:
            return False
        if wait.stands_since is not None:
            held = Conversation.objects.in_workspace(run.workspace).filter(chat=wait.chat, closed_at=None).first()
            if held is not None and held.is_taken_over(now):
                _wake_at(wait, held.taken_over_until)
                return False
            # The hours ran out by themselves: it goes on waiting.
            run_on(wait, until=held.taken_over_until if held and held.taken_over_until else now)
            if wait.due_at > now:
                return False
        if wait.answered_at is not None:
            take_signals(wait, now=now)
        return resolve_wait(wait, resolution="reply" if wait.answered_at else "timeout", now=now, wakes=False)


def _wake_at(wait: Wait, at: datetime | None) -> None:
    Run.objects.in_workspace(wait.workspace).filter(pk=wait.run_id, status=Run.Status.WAITING).update(
        wake_at=at, wake_tries=0
    )
