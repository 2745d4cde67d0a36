"""What assistants tell the rest of the house, inside the transaction that stored the fact."""

from dataclasses import dataclass
from datetime import datetime

from assistants.models import Thread, Turn
from workspaces.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class ReplyGenerated(DomainEvent):
    """A customer's turn was answered, by the model or by the fallback text (`answer.is_fallback`)."""

    thread: Thread
    question: Turn
    answer: Turn
    now: datetime
