"""What a step returns to the engine: it is done, or the run stands still."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from automations.models import Wait
from messaging.models import Chat, Conversation, Message


@dataclass(frozen=True)
class Done:
    """The step is through. `lane` names the lane to take; `chat` is the line the run speaks on from now on."""

    output: dict[str, Any] = field(default_factory=dict)
    lane: str = ""
    notes: tuple[str, ...] = ()
    chat: Chat | None = None
    conversation: Conversation | None = None
    ends_run: str = ""


@dataclass(frozen=True)
class Suspend:
    """The run stands still until `until`, or until what `kind` names has come.

    After a delay or a reply the step is resumed; after everything else (a slot, news of a message, the
    assistant's turn) it is run again within the same attempt.
    """

    kind: Wait.Kind
    until: datetime | None
    message: Message | None = None
    chat: Chat | None = None
    notes: tuple[str, ...] = ()
    # For replies: take together what comes within so much silence.
    quiet: timedelta | None = None


RESUMED_KINDS = frozenset({Wait.Kind.DELAY, Wait.Kind.REPLY})
