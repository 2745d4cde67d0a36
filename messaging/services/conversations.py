"""Episodes of a chat: opened by the first message either way; closed by a person, a flow, or the quiet time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from django.db import IntegrityError, transaction
from django.db.models import F

from messaging.events import ConversationHandedBack, ConversationTaken
from messaging.models import Chat, Conversation, Message
from messaging.services.people import lock_contact
from workspaces.changes import announce
from workspaces.events import demand_heard, publish
from workspaces.models import Membership
from workspaces.services.audit import Actor, record

# How the runs that wait in a conversation go on when it is handed back.
GoOn = Literal["last", "wait", "end"]

PREVIEW_LENGTH = 200
# Nobody types it: what follows is the name of a kind, to be shown in the reader's language.
KIND_MARK = "\u2060"
LOOK_AGAIN = timedelta(minutes=10)
# After a person's last message flows are silent for so long.
HOLD = timedelta(hours=24)
APP_ACTOR = "WhatsApp Business"

_reasons_to_stay_open: list[Callable[[Chat], bool]] = []


def keep_open_while(reason: Callable[[Chat], bool]) -> None:
    """Have the quiet time not close a conversation while `reason(chat)` is true. Called in AppConfig.ready."""
    if reason not in _reasons_to_stay_open:
        _reasons_to_stay_open.append(reason)


def open_conversation(
    chat: Chat, by: str, now: datetime, *, current: Conversation | None = None
) -> tuple[Conversation, bool]:
    """The chat's open conversation, and whether it was opened now. One whose quiet time is over is closed first.

    `current` is the open one where the caller has just read it, under the contact's lock.
    """
    current = current or open_one(chat)
    if current is not None:
        current.chat, current.workspace = chat, chat.workspace
    if current is not None and _is_over(current, now):
        close_conversation(current, by=Conversation.ClosedBy.QUIET, now=now)
        current = None
    if current is not None:
        return current, False
    try:
        with transaction.atomic():
            opened = Conversation.objects.create(
                workspace=chat.workspace, chat=chat, opened_at=now, opened_by=by, last_message_at=now
            )
    except IntegrityError:
        other = open_one(chat)
        if other is None:
            raise
        return other, False
    return opened, True


def close_conversation(conversation: Conversation, *, by: str, now: datetime) -> bool:
    """Close it; False if it was closed already."""
    rows = Conversation.objects.in_workspace(conversation.workspace).filter(pk=conversation.pk, closed_at=None)
    closed = rows.update(closed_at=now, closed_by=by, wake_at=None, taken_over_until=None, updated_at=now) == 1
    if closed:
        announce(conversation.workspace, f"conversation:{conversation.public_id}", "conversations", now=now)
    return closed


def close_if_quiet(conversation: Conversation, *, now: datetime) -> bool:
    """What the clock does when the quiet time may be over; the next message would do the same."""
    with transaction.atomic():
        lock_contact(conversation.chat.contact)
        conversation.refresh_from_db()
        if conversation.closed_at is not None:
            return False
        if _is_over(conversation, now):
            return close_conversation(conversation, by=Conversation.ClosedBy.QUIET, now=now)
        rows = Conversation.objects.in_workspace(conversation.workspace).filter(pk=conversation.pk)
        rows.update(wake_at=max(_quiet_from(conversation), now + LOOK_AGAIN))
    return False


def note_message(conversation: Conversation, message: Message, *, now: datetime) -> None:
    """Show the message as the conversation's last; a straggler of the past does not become it."""
    is_inbound = message.direction == Message.Direction.IN
    changes: dict[str, object] = {"updated_at": now}
    # The platform's time is in whole seconds: the first message is mostly older than the conversation it opens.
    newest = conversation.last_message_at if conversation.last_message_direction else None
    if newest is None or message.occurred_at >= newest:
        changes |= {
            "last_message_at": message.occurred_at,
            "last_message_text": preview_of(message),
            "last_message_direction": message.direction,
            "wake_at": message.occurred_at + _quiet_time(conversation),
        }
    if is_inbound:
        changes |= {"unread_count": F("unread_count") + 1, "has_inbound": True}
    Conversation.objects.in_workspace(conversation.workspace).filter(pk=conversation.pk).update(**changes)
    announce(conversation.workspace, f"conversation:{conversation.public_id}", "conversations", now=now)


