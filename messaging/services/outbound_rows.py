"""Outbound rows on their way to the call: inserted, claimed as `sending`, put back into the queue.

Each change is one UPDATE that names the state it expects; locks go in the order contact, chat, message.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from messaging.models import Chat, Contact, Conversation, Message, Sender
from messaging.services.attempts import attempt_of
from messaging.services.checks import check_attempt
from messaging.services.conversations import note_message, open_conversation
from messaging.services.outbound import Terms
from messaging.services.slots import Slot
from workspaces.changes import announce

# A row that is still `sending` after this has lost its process: the call itself takes 10 s at most.
SENDING_AT_MOST = timedelta(seconds=60)


class KeyTaken(Exception):
    """Another call with the same key was first."""


def insert_row(message: Message, *, status: str, wake_at: datetime | None, now: datetime) -> None:
    """Commit a new row in this state. Raises KeyTaken where the key has a row already."""
    message.status = status
    message.wake_at = wake_at
    message.occurred_at = now
    if message.conversation is None:
        rows = Conversation.objects.in_workspace(message.workspace)
        message.conversation = rows.filter(chat=message.chat, closed_at=None).first()
    try:
        with transaction.atomic():
            message.save(force_insert=True)
            # A row that goes out is announced with its conversation.
            if message.conversation is not None and status != Message.Status.SENDING:
                announce(message.workspace, f"conversation:{message.conversation.public_id}", now=now)
    except IntegrityError:
        message.pk = None
        rows_with_key = Message.objects.in_workspace(message.workspace).filter(idempotency_key=message.idempotency_key)
        if message.idempotency_key is None or not rows_with_key.exists():
            raise
        raise KeyTaken from None
    message.was_created = True  # type: ignore[attr-defined]


def claim_row(message: Message, terms: Terms, now: datetime) -> str | None:
    """Commit the row as `sending`, checked once more on locked rows. The address, or None if another has the row."""
    with transaction.atomic():
        contact = Contact.objects.in_workspace(message.workspace).select_for_update().get(pk=message.chat.contact_id)
        message.chat = Chat.objects.in_workspace(message.workspace).select_for_update().get(pk=message.chat_id)
        message.chat.contact = contact
        message.chat.workspace = message.workspace
        message.sender = (
            Sender.objects.in_workspace(message.workspace).select_related("workspace").get(pk=message.sender_id)
        )
        attempt = attempt_of(message, terms)
        check_attempt(attempt, now=now)
        message.conversation, _opened = open_conversation(
            message.chat, by=Conversation.OpenedBy.BUSINESS, now=now, current=attempt.conversation
        )
        message.payload = {**message.payload, "terms": terms.as_json()}
        wake_at = now + SENDING_AT_MOST
        if message.pk is None:
            insert_row(message, status=Message.Status.SENDING, wake_at=wake_at, now=now)
        elif not _take_queued(message, wake_at, now):
            return None
        note_message(message.conversation, message, now=now)
    return attempt.address


def requeue_row(message: Message, terms: Terms, slot: Slot, now: datetime) -> bool:
    """The one step backwards that there is. False if a status has settled the row meanwhile."""
    terms = replace(terms, held_by=slot.limit, held_until=slot.at)
    message.payload = {**message.payload, "terms": terms.as_json()}
    rows = Message.objects.in_workspace(message.workspace).filter(pk=message.pk, status=Message.Status.SENDING)
    with transaction.atomic():
        moved = rows.update(
            status=Message.Status.QUEUED,
            payload=message.payload,
            # If this process dies now, the clock finds the row.
            wake_at=slot.at + SENDING_AT_MOST,
            updated_at=now,
        )
    if moved:
        message.status = Message.Status.QUEUED
    return moved == 1


def _take_queued(message: Message, wake_at: datetime, now: datetime) -> bool:
    rows = Message.objects.in_workspace(message.workspace).filter(pk=message.pk, status=Message.Status.QUEUED)
    changes = {
        "status": Message.Status.SENDING,
        "conversation": message.conversation,
        "payload": message.payload,
        "occurred_at": now,
        "wake_at": wake_at,
        "updated_at": now,
    }
    if rows.update(**changes) != 1:
        return False
    message.status, message.occurred_at = Message.Status.SENDING, now
    return True
