"""What the emulator knows: numbers, templates, customers, their chats and messages."""

from dataclasses import asdict, dataclass, field
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

MESSAGING, MANAGEMENT = "whatsapp_business_messaging", "whatsapp_business_management"
SCOPES = (MANAGEMENT, MESSAGING)


@dataclass(slots=True)
class Number:
    """A business phone number. `throughput` is messages a second, `limit` customers a day (-1: no limit).

    `trouble` is a key of `standing.TROUBLES`; `allowed` are the only recipients of a test number, as it spells them;
    the limit is only shown unless `limit_checked`, so that a load test may write to more customers than the tier has.
    """

    id: str
    waba_id: str
    phone: str  # digits, as in webhooks
    name: str = "Testfirma"
    app_secret: str = "emulator-app-secret"  # noqa: S105 (the emulator's own, invented)
    token: str = "emulator-token"  # noqa: S105
    webhook: str | None = None
    verify_token: str = ""
    status: str = "CONNECTED"
    quality: str = "GREEN"
    limit: int = 2000
    throughput: int = 80
    name_status: str = "APPROVED"
    subscribed: bool = True
    code_verification_status: str = "VERIFIED"
    trouble: str = ""
    allowed: list[str] | None = None
    limit_checked: bool = False
    scopes: list[str] = field(default_factory=lambda: list(SCOPES))
    pin: str = ""
    registered_at: list[float] = field(default_factory=list)  # tries to register or deregister
    deleted: bool = False


@dataclass(slots=True)
class Template:
    """One template in one language, with its full components as the platform lists them."""

    id: str
    waba_id: str
    name: str
    language: str
    category: str = "UTILITY"
    status: str = "APPROVED"
    parameter_format: str = "POSITIONAL"
    components: list[dict[str, Any]] = field(default_factory=list)
    quality: str = "UNKNOWN"
    rejected_reason: str = "NONE"
    previous_category: str = ""
    edited_at: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Customer:
    """A person with WhatsApp. `key` stays when the number changes; `windows` has the last inbound time a number.

    `chat_open`: each message is read as it arrives, and told by `read` alone; `receipts_off`: nobody hears of reading.
    `marketing_a_day` is the platform's cap on marketing messages to this person, None where there is none.
    `entry_points` by number: until when an answer to the advertisement's click counts, and until when it is free.
    """

    key: int
    phone: str  # digits
    user_id: str
    name: str = ""
    username: str | None = None
    on_whatsapp: bool = True
    blocked: bool = False
    marketing_stopped: bool = False
    phone_off: bool = False
    phone_hidden: bool = False
    chat_open: bool = False
    receipts_off: bool = False
    in_experiment: bool = False
    marketing_a_day: int | None = None
    parent_user_id: str | None = None
    entry_points: dict[str, list[float]] = field(default_factory=dict)
    windows: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Message:
    """One message of a chat, as it is on the customer's screen, and what its statuses need."""

    wamid: str
    number_id: str
    customer: int
    outbound: bool
    type: str
    at: float
    status: str
    shown: dict[str, Any]  # text, header, footer, buttons, rows, media ...
    context: str | None = None
    callback_data: str | None = None
    pricing: dict[str, Any] | None = None
    category: str = ""  # a template's
    error: dict[str, Any] | None = None
    faults: dict[str, Any] = field(default_factory=dict)

    def on_screen(self) -> bool:
        """A business message is on the screen once it was delivered."""
        return not self.outbound or self.status in ("delivered", "read", "played")


def as_row(record: Number | Template | Customer | Message) -> dict[str, Any]:
    """The record as JSON data."""
    return asdict(record)


def misfit(record: type[Number | Template | Customer], fields: dict[str, Any]) -> str:
    """The first of these fields whose value is not of the record's type, or ""."""
    hints = get_type_hints(record)
    return next((name for name, value in fields.items() if not _fits(value, hints[name])), "")


def _fits(value: Any, hint: Any) -> bool:
    if hint in (int, float):
        return isinstance(value, hint) and not isinstance(value, bool)
    if hint in (str, bool, NoneType):
        return isinstance(value, hint)
    if get_origin(hint) is list:
        return isinstance(value, list) and all(_fits(one, get_args(hint)[0]) for one in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict)
    return any(_fits(value, one) for one in get_args(hint))
