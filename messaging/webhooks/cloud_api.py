"""The Cloud API's webhooks: signature over the raw bytes, and a parser that nothing can make raise.

Shapes: reference/whatsapp-cloud-api.md, sections 5 and 6. Unknown fields and kinds are kept, never an error.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any, TypedDict

from messaging.webhooks import lenient
from messaging.webhooks.events import (
    Broken,
    InboundMessage,
    Item,
    Noted,
    NumberUpdate,
    Person,
    Preference,
    StatusUpdate,
    TemplateUpdate,
)

SIGNATURE_PREFIX = "sha256="
# As long as the columns they go into.
MESSAGE_ID, PERSON_ID, KIND = 200, 160, 30
# Items about an earlier message or about the customer: noted, no message of their own. Every other kind, also one that
# is not known yet, is somebody's message: it opens the window and is routed.
ABOUT_KINDS = frozenset({"reaction", "edit", "revoke", "system"})
NUMBER_FIELDS = ("phone_number_quality_update", "business_capability_update", "phone_number_name_update")
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


Reader = Callable[[dict[str, Any]], Iterator[Item]]


class Place(TypedDict, total=False):
    """Where an item stands: what finds its sender."""

    number_id: str
    account_id: str


class NotOurBody(ValueError):
    """The bytes are no JSON object of the platform's."""


def sign(body: bytes, secret: str) -> str:
    """The header that the platform sends with these bytes."""
    return SIGNATURE_PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed_with(body: bytes, signature: str, secret: str) -> bool:
    """Constant time, over the bytes as received: re-serialised JSON is refused (traps.md W12)."""
    return bool(secret) and hmac.compare_digest(sign(body, secret).encode(), signature.encode("utf-8", "replace"))


def parse(body: bytes) -> list[Item]:
    """Every item of a body, in its order. Raises NotOurBody where there is no JSON object."""
    try:
        envelope = lenient.loads(body)
    except ValueError as error:
        raise NotOurBody(str(error)) from None
    if not isinstance(envelope, dict):
        raise NotOurBody("no object")
    return list(_each(envelope, "entry", {}, _entry))


def _entry(entry: dict[str, Any]) -> Iterator[Item]:
    account_id = lenient.identifier(entry.get("id"), 64)
    place = Place(account_id=account_id)
    yield from _each(entry, "changes", place, lambda change: _change(change, account_id))


def _change(change: dict[str, Any], account_id: str) -> Iterator[Item]:
    field, value = lenient.text(change.get("field")) or "unknown", change.get("value")
    if not isinstance(value, dict):
        yield Broken(kind=field, raw=change, account_id=account_id, problem="no value")
        return
    number_id = lenient.identifier(lenient.mapping(value.get("metadata")).get("phone_number_id"), 64)
    place = Place(number_id=number_id, account_id=account_id)
    if field == "messages":
        yield from _messages(value, place)
    elif field == "message_template_status_update":
        yield _template(value, place, status=_template_status(value), reason=_template_reason(value))
    elif field == "message_template_quality_update":
        yield _template(value, place, quality=lenient.text(value.get("new_quality_score")).lower())
    elif field == "template_category_update":
        yield _template(value, place, category=lenient.text(value.get("new_category")).lower())
    elif field in NUMBER_FIELDS:
        yield _number(field, value, place)
    else:
        yield from _others(field, value, place)


def _messages(value: dict[str, Any], place: Place) -> Iterator[Item]:
    people = _People(value)
    readers: dict[str, Callable[[dict[str, Any]], Item]] = {
        "messages": lambda raw: _message(raw, people, place),
        "statuses": lambda raw: _status(raw, place),
        "errors": lambda raw: Noted(kind="errors", raw=raw, **place),
    }
    for name, reader in readers.items():
        yield from _each(value, name, place, _one(reader))
    if not any(name in value for name in readers):
        yield from _others("messages", value, place)


