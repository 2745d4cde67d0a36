"""What messaging tells the rest of the house, inside the transaction that stored the fact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from messaging.models import Chat, Contact, Conversation, Message, Sender
from workspaces.events import DomainEvent
from workspaces.services.audit import Actor


@dataclass(frozen=True, kw_only=True)
class MessageReceived(DomainEvent):
    """A customer wrote. The contact's row is locked; `message.routed_at` is set when every subscriber is through.

    `opened_conversation`: no conversation was open for this chat before. `consent_word`: the text was an opt-out
    or opt-in word, which messaging has honoured already.
    """

    message: Message
    conversation: Conversation
    chat: Chat
    contact: Contact
    sender: Sender
    opened_conversation: bool
    is_new_contact: bool
    consent_word: Literal["", "opt_out", "opt_in"]
    now: datetime


@dataclass(frozen=True, kw_only=True)
class MessageStatusChanged(DomainEvent):
    """One of our messages moved: forward by the platform's word, or failed. `previous` is the state before."""

    message: Message
    previous: str
    now: datetime


@dataclass(frozen=True, kw_only=True)
class SenderAnswersAgain(DomainEvent):
    """The platform answers again for a sender whose messages had to wait for that."""

    sender: Sender
    now: datetime


@dataclass(frozen=True, kw_only=True)
class ConversationTaken(DomainEvent):
    """A person has taken the conversation over. The contact's row is locked. `held_until`: how long an earlier hold
    lasted that ran out by itself, if there was one.
    """

    conversation: Conversation
    held_until: datetime | None
    now: datetime


@dataclass(frozen=True, kw_only=True)
class ConversationHandedBack(DomainEvent):
    """A person gave the conversation back to the flows. The contact's row is locked.

    `go_on` is what was wished: `last` (with the customer's last message), `wait` (for the next one), `end`.
    """

    conversation: Conversation
    go_on: Literal["last", "wait", "end"]
    by: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class MessageAltered(DomainEvent):
    """A message was edited or deleted by who wrote it. `message` shows what it says now; `kind`: edit or revoke."""

    message: Message
    kind: str
    now: datetime


@dataclass(frozen=True, kw_only=True)
class CallEnded(DomainEvent):
    """A WhatsApp call has ended; `message` is its line in the thread, `facts` what the platform says of it."""

    message: Message
    contact: Contact
    sender: Sender
    facts: Mapping[str, Any]
    now: datetime
