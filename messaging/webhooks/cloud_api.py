"""The Cloud API's webhooks: signature over the raw bytes, and a parser that nothing can make raise.

Shapes: reference/whatsapp-cloud-api.md, sections 5 and 6. Unknown fields and kinds are kept, never an error.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

from messaging.webhooks import lenient
from messaging.webhooks.cloud_accounts import FIELDS, Place
from messaging.webhooks.cloud_content import content_of, error_detail
from messaging.webhooks.events import (
    Broken,
    Call,
    Change,
    Echo,
    InboundMessage,
    Item,
    Moved,
    Noted,
    Person,
    Preference,
    StatusUpdate,
)

SIGNATURE_PREFIX = "sha256="
# As long as the columns they go into.
MESSAGE_ID, PERSON_ID, KIND = 200, 160, 30
# Items about an earlier message. Every other kind, also one that is not known yet, is somebody's message: it opens
# the window and is routed.
CHANGES = frozenset({"reaction", "edit", "revoke"})
# `customer_` are the names of the older versions of the platform.
MOVES = frozenset({"user_changed_number", "user_changed_user_id", "customer_changed_number"})

Reader = Callable[[dict[str, Any]], Iterator[Item]]


class NotOurBody(ValueError):
    """The bytes are no JSON object of the platform's."""


def sign(body: bytes, secret: str) -> str:
    """The header that the platform sends with these bytes."""
    return SIGNATURE_PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed_with(body: bytes, signature: str, secret: str) -> bool:
    """Constant time, over the bytes as received: re-serialised JSON is refused (traps.md W12)."""
    return bool(secret) and hmac.compare_digest(sign(body, secret).encode(), signature.encode("utf-8", "replace"))


def demand_envelope(body: bytes) -> None:
    """Raises NotOurBody for bytes that are no JSON object: whatever is signed like that will never be understood."""
    try:
        is_object = isinstance(json.loads(body), dict)
    except (ValueError, RecursionError) as error:
        raise NotOurBody(str(error)) from None
    if not is_object:
        raise NotOurBody("no object")


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
    if field in FIELDS:
        yield FIELDS[field](field, value, place)
        return
    people = _People(value)
    readers = _readers(field, people, place)
    lists = [name for name in value if name in readers or (isinstance(value[name], list) and name != "contacts")]
    for name in lists:
        yield from _each(value, name, place, _one(readers.get(name, lambda raw: _noted(field, raw, place))))
    if not lists:
        yield Noted(kind=field, raw=value, **place)


def _readers(field: str, people: "_People", place: Place) -> dict[str, Callable[[dict[str, Any]], Item]]:
    """What reads the lists of a field; a list that is not here is noted item by item."""
    if field == "messages":
        return {
            "messages": lambda raw: _message(raw, people, place),
            "statuses": lambda raw: _status(raw, place),
            "errors": lambda raw: Noted(kind="errors", raw=raw, **place),
        }
    if field == "smb_message_echoes":
        return {"message_echoes": lambda raw: _echo(raw, people, place)}
    if field == "calls":
        return {
            "calls": lambda raw: _call(raw, people, place),
            "statuses": lambda raw: _call_status(raw, people, place),
        }
    if field == "user_preferences":
        return {"user_preferences": lambda raw: _preference(field, raw, people, place)}
    if field == "user_id_update":
        return {field: lambda raw: _user_id_update(raw, place)}
    return {}


def _noted(field: str, raw: dict[str, Any], place: Place) -> Item:
    return Noted(kind=field, raw=raw, **place)


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
    if kind in CHANGES:
        return _about(kind, raw, person, place)
    if kind == "system":
        return _system(raw, person, place)
    return InboundMessage(**_written(kind, raw, person), **place)


def _echo(raw: dict[str, Any], people: _People, place: Place) -> Item:
    """What the business wrote from its phone app: the customer is the one it went to."""
    kind = lenient.text(raw.get("type"), KIND) or "unknown"
    person = people.of(raw, phone="to", user="to_user_id")
    if kind in CHANGES:
        return _about(kind, raw, person, place, is_ours=True)
    return Echo(**_written(kind, raw, person), **place)


def _written(kind: str, raw: dict[str, Any], person: Person) -> dict[str, Any]:
    """The fields of a message, whoever wrote it."""
    context = lenient.mapping(raw.get("context"))
    forwarded = "often" if context.get("frequently_forwarded") is True else ""
    return {
        "kind": kind,
        "raw": raw,
        "message_id": lenient.identifier(raw.get("id"), MESSAGE_ID),
        "person": person,
        "content": content_of(kind, raw),
        "reply_to": lenient.identifier(context.get("id"), MESSAGE_ID),
        "sent_at": lenient.instant(raw.get("timestamp")),
        "referral": lenient.mapping(raw.get("referral")) or None,
        "group_id": lenient.text(raw.get("group_id"), MESSAGE_ID),
        "forwarded": forwarded or ("once" if context.get("forwarded") is True else ""),
    }


