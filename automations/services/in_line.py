"""One customer, one line: which run of this chat a message is for, read under the contact's lock.

A tap or a quoted reply goes to the run that sent the message; all else to the newest wait, or is kept for the run that
is busy with the customer. A tap whose wait is over answers nothing any more: it must not count as the answer to
another question.
"""

from dataclasses import dataclass, field

from automations.models import Run, StepRun, Wait
from automations.taps import read_tap
from messaging.models import Chat, Message

BUSY = (Run.Status.QUEUED, Run.Status.RUNNING)
HOLDS_THE_LINE = (Wait.Kind.RETRY, Wait.Kind.PACING, Wait.Kind.DELIVERY, Wait.Kind.THREAD)
TAPPED = ("button", "interactive")


@dataclass
class Place:
    """Whom a message is for: the waits that it may answer, best first; else the busy run that keeps it.

    `late_for` is the run that it came too late for, `why` how its wait ended (timed_out, answered, run_ended);
    `is_taken` says that a run has the line although the message is not for it.
    """

    waits: list[Wait] = field(default_factory=list)
    busy: Run | None = None
    late_for: Run | None = None
    why: str = ""
    is_taken: bool = False


def place_in_line(message: Message, chat: Chat, *, is_new: bool = False) -> Place:
    """Find the message's place. Call it under the contact's lock. `is_new`: nobody can wait for this contact yet."""
    if is_new:
        return Place()
    live = list(
        Run.objects.in_workspace(message.workspace)
        .select_related("flow", "workspace")
        .filter(chat=chat, status__in=(*BUSY, Run.Status.WAITING))
        .order_by("-id")
    )
    waits = _open_waits(message, live)
    replies = sorted((wait for wait in waits.values() if wait.kind == Wait.Kind.REPLY), key=lambda wait: -wait.pk)
    in_the_way = [run for run in live if run.leads and _holds_the_line(run, waits)]
    target, asked_by = _addressed_run(message, chat)
    why = ""
    if target is not None:
        why = _why_late(target, asked_by, waits.get(target.pk))
        if why and is_tap(message):
            return Place(late_for=target, why=why, is_taken=bool(replies or in_the_way))
        if not why:
            mine = [wait for wait in replies if wait.run_id == target.pk]
            # Tapped or quoted while its run is on the way to the wait, which takes it then.
            keeper = next((run for run in in_the_way if run.pk == target.pk), None)
            return Place(waits=mine, busy=keeper) if mine or keeper else Place(is_taken=bool(replies or in_the_way))
    if replies or in_the_way:
        return Place(waits=replies, busy=in_the_way[0] if in_the_way else None)
    if target is not None:
        return Place(late_for=target, why=why)
    return _after_a_time_out(message, chat)


def is_tap(message: Message) -> bool:
    """Whether the customer tapped something we sent, in place of writing."""
    return message.kind in TAPPED or bool(message.payload.get("button_id"))


def _open_waits(message: Message, live: list[Run]) -> dict[int, Wait]:
    waiting = {run.pk: run for run in live if run.status == Run.Status.WAITING}
    if not waiting:
        return {}
    found = Wait.objects.in_workspace(message.workspace).filter(run__in=list(waiting), resolved_at=None)
    waits = {wait.run_id: wait for wait in found}
    for wait in waits.values():
        wait.run, wait.workspace = waiting[wait.run_id], message.workspace
    return waits


def _holds_the_line(run: Run, waits: dict[int, Wait]) -> bool:
    """A delay holds no line, nor does a wait for the customer: that one is answered."""
    if run.status in BUSY:
        return True
    return run.pk in waits and waits[run.pk].kind in HOLDS_THE_LINE


def _addressed_run(message: Message, chat: Chat) -> tuple[Run | None, tuple[str, str] | None]:
    """The run behind what was tapped or quoted, and the step and iteration that sent it, where they can be told.

    A button says it itself; else it is looked up by the message (traps.md T8).
    """
    runs = Run.objects.in_workspace(message.workspace).select_related("flow", "workspace")
    tap = read_tap(message.payload.get("button_id"))
    if tap is not None:
        run = runs.filter(public_id=tap.run, chat=chat).first()
        if run is not None:
            return run, (tap.step, tap.iteration)
    if not message.reply_to_provider_id:
        return None, None
    rows = Message.objects.in_workspace(message.workspace).filter(sender=message.sender, cause_kind=Message.Cause.RUN)
    quoted = rows.filter(provider_id=message.reply_to_provider_id).first()
    if quoted is None:
        return None, None
    parts = (quoted.idempotency_key or "").split(":")
    asked_by = (parts[1], parts[2]) if len(parts) >= 4 else None
    return runs.filter(public_id=quoted.cause_id).first(), asked_by


def _why_late(target: Run, asked_by: tuple[str, str] | None, open_wait: Wait | None) -> str:
    """How the wait that followed the tapped message ended; empty where it is still to come or open."""
    past = Wait.objects.in_workspace(target.workspace).filter(run=target, kind=Wait.Kind.REPLY)
    ended = [wait for wait in past.exclude(resolved_at=None).order_by("id") if not _is_the_same(wait, open_wait)]
    began = _began(target, asked_by)
    after = [wait for wait in ended if began is not None and _place_of(wait) in began]
    if after:
        return "timed_out" if after[0].resolution == "timeout" else "answered"
    return "run_ended" if target.has_ended else ""


def _is_the_same(wait: Wait, open_wait: Wait | None) -> bool:
    """Asking again is the same question."""
    return open_wait is not None and _place_of(wait) == _place_of(open_wait)


def _place_of(wait: Wait) -> tuple[str, str]:
    return wait.step_key, wait.iteration


def _began(target: Run, asked_by: tuple[str, str] | None) -> set[tuple[str, str]] | None:
    """The steps that began after the one that asked; None where it cannot be told."""
    if asked_by is None:
        return None
    rows = StepRun.objects.in_workspace(target.workspace).filter(run=target)
    sending = rows.filter(step_key=asked_by[0], iteration=asked_by[1]).order_by("id").first()
    if sending is None:
        return None
    return set(rows.filter(pk__gt=sending.pk).values_list("step_key", "iteration"))


def _after_a_time_out(message: Message, chat: Chat) -> Place:
    """The first thing that a customer writes after a wait has run out is its late answer, and an ordinary message."""
    waits = Wait.objects.in_workspace(message.workspace).filter(chat=chat, kind=Wait.Kind.REPLY)
    last = waits.select_related("run__flow").order_by("-id").first()
    if last is None or last.resolution != "timeout" or last.resolved_at is None:
        return Place()
    since = Message.objects.in_workspace(message.workspace).filter(
        chat=chat, direction=Message.Direction.IN, created_at__gte=last.resolved_at
    )
    if since.exclude(pk=message.pk).exists():
        return Place()
    return Place(late_for=last.run, why="timed_out")
