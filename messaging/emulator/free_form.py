"""Checks messages that are no templates, and says what the customer sees of them."""

from typing import Any

from messaging.emulator.refusals import Refusal, invalid
from messaging.emulator.template_filling import units

TEXT_UNITS, BODY_UNITS, CAPTION_UNITS, SMALL_UNITS = 4096, 1024, 1024, 60
BUTTON_TITLE, BUTTON_ID, ROW_ID, ROW_TITLE, ROW_DESCRIPTION = 20, 256, 200, 24, 72
MEDIA = frozenset({"image", "video", "audio", "document", "sticker"})
CAPTIONED = frozenset({"image", "video", "document"})


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


def _limited(where: str, text: Any, limit: int, *, needed: bool = True) -> str:
    if text is None or text == "":
        if needed:
            raise invalid(f"The parameter {where} is required.")
        return ""
    if not isinstance(text, str):
        raise invalid(f"Param {where} must be a string")
    if units(text) > limit:
        raise invalid(f"Param {where} must be at most {limit} characters long.")
    return text


def _text(value: dict[str, Any]) -> dict[str, Any]:
    return {"text": _limited("text['body']", value.get("body"), TEXT_UNITS)}


def _media(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    if not (value.get("id") or value.get("link")):
        raise invalid(f"Param {kind} must have an id or a link")
    link = value.get("link")
    if link is not None and not str(link).startswith(("http://", "https://")):
        raise Refusal(131009, f"Param {kind}['link'] is no address")
    caption = _limited(f"{kind}['caption']", value.get("caption"), CAPTION_UNITS, needed=False)
    if caption and kind not in CAPTIONED:
        raise invalid(f"Param {kind} takes no caption")
    return {"text": caption, "media": {"kind": kind, **value}}


def _reaction(value: dict[str, Any]) -> dict[str, Any]:
    _limited("reaction['message_id']", value.get("message_id"), 1000)
    return {"reaction": {"to": value["message_id"], "emoji": str(value.get("emoji") or "")}}


def _location(value: dict[str, Any]) -> dict[str, Any]:
    try:
        latitude, longitude = float(value["latitude"]), float(value["longitude"])
    except (KeyError, TypeError, ValueError):
        raise invalid("Params location['latitude'] and location['longitude'] must be numbers") from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise Refusal(131009, "location is not on this earth")
    return {"location": value}


def _contacts(value: Any) -> dict[str, Any]:
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise invalid("Param contacts must be a list of objects")
    if any(not (one.get("name") or {}).get("formatted_name") for one in value):
        raise invalid("The parameter contacts[]['name']['formatted_name'] is required.")
    return {"contacts": value}


def _interactive(value: dict[str, Any]) -> dict[str, Any]:
    kind, action = value.get("type"), value.get("action")
    if not isinstance(action, dict):
        raise invalid("The parameter interactive['action'] is required.")
    shown: dict[str, Any] = {
        "text": _limited("interactive['body']['text']", (value.get("body") or {}).get("text"), BODY_UNITS),
        "footer": _limited(
            "interactive['footer']['text']", (value.get("footer") or {}).get("text"), SMALL_UNITS, needed=False
        ),
    }
    header = value.get("header")
    if header:
        text = _limited("interactive['header']['text']", header.get("text"), SMALL_UNITS, needed=False)
        shown["header"] = {"kind": str(header.get("type", "text")), "text": text}
    if kind == "button":
        shown["buttons"] = _reply_buttons(action)
    elif kind == "list":
        shown["open"] = _limited("interactive['action']['button']", action.get("button"), BUTTON_TITLE)
        shown["sections"] = _sections(action)
    elif kind == "cta_url":
        link = action.get("parameters") or {}
        text = _limited("parameters['display_text']", link.get("display_text"), BUTTON_TITLE)
        shown["buttons"] = [{"kind": "url", "text": text, "url": _limited("parameters['url']", link.get("url"), 2000)}]
    elif kind not in ("flow", "location_request_message", "request_contact_info"):
        raise Refusal(131009, f"interactive['type'] '{kind}' is not supported")
    return shown


def _reply_buttons(action: dict[str, Any]) -> list[dict[str, Any]]:
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise Refusal(131009, "interactive['action']['buttons'] must have 1 to 3 buttons")
    shown = []
    for button in buttons:
        reply = button.get("reply") or {}
        title = _limited("button['reply']['title']", reply.get("title"), BUTTON_TITLE)
        key = _limited("button['reply']['id']", reply.get("id"), BUTTON_ID)
        shown.append({"kind": "reply", "text": title, "id": key})
    if len({one["text"] for one in shown}) < len(shown) or len({one["id"] for one in shown}) < len(shown):
        raise Refusal(131009, "Titles and ids of buttons must be unique")
    return shown


def _sections(action: dict[str, Any]) -> list[dict[str, Any]]:
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise Refusal(131009, "interactive['action']['sections'] must have 1 to 10 sections")
    shown: list[dict[str, Any]] = []
    for section in sections:
        title = _limited("section['title']", section.get("title"), ROW_TITLE, needed=len(sections) > 1)
        rows = [
            {
                "id": _limited("row['id']", row.get("id"), ROW_ID),
                "title": _limited("row['title']", row.get("title"), ROW_TITLE),
                "description": _limited("row['description']", row.get("description"), ROW_DESCRIPTION, needed=False),
            }
            for row in section.get("rows") or []
        ]
        shown.append({"title": title, "rows": rows})
    keys = [row["id"] for section in shown for row in section["rows"]]
    if not 1 <= len(keys) <= 10 or len(set(keys)) < len(keys):
        raise Refusal(131009, "A list has 1 to 10 rows in all, each with an id of its own")
    return shown


CHECKS: dict[str, Any] = {
    "text": _text,
    "interactive": _interactive,
    "reaction": _reaction,
    "location": _location,
    "contacts": _contacts,
    **{kind: (lambda value, kind=kind: _media(kind, value)) for kind in MEDIA},
}