def preview_of(message: Message) -> str:
    """What a list shows of a message: its text, or KIND_MARK and its kind."""
    if message.is_revoked:
        return f"{KIND_MARK}revoked"
    return (message.body or f"{KIND_MARK}{message.kind}")[:PREVIEW_LENGTH]


def mark_read(conversation: Conversation, *, now: datetime) -> None:
    """The team has seen it."""
    rows = Conversation.objects.in_workspace(conversation.workspace).filter(pk=conversation.pk, unread_count__gt=0)
    if rows.update(unread_count=0):
        announce(conversation.workspace, "conversations", now=now)


def take_over(conversation: Conversation, *, by: Membership, until: datetime, now: datetime) -> None:
    """A person speaks; nothing automated does, until then or until it is handed back."""
    with transaction.atomic():
        lock_contact(conversation.chat.contact)
        conversation.refresh_from_db(fields=["taken_over_until"])
        held_until, was_held = conversation.taken_over_until, conversation.is_taken_over(now)
        conversation.taken_over_until, conversation.taken_over_by = until, by
        conversation.save(update_fields=["taken_over_until", "taken_over_by"])
        record(by, "conversation.taken_over", conversation)
        if not was_held:
            demand_heard(publish(ConversationTaken(conversation=conversation, held_until=held_until, now=now)))
        announce(conversation.workspace, f"conversation:{conversation.public_id}", now=now)


def take_over_by_app(conversation: Conversation, written_at: datetime, *, now: datetime) -> None:
    """Somebody answered on the business's phone, so nothing automated speaks. Call it under the contact's lock.

    The hold lasts as long as one by hand, from when it was written; nobody of the team is named for it.
    """
    conversation.refresh_from_db()
    until, was_held, held_until = written_at + HOLD, conversation.is_taken_over(now), conversation.taken_over_until
    if until <= now or (was_held and conversation.taken_over_until and until <= conversation.taken_over_until):
        return
    conversation.taken_over_until = until
    if not was_held:
        conversation.taken_over_by = None
        record(APP_ACTOR, "conversation.taken_over", conversation)
    conversation.save(update_fields=["taken_over_until", "taken_over_by"])
    if not was_held:
        demand_heard(publish(ConversationTaken(conversation=conversation, held_until=held_until, now=now)))
    announce(conversation.workspace, f"conversation:{conversation.public_id}", "conversations", now=now)


def keep_taken_over(conversation: Conversation, *, until: datetime, now: datetime) -> bool:
    """The person has written again: the hold lasts on, and is not a new one. False if nobody holds it."""
    rows = Conversation.objects.in_workspace(conversation.workspace).filter(
        pk=conversation.pk, closed_at=None, taken_over_until__gt=now
    )
    return rows.update(taken_over_until=until, updated_at=now) == 1


def hand_back(conversation: Conversation, *, by: Actor, now: datetime, go_on: GoOn = "wait") -> None:
    """The flows speak again: with the customer's `last` message, when the next one comes (`wait`), or they `end`."""
    with transaction.atomic():
        lock_contact(conversation.chat.contact)
        conversation.taken_over_until = conversation.taken_over_by = None
        conversation.save(update_fields=["taken_over_until", "taken_over_by"])
        record(by, "conversation.handed_back", conversation)
        demand_heard(publish(ConversationHandedBack(conversation=conversation, go_on=go_on, by=by, now=now)))
        announce(conversation.workspace, f"conversation:{conversation.public_id}", now=now)


def open_one(chat: Chat) -> Conversation | None:
    """The chat's open conversation, if there is one."""
    return Conversation.objects.in_workspace(chat.workspace).filter(chat=chat, closed_at=None).first()


def _quiet_time(conversation: Conversation) -> timedelta:
    return timedelta(hours=conversation.workspace.conversation_quiet_hours)


def _quiet_from(conversation: Conversation) -> datetime:
    return (conversation.last_message_at or conversation.opened_at) + _quiet_time(conversation)


def _is_over(conversation: Conversation, now: datetime) -> bool:
    if now < _quiet_from(conversation) or conversation.is_taken_over(now):
        return False
    return not any(reason(conversation.chat) for reason in _reasons_to_stay_open)
