"""What the emulator knows: numbers, templates, customers, their chats and messages."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Number:
    """A business phone number. `throughput` is messages a second, `limit` customers a day (-1: no limit)."""

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


@dataclass(slots=True)
class Customer:
    """A person with WhatsApp. `key` stays when the number changes; `windows` has the last inbound time a number."""

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
    error: dict[str, Any] | None = None
    faults: dict[str, Any] = field(default_factory=dict)

    def on_screen(self) -> bool:
        """A business message is on the screen once it was delivered."""
        return not self.outbound or self.status in ("delivered", "read")


def as_row(record: Number | Template | Customer | Message) -> dict[str, Any]:
    """The record as JSON data."""
    return asdict(record)
