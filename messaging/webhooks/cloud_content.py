"""What a Cloud API message says: text, taps, media, places, cards, orders and forms, each read without trust."""

import json
from collections.abc import Iterator
from typing import Any

from messaging.webhooks import lenient
from messaging.webhooks.events import Content
from workspaces.storable import storable

MEDIA_KINDS = ("image", "audio", "voice", "video", "document", "sticker")
MEDIA_ID, MIME_TYPE, FILE_NAME = 200, 120, 255
# A card or an order may be as long as the platform lets it; a bubble and a run's data may not.
THINGS_KEPT = 50
# What a form inside WhatsApp sends besides the customer's answers.
FORM_EXTRAS = ("flow_token",)


def content_of(kind: str, raw: dict[str, Any]) -> Content:
    """The content of a message of this kind; what cannot be read is left out, never an error."""
    part = lenient.mapping(raw.get(kind))
    if kind in MEDIA_KINDS:
        return Content(text=lenient.text(part.get("caption")), media=_media(kind, part, raw))
    reader = _READERS.get(kind)
    return reader(part, raw) if reader else Content(text=_plain(part))


def form_answers(response_json: str) -> dict[str, Any] | None:
    """The fields of a form's answer, which is JSON inside a JSON text; None where it is none (traps.md W11)."""
    try:
        answers = json.loads(response_json)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answers, dict):
        return None
    return {str(name): storable(value) for name, value in answers.items() if name not in FORM_EXTRAS}


def _plain(part: dict[str, Any]) -> str:
    return lenient.text(part.get("caption")) or lenient.text(part.get("text"))


def _text(part: dict[str, Any], _raw: dict[str, Any]) -> Content:
    return Content(text=lenient.text(part.get("body")))


def _button(part: dict[str, Any], _raw: dict[str, Any]) -> Content:
    return Content(text=lenient.text(part.get("text")), button_id=lenient.text(part.get("payload")) or None)


def _interactive(part: dict[str, Any], _raw: dict[str, Any]) -> Content:
    reply = lenient.mapping(part.get("button_reply")) or lenient.mapping(part.get("list_reply"))
    if reply:
        return Content(text=lenient.text(reply.get("title")), button_id=lenient.text(reply.get("id")) or None)
    form = lenient.mapping(part.get("nfm_reply"))
    if not form:
        return Content(text=_plain(part))
    told = lenient.text(form.get("response_json"))
    answers = form_answers(told)
    # What is no form's answer is shown as it came, or nobody would see it.
    text = lenient.text(form.get("body")) if answers is not None else told
    return Content(text=text or told, facts={"form": answers})


def _location(part: dict[str, Any], _raw: dict[str, Any]) -> Content:
    name, address = lenient.text(part.get("name"), 300), lenient.text(part.get("address"), 500)
    place = {
        "latitude": lenient.number(part.get("latitude")),
        "longitude": lenient.number(part.get("longitude")),
        "name": name or None,
        "address": address or None,
    }
    return Content(text=" ".join(filter(None, (name, address))), facts={"location": place})


def _contacts(_part: dict[str, Any], raw: dict[str, Any]) -> Content:
    cards = [_card(card) for card in _objects(raw.get("contacts"))]
    return Content(text=", ".join(card["name"] for card in cards if card["name"]), facts={"contacts": cards})


def _card(card: dict[str, Any]) -> dict[str, Any]:
    name, firm = lenient.mapping(card.get("name")), lenient.mapping(card.get("org"))
    parts = (lenient.text(name.get(part)) for part in ("first_name", "last_name"))
    return {
        "name": (lenient.text(name.get("formatted_name")) or " ".join(filter(None, parts)))[:200],
        "phones": [
            {"phone": lenient.text(one.get("phone"), 60), "wa_id": lenient.text(one.get("wa_id"), 160) or None}
            for one in _objects(card.get("phones"))
        ],
        "emails": [lenient.text(one.get("email"), 254) for one in _objects(card.get("emails"))],
        "organisation": lenient.text(firm.get("company"), 200) or None,
    }


def _order(part: dict[str, Any], _raw: dict[str, Any]) -> Content:
    items = [
        {
            "id": lenient.text(item.get("product_retailer_id"), 200),
            "quantity": lenient.whole(item.get("quantity")) or 0,
            "price": lenient.number(item.get("item_price")),
            "currency": lenient.text(item.get("currency"), 3).upper(),
        }
        for item in _objects(part.get("product_items"))
    ]
    order = {"catalog": lenient.text(part.get("catalog_id"), 64) or None, "items": items}
    return Content(text=lenient.text(part.get("text")), facts={"order": order})


def _unsupported(part: dict[str, Any], raw: dict[str, Any]) -> Content:
    facts = {"type": lenient.text(part.get("type"), 60) or None, "detail": error_detail(raw) or None}
    return Content(facts={"unsupported": facts})


def _media(kind: str, part: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": lenient.identifier(part.get("id"), MEDIA_ID),
        "kind": "audio" if kind == "voice" else kind,
        "mime_type": lenient.text(part.get("mime_type"), MIME_TYPE),
        "sha256": lenient.text(part.get("sha256"), 100),
        "filename": lenient.text(part.get("filename"), FILE_NAME) or None,
        "caption": lenient.text(part.get("caption")) or None,
        "is_voice": kind == "voice" or part.get("voice") is True,
        # The platform could not get the file from the customer's phone (131052): there is nothing to fetch.
        "problem": error_detail(raw) or None,
    }


def error_detail(raw: dict[str, Any]) -> str:
    """What the platform says is wrong with an item, in its words; empty where nothing is."""
    error = next(iter(_objects(raw.get("errors"))), {})
    data = error.get("error_data")
    detail = lenient.text(data.get("details") if isinstance(data, dict) else data)
    return (detail or lenient.text(error.get("message")) or lenient.text(error.get("title")))[:500]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (one for one in lenient.sequence(value)[:THINGS_KEPT] if isinstance(one, dict))


_READERS = {
    "text": _text,
    "button": _button,
    "interactive": _interactive,
    "location": _location,
    "contacts": _contacts,
    "order": _order,
    "unsupported": _unsupported,
}
