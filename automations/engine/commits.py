"""The engine's commits: each is one transaction, names the lease token, and leaves a state that can go on.

Locks go in one order everywhere: contact, chat, message, run, wait. A commit that suspends or ends a run takes
the contact's lock first, so that a message that comes in the same instant is either seen here or finds the wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from automations.engine.held import HeldRun
from automations.engine.program import Node
from automations.engine.results import Done, Suspend
from automations.models import Run, Signal, StepRun, Wait
from messaging.models import Chat, Conversation, Message
from messaging.services.people import lock_contact
from messaging.services.receiving import route_again
from workspaces.changes import announce
from workspaces.errors import BotenwerkError
from workspaces.queue import enqueue
from workspaces.services.notifications import notify_team

ADVANCE_TASK = "automations.tasks.advance_run"
WAKE_MARGIN = timedelta(seconds=5)
STEP_LEASE = timedelta(seconds=25)
# News of a message wakes its run; this is the net beneath it.
LOOK_AGAIN = timedelta(seconds=60)
# Errors that are somebody's wish, not a fault: the run ends as cancelled and alarms nobody (product.md).
QUIET_ERRORS = frozenset({"recipient_opted_out", "conversation_taken_over"})
# However long a customer goes on writing, what came is answered then.
GATHER_AT_MOST = timedelta(seconds=60)


def hold_lease(held: HeldRun, *, until: datetime) -> None:
    """Move the lease on where it would end sooner. Raises LeaseLost."""
    if held.run.lease_until is not None and held.run.lease_until >= until:
        return
    with transaction.atomic():
        held.update(lease_until=until, wake_at=until)


def start_attempt(
    held: HeldRun, node: Node, shown_input: dict[str, Any], *, now: datetime, lease_until: datetime
) -> bool:
    """Commit that a step with an outside effect begins. True if this attempt had begun before: its worker died."""
    lease_until = max(lease_until, held.run.lease_until or lease_until)
    with transaction.atomic():
        held.update(lease_until=lease_until, wake_at=lease_until)
        row = held.present_row(node)
        if row is None:
            held.write_step(node, now=now, status=StepRun.Status.STARTED, shown_input=shown_input)
            announce_run(held.run, now=now)
            return False
        repeated = row.status == StepRun.Status.STARTED
        StepRun.objects.in_workspace(held.run.workspace).filter(pk=row.pk).update(status=StepRun.Status.STARTED)
        return repeated


def commit_done(
    held: HeldRun,
    node: Node,
    result: Done,
    shown_input: dict[str, Any],
    *,
    now: datetime,
    ends_as: str = "",
    resets_count: bool = True,
) -> None:
    """The step is through; the run stands before the next one, or is over with it (`ends_as` a status).

    `resets_count` false: who killed the last worker may as well have been a step that comes after this one.
    """
    run = held.run
    changes: dict[str, Any] = {
        "cursor": node.successor(result.lane) or "",
        "attempt": 1,
        # The next step begins in this very slice: its first try is counted already.
        "crash_count": 1 if resets_count else run.crash_count,
        "wake_tries": 0,
        "steps_taken": run.steps_taken + 1,
        "resumed_wait": None,
    }
    if result.chat is not None and result.chat.pk != run.chat_id:
        changes |= {"chat": result.chat, "contact": result.chat.contact}
    if result.conversation is not None and result.conversation.pk != run.conversation_id:
        changes["conversation"] = result.conversation
    if run.lease_until is None or run.lease_until < now + STEP_LEASE:
        changes |= {"lease_until": now + STEP_LEASE, "wake_at": now + STEP_LEASE}
    if not ends_as:
        with transaction.atomic():
            held.write_step(node, now=now, status=StepRun.Status.DONE, shown_input=shown_input, done=result)
            held.update(**changes)
        held.arrive()
        return
    with transaction.atomic(), the_line(run, result.chat):
        held.write_step(node, now=now, status=StepRun.Status.DONE, shown_input=shown_input, done=result)
        _end(held, {**changes, **_ended(ends_as, now)}, now=now)


def commit_suspension(
    held: HeldRun, node: Node, result: Suspend, shown_input: dict[str, Any], *, now: datetime
) -> bool:
    """Write the wait and give the lease up. True if what it would wait for is here already: the run goes on."""
    run = held.run
    chat = result.chat or run.chat
    due_at = result.until
    if due_at is None and result.kind is Wait.Kind.DELIVERY:
        due_at = now + LOOK_AGAIN
    with transaction.atomic(), the_line(run, chat):
        wait = Wait(
            workspace=run.workspace,
            run=run,
            step_key=node.key,
            iteration=run.iteration,
            kind=result.kind,
            due_at=due_at,
            chat=chat,
            message=result.message,
            quiet_seconds=result.quiet.seconds if result.quiet else 0,
        )
        if _is_here_already(run, wait, now=now):
            wait.save()
            if wait.kind == Wait.Kind.REPLY:
                take_signals(wait, now=now)
            held.write_step(node, now=now, status=StepRun.Status.WAITING, shown_input=shown_input)
            held.update(resumed_wait=wait, crash_count=1)
            return True
        wait.save()
        changes: dict[str, Any] = {
            "status": Run.Status.WAITING,
            "lease_token": None,
            "lease_until": None,
            "wake_at": wait.due_at,
            "wake_tries": 0,
            "crash_count": 0,
            "resumed_wait": None,
        }
        if result.chat is not None and result.chat.pk != run.chat_id:
            changes |= {"chat": result.chat, "contact": result.chat.contact}
        held.write_step(node, now=now, status=StepRun.Status.WAITING, shown_input=shown_input, notes=result.notes)
        held.update(**changes)
        announce_run(run, now=now)
        if result.kind is Wait.Kind.DELAY:
            release_signals(run, now=now)
    return False


def _is_here_already(run: Run, wait: Wait, *, now: datetime) -> bool:
    """Whether the new wait is over as it begins; if so it is resolved. One that gathers begins to, instead."""
    if wait.kind == Wait.Kind.DELIVERY:
        if not _has_moved(wait.message):
            return False
        wait.resolved_at, wait.resolution = now, "news"
        return True
    if wait.kind != Wait.Kind.REPLY:
        return False
    if is_under_a_persons_hand(wait, now=now):
        wait.stands_since = now
        return False
    first = kept_signals(run).first()
    if first is None:
        return False
    wait.message = first.message
    if wait.quiet_seconds:
        gather(wait, now=now)
        return False
    wait.resolved_at, wait.resolution = now, "signal"
    return True


def is_under_a_persons_hand(wait: Wait, *, now: datetime) -> bool:
    """Whether a person has taken over the conversation that the wait stands in."""
    rows = Conversation.objects.in_workspace(wait.workspace)
    return rows.filter(chat=wait.chat, closed_at=None, taken_over_until__gt=now).exists()


def gather(wait: Wait, *, now: datetime) -> None:
    """An answer has come: the wait is over when nothing more comes for its silence, and after a minute in any case."""
    wait.answered_at = wait.answered_at or now
    wait.due_at = min(now + timedelta(seconds=wait.quiet_seconds), wait.answered_at + GATHER_AT_MOST)


def take_signals(wait: Wait, *, now: datetime) -> None:
    """What was kept for the run is the wait's now: all of a burst, else the message that resolved it."""
    kept = kept_signals(wait.run)
    if not wait.quiet_seconds:
        kept = kept.filter(message=wait.message)
    kept.update(consumed_at=now, wait=wait)