def _others(field: str, value: dict[str, Any], place: Place) -> Iterator[Item]:
    """Fields that nothing is done with yet: a line for each thing in them."""
    lists = [name for name in value if isinstance(value[name], list) and name != "contacts"]
    people = _People(value)
    for name in lists:
        if name == "user_preferences":
            yield from _each(value, name, place, _one(lambda raw: _preference(field, raw, people, place)))
        else:
            yield from _each(value, name, place, _one(lambda raw: Noted(kind=field, raw=raw, **place)))
    if not lists:
        yield Noted(kind=field, raw=value, **place)


def _one(read: Callable[[dict[str, Any]], Item]) -> Reader:
    return lambda raw: iter((read(raw),))


class _People:
    """The contacts of a value, matched to its messages by id; a lean or missing list is no error (traps.md W1)."""

    def __init__(self, value: dict[str, Any]) -> None:
        contacts = (contact for contact in lenient.sequence(value.get("contacts")) if isinstance(contact, dict))
        self.people = [_person(contact, contact.get("wa_id"), contact.get("user_id")) for contact in contacts]

    def of(self, raw: dict[str, Any], *, phone: str = "from", user: str = "from_user_id") -> Person:
        """Who an item is from, by its own ids; the contacts add what it leaves out."""
        named = _person({}, raw.get(phone), raw.get(user))
        listed = self._listed(named)
        return Person(
            wa_id=named.wa_id or listed.wa_id,
            user_id=named.user_id or listed.user_id,
            profile_name=listed.profile_name,
            username=listed.username,
        )

    def _listed(self, named: Person) -> Person:
        for person in self.people:
            if (named.wa_id and named.wa_id == person.wa_id) or (named.user_id and named.user_id == person.user_id):
                return person
        if len(self.people) == 1 and not _contradict(named, self.people[0]):
            return self.people[0]
        return Person()


def _person(contact: dict[str, Any], wa_id: Any, user_id: Any) -> Person:
    wa_id, user_id = lenient.identifier(wa_id, PERSON_ID), lenient.identifier(user_id, PERSON_ID)
    if "." in wa_id:
        # A user id in the place of the phone (traps.md P10).
        wa_id, user_id = "", user_id or wa_id
    profile = lenient.mapping(contact.get("profile"))
    name, username = lenient.text(profile.get("name"), 255), lenient.text(profile.get("username"), 64)
    return Person(wa_id=wa_id, user_id=user_id, profile_name=name, username=username)


def _contradict(one: Person, other: Person) -> bool:
    """Two different ids of one kind: the only contact of a body is not the writer of every message in it."""
    return (bool(one.wa_id and other.wa_id) and one.wa_id != other.wa_id) or (
        bool(one.user_id and other.user_id) and one.user_id != other.user_id
    )


def _message(raw: dict[str, Any], people: _People, place: Place) -> Item:
    kind = lenient.text(raw.get("type"), KIND) or "unknown"
    person = people.of(raw)
    if kind in ABOUT_KINDS:
        return Noted(kind=kind, raw=raw, person=person, why="about_a_message", **place)
    text, button_id = _words(kind, raw)
    return InboundMessage(
        kind=kind,
        raw=raw,
        message_id=lenient.identifier(raw.get("id"), MESSAGE_ID),
        person=person,
        text=text,
        button_id=button_id,
        reply_to=lenient.identifier(lenient.mapping(raw.get("context")).get("id"), MESSAGE_ID),
        sent_at=lenient.instant(raw.get("timestamp")),
        media=_media(kind, raw),
        referral=lenient.mapping(raw.get("referral")) or None,
        **place,
    )


def _words(kind: str, raw: dict[str, Any]) -> tuple[str, str | None]:
    """What the customer said, and the id of a button or row they tapped."""
    text, content = lenient.text, lenient.mapping(raw.get(kind))
    if kind == "text":
        return text(content.get("body")), None
    if kind == "button":
        return text(content.get("text")), text(content.get("payload")) or None
    if kind == "interactive":
        reply = lenient.mapping(content.get("button_reply")) or lenient.mapping(content.get("list_reply"))
        if reply:
            return text(reply.get("title")), text(reply.get("id")) or None
        form = lenient.mapping(content.get("nfm_reply"))
        return text(form.get("body")) or text(form.get("response_json")), None
    if kind == "location":
        return " ".join(filter(None, (text(content.get("name")), text(content.get("address"))))), None
    return text(content.get("caption")) or text(content.get("text")), None


