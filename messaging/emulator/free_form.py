"""Checks messages that are no templates, and says what the customer sees of them."""

from typing import Any

from messaging.emulator.fields import checked_source, limited
from messaging.emulator.interactive import shown_interactive
from messaging.emulator.refusals import Refusal, invalid, only_keys

TEXT_UNITS, CAPTION_UNITS = 4096, 1024
# What a media object may hold beside its id or its link.
MEDIA_KEYS = {
    "image": frozenset({"id", "link", "caption"}),
    "video": frozenset({"id", "link", "caption"}),
    "document": frozenset({"id", "link", "caption", "filename"}),
    "audio": frozenset({"id", "link", "voice"}),
    "sticker": frozenset({"id", "link"}),
}
TEXT_KEYS = frozenset({"body", "preview_url"})
REACTION_KEYS = frozenset({"message_id", "emoji"})
LOCATION_KEYS = frozenset({"latitude", "longitude", "name", "address"})
CONTACT_KEYS = frozenset({"name", "phones", "emails", "addresses", "org", "urls", "birthday"})
NAME_PARTS = ("first_name", "last_name", "middle_name", "suffix", "prefix")


def shown_free_form(kind: str, message: dict[str, Any]) -> dict[str, Any]:
    """What the customer sees of a free-form message. Raises Refusal."""
    if kind not in CHECKS:
        raise Refusal(131051, f"Message type '{kind}' is not supported")
    value = message.get(kind)
    if value is None:
        raise invalid(f"The parameter {kind} is required.")
    if kind != "contacts" and not isinstance(value, dict):
        raise invalid(f"Param {kind} must be an object")
    shown: dict[str, Any] = CHECKS[kind](value)
    return shown


def _text(value: dict[str, Any]) -> dict[str, Any]:
    only_keys("text", value, TEXT_KEYS)
    if not isinstance(value.get("preview_url", False), bool):
        raise invalid("Param text['preview_url'] must be a boolean")
    body = limited("text['body']", value.get("body"), TEXT_UNITS)
    if not body.strip():
        raise invalid("The parameter text['body'] is required.")
    return {"text": body}


def _media(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    only_keys(kind, value, MEDIA_KEYS[kind])
    checked_source(kind, value)
    caption = limited(f"{kind}['caption']", value.get("caption"), CAPTION_UNITS, needed=False)
    limited(f"{kind}['filename']", value.get("filename"), 240, needed=False)
    if not isinstance(value.get("voice", False), bool):
        raise invalid("Param audio['voice'] must be a boolean")
    return {"text": caption, "media": {"kind": kind, **value}}


def _reaction(value: dict[str, Any]) -> dict[str, Any]:
    """Whether the message is there is found out later, and told by a status."""
    only_keys("reaction", value, REACTION_KEYS)
    wamid = limited("reaction['message_id']", value.get("message_id"), 1000)
    emoji = value.get("emoji")
    if emoji is None:
        raise invalid("The parameter reaction['emoji'] is required.")
    if not isinstance(emoji, str) or len(emoji) > 20 or any(map(_is_writing, emoji)):
        raise Refusal(131009, "Param reaction['emoji'] must be one emoji, or empty to take the reaction back")
    return {"reaction": {"to": wamid, "emoji": emoji}}


def _is_writing(sign: str) -> bool:
    return sign.isspace() or (sign.isalpha() and sign != "ℹ")


def checked_location(where: str, value: dict[str, Any]) -> dict[str, Any]:
    """A place on this earth, with or without its name and address. Raises Refusal."""
    only_keys(where, value, LOCATION_KEYS)
    try:
        latitude, longitude = float(value["latitude"]), float(value["longitude"])
    except (KeyError, TypeError, ValueError):
        raise invalid(f"Params {where}['latitude'] and {where}['longitude'] must be numbers") from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise Refusal(131009, f"{where} is not on this earth")
    for part in ("name", "address"):
        limited(f"{where}['{part}']", value.get(part), 1000, needed=False)
    return value


def _contacts(value: Any) -> dict[str, Any]:
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise invalid("Param contacts must be a list of objects")
    for place, contact in enumerate(value):
        only_keys(f"contacts[{place}]", contact, CONTACT_KEYS)
        name = contact.get("name")
        if not isinstance(name, dict) or not name.get("formatted_name"):
            raise invalid(f"The parameter contacts[{place}]['name']['formatted_name'] is required.")
        only_keys(f"contacts[{place}]['name']", name, {"formatted_name", *NAME_PARTS})
        if not any(name.get(part) for part in NAME_PARTS):
            raise Refusal(131009, f"contacts[{place}]['name'] needs one of: {', '.join(NAME_PARTS)}")
        phones = contact.get("phones") or []
        if not isinstance(phones, list):
            raise invalid(f"Param contacts[{place}]['phones'] must be a list")
        for phone in phones:
            if not isinstance(phone, dict) or not phone.get("phone"):
                raise invalid(f"The parameter contacts[{place}]['phones'][]['phone'] is required.")
    return {"contacts": value}


CHECKS: dict[str, Any] = {
    "text": _text,
    "interactive": shown_interactive,
    "reaction": _reaction,
    "location": lambda value: {"location": checked_location("location", value)},
    "contacts": _contacts,
    **{kind: (lambda value, kind=kind: _media(kind, value)) for kind in MEDIA_KEYS},
}
