"""Which failed messages surely did not go out, and sending those again in bulk, each at most once."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from messaging.errors import DeliveryUnknown
from messaging.models import Message
from messaging.retry_errors import MayHaveArrived, NotAFailedMessage, SentAgainAlready
from messaging.services.outbox import Origin, SlotPolicy, send_again
from messaging.services.progress import advance_message
from workspaces.errors import BotenwerkError
from workspaces.models import User, Workspace
from workspaces.services.audit import Actor, actor_label, record

# Whoever knows more about what caused messages: by primary key, why one must not be sent again now.
Guard = Callable[[Workspace, Sequence[Message]], dict[int, BotenwerkError]]
_guards: list[Guard] = []

# They wait for their slots behind replies, as long as it takes.
SLOT_AT_MOST = timedelta(hours=24)
# A step's attempts are rows with keys run:step:iteration:attempt:part (architecture.md, Sending exactly once).
_ATTEMPT = 3


def keep_back_by(guard: Guard) -> None:
    """Ask this app too before messages are sent again in bulk. Called in AppConfig.ready."""
    _guards.append(guard)


def not_to_be_sent_again(messages: Sequence[Message]) -> dict[int, BotenwerkError]:
    """By primary key, why each must be left out. A constant number of queries a workspace."""
    why: dict[int, BotenwerkError] = {}
    for workspace, rows in _by_workspace(messages):
        why |= _left_out(workspace, rows)
    return why


def send_again_in_bulk(message: Message, *, by: User, now: datetime) -> Message | None:
    """One of many: a new message with the same content, behind replies. None where it was sent again before.

    Raises what `send_again` raises. Ask `not_to_be_sent_again` first.
    """
    origin = Origin(kind=Message.Cause.STAFF, id=str(by.pk), label=actor_label(by), is_bulk=True)
    slots = SlotPolicy(kind="queue", deadline=now + SLOT_AT_MOST)
    sent = send_again(message=message, origin=origin, now=now, slots=slots)
    if not getattr(sent, "was_created", False):
        return None
    record(by, "message.sent_again", message, again=str(sent.public_id))
    return sent


def mark_as_arrived(message: Message, *, by: Actor, now: datetime) -> bool:
    """A person has seen that a message with an unknown end did arrive. False where its end is known.

    The platform's own word, should it still come, is kept beside it and moves the message on as ever.
    """
    is_open = message.status == Message.Status.UNKNOWN or (
        message.status == Message.Status.FAILED and message.error_code == DeliveryUnknown.code
    )
    if not is_open or not advance_message(message, Message.Status.DELIVERED, now=now):
        return False
    record(by, "message.marked_as_arrived", message)
    return True


def _by_workspace(messages: Iterable[Message]) -> list[tuple[Workspace, list[Message]]]:
    groups: dict[int, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.workspace_id, []).append(message)
    return [(rows[0].workspace, rows) for rows in groups.values()]


def _left_out(workspace: Workspace, rows: list[Message]) -> dict[int, BotenwerkError]:
    why: dict[int, BotenwerkError] = {}
    for guard in _guards:
        why |= guard(workspace, rows)
    newer = _newer(workspace, rows)
    for message in rows:
        if message.direction != Message.Direction.OUT or message.status != Message.Status.FAILED:
            why[message.pk] = NotAFailedMessage(status=str(message.get_status_display()))
        elif message.error_code == DeliveryUnknown.code:
            why[message.pk] = MayHaveArrived()
        elif message.pk in newer:
            why[message.pk] = SentAgainAlready(status=str(newer[message.pk].get_status_display()))
    return why


def _newer(workspace: Workspace, rows: list[Message]) -> dict[int, Message]:
    """The message that stands for each: the one sent again by hand, or a later attempt of its step."""
    again = {f"again:{message.public_id}": message for message in rows}
    causes = {message.cause_id for message in rows if _step_of(message)}
    stored = Message.objects.in_workspace(workspace)
    found: dict[int, Message] = {}
    for newer in stored.filter(idempotency_key__in=list(again)):
        found[again[str(newer.idempotency_key)].pk] = newer
    attempts: dict[tuple[str, ...], Message] = {}
    for attempt in stored.filter(cause_kind=Message.Cause.RUN, cause_id__in=causes).order_by("pk"):
        attempts[_step_of(attempt)] = attempt
    for message in rows:
        step = _step_of(message)
        latest = attempts.get(step) if step else None
        if latest is not None and latest.pk > message.pk:
            found[message.pk] = latest
    return found


def _step_of(message: Message) -> tuple[str, ...]:
    """Run, step, iteration and part of the attempt that sent the message; empty for one that no step sent."""
    parts = (message.idempotency_key or "").split(":")
    if message.cause_kind != Message.Cause.RUN or len(parts) <= _ATTEMPT:
        return ()
    return (*parts[:_ATTEMPT], *parts[_ATTEMPT + 1 :])
