"""Outbound rows that the clock wakes: slots that have come, sends whose process died, answers that were lost."""

from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from messaging.errors import DeliveryUnknown
from messaging.models import Message, Sender
from messaging.services.delivery import UNKNOWN_AT_MOST, resend_unknown
from messaging.services.outbound import terms_of
from messaging.services.outbox import cancel_queued, send_queued
from messaging.services.progress import advance_message
from messaging.services.unknown_notices import notice_key
from workspaces.services.notifications import notify_team
from workspaces.wakeups import CLAIM


def wake_outbound(message: Message, *, now: datetime) -> None:
    """Do what is due for one of our messages. Doubled and late calls change nothing."""
    # The clock has moved a due row on by CLAIM; one that is further off was dealt with meanwhile.
    if message.wake_at is None or message.wake_at > now + CLAIM:
        return
    if message.status == Message.Status.QUEUED:
        _wake_queued(message, now)
    elif message.status == Message.Status.SENDING:
        advance_message(message, Message.Status.UNKNOWN, now=now, wake_at=now + UNKNOWN_AT_MOST)
    elif message.status == Message.Status.UNKNOWN:
        _settle_unknown(message, now)
    else:
        Message.objects.in_workspace(message.workspace).filter(pk=message.pk, status=message.status).update(
            wake_at=None
        )


def _wake_queued(message: Message, now: datetime) -> None:
    if terms_of(message).slots.kind == "queue":
        send_queued(message, now=now)
    else:
        # Whoever would have come back for it has not: nothing was promised, nothing goes out.
        cancel_queued(message, now=now)


def _settle_unknown(message: Message, now: datetime) -> None:
    """By the sender's policy: tell the team, or send once more, and only once."""
    may_resend = message.sender.unknown_policy == Sender.UnknownPolicy.RESEND and terms_of(message).resends == 0
    if may_resend and resend_unknown(message, now=now):
        return
    with transaction.atomic():
        error = DeliveryUnknown(contact=str(message.chat.contact), sent_at=message.occurred_at)
        if not advance_message(message, Message.Status.FAILED, now=now, error=error):
            return
        notify_team(
            workspace=message.workspace,
            code=DeliveryUnknown.code,
            title=_("Unclear whether a message to %(contact)s went out"),
            body=_("Look at the chat: if it is missing there, send it again with one click."),
            link=_thread(message),
            facts={"contact": str(message.chat.contact)},
            digest_key=notice_key(message),
            now=now,
        )


def _thread(message: Message) -> str:
    """Where the button to send it again stands."""
    if message.conversation is None:
        return ""
    address = reverse("conversation", args=[message.workspace.slug, message.conversation.public_id])
    return f"{address}#said-{message.public_id}"
