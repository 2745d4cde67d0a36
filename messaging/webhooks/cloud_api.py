"""The Cloud API's webhooks: signature over the raw bytes, and a parser that nothing can make raise.

Shapes: reference/whatsapp-cloud-api.md, sections 5 and 6. Unknown fields and kinds are kept, never an error.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from messaging.webhooks.events import (
    Broken,
    InboundMessage,
    Item,
    Noted,
    NumberUpdate,
    Person,
    StatusUpdate,
    TemplateUpdate,
)

SIGNATURE_PREFIX = "sha256="
# Kinds that are somebody's message: they open the window and are routed.
MESSAGE_KINDS = frozenset(
    {
        "text", "button", "interactive", "image", "audio", "voice", "video", "document", "sticker", "location",
        "contacts", "order", "unsupported", "unknown", "request_welcome",
    }
)  # fmt: skip
# Items about an earlier message or about the customer: noted, no message of their own.
ABOUT_KINDS = frozenset({"reaction", "edit", "revoke", "system"})
MEDIA_KINDS = ("image", "audio", "voice", "video", "document", "sticker")
# Event names and status are different lists (reference, section 4).
TEMPLATE_STATUS = {
    "APPROVED": "approved",
    "REINSTATED": "approved",
    "UNARCHIVED": "approved",
    "PENDING": "pending",
    "IN_APPEAL": "pending",
    "REJECTED": "rejected",
    "PAUSED": "paused",
    "DISABLED": "disabled",
    "LOCKED": "disabled",
    "ARCHIVED": "disabled",
    "PENDING_DELETION": "deleted",
    "DELETED": "deleted",
}


class NotOurBody(ValueError):
    """The bytes are no JSON object of the platform's."""


def sign(body: bytes, secret: str) -> str:
    """The header that the platform sends with these bytes."""
    return SIGNATURE_PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed_with(body: bytes, signature: str, secret: str) -> bool:
    """Constant time, over the bytes as received: re-serialised JSON is refused (traps.md W12)."""
    return bool(secret) and hmac.compare_digest(sign(body, secret).encode(), signature.encode())


def parse(body: bytes) -> list[Item]:
    """Every item of a body, in its order. Raises NotOurBody where there is no JSON object."""
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        raise NotOurBody("no JSON") from None
    if not isinstance(envelope, dict):
        raise NotOurBody("no object")
    return [item for entry in _list(envelope.get("entry")) for item in _entry(entry)]


def _entry(entry: Any) -> Iterator[Item]:
    account_id = _text(entry.get("id")) if isinstance(entry, dict) else ""
    changes = _list(entry.get("changes")) if isinstance(entry, dict) else []
    for change in changes:
        field = _text(change.get("field")) if isinstance(change, dict) else ""
        value = change.get("value") if isinstance(change, dict) else None
        if not isinstance(value, dict):
            yield Broken(kind=field or "change", raw={"change": change}, account_id=account_id, problem="no value")
            continue
        yield from _change(field, value, account_id)


def _change(field: str, value: dict[str, Any], account_id: str) -> Iterator[Item]:
    place = {"number_id": _text(_dict(value.get("metadata")).get("phone_number_id")), "account_id": account_id}
    people = _People(value)
    if field == "messages":
        yield from _each(value, "messages", place, lambda raw: _message(raw, people, place))
        yield from _each(value, "statuses", place, lambda raw: _status(raw, place))
        yield from _each(value, "errors", place, lambda raw: Noted(kind="errors", raw=raw, **place))
    elif field == "message_template_status_update":
        yield _template(value, place, status=_template_status(value), reason=_template_reason(value))
    elif field == "message_template_quality_update":
        yield _template(value, place, quality=_text(value.get("new_quality_score")).lower())
    elif field == "template_category_update":
        yield _template(value, place, category=_text(value.get("new_category")).lower())
    elif field in ("phone_number_quality_update", "business_capability_update", "phone_number_name_update"):
        yield _number(field, value, place)
    else:
        lists = [name for name in value if isinstance(value[name], list) and name != "contacts"]
        for name in lists:
            yield from _each(value, name, place, lambda raw: Noted(kind=field or "unknown", raw=raw, **place))
        if not lists:
            yield Noted(kind=field or "unknown", raw=value, **place)


