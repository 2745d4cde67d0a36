"""The JSON of the Cloud API for messages that are no templates: what stands under the message's type."""

from typing import Any

from messaging.providers.contents import (
    Buttons,
    Card,
    Cards,
    Choice,
    FreeForm,
    Interactive,
    Link,
    Media,
    Menu,
    Place,
    Reaction,
)


def free_form_payload(content: FreeForm) -> dict[str, Any]:
    """`type` and the object named by it."""
    match content:
        case Media():
            return {"type": content.kind, content.kind: media_payload(content)}
        case Buttons() | Menu() | Link():
            return {"type": "interactive", "interactive": _interactive(content)}
        case Place():
            return {"type": "location", "location": place_payload(content)}
        case Cards():
            return {"type": "contacts", "contacts": [_card(card) for card in content.cards]}
        case Reaction():
            return {"type": "reaction", "reaction": {"message_id": content.message_id, "emoji": content.emoji}}


def media_payload(media: Media) -> dict[str, Any]:
    """A file by id or link. Only documents carry a file name (traps.md T4)."""
    body = {"id": media.media_id} if media.media_id else {"link": media.link}
    if media.caption:
        body["caption"] = media.caption
    if media.kind == "document" and media.filename:
        body["filename"] = media.filename
    return body


def place_payload(place: Place) -> dict[str, Any]:
    """A point, with its name and address where there are any."""
    words = {name: value for name, value in (("name", place.name), ("address", place.address)) if value}
    return {"latitude": place.latitude, "longitude": place.longitude, **words}


def _interactive(content: Interactive) -> dict[str, Any]:
    body: dict[str, Any] = {"body": {"text": content.text}}
    if content.footer:
        body["footer"] = {"text": content.footer}
    media = None if isinstance(content, Menu) else content.header_media
    if media is not None:
        body["header"] = {"type": media.kind, media.kind: media_payload(media)}
    elif content.header:
        body["header"] = {"type": "text", "text": content.header}
    match content:
        case Buttons():
            buttons = [{"type": "reply", "reply": {"id": one.id, "title": one.title}} for one in content.buttons]
            return {"type": "button", **body, "action": {"buttons": buttons}}
        case Menu():
            return {"type": "list", **body, "action": {"button": content.button, "sections": _sections(content)}}
        case Link():
            parameters = {"display_text": content.label, "url": content.url}
            return {"type": "cta_url", **body, "action": {"name": "cta_url", "parameters": parameters}}


def _sections(menu: Menu) -> list[dict[str, Any]]:
    return [
        ({"title": section.title} if section.title else {}) | {"rows": [_row(row) for row in section.rows]}
        for section in menu.sections
    ]


def _row(row: Choice) -> dict[str, str]:
    described = {"description": row.description} if row.description else {}
    return {"id": row.id, "title": row.title, **described}


def _card(card: Card) -> dict[str, Any]:
    """The platform wants a part of the name beside the whole."""
    first, _space, last = card.name.partition(" ")
    body: dict[str, Any] = {"name": {"formatted_name": card.name, "first_name": first}}
    if last:
        body["name"]["last_name"] = last
    if card.phones:
        body["phones"] = [_phone(phone) for phone in card.phones]
    if card.emails:
        body["emails"] = [{"email": email} for email in card.emails]
    if card.organisation:
        body["org"] = {"company": card.organisation}
    return body


def _phone(phone: str) -> dict[str, str]:
    """With the id of its account, the card can be written to at once."""
    digits = phone.removeprefix("+")
    account = {"wa_id": digits} if phone.startswith("+") and digits.isdigit() else {}
    return {"phone": phone, "type": "CELL", **account}
