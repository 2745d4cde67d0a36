"""What a webhook body holds, whatever the platform: one dataclass a kind of item."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class IncompleteItem(ValueError):
    """An item without what it cannot be dealt with for; it will never be complete, so it is not tried again."""


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
class InboundMessage(Item):
    """A customer's message. `text` is what they wrote or tapped; `sent_at` is the platform's time, or None."""

    message_id: str
    person: Person
    text: str = ""
    button_id: str | None = None
    reply_to: str = ""
    sent_at: datetime | None = None
    media: dict[str, Any] | None = None
    referral: dict[str, Any] | None = None


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
    event: str = ""


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
