"""A customer's message: stored first, acted on after, routed under the contact's lock.

Stored and unrouted messages of a contact go in the order of the platform's time, then arrival. Nobody waits for what
has not come; a straggler takes its place in the thread and is routed as it comes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F

from messaging.events import MessageReceived
from messaging.models import Chat, Contact, Conversation, InboundLog, MediaFile, Message, Sender
from messaging.services.changes import settle_changes_of
from messaging.services.confirmations import confirm_consent
from messaging.services.consent import Wish, opt_in, opt_out, wish_of
from messaging.services.conversations import note_message, open_conversation
from messaging.services.media import keep_media
from messaging.services.people import chat_for, find_locked_contact, lock_contact
from messaging.services.window import move_window
from messaging.webhooks.events import InboundMessage, IncompleteItem
from workspaces.events import publish

# What is typed, and what is tapped under a template: "STOP" is a usual button there.
WORD_KINDS = ("text", "button")
ROUTE_AGAIN = timedelta(seconds=5)
ROUTE_CEILING = timedelta(minutes=10)
# A good day. After that the customer has written again, or a person has to look: the log names the message.
ROUTING_ATTEMPTS = 150


@dataclass(frozen=True, kw_only=True)
class ReceivedMessage:
    """The stored message and what it did to its chat."""

    message: Message
    was_created: bool
    conversation: Conversation | None = None
    opened_conversation: bool = False
    is_new_contact: bool = False


def receive_message(*, sender: Sender, item: InboundMessage, now: datetime) -> ReceivedMessage:
    """Store a customer's message once, move the window, and route what waits for this customer.

    Raises IncompleteItem for an item without a message id or without anybody it could be from.
    """
    if not item.message_id or not item.person.is_known:
        raise IncompleteItem("no id" if not item.message_id else "nobody it could be from")
    workspace = sender.workspace
    messages = Message.objects.in_workspace(workspace)
    known = _known(sender, item)
    if known is not None:
        return known
    with transaction.atomic():
        contact, is_new = find_locked_contact(sender, item.person, now=now)
        # The same message may have come twice in one moment: whoever had the lock first has stored it (traps.md W5).
        known = _known(sender, item)
        if known is not None:
            return known
        chat = chat_for(contact, sender, now)
        written_at = min(item.sent_at or now, now)
        conversation, opened = open_conversation(chat, Conversation.OpenedBy.CUSTOMER, now)
        try:
            with transaction.atomic():
                message = _store(item, chat, conversation, written_at, opened=opened, is_new=is_new, now=now)
        except IntegrityError:
            # Under two contacts' locks at once: they are merged by the next message.
            message = messages.get(sender=sender, provider_id=item.message_id)
            return ReceivedMessage(message=message, was_created=False, conversation=message.conversation)
        if not item.group_id:
            move_window(chat, written_at, address=item.person.wa_id or item.person.user_id)
        note_message(conversation, message, now=now)
        if settle_changes_of(message, now=now):
            message.refresh_from_db(fields=["body", "payload"])
        if message.kind in WORD_KINDS and not item.group_id:
            _honour(message, contact, wish_of(message.body, workspace), now)
        route_pending(contact, now=now, just_stored=message)
        message.refresh_from_db(fields=["routed_at", "routing_attempts", "wake_at", "payload"])
    return ReceivedMessage(
        message=message,
        was_created=True,
        conversation=conversation,
        opened_conversation=opened,
        is_new_contact=is_new,
    )


def _known(sender: Sender, item: InboundMessage) -> ReceivedMessage | None:
    rows = Message.objects.in_workspace(sender.workspace).select_related("conversation")
    message = rows.filter(sender=sender, provider_id=item.message_id).first()
    if message is None:
        return None
    return ReceivedMessage(message=message, was_created=False, conversation=message.conversation)


def route_pending(contact: Contact, *, now: datetime, just_stored: Message | None = None) -> None:
    """Route every stored, unrouted message of the contact. Call it in a transaction, under the contact's lock."""
    rows = Message.objects.in_workspace(contact.workspace)
    waiting = rows.filter(
        chat__contact=contact,
        direction=Message.Direction.IN,
        routed_at=None,
        routing_attempts__lt=ROUTING_ATTEMPTS,
    ).order_by("occurred_at", "id")
    found = list(waiting.values_list("pk", flat=True))
    # Nearly always it is the one that was stored a moment ago, with all that belongs to it.
    if just_stored is not None and found == [just_stored.pk]:
        _route(just_stored, contact, now=now)
        return
    related = ("sender__workspace", "sender__assistant", "chat__contact", "conversation", "workspace")
    for message in rows.select_related(*related).filter(pk__in=found).order_by("occurred_at", "id"):
        _route(message, contact, now=now)


