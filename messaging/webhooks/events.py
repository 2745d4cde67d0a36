"""What a webhook body holds, whatever the platform: one dataclass a kind of item."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class IncompleteItem(ValueError):
    """An item without what it cannot be dealt with for; it will never be complete, so it is not tried again."""


class ItemTooEarly(Exception):
    """An item that can be dealt with only when something else is through; its body comes again by itself."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who an item is about, as the platform knows them. Every part may be empty (traps.md P10, P11)."""

    wa_id: str = ""
    user_id: str = ""
    profile_name: str = ""
    username: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is anything to know them by."""
        return bool(self.wa_id or self.user_id)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing in a body. `kind` names it in the log; `raw` is the platform's own object."""

    kind: str
    raw: dict[str, Any] = field(default_factory=dict)
    number_id: str = ""
    account_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a message says, whatever its kind. `text` is what was written or tapped.

    `facts` holds what a kind has besides: location, contacts, order, form (the answers of a form inside WhatsApp),
    unsupported.
    """

    text: str = ""
    button_id: str | None = None
    media: dict[str, Any] | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class InboundMessage(Item):
    """A customer's message. `sent_at` is the platform's time, or None; `group_id` names the group it was written in.

    `forwarded`: "", "once" or "often".
    """

    message_id: str
    person: Person
    content: Content = field(default_factory=Content)
    reply_to: str = ""
    sent_at: datetime | None = None
    referral: dict[str, Any] | None = None
    group_id: str = ""
    forwarded: str = ""

    @property
    def text(self) -> str:
        """What was written or tapped."""
        return self.content.text


@dataclass(frozen=True, kw_only=True)
class Echo(InboundMessage):
    """What the business wrote from its own phone app; `person` is the customer it was written to."""


@dataclass(frozen=True, kw_only=True)
class Change(Item):
    """A reaction, an edit or a revocation, about the message `target_id`. A reaction without emoji is taken back."""

    change_id: str
    target_id: str
    person: Person
    is_ours: bool = False
    emoji: str = ""
    content: Content = field(default_factory=Content)
    said_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Moved(Item):
    """A customer has a new number, or a new user id; `person` is who they were."""

    message_id: str
    person: Person
    new: Person
    words: str = ""
    said_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Call(Item):
    """A step of a WhatsApp call: it rings, is taken, ends. `seconds` is how long somebody talked, once it has ended."""

    call_id: str
    person: Person
    event: str
    is_outbound: bool = False
    result: str = ""
    seconds: int | None = None
    happened_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StatusUpdate(Item):
    """What became of one of our messages. `platform_error` is the platform's code of a `failed`."""

    message_id: str
    status: str
    occurred_at: datetime | None = None
    callback_data: str = ""
    platform_error: int | None = None
    error_detail: str = ""
    pricing: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TemplateUpdate(Item):
    """A template's status, quality or category changed."""

    name: str
    language: str
    platform_id: str = ""
    status: str = ""
    quality: str = ""
    category: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class NumberUpdate(Item):
    """A number's quality, limit, throughput or name changed. `limit` -1 is unlimited."""

    display_number: str = ""
    quality: str = ""
    limit: int | None = None
    throughput: int | None = None
    name: str = ""
    refused_name: str = ""
    reason: str = ""
    event: str = ""


@dataclass(frozen=True, kw_only=True)
class AccountUpdate(Item):
    """Something happened to a whole business account: `event` in the platform's word, `state` and `detail` with it."""

    event: str
    state: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Preference(Item):
    """The customer told the platform to stop, or to resume, marketing of this business."""

    person: Person
    is_stop: bool
    said_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Noted(Item):
    """Understood as what it is, or not at all; kept and shown, nothing else happens yet. `why` names the reason."""

    why: str = "not_handled"
    person: Person = field(default_factory=Person)


@dataclass(frozen=True, kw_only=True)
class Broken(Item):
    """An item that could not be read; its neighbours can."""

    problem: str = ""
