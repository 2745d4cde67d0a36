"""Saying once that an opt-out or opt-in was understood."""

from datetime import datetime

from messaging.models import Message
from messaging.models.answer import AutomaticAnswer
from messaging.services.answer_rows import owe_answer


def confirm_consent(message: Message, *, now: datetime) -> None:
    """Owe the customer a confirmation; it is sent by a task, outside the transaction that stored the message."""
    owe_answer(message, AutomaticAnswer.Kind.CONSENT, now=now)
