"""Checks interactive messages: reply buttons, lists, link buttons, flows and requests."""

from collections.abc import Callable
from typing import Any

from messaging.emulator.fields import checked_source, limited, titled
from messaging.emulator.refusals import Refusal, invalid, only_keys

BODY_UNITS, SMALL_UNITS, URL_LENGTH = 1024, 60, 2000
BUTTON_TITLE, BUTTON_ID, ROW_ID, ROW_TITLE, ROW_DESCRIPTION, FLOW_CTA = 20, 256, 200, 24, 72, 30
KEYS = frozenset({"type", "header", "body", "footer", "action"})
HEADERS = frozenset({"text", "image", "video", "document"})
# These have one button that the platform writes; `action.name` says which.
REQUESTS = {
    "location_request_message": "send_location",
    "call_permission_request": "call_permission_request",
    "request_contact_info": "request_contact_info",
    "voice_call": "voice_call",
}
OF_A_CATALOG = frozenset({"product", "product_list", "catalog_message", "carousel"})


def shown_interactive(value: dict[str, Any]) -> dict[str, Any]:
    """What the customer sees. Raises Refusal."""
    only_keys("interactive", value, KEYS)
    kind, action = str(value.get("type")), value.get("action")
    if not isinstance(action, dict):
        raise invalid("The parameter interactive['action'] is required.")
    shown: dict[str, Any] = {
        "text": limited("interactive['body']['text']", _part(value, "body").get("text"), BODY_UNITS),
        "footer": _footer(value),
    }
    if value.get("header") is not None:
        shown["header"] = _header(kind, _part(value, "header"))
    if kind in OF_A_CATALOG:
        raise Refusal(131009, f"interactive['type'] '{kind}' needs a catalog, and this account has none")
    if kind in REQUESTS:
        _named(action, REQUESTS[kind])
        return shown
    read: Callable[[dict[str, Any]], dict[str, Any]] | None = ACTIONS.get(kind)
    if read is None:
        raise Refusal(131009, f"interactive['type'] '{kind}' is not supported")
    return shown | read(action)


def _part(value: dict[str, Any], name: str) -> dict[str, Any]:
    part = value.get(name)
    if part is not None and not isinstance(part, dict):
        raise invalid(f"Param interactive['{name}'] must be an object")
    return part or {}


def _footer(value: dict[str, Any]) -> str:
    if value.get("footer") is None:
        return ""
    return limited("interactive['footer']['text']", _part(value, "footer").get("text"), SMALL_UNITS)


def _header(kind: str, header: dict[str, Any]) -> dict[str, Any]:
    form = header.get("type")
    if not isinstance(form, str) or form not in HEADERS:
        raise Refusal(131009, f"interactive['header']['type'] must be one of {', '.join(sorted(HEADERS))}")
    if kind == "list" and form != "text":
        raise Refusal(131009, "The header of a list must be a text")
    if form == "text":
        return {"kind": "text", "text": limited("interactive['header']['text']", header.get("text"), SMALL_UNITS)}
    file = header.get(form)
    if not isinstance(file, dict):
        raise Refusal(131008, f"interactive['header']['{form}'] is required")
    checked_source(f"interactive['header']['{form}']", file)
    return {"kind": form, **file}


def _named(action: dict[str, Any], name: str) -> dict[str, Any]:
    """The action of this name, and its parameters."""
    if action.get("name") != name:
        raise Refusal(131009, f"interactive['action']['name'] must be {name}")
    found = action.get("parameters")
    return found if isinstance(found, dict) else {}


def _reply_buttons(action: dict[str, Any]) -> dict[str, Any]:
    only_keys("interactive['action']", action, {"buttons"})
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise Refusal(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    shown = []
    for button in buttons:
        if not isinstance(button, dict) or button.get("type") != "reply" or not isinstance(button.get("reply"), dict):
            raise Refusal(131009, "Each button must be of type reply, with its reply")
        reply = button["reply"]
        title = titled("Button title", reply.get("title"), BUTTON_TITLE)
        shown.append({"kind": "reply", "text": title, "id": titled("Button id", reply.get("id"), BUTTON_ID)})
    for key, what in (("text", "title"), ("id", "id")):
        if len({one[key] for one in shown}) < len(shown):
            raise Refusal(131009, f"Duplicated {what} of a button")
    return {"buttons": shown}


def _list(action: dict[str, Any]) -> dict[str, Any]:
    only_keys("interactive['action']", action, {"button", "sections"})
    opening = titled("Opening button", action.get("button"), BUTTON_TITLE)
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise Refusal(131009, "Invalid sections count. Min allowed sections: 1, Max allowed sections: 10")
    shown = [_section(section, needs_title=len(sections) > 1) for section in sections]
    keys = [row["id"] for section in shown for row in section["rows"]]
    if len(keys) > 10:
        raise Refusal(131009, "Total row count exceed max allowed count: 10")
    if len(set(keys)) < len(keys):
        raise Refusal(131009, "Duplicated row id")
    return {"open": opening, "sections": shown}


def _section(section: Any, *, needs_title: bool) -> dict[str, Any]:
    rows = section.get("rows") if isinstance(section, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Refusal(131009, "A section needs at least one row")
    title = section.get("title")
    if needs_title or title:
        title = titled("Section title", title, ROW_TITLE)
    return {
        "title": title or "",
        "rows": [
            {
                "id": titled("Row id", row.get("id"), ROW_ID),
                "title": titled("Row title", row.get("title"), ROW_TITLE),
                "description": titled("Row description", row["description"], ROW_DESCRIPTION)
                if row.get("description")
                else "",
            }
            for row in rows
        ],
    }


def _link_button(action: dict[str, Any]) -> dict[str, Any]:
    given = _named(action, "cta_url")
    only_keys("interactive['action']['parameters']", given, {"display_text", "url"})
    text = titled("Button title", given.get("display_text"), BUTTON_TITLE)
    url = limited("interactive['action']['parameters']['url']", given.get("url"), URL_LENGTH)
    if not url.startswith(("http://", "https://")):
        raise Refusal(131009, "interactive['action']['parameters']['url'] is no valid address")
    return {"buttons": [{"kind": "url", "text": text, "url": url}]}


def _flow(action: dict[str, Any]) -> dict[str, Any]:
    given = _named(action, "flow")
    if not given.get("flow_message_version") or bool(given.get("flow_id")) is bool(given.get("flow_name")):
        raise Refusal(131008, "A flow needs flow_message_version, and flow_id or flow_name")
    return {"buttons": [{"kind": "flow", "text": titled("Flow button", given.get("flow_cta"), FLOW_CTA)}]}


ACTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "button": _reply_buttons,
    "list": _list,
    "cta_url": _link_button,
    "flow": _flow,
}