def _media(kind: str, raw: dict[str, Any]) -> dict[str, Any] | None:
    if kind not in MEDIA_KINDS:
        return None
    content = lenient.mapping(raw.get(kind))
    return {name: content.get(name) for name in ("id", "mime_type", "sha256", "filename", "caption")}


def _status(raw: dict[str, Any], place: Place) -> Item:
    error = next((error for error in lenient.sequence(raw.get("errors")) if isinstance(error, dict)), {})
    data = error.get("error_data")
    detail = lenient.text(data.get("details") if isinstance(data, dict) else data)
    return StatusUpdate(
        kind="status",
        raw=raw,
        message_id=lenient.identifier(raw.get("id"), MESSAGE_ID),
        status=lenient.text(raw.get("status"), 20),
        occurred_at=lenient.instant(raw.get("timestamp")),
        callback_data=lenient.identifier(raw.get("biz_opaque_callback_data"), 512),
        platform_error=lenient.whole(error.get("code")),
        error_detail=detail or lenient.text(error.get("title")),
        pricing=lenient.mapping(raw.get("pricing")),
        **place,
    )


def _preference(field: str, raw: dict[str, Any], people: _People, place: Place) -> Item:
    person = people.of(raw, phone="wa_id", user="user_id")
    word = lenient.text(raw.get("value")).lower()
    if raw.get("category") != "marketing_messages" or word not in ("stop", "resume"):
        return Noted(kind=field, raw=raw, person=person, **place)
    is_stop, said_at = word == "stop", lenient.instant(raw.get("timestamp"))
    return Preference(kind=field, raw=raw, person=person, is_stop=is_stop, said_at=said_at, **place)


def _template(value: dict[str, Any], place: Place, **news: str) -> TemplateUpdate:
    return TemplateUpdate(
        kind="template",
        raw=value,
        name=lenient.text(value.get("message_template_name")),
        language=lenient.text(value.get("message_template_language")),
        platform_id=lenient.text(value.get("message_template_id")),
        **place,
        **news,
    )


def _template_status(value: dict[str, Any]) -> str:
    # FLAGGED is a warning, the template may still be approved; what is not known here changes nothing.
    return TEMPLATE_STATUS.get(lenient.text(value.get("event")).upper(), "")


def _template_reason(value: dict[str, Any]) -> str:
    reason = lenient.text(lenient.mapping(value.get("rejection_info")).get("reason"))
    reason = reason or lenient.text(value.get("reason"))
    return "" if reason.upper() == "NONE" else reason[:300]


def _number(field: str, value: dict[str, Any], place: Place) -> NumberUpdate:
    event = lenient.text(value.get("event")).upper()
    limit = value.get("max_daily_conversations_per_business", value.get("max_daily_conversation_per_phone"))
    is_name = field == "phone_number_name_update" and lenient.text(value.get("decision")).upper() == "APPROVED"
    return NumberUpdate(
        kind=field,
        raw=value,
        display_number=lenient.text(value.get("display_phone_number")),
        limit=lenient.whole(limit),
        name=lenient.text(value.get("requested_verified_name"), 120) if is_name else "",
        throughput=1000 if event == "THROUGHPUT_UPGRADE" else None,
        quality=lenient.text(value.get("quality_rating") or value.get("new_quality_rating")).lower(),
        event=event,
        **place,
    )


def _each(holder: dict[str, Any], name: str, place: Place, read: Reader) -> Iterator[Item]:
    """The items of each object in a list; what is none, or cannot be read, is one broken item among its neighbours."""
    if name in holder and not isinstance(holder[name], list):
        yield Broken(kind=name, raw={name: holder[name]}, problem="no list", **place)
    for raw in lenient.sequence(holder.get(name)):
        if not isinstance(raw, dict):
            yield Broken(kind=name, raw={"item": raw}, problem="no object", **place)
            continue
        try:
            yield from read(raw)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            yield Broken(kind=name, raw=raw, problem=type(error).__name__, **place)
