"""The contract between the outbox and a platform: what goes out, what comes back, how it fails."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Any, Literal, Protocol

from messaging.models import Sender
from messaging.providers.contents import FreeForm
from workspaces.errors import BotenwerkError


@dataclass(frozen=True, kw_only=True)
class TextValue:
    """One value of a header or body; `name` is empty for a numbered one."""

    text: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class MediaValue:
    """The file of a header: a public link, or the id of an upload. Only documents carry a file name (traps.md T4)."""

    kind: Literal["image", "video", "document"]
    link: str
    filename: str = ""
    media_id: str = ""


@dataclass(frozen=True, kw_only=True)
class PlaceValue:
    """The point on the map of a header."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


HeaderValue = TextValue | MediaValue | PlaceValue


@dataclass(frozen=True, kw_only=True)
class ButtonValue:
    """The value of one button, by its place among all buttons of the template (traps.md T3)."""

    index: int
    kind: Literal["url", "quick_reply", "copy_code", "flow"]
    value: str


@dataclass(frozen=True, kw_only=True)
class OutboundTemplate:
    """A template, filled. `address` is digits or a user id, `callback_data` comes back with each status."""

    address: str
    callback_data: str
    name: str
    language: str
    header: HeaderValue | None = None
    body: tuple[TextValue, ...] = ()
    buttons: tuple[ButtonValue, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OutboundText:
    """Free text, perhaps quoting a message."""

    address: str
    callback_data: str
    text: str
    has_preview: bool = False
    reply_to: str = ""


@dataclass(frozen=True, kw_only=True)
class OutboundFreeForm:
    """Everything else, perhaps quoting a message: files, choices, places, cards, reactions."""

    address: str
    callback_data: str
    content: FreeForm
    reply_to: str = ""


Outbound = OutboundTemplate | OutboundText | OutboundFreeForm


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The platform has taken the message; whether it arrives, statuses say."""

    provider_id: str
    recipient_wa_id: str = ""


class Effect(StrEnum):
    """What an answer means beyond the one message."""

    NONE = "none"
    SLOW_SENDER = "slow_sender"
    SLOW_PAIR = "slow_pair"
    OUTAGE = "outage"
    STOP_SENDER = "stop_sender"
    STOP_TEMPLATE = "stop_template"
    OPT_OUT = "opt_out"
    ALERT = "alert"


class ProviderError(Exception):
    """A clear refusal: the message surely did not go out."""

    def __init__(
        self,
        error: BotenwerkError,
        *,
        platform_code: int | None = None,
        is_retryable: bool = False,
        retry_after: float | None = None,
        detail: str = "",
        effect: Effect = Effect.NONE,
    ) -> None:
        self.error = error
        self.platform_code = platform_code
        self.is_retryable = is_retryable
        self.retry_after = retry_after
        self.detail = detail
        self.effect = effect
        super().__init__(f"{error.code} ({platform_code}): {detail}")


class OutcomeUnknown(Exception):
    """The request was written and the answer is lost: the message may or may not have gone out."""


@dataclass(frozen=True, kw_only=True)
class TemplateData:
    """A template as the platform lists it; statuses and categories already in our words."""

    platform_id: str
    name: str
    language: str
    category: str
    status: str
    reason: str
    quality: str
    parameter_format: str
    components: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class PartCheck:
    """One part of a sender's settings, called for real. `error` is None where it is well."""

    part: Literal["token", "number", "account", "webhook"]
    error: BotenwerkError | None = None


@dataclass(frozen=True, kw_only=True)
class SenderState:
    """What the platform says about a number, in our words, and what is wrong with which part."""

    checks: tuple[PartCheck, ...]
    status: str
    reason: str = ""
    phone: str = ""
    display_name: str = ""
    quality: str = ""
    throughput: int | None = None
    messaging_limit: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MediaFacts:
    """A customer's file as the platform describes it: where it lies for now, and what it should be."""

    url: str
    declared_type: str = ""
    sha256: str = ""
    size: int | None = None


class Provider(Protocol):
    """One platform. Every call may raise ProviderError or OutcomeUnknown and nothing else."""

    def send(self, sender: Sender, outbound: Outbound) -> Accepted: ...

    def list_templates(self, sender: Sender) -> Iterator[TemplateData]: ...

    def check_sender(self, sender: Sender) -> SenderState: ...

    def mark_read(self, sender: Sender, provider_id: str, *, with_typing: bool = False) -> None: ...

    def fetch_media(self, sender: Sender, media_id: str, into: IO[bytes], *, most_bytes: int) -> MediaFacts: ...
