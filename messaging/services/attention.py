"""The customer sees that they were heard: blue ticks at what they wrote, and the typing bubble.

Typing stops on our answer or after 25 s, and reading one message marks the earlier ones (Meta, "Typing indicators").
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import structlog

from messaging.models import Chat, Conversation, Message
from messaging.providers import provider_of
from messaging.providers.base import OutcomeUnknown, ProviderError
from messaging.services.checks import check_sender_ready

log = structlog.get_logger(__name__)

# Why nothing was shown: nobody has written, a person speaks here, or WhatsApp does not answer.
Reason = Literal["", "nothing_written", "taken_over", "no_answer"]


@dataclass(frozen=True, kw_only=True)
class Attention:
    """The message that was marked, or why none was."""

    message: Message | None = None
    reason: Reason = ""

    @property
    def is_shown(self) -> bool:
        return not self.reason


def last_inbound(chat: Chat) -> Message | None:
    """What the customer wrote last and the platform can still be asked about."""
    rows = Message.objects.in_workspace(chat.workspace).filter(chat=chat, direction=Message.Direction.IN)
    return rows.exclude(provider_id="").exclude(kind__in=("call", "system")).order_by("-occurred_at", "-id").first()


def show_attention(chat: Chat, *, with_typing: bool, now: datetime) -> Attention:
    """Mark the customer's last message as read, with the typing bubble if wanted. May be done twice.

    A courtesy: an outage or a lost answer is no error, and neither is a chat where nobody has written. Raises
    SenderOffline and what the platform refuses for good.
    """
    message = last_inbound(chat)
    if message is None:
        return Attention(reason="nothing_written")
    open_one = Conversation.objects.in_workspace(chat.workspace).filter(chat=chat, closed_at=None).first()
    if open_one is not None and open_one.is_taken_over(now):
        return Attention(message=message, reason="taken_over")
    sender = chat.sender
    check_sender_ready(sender)
    try:
        provider_of(sender).mark_read(sender, message.provider_id, with_typing=with_typing)
    except OutcomeUnknown as lost:
        log.info("attention_not_shown", sender=str(sender.public_id), error=str(lost))
        return Attention(message=message, reason="no_answer")
    except ProviderError as refusal:
        if not refusal.is_retryable:
            raise refusal.error from None
        log.info("attention_not_shown", sender=str(sender.public_id), error=refusal.error.code)
        return Attention(message=message, reason="no_answer")
    return Attention(message=message)