def commit_retry(
    held: HeldRun,
    node: Node,
    error: BotenwerkError,
    shown_input: dict[str, Any],
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """This attempt has failed; another one follows at `due_at`."""
    run = held.run
    with transaction.atomic(), the_line(run):
        held.write_step(node, now=now, status=StepRun.Status.FAILED, shown_input=shown_input, error=error)
        Wait.objects.create(
            workspace=run.workspace,
            run=run,
            step_key=node.key,
            iteration=run.iteration,
            kind=Wait.Kind.RETRY,
            due_at=due_at,
            chat=run.chat,
        )
        held.update(
            status=Run.Status.WAITING,
            lease_token=None,
            lease_until=None,
            wake_at=due_at,
            wake_tries=0,
            crash_count=0,
            attempt=run.attempt + 1,
            resumed_wait=None,
        )
        announce_run(run, now=now)


def commit_failure(
    held: HeldRun,
    node: Node,
    error: BotenwerkError,
    shown_input: dict[str, Any],
    *,
    now: datetime,
    is_final: bool = False,
) -> bool:
    """The last attempt has failed: log it, tell the team, and go by the step's rule. True if the run goes on."""
    run = held.run
    quiet = error.code in QUIET_ERRORS
    has_lane = node.on_failure == "lane" and node.lanes.get("failure")
    goes_on = not is_final and (node.on_failure == "continue" or bool(has_lane))
    with transaction.atomic(), the_line(run):
        held.write_step(node, now=now, status=StepRun.Status.FAILED, shown_input=shown_input, error=error)
        if not quiet:
            _tell_team(run, node, error, now=now)
        if goes_on:
            cursor = node.lanes["failure"] if has_lane else node.next
            held.update(
                cursor=cursor or "",
                attempt=1,
                crash_count=1,
                steps_taken=run.steps_taken + 1,
                resumed_wait=None,
                error_code=error.code,
                error_facts=error.facts,
                error_step=node.key,
            )
            held.arrive()
            return True
        facts = {"error_code": error.code, "error_facts": error.facts, "error_step": node.key}
        _end(held, _ended(Run.Status.CANCELLED if quiet else Run.Status.FAILED, now) | facts, now=now)
    return False


def end_run(held: HeldRun, *, status: Run.Status, now: datetime) -> None:
    """The run is over; messages kept for it are routed as if they had just come."""
    with transaction.atomic(), the_line(held.run):
        _end(held, _ended(status, now), now=now)


def _ended(status: str, now: datetime) -> dict[str, Any]:
    return {
        "status": status,
        "lease_token": None,
        "lease_until": None,
        "wake_at": None,
        "ended_at": now,
        "resumed_wait": None,
    }


def _end(held: HeldRun, changes: dict[str, Any], *, now: datetime) -> None:
    held.update(**changes)
    announce_run(held.run, now=now)
    release_signals(held.run, now=now)


def put_back(held: HeldRun, *, now: datetime) -> None:
    """Give the lease up between two steps; another worker goes on."""
    with transaction.atomic():
        held.update(
            status=Run.Status.QUEUED,
            lease_token=None,
            lease_until=None,
            wake_at=now + WAKE_MARGIN,
            crash_count=0,
        )
        enqueue(ADVANCE_TASK, held.run.pk)


def announce_run(run: Run, *, now: datetime) -> None:
    """Live pages of this run, and the list, fetch anew."""
    announce(run.workspace, f"run:{run.public_id}", "runs", now=now)


@contextmanager
def the_line(run: Run, chat: Chat | None = None) -> Iterator[None]:
    """The contact's lock, taken before the run's: one customer, one line. `chat` is what a run is about to speak on."""
    contact = run.contact or (chat.contact if chat is not None else None)
    if contact is not None:
        lock_contact(contact)
    yield


def _has_moved(message: Message | None) -> bool:
    """Whether something has become of the message since the step looked at it."""
    if message is None:
        return False
    seen = message.status
    message.refresh_from_db(fields=["status"])
    return message.status != seen


def kept_signals(run: Run) -> QuerySet[Signal]:
    """The messages kept for the run that nothing has taken yet, in the order of the customer's writing."""
    return (
        Signal.objects.in_workspace(run.workspace)
        .filter(run=run, kind=Signal.Kind.REPLY, consumed_at=None)
        .select_related("message")
        .order_by("message__occurred_at", "message_id", "id")
    )


def release_signals(run: Run, *, now: datetime) -> None:
    """The run ends, or goes into a delay, which holds no line: its kept messages are routed by the rules."""
    for signal in list(kept_signals(run)):
        Signal.objects.in_workspace(run.workspace).filter(pk=signal.pk).update(consumed_at=now)
        if signal.message is not None:
            route_again(signal.message, now=now)


def _tell_team(run: Run, node: Node, error: BotenwerkError, *, now: datetime) -> None:
    notify_team(
        workspace=run.workspace,
        code=error.code,
        title=_("“%(flow)s” failed at “%(step)s”"),
        link=reverse("run", args=[run.workspace.slug, run.public_id]),
        level="failure",
        # One notice a cause, not one a run: forty failed runs are one row that counts to forty.
        digest_key=f"run:{run.flow_id}:{node.key}:{error.code}",
        facts={**error.facts, "flow": run.flow.name, "step": node.name},
        now=now,
    )