class _People:
    """The contacts of a value, matched to its messages by id; a lean or missing list is no error (traps.md W1)."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.contacts = [contact for contact in _list(value.get("contacts")) if isinstance(contact, dict)]

    def of(self, raw: dict[str, Any]) -> Person:
        wa_id, user_id = _text(raw.get("from")), _text(raw.get("from_user_id"))
        if "." in wa_id and not user_id:
            # A user id in the place of the phone (traps.md P10).
            wa_id, user_id = "", wa_id
        contact = self._contact(wa_id, user_id)
        wa_id = wa_id or (_text(contact.get("wa_id")) if "." not in _text(contact.get("wa_id")) else "")
        profile = _dict(contact.get("profile"))
        return Person(
            wa_id=wa_id,
            user_id=user_id or _text(contact.get("user_id")),
            profile_name=_text(profile.get("name"))[:255],
            username=_text(profile.get("username"))[:64],
        )

    def _contact(self, wa_id: str, user_id: str) -> dict[str, Any]:
        for contact in self.contacts:
            if (wa_id and wa_id == _text(contact.get("wa_id"))) or (
                user_id and user_id == _text(contact.get("user_id"))
            ):
                return contact
        return self.contacts[0] if len(self.contacts) == 1 else {}


def _message(raw: dict[str, Any], people: _People, place: dict[str, str]) -> Item:
    kind = _text(raw.get("type")) or "unknown"
    person = people.of(raw)
    if kind in ABOUT_KINDS:
        return Noted(kind=kind, raw=raw, person=person, why="about_a_message", **place)
    text, button_id = _words(kind, raw)
    return InboundMessage(
        kind=kind if kind in MESSAGE_KINDS else "unknown",
        raw=raw,
        message_id=_text(raw.get("id")),
        person=person,
        text=text,
        button_id=button_id,
        reply_to=_text(_dict(raw.get("context")).get("id")),
        sent_at=_instant(raw.get("timestamp")),
        media=_media(kind, raw),
        referral=_dict(raw.get("referral")) or None,
        **place,
    )


def _words(kind: str, raw: dict[str, Any]) -> tuple[str, str | None]:
    """What the customer said, and the id of a button or row they tapped."""
    content = _dict(raw.get(kind))
    if kind == "text":
        return _text(content.get("body")), None
    if kind == "button":
        return _text(content.get("text")), _text(content.get("payload")) or None
    if kind == "interactive":
        reply = _dict(content.get("button_reply")) or _dict(content.get("list_reply"))
        if reply:
            return _text(reply.get("title")), _text(reply.get("id")) or None
        return _text(_dict(content.get("nfm_reply")).get("body")), None
    if kind == "location":
        return " ".join(filter(None, (_text(content.get("name")), _text(content.get("address"))))), None
    return _text(content.get("caption")) or _text(content.get("text")), None


def _media(kind: str, raw: dict[str, Any]) -> dict[str, Any] | None:
    if kind not in MEDIA_KINDS:
        return None
    content = _dict(raw.get(kind))
    return {name: content.get(name) for name in ("id", "mime_type", "sha256", "filename", "caption")}


def _status(raw: dict[str, Any], place: dict[str, str]) -> Item:
    errors = [error for error in _list(raw.get("errors")) if isinstance(error, dict)]
    error = errors[0] if errors else {}
    data = error.get("error_data")
    detail = _text(data.get("details")) if isinstance(data, dict) else _text(data)
    return StatusUpdate(
        kind="status",
        raw=raw,
        message_id=_text(raw.get("id")),
        status=_text(raw.get("status")),
        occurred_at=_instant(raw.get("timestamp")),
        callback_data=_text(raw.get("biz_opaque_callback_data"))[:512],
        platform_error=_whole(error.get("code")),
        error_detail=detail or _text(error.get("title")),
        pricing=_dict(raw.get("pricing")),
        **place,
    )


def _template(value: dict[str, Any], place: dict[str, str], **news: str) -> TemplateUpdate:
    return TemplateUpdate(
        kind="template",
        raw=value,
        name=_text(value.get("message_template_name")),
        language=_text(value.get("message_template_language")),
        platform_id=_text(value.get("message_template_id")),
        **place,
        **news,
    )


def _template_status(value: dict[str, Any]) -> str:
    # FLAGGED is a warning, the template may still be approved; what is not known here changes nothing.
    return TEMPLATE_STATUS.get(_text(value.get("event")).upper(), "")


def _template_reason(value: dict[str, Any]) -> str:
    reason = _text(_dict(value.get("rejection_info")).get("reason")) or _text(value.get("reason"))
    return "" if reason.upper() == "NONE" else reason[:300]


def _number(field: str, value: dict[str, Any], place: dict[str, str]) -> NumberUpdate:
    event = _text(value.get("event")).upper()
    limit = value.get("max_daily_conversations_per_business", value.get("max_daily_conversation_per_phone"))
    return NumberUpdate(
        kind=field,
        raw=value,
        display_number=_text(value.get("display_phone_number")),
        limit=_whole(limit),
        name=_text(value.get("requested_verified_name")) if field == "phone_number_name_update" else "",
        throughput={"THROUGHPUT_UPGRADE": 1000, "UPGRADE": None}.get(event),
        quality=_text(value.get("quality_rating") or value.get("new_quality_rating")).lower(),
        event=event,
        **place,
    )


def _each(
    value: dict[str, Any], name: str, place: dict[str, str], read: Callable[[dict[str, Any]], Item]
) -> Iterator[Item]:
    for raw in _list(value.get(name)):
        if not isinstance(raw, dict):
            yield Broken(kind=name, raw={"item": raw}, problem="no object", **place)
            continue
        try:
            yield read(raw)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            yield Broken(kind=name, raw=raw, problem=type(error).__name__, **place)


def _instant(value: Any) -> datetime | None:
    """Seconds since 1970 as text or number (milliseconds are recognised by their size), or None."""
    try:
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, tz=UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    # NUL cannot be stored by PostgreSQL, and no customer can type it.
    return str(value).replace("\x00", "") if isinstance(value, str | int | float) and value is not True else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
