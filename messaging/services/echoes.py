"""What the business wrote from its own phone app, beside Botenwerk: stored as ours, and the person there takes over.

Messages that Botenwerk itself has sent may come back as echoes too; those change nothing (traps.md W10).
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from messaging.models import Chat, Conversation, Message, Sender
from messaging.services.changes import settle_changes_of
from messaging.services.conversations import note_message, open_conversation, take_over_by_app
from messaging.services.people import chat_for, find_locked_contact
from messaging.services.progress import advance_message
from messaging.services.receiving import keep_file, payload_of
from messaging.webhooks.events import Echo, IncompleteItem, ItemTooEarly

# Shown as who wrote it; kept untranslated.
APP = gettext_noop("WhatsApp app")
# How long a send of ours may be under way before its answer is counted as lost.
UNDER_WAY = timedelta(minutes=10)
_OPEN = (Message.Status.SENDING, Message.Status.UNKNOWN)


def receive_echo(*, sender: Sender, item: Echo, now: datetime) -> tuple[Message, bool]:
    """Store what was written on the phone, once, and have the flows be silent. Returns the row and whether it is new.

    Raises IncompleteItem for an item without an id or a customer; ItemTooEarly while a send of ours to this customer
    has no answer yet that would tell whether the echo is its own.
    """
    if not item.message_id or not item.person.is_known:
        raise IncompleteItem("no id" if not item.message_id else "nobody it could be for")
    known = _known(sender, item)
    if known is not None:
        return known, False
    with transaction.atomic():
        contact, _is_new = find_locked_contact(sender, item.person, now=now)
        known = _known(sender, item)
        if known is not None:
            return known, False
        chat = chat_for(contact, sender, now)
        own = _own_send(chat, item, now)
        if own is not None:
            advance_message(own, Message.Status.ACCEPTED, now=now, provider_id=item.message_id)
            return own, False
        written_at = min(item.sent_at or now, now)
        conversation, _opened = open_conversation(chat, Conversation.OpenedBy.BUSINESS, now)
        try:
            with transaction.atomic():
                message = _store(item, chat, conversation, written_at, now)
        except IntegrityError:
            return Message.objects.in_workspace(sender.workspace).get(sender=sender, provider_id=item.message_id), False
        note_message(conversation, message, now=now)
        settle_changes_of(message, now=now)
        take_over_by_app(conversation, written_at, now=now)
    return message, True


def _known(sender: Sender, item: Echo) -> Message | None:
    rows = Message.objects.in_workspace(sender.workspace)
    return rows.filter(sender=sender, provider_id=item.message_id).first()


def _own_send(chat: Chat, item: Echo, now: datetime) -> Message | None:
    """The send of ours whose answer is not here yet and which this is the echo of.

    The same words make it the same message; with other words it is looked at again when the answer is here.
    """
    rows = Message.objects.in_workspace(chat.workspace).select_related("sender__workspace", "workspace")
    open_ones = rows.filter(
        Q(status__in=_OPEN, provider_id=""),
        chat=chat,
        direction=Message.Direction.OUT,
        occurred_at__gte=now - UNDER_WAY,
    )
    own = next((row for row in open_ones.order_by("id") if row.body == item.text and item.text), None)
    if own is None and open_ones.filter(status=Message.Status.SENDING).exists():
        raise ItemTooEarly("a send of ours is under way")
    return own


def _store(item: Echo, chat: Chat, conversation: Conversation, written_at: datetime, now: datetime) -> Message:
    message = Message.objects.create(
        workspace=chat.workspace,
        sender=chat.sender,
        chat=chat,
        conversation=conversation,
        direction=Message.Direction.OUT,
        kind=item.kind,
        body=item.text,
        payload=payload_of(item),
        provider_id=item.message_id,
        reply_to_provider_id=item.reply_to,
        status=Message.Status.SENT,
        cause_kind=Message.Cause.PERSON,
        cause_label=APP,
        occurred_at=written_at,
        accepted_at=written_at,
    )
    keep_file(message, item, now=now)
    return message
