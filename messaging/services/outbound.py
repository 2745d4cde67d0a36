"""A message to be sent, as a row: built from text or a filled template, and read back when its time has come.

What is neither is built in free_form.py.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from messaging.errors import TextTooLong, VariableMissing
from messaging.models import Message, Template
from messaging.providers.base import (
    ButtonValue,
    HeaderValue,
    MediaValue,
    Outbound,
    OutboundFreeForm,
    OutboundTemplate,
    OutboundText,
    PlaceValue,
    TextValue,
)
from messaging.providers.contents import from_json
from messaging.services.template_parameters import FilledTemplate, fill_template
from messaging.template_text import utf16_length

# In UTF-16 units, the stricter reading of Meta's "4096 characters".
TEXT_LIMIT = 4096


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a message says: the row's kind, body and payload. `template` is None for what is none."""

    kind: str
    body: str
    payload: dict[str, Any]
    template: Template | None = None
    reply_to: str = ""


def text_content(text: str, *, reply_to: str = "") -> Content:
    """Free text. Raises VariableMissing where there is none, TextTooLong from 4097 UTF-16 units on."""
    if not text.strip():
        raise VariableMissing(field="text", path="text")
    length = utf16_length(text)
    if length > TEXT_LIMIT:
        raise TextTooLong(field="text", length=length, limit=TEXT_LIMIT)
    has_link = "http://" in text or "https://" in text
    return Content(kind="text", body=text, payload={"preview_url": has_link}, reply_to=reply_to)


def template_content(template: Template, values: Mapping[str, object], *, tap_prefix: str = "") -> Content:
    """A filled template; `tap_prefix` stands before the payload of each of its buttons that can be tapped.

    Raises VariableMissing, TemplateParametersMismatch, TextTooLong, LinkInvalid, PlaceInvalid.
    """
    filled = fill_template(template, values, tap_prefix=tap_prefix)
    payload: dict[str, Any] = {
        "template": {
            "id": str(template.public_id),
            "name": template.name,
            "language": template.language,
            "category": template.category,
        },
        "values": _values(filled),
        "rendered": asdict(filled.rendered),
    }
    if filled.cleaned:
        payload["cleaned"] = list(filled.cleaned)
    return Content(kind="template", body=filled.rendered.body, payload=payload, template=template)


def outbound_of(message: Message, address: str) -> Outbound:
    """What the provider is given for a stored row; the row's public id comes back with each status."""
    callback_data = str(message.public_id)
    if message.kind == "text":
        return OutboundText(
            address=address,
            callback_data=callback_data,
            text=message.body,
            has_preview=bool(message.payload.get("preview_url")),
            reply_to=message.reply_to_provider_id,
        )
    if message.kind != "template":
        return OutboundFreeForm(
            address=address,
            callback_data=callback_data,
            content=from_json(message.payload["outgoing"]),
            # A reaction names its message itself.
            reply_to="" if message.kind == "reaction" else message.reply_to_provider_id,
        )
    values = message.payload["values"]
    return OutboundTemplate(
        address=address,
        callback_data=callback_data,
        name=message.payload["template"]["name"],
        language=message.payload["template"]["language"],
        header=_header(values.get("header")),
        body=tuple(TextValue(**value) for value in values["body"]),
        buttons=tuple(ButtonValue(**value) for value in values["buttons"]),
    )


def template_of(message: Message) -> Template | None:
    """The template of a stored row as it stands now, or None for free text and for one that is gone."""
    if message.kind != "template":
        return None
    rows = Template.objects.in_workspace(message.workspace)
    return rows.filter(public_id=message.payload["template"]["id"]).first()


def _values(filled: FilledTemplate) -> dict[str, Any]:
    header: dict[str, Any] | None = asdict(filled.header) if filled.header else None
    return {
        "header": header,
        "body": [asdict(value) for value in filled.body],
        "buttons": [asdict(value) for value in filled.buttons],
    }


def _header(value: dict[str, Any] | None) -> HeaderValue | None:
    if value is None:
        return None
    if "latitude" in value:
        return PlaceValue(**value)
    return MediaValue(**value) if "link" in value else TextValue(**value)


@dataclass(frozen=True, kw_only=True)
class SlotPolicy:
    """What to do where the message must wait.

    refuse: RateLimited, unless it is a matter of two seconds. queue: the row waits and the clock sends it. suspend:
    the row waits and its run comes back for it (SlotLater). Beyond `deadline` it is RateLimited in any case.
    """

    kind: Literal["refuse", "queue", "suspend"]
    deadline: datetime


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a row may be sent, and what holds it now; kept on it while it waits."""

    slots: SlotPolicy
    may_speak_into_take_over: bool = False
    # Marketing that nobody waits for: it stands behind replies (pacing.py).
    is_bulk: bool = False
    # Buckets whose slot is this row's already, by key: it waits for the latest of them and takes none twice.
    reserved: Mapping[str, datetime]
    # How often the platform itself has sent it back for pace.
    pushed: int = 0
    resends: int = 0
    # What it waits for now, and until when: a key of RateLimited.LIMITS.
    held_by: str = ""
    held_until: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """For `payload["terms"]`."""
        return {
            "slots": self.slots.kind,
            "deadline": self.slots.deadline.isoformat(),
            "may_speak_into_take_over": self.may_speak_into_take_over,
            "reserved": {key: slot_at.isoformat() for key, slot_at in self.reserved.items()},
            "pushed": self.pushed,
            "resends": self.resends,
            "is_bulk": self.is_bulk,
            "slot": {"limit": self.held_by, "at": self.held_until.isoformat()} if self.held_until else None,
        }


def terms_of(message: Message) -> Terms:
    """The terms a stored row was made on."""
    stored = message.payload["terms"]
    slot = stored.get("slot") or {}
    return Terms(
        slots=SlotPolicy(kind=stored["slots"], deadline=datetime.fromisoformat(stored["deadline"])),
        may_speak_into_take_over=stored["may_speak_into_take_over"],
        reserved={key: datetime.fromisoformat(slot_at) for key, slot_at in stored["reserved"].items()},
        pushed=stored["pushed"],
        resends=stored["resends"],
        is_bulk=stored.get("is_bulk", False),
        held_by=slot.get("limit", ""),
        held_until=datetime.fromisoformat(slot["at"]) if slot else None,
    )
