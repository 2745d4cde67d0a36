"""WhatsApp calls: one line in the thread a call, from ringing to its end; the end is told to the house once.

A customer's call opens the window like a message does (reference, section 3).
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from messaging.events import CallEnded
from messaging.models import Conversation, Message, Sender
from messaging.services.conversations import note_message, open_conversation
from messaging.services.people import chat_for, find_locked_contact, lock_contact
from messaging.services.window import move_window
from messaging.webhooks.events import Call, IncompleteItem
from workspaces.changes import announce
from workspaces.events import demand_heard, publish

ENDED = "terminate"
KIND = "call"


def record_call(*, sender: Sender, item: Call, now: datetime) -> tuple[Message, bool]:
    """Bring the call's line to what the item says. Returns it and whether the item was news.

    Raises IncompleteItem for an item without an id or, where the call is not known yet, without a customer.
    """
    if not item.call_id:
        raise IncompleteItem("no id")
    with transaction.atomic():
        known = _call(sender, item)
        if known is None:
            known = _begun(sender, item, now)
        lock_contact(known.chat.contact)
        return known, _go_on(known, item, now=now)


def call_facts(item: Call) -> dict[str, Any]:
    """What is known of a call from one item, as it is kept in the row's payload."""
    seconds = item.seconds
    if seconds is None and item.started_at is not None and item.ended_at is not None:
        seconds = max(int((item.ended_at - item.started_at).total_seconds()), 0)
    ended_at = (item.ended_at or item.happened_at) if item.event == ENDED else None
    facts = {
        "result": item.result or None,
        "seconds": seconds,
        "started_at": item.started_at.isoformat() if item.started_at else None,
        "ended_at": ended_at.isoformat() if ended_at else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _call(sender: Sender, item: Call) -> Message | None:
    rows = Message.objects.in_workspace(sender.workspace).select_related(
        "sender__workspace", "chat__contact__workspace", "conversation__workspace", "workspace"
    )
    return rows.filter(sender=sender, provider_id=item.call_id).first()


def _begun(sender: Sender, item: Call, now: datetime) -> Message:
    """The row of a call that is new. Nobody routes it: what it starts is started by its end."""
    if not item.person.is_known:
        raise IncompleteItem("nobody it could be from")
    contact, _is_new = find_locked_contact(sender, item.person, now=now)
    known = _call(sender, item)
    if known is not None:
        return known
    chat = chat_for(contact, sender, now)
    at = min(item.happened_at or now, now)
    opened_by = Conversation.OpenedBy.BUSINESS if item.is_outbound else Conversation.OpenedBy.CUSTOMER
    conversation, _opened = open_conversation(chat, opened_by, now)
    try:
        with transaction.atomic():
            message = Message.objects.create(
                workspace=sender.workspace,
                sender=sender,
                chat=chat,
                conversation=conversation,
                direction=Message.Direction.OUT if item.is_outbound else Message.Direction.IN,
                kind=KIND,
                payload={"call": {}, "raw": item.raw},
                provider_id=item.call_id,
                status=Message.Status.SENT if item.is_outbound else Message.Status.RECEIVED,
                cause_kind=Message.Cause.PERSON if item.is_outbound else "",
                occurred_at=at,
                routed_at=now,
            )
    except IntegrityError:
        return Message.objects.in_workspace(sender.workspace).get(sender=sender, provider_id=item.call_id)
    if not item.is_outbound:
        move_window(chat, at, address=item.person.wa_id or item.person.user_id)
    note_message(conversation, message, now=now)
    return message


def _go_on(message: Message, item: Call, *, now: datetime) -> bool:
    """Add what the item says; after its end a call is as it is. True if it was news."""
    row = Message.objects.in_workspace(message.workspace).select_for_update().get(pk=message.pk)
    call = dict(row.payload.get("call") or {})
    has_ended = item.event == ENDED
    facts = call_facts(item)
    if call.get("has_ended") or (not has_ended and facts.items() <= call.items() and call):
        return False
    call |= facts | {"has_ended": has_ended, "event": item.event}
    row.payload = {**row.payload, "call": call}
    row.save(update_fields=["payload"])
    message.payload = row.payload
    if message.conversation is not None:
        announce(message.workspace, f"conversation:{message.conversation.public_id}", now=now)
    if has_ended:
        facts = call | {"call_id": item.call_id, "is_outbound": message.direction == Message.Direction.OUT}
        told = CallEnded(message=message, contact=message.chat.contact, sender=message.sender, facts=facts, now=now)
        demand_heard(publish(told))
    return True