def route_message_again(message: Message, *, now: datetime) -> None:
    """What the clock does for a message whose routing failed: it and all that wait with it are routed."""
    with transaction.atomic():
        lock_contact(message.chat.contact)
        route_pending(message.chat.contact, now=now)


def route_again(message: Message, *, now: datetime) -> None:
    """Route a message anew as if it had just come: the run it was kept for has ended or moved on.

    Call it in a transaction, under the contact's lock.
    """
    rows = Message.objects.in_workspace(message.workspace).select_related(
        "sender__workspace", "sender__assistant", "chat__contact", "conversation", "workspace"
    )
    fresh = rows.get(pk=message.pk)
    rows.filter(pk=message.pk).update(routed_at=None)
    _route(fresh, fresh.chat.contact, now=now)


def payload_of(item: InboundMessage, media: MediaFile | None = None) -> dict[str, Any]:
    """What is kept of a message besides its text: what its kind says, where it came from, and the platform's own."""
    said = item.content
    return {
        "button_id": said.button_id,
        "media": said.media | {"file": str(media.public_id)} if said.media and media else said.media,
        "content": said.facts,
        "referral": item.referral,
        "forwarded": item.forwarded,
        "group_id": item.group_id,
        "raw": item.raw,
    }


def keep_file(message: Message, item: InboundMessage, *, now: datetime) -> None:
    """The row of a message's file, named in the message's payload. In the transaction that stores the message."""
    if item.content.media is None:
        return
    media = keep_media(message, item.content.media, now=now)
    message.payload = message.payload | payload_of(item, media)
    message.save(update_fields=["payload"])


def _store(
    item: InboundMessage,
    chat: Chat,
    conversation: Conversation,
    written_at: datetime,
    *,
    opened: bool,
    is_new: bool,
    now: datetime,
) -> Message:
    message = Message.objects.create(
        workspace=chat.workspace,
        sender=chat.sender,
        chat=chat,
        conversation=conversation,
        direction=Message.Direction.IN,
        kind=item.kind,
        body=item.text,
        # What the router has to know is kept too, for a message that is routed later.
        payload=payload_of(item) | {"opened_conversation": opened, "is_new_contact": is_new},
        provider_id=item.message_id,
        reply_to_provider_id=item.reply_to,
        status=Message.Status.RECEIVED,
        occurred_at=written_at,
        # What is said in a group is not said to us: nobody answers it.
        routed_at=now if item.group_id else None,
    )
    keep_file(message, item, now=now)
    return message


def _honour(message: Message, contact: Contact, wish: Wish, now: datetime) -> None:
    if not wish:
        return
    say = opt_out if wish == "opt_out" else opt_in
    if say(contact, source="message", evidence=message.body, now=now):
        confirm_consent(message, now=now)
    message.payload = {**message.payload, "consent_word": wish}
    message.save(update_fields=["payload"])


def _route(message: Message, contact: Contact, *, now: datetime) -> None:
    """Tell the subscribers; one that fails leaves the message unrouted, with a line in the inbound log."""
    assert message.conversation is not None
    rows = Message.objects.in_workspace(message.workspace).filter(pk=message.pk)
    if message.is_revoked:
        # Taken back before anybody could act on it (traps.md W9).
        rows.update(routed_at=now, wake_at=None)
        return
    received = MessageReceived(
        message=message,
        conversation=message.conversation,
        chat=message.chat,
        contact=contact,
        sender=message.sender,
        opened_conversation=bool(message.payload.get("opened_conversation")),
        is_new_contact=bool(message.payload.get("is_new_contact")),
        consent_word=message.payload.get("consent_word", ""),
        now=now,
    )
    with structlog.contextvars.bound_contextvars(message=str(message.public_id), workspace=message.workspace.slug):
        failures = publish(received)
    if not failures:
        rows.update(routed_at=now, wake_at=None)
        return
    again = min(ROUTE_AGAIN * 2 ** min(message.routing_attempts, 10), ROUTE_CEILING)
    is_last = message.routing_attempts + 1 >= ROUTING_ATTEMPTS
    rows.update(routing_attempts=F("routing_attempts") + 1, wake_at=None if is_last else now + again)
    InboundLog.objects.create(
        workspace=message.workspace,
        sender=message.sender,
        message=message,
        at=now,
        kind=message.kind,
        outcome=InboundLog.Outcome.NOT_ROUTED,
        reason=type(failures[0].error).__name__,
        detail=f"{failures[0].subscriber}: {failures[0].error}"[:2000],
    )
