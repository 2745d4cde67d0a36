"""The bodies of customers' messages, one function a kind, shaped like the platform's webhooks."""

import base64
import json
from typing import Any

from messaging.emulator.fields import units
from messaging.emulator.records import Message

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"
# Kinds a customer can send; media kinds with their usual type and a sample file.
KINDS: dict[str, dict[str, Any]] = {
    "text": {},
    "button": {},
    "list_reply": {},
    "image": {"media": ("image/png", PIXEL)},
    "audio": {"media": ("audio/ogg; codecs=opus", b"OggS" + bytes(60))},
    "video": {"media": ("video/mp4", b"\x00\x00\x00\x18ftypmp42" + bytes(60))},
    "document": {"media": ("application/pdf", PDF)},
    "sticker": {"media": ("image/webp", b"RIFF\x1a\x00\x00\x00WEBPVP8L" + bytes(18))},
    "location": {},
    "contacts": {},
    "reaction": {},
    "order": {},
    "nfm_reply": {},
    "edit": {},
    "revoke": {},
    "call": {},
    "echo": {},
    "unsupported": {},
}


class ControlRefused(ValueError):
    """A control call that makes no sense; the text says how."""


def content(kind: str, order: dict[str, Any], context: Message | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The webhook's part by kind (with its `type`), and what the customer's screen shows. Raises ControlRefused."""
    if kind == "text":
        text = _text(order)
        return {"type": "text", "text": {"body": text}}, {"text": text}
    if "media" in KINDS[kind]:
        return _media(kind, order)
    build = {
        "button": _button,
        "list_reply": _list_reply,
        "location": _location,
        "contacts": _contacts,
        "reaction": _reaction,
        "order": _order,
        "nfm_reply": _nfm_reply,
        "edit": _edit,
        "revoke": _revoke,
        "unsupported": _unsupported,
    }[kind]
    return build(order, context)


def _text(order: dict[str, Any]) -> str:
    text = order.get("text")
    if not isinstance(text, str) or not text or units(text) > 65_536:
        raise ControlRefused("text must be a text that is not empty.")
    return text


def _media(kind: str, order: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    file = order["file"]
    value = {"id": file["id"], "mime_type": file["mime_type"], "sha256": file["sha256"]}
    caption = order.get("caption") or order.get("text") or ""
    if caption and kind in ("image", "video", "document"):
        value["caption"] = caption
    if kind == "document":
        value["filename"] = order.get("filename") or "Dokument.pdf"
    if kind == "audio":
        value["voice"] = bool(order.get("voice", True))
    if kind == "sticker":
        value["animated"] = False
    return {"type": kind, kind: value}, {"text": caption, "media": {"kind": kind, **value}}


def _button(order: dict[str, Any], context: Message | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A tap: on a template's quick reply it comes back as `button`, on an interactive button as `button_reply`."""
    buttons = [one for one in (context.shown.get("buttons") or [] if context else []) if one["kind"] != "url"]
    text, key = order.get("text"), order.get("payload") or order.get("id")
    index = order.get("index")
    found = next(
        (
            one
            for place, one in enumerate(buttons)
            if (index is not None and place == index)
            or (index is None and (one["text"] == text if text else key in (one.get("payload"), one.get("id"))))
        ),
        None,
    )
    if found is None and not (text and (key or context is None)):
        raise ControlRefused("There is no such button on the screen; give its text, index or payload.")
    found = found or {"kind": "quick_reply", "text": text, "payload": key or text}
    shown = {"text": found["text"], "tapped": True}
    if found["kind"] == "reply":
        reply = {"id": key or found["id"], "title": found["text"]}
        return {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": reply}}, shown
    return {"type": "button", "button": {"payload": key or found.get("payload"), "text": found["text"]}}, shown


def _list_reply(order: dict[str, Any], context: Message | None) -> tuple[dict[str, Any], dict[str, Any]]:
    rows = [row for section in (context.shown.get("sections") or [] if context else []) for row in section["rows"]]
    key, title = order.get("id"), order.get("text") or order.get("title")
    row = next((one for one in rows if one["id"] == key or (not key and one["title"] == title)), None)
    if row is None and not (key and title):
        raise ControlRefused("There is no such row on the screen; give its id or its title.")
    row = row or {"id": key, "title": title, "description": order.get("description") or ""}
    reply = {name: value for name, value in row.items() if value}
    body = {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": reply}}
    return body, {"text": row["title"], "tapped": True}


def _location(order: dict[str, Any], _: Message | None) -> tuple[dict[str, Any], dict[str, Any]]:
    given = order.get("location") or {"latitude": 48.2082, "longitude": 16.3738, "name": "Stephansplatz"}
    return {"type": "location", "location": given}, {"location": given}


def _contacts(order: dict[str, Any], _: Message | None) -> tuple[dict[str, Any], dict[str, Any]]:
    given = order.get("contacts") or [
        {
            "name": {"formatted_name": "Eva Muster", "first_name": "Eva"},
            "phones": [{"phone": "+43 664 1234567", "wa_id": "436641234567", "type": "CELL"}],
        }
    ]
    return {"type": "contacts", "contacts": given}, {"contacts": given}


def _reaction(order: dict[str, Any], context: Message | None) -> tuple[dict[str, Any], dict[str, Any]]:
    if not order.get("context"):
        raise ControlRefused("A reaction needs `context`, the wamid it reacts to.")
    reaction = {"message_id": order["context"]}
    if order.get("emoji", "👍"):
        reaction["emoji"] = order.get("emoji", "👍")  # Without an emoji it was taken back.
    return {"type": "reaction", "reaction": reaction}, {"reaction": {"to": order["context"], **reaction}}


def _order(order: dict[str, Any], _: Message | None) -> tuple[dict[str, Any], dict[str, Any]]:
    given = order.get("order") or {
        "catalog_id": "354160437058781",
        "text": order.get("text") or "",
        "product_items": [
            {"product_retailer_id": "KAFFEE-500", "quantity": 2, "item_price": 12.5, "currency": "EUR"},
        ],
    }
    return {"type": "order", "order": given}, {"order": given}


def _nfm_reply(order: dict[str, Any], _: Message | None) -> tuple[dict[str, Any], dict[str, Any]]:
    given = order.get("response", {"flow_token": "unused", "comment": "Danke"})
    text = given if isinstance(given, str) else json.dumps(given)
    reply = {"response_json": text, "body": "Sent", "name": "flow"}
    return {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}, {"text": "Sent"}


def _edit(order: dict[str, Any], context: Message | None) -> tuple[dict[str, Any], dict[str, Any]]:
    if not order.get("context"):
        raise ControlRefused("An edit needs `context`, the wamid of the message that is changed.")
    text = _text(order)
    changed: dict[str, Any] = {"type": "text", "text": {"body": text}}
    media = context.shown.get("media") if context else None
    if media:  # of a file it is the caption that is changed
        value = {name: part for name, part in media.items() if name not in ("kind", "caption")} | {"caption": text}
        changed = {"type": media["kind"], media["kind"]: value}
    if context is not None and context.context:
        changed = {"context": {"id": context.context}} | changed
    return (
        {"type": "edit", "edit": {"original_message_id": order["context"], "message": changed}},
        {"text": text, "edits": order["context"]},
    )


def _revoke(order: dict[str, Any], context: Message | None) -> tuple[dict[str, Any], dict[str, Any]]:
    if not order.get("context"):
        raise ControlRefused("Revoking needs `context`, the wamid of the message that is taken back.")
    return (
        {"type": "revoke", "revoke": {"original_message_id": order["context"]}},
        {"text": "", "revokes": order["context"]},
    )


def _unsupported(order: dict[str, Any], _: Message | None) -> tuple[dict[str, Any], dict[str, Any]]:
    error = {
        "code": 131051,
        "title": "Message type unknown",
        "message": "Message type unknown",
        "error_data": {"details": "Message type is currently not supported."},
    }
    body: dict[str, Any] = {"type": "unsupported", "errors": [error]}
    if order.get("text"):
        body["unsupported"] = {"type": order["text"]}
    return body, {"text": ""}