def _about(kind: str, raw: dict[str, Any], person: Person, place: Place, *, is_ours: bool = False) -> Item:
    part = lenient.mapping(raw.get(kind))
    named = part.get("message_id") if kind == "reaction" else part.get("original_message_id")
    edited = lenient.mapping(part.get("message"))
    return Change(
        kind=kind,
        raw=raw,
        change_id=lenient.identifier(raw.get("id"), MESSAGE_ID),
        target_id=lenient.identifier(named, MESSAGE_ID),
        person=person,
        is_ours=is_ours,
        emoji=lenient.text(part.get("emoji"), 40),
        content=content_of(lenient.text(edited.get("type"), KIND), edited),
        said_at=lenient.instant(raw.get("timestamp")),
        **place,
    )


def _system(raw: dict[str, Any], person: Person, place: Place) -> Item:
    """A customer's new number or user id; what else the system tells (a changed security code) is noted."""
    part = lenient.mapping(raw.get("system"))
    if lenient.text(part.get("type")) not in MOVES:
        return Noted(kind="system", raw=raw, person=person, **place)
    was = person if person.is_known else _person({}, part.get("customer"), None)
    return Moved(
        kind="system",
        raw=raw,
        message_id=lenient.identifier(raw.get("id"), MESSAGE_ID),
        person=was,
        new=_person({}, part.get("wa_id") or part.get("new_wa_id"), part.get("user_id")),
        words=lenient.text(part.get("body"), 500),
        said_at=lenient.instant(raw.get("timestamp")),
        **place,
    )


def _user_id_update(raw: dict[str, Any], place: Place) -> Item:
    """A user id changed without a message about it."""
    ids = lenient.mapping(raw.get("user_id"))
    return Moved(
        kind="user_id_update",
        raw=raw,
        message_id="",
        person=_person({}, raw.get("wa_id"), ids.get("previous")),
        new=_person({}, raw.get("wa_id"), ids.get("current")),
        said_at=lenient.instant(raw.get("timestamp")),
        **place,
    )


def _status(raw: dict[str, Any], place: Place) -> Item:
    error = next((error for error in lenient.sequence(raw.get("errors")) if isinstance(error, dict)), {})
    return StatusUpdate(
        kind="status",
        raw=raw,
        message_id=lenient.identifier(raw.get("id"), MESSAGE_ID),
        status=lenient.text(raw.get("status"), 20),
        occurred_at=lenient.instant(raw.get("timestamp")),
        callback_data=lenient.identifier(raw.get("biz_opaque_callback_data"), 512),
        platform_error=lenient.whole(error.get("code")),
        error_detail=error_detail(raw),
        pricing=lenient.mapping(raw.get("pricing")),
        **place,
    )


def _call(raw: dict[str, Any], people: _People, place: Place) -> Item:
    """A call rings (connect) or has ended (terminate). Ours goes to the customer, theirs comes from them."""
    is_outbound = lenient.text(raw.get("direction")).upper() == "BUSINESS_INITIATED"
    who = ("to", "to_user_id") if is_outbound else ("from", "from_user_id")
    return Call(
        kind="call",
        raw=raw,
        call_id=lenient.identifier(raw.get("id"), MESSAGE_ID),
        person=people.of(raw, phone=who[0], user=who[1]),
        event=lenient.text(raw.get("event"), 20).lower(),
        is_outbound=is_outbound,
        result=lenient.text(raw.get("status"), 20).upper(),
        seconds=lenient.whole(raw.get("duration")),
        happened_at=lenient.instant(raw.get("timestamp")),
        started_at=lenient.instant(raw.get("start_time")),
        ended_at=lenient.instant(raw.get("end_time")),
        **place,
    )


def _call_status(raw: dict[str, Any], people: _People, place: Place) -> Item:
    """What became of a call that we made: it rings, was accepted or rejected. No status of a message."""
    return Call(
        kind="call",
        raw=raw,
        call_id=lenient.identifier(raw.get("id"), MESSAGE_ID),
        person=people.of(raw, phone="recipient_id", user="recipient_user_id"),
        event="status",
        is_outbound=True,
        result=lenient.text(raw.get("status"), 20).upper(),
        happened_at=lenient.instant(raw.get("timestamp")),
        **place,
    )


def _preference(field: str, raw: dict[str, Any], people: _People, place: Place) -> Item:
    person = people.of(raw, phone="wa_id", user="user_id")
    word = lenient.text(raw.get("value")).lower()
    if raw.get("category") != "marketing_messages" or word not in ("stop", "resume"):
        return Noted(kind=field, raw=raw, person=person, **place)
    is_stop, said_at = word == "stop", lenient.instant(raw.get("timestamp"))
    return Preference(kind=field, raw=raw, person=person, is_stop=is_stop, said_at=said_at, **place)


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
