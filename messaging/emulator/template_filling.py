"""Checks a template send's parameters against the template, as the platform does, and fills its texts in."""

import re
from typing import Any

from messaging.emulator.fields import checked_source, units
from messaging.emulator.free_form import checked_location
from messaging.emulator.records import Template
from messaging.emulator.refusals import Refusal, only_keys

VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
UNCLEAN = re.compile(r"[\n\r\t]| {5,}")
BODY_UNITS, HEADER_UNITS, URL_LENGTH, PAYLOAD_LENGTH, COUPON_LENGTH, CODE_LENGTH = 1024, 60, 2000, 256, 20, 15
# What a header's file may hold; a file name belongs to documents only.
MEDIA = {
    "image": frozenset({"id", "link"}),
    "video": frozenset({"id", "link"}),
    "document": frozenset({"id", "link", "filename"}),
}
COMPONENT_KEYS = frozenset({"type", "sub_type", "index", "parameters"})
KINDS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("header", "body", "footer", "button", "limited_time_offer"), frozenset()),
    "carousel": frozenset({"cards"}),
}
# Types of buttons in a template, and the sub_type a send may give them parameters by.
SUB_TYPES = {
    "QUICK_REPLY": {"quick_reply"},
    "URL": {"url"},
    "OTP": {"url"},
    "COPY_CODE": {"copy_code"},
    "FLOW": {"flow"},
    "CATALOG": {"catalog"},
    "MPM": {"mpm"},
    "PHONE_NUMBER": {"phone_number", "voice_call"},
    "VOICE_CALL": {"voice_call"},
}


def variables(text: str) -> list[str]:
    """The variables of a text in their order, each once."""
    return list(dict.fromkeys(VARIABLE.findall(text)))


def fill_template(template: Template, components: Any) -> dict[str, Any]:
    """What the customer sees: header, text, footer, buttons. Raises Refusal where the parameters do not fit."""
    if not isinstance(components, list) or not all(isinstance(part, dict) for part in components):
        raise Refusal(131009, "template['components'] must be a list of objects")
    given, buttons = _sorted_components(components)
    shown: dict[str, Any] = {"template": template.name, "language": template.language, "buttons": []}
    for part in template.components:
        kind = str(part.get("type", "")).upper()
        if kind == "HEADER":
            shown["header"] = _header(template, part, given.pop("header", []))
        elif kind == "BODY":
            text = _text(template, "body", str(part.get("text", "")), given.pop("body", []))
            if units(text) > BODY_UNITS:
                raise Refusal(132005, f"Translated text too long: body has {units(text)} of {BODY_UNITS} characters")
            shown["text"] = text
        elif kind == "FOOTER":
            shown["footer"] = str(part.get("text", ""))
        elif kind == "BUTTONS":
            listed = part.get("buttons") or []
            shown["buttons"] = [_button(i, button, buttons.pop(i, None)) for i, button in enumerate(listed)]
    for name, parameters in given.items():
        if parameters:
            raise _count(name, len(parameters), 0)
    if buttons:
        raise Refusal(132012, f"buttons: Button at index {min(buttons)} does not exist in the template")
    return shown


def _sorted_components(components: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    given: dict[str, Any] = {}
    buttons: dict[int, dict[str, Any]] = {}
    for component in components:
        kind = str(component.get("type", "")).lower()
        parameters = component.get("parameters", [])
        if not isinstance(parameters, list) or not all(isinstance(one, dict) for one in parameters):
            raise Refusal(131009, f"{kind}: parameters must be a list of objects")
        if kind not in KINDS:
            raise Refusal(131009, f"template['components']: type '{kind}' is unknown")
        only_keys("template['components']", component, COMPONENT_KEYS | KINDS[kind])
        if kind in ("header", "body"):
            if kind in given:
                raise Refusal(131009, f"{kind}: component is given twice")
            given[kind] = parameters
        elif kind == "button":
            index = str(component.get("index", ""))
            if not index.isdigit() or int(index) > 9:
                raise Refusal(131008, "buttons: 'index' from 0 to 9 is required")
            if int(index) in buttons:
                raise Refusal(131009, f"buttons: the button at index {index} is given twice")
            buttons[int(index)] = component
    return given, buttons


def _header(template: Template, part: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    kind = str(part.get("format", "TEXT")).lower()
    if kind == "text":
        text = _text(template, "header", str(part.get("text", "")), parameters)
        if units(text) > HEADER_UNITS:
            raise Refusal(132005, f"Translated text too long: header has {units(text)} of {HEADER_UNITS} characters")
        return {"kind": "text", "text": text}
    expected = "video" if kind == "gif" else kind
    received = str(parameters[0].get("type", "unknown")).lower() if parameters else "unknown"
    if expected not in MEDIA and expected != "location":
        return {"kind": kind}
    if len(parameters) > 1:
        raise _count("header", len(parameters), 1)
    if received != expected:
        raise Refusal(132012, f"header: Format mismatch, expected {expected.upper()}, received {received.upper()}")
    value = parameters[0].get(expected)
    if not isinstance(value, dict) or not value:
        raise Refusal(131008, f"header: Parameter of type {expected} is missing its {expected} object")
    if expected == "location":
        return {"kind": expected, **checked_location("header['location']", value)}
    only_keys(f"header['{expected}']", value, MEDIA[expected])
    if not (value.get("id") or value.get("link")):
        raise Refusal(131008, f"header: {expected} needs an id or a link")
    checked_source(f"header['{expected}']", value)
    return {"kind": expected, **value}


def _text(template: Template, where: str, text: str, parameters: list[dict[str, Any]]) -> str:
    names = variables(text)
    if len(parameters) != len(names):
        raise _count(where, len(parameters), len(names))
    values = [_value(where, parameter) for parameter in parameters]
    if template.parameter_format.upper() == "NAMED":
        given = [str(parameter.get("parameter_name") or "") for parameter in parameters]
        if set(given) != set(names) or len(set(given)) != len(given):
            missing = sorted(set(names) - set(given))
            raise Refusal(132012, f"{where}: Parameter name is missing or unknown; expected {', '.join(missing)}")
        filling = dict(zip(given, values, strict=True))
    else:
        if any("parameter_name" in parameter for parameter in parameters):
            raise Refusal(132012, f"{where}: Parameter names are not allowed in a template of positional parameters")
        # In order of the numbers, not of their place in the text.
        filling = dict(zip(sorted(names, key=lambda name: (len(name), name)), values, strict=True))
    return VARIABLE.sub(lambda match: filling[match[1]], text)


def _value(where: str, parameter: dict[str, Any]) -> str:
    kind = parameter.get("type")
    if kind == "text":
        value = parameter.get("text")
    elif kind in ("currency", "date_time"):
        holder = parameter.get(kind)
        value = holder.get("fallback_value") if isinstance(holder, dict) else None
    else:
        raise Refusal(132012, f"{where}: Format mismatch, expected TEXT, received {str(kind or 'UNKNOWN').upper()}")
    if value is None or value == "":
        raise Refusal(131008, f"{where}: Parameter of type {kind} is missing {kind} value")
    if not isinstance(value, str):
        raise Refusal(131009, f"{where}: Parameter of type {kind} must be a string")
    if UNCLEAN.search(value):
        raise Refusal(
            132018, f"{where}: Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
        )
    if not value.strip():
        raise Refusal(131008, f"{where}: Parameter of type {kind} is missing {kind} value")
    return value


def _button(index: int, button: dict[str, Any], component: dict[str, Any] | None) -> dict[str, Any]:
    kind = str(button.get("type", "")).upper()
    shown = {"kind": kind.lower(), "text": str(button.get("text", "")), "index": index}
    parameters = component.get("parameters", []) if component else []
    if component:
        sub_type = str(component.get("sub_type", "")).lower()
        if not sub_type:
            raise Refusal(131008, f"buttons: Button at index {index} needs a sub_type")
        if sub_type not in SUB_TYPES.get(kind, {sub_type}):
            raise Refusal(132012, f"buttons: Button at index {index} is of type {kind}, not {sub_type}")
    if kind == "QUICK_REPLY":
        payload = _one(index, kind, parameters, "payload").get("payload") if parameters else shown["text"]
        if not isinstance(payload, str) or not payload or len(payload) > PAYLOAD_LENGTH:
            raise Refusal(131009, f"buttons: payload of the button at index {index} is empty or over {PAYLOAD_LENGTH}")
        shown["payload"] = payload
    elif kind in ("URL", "OTP"):
        shown["url"] = _button_url(index, kind, str(button.get("url", "")), parameters)
    elif kind == "COPY_CODE":
        shown["code"] = _coupon(index, parameters)
    elif kind == "FLOW":
        if parameters and not isinstance(_one(index, kind, parameters, "action").get("action"), dict):
            raise Refusal(131008, f"buttons: Button at index {index} of type FLOW is missing its action")
    elif parameters:
        raise _count(f"buttons[{index}]", len(parameters), 0)
    if kind == "PHONE_NUMBER":
        shown["phone"] = str(button.get("phone_number", ""))
    return shown


def _coupon(index: int, parameters: list[dict[str, Any]]) -> str:
    code = _one(index, "COPY_CODE", parameters, "coupon_code").get("coupon_code")
    if not isinstance(code, str) or not code:
        raise Refusal(131008, f"buttons: Button at index {index} of type COPY_CODE requires a coupon_code")
    if units(code) > COUPON_LENGTH:
        raise Refusal(131009, f"buttons: The coupon_code at index {index} is over {COUPON_LENGTH} characters")
    return code


def _button_url(index: int, kind: str, url: str, parameters: list[dict[str, Any]]) -> str:
    if kind == "URL" and not VARIABLE.search(url):
        if parameters:
            raise Refusal(132000, f"buttons: Button at index {index} of type Url takes no parameter")
        return url
    value = _value(f"buttons[{index}]", _one(index, kind, parameters, "text"))
    if kind == "OTP" and units(value) > CODE_LENGTH:
        raise Refusal(131009, f"buttons: A code is at most {CODE_LENGTH} characters long")
    filled = VARIABLE.sub(lambda _: value, url)
    if len(filled) > URL_LENGTH:
        raise Refusal(132005, f"buttons: The address of the button at index {index} is over {URL_LENGTH} characters")
    return filled


def _one(index: int, kind: str, parameters: list[dict[str, Any]], type_: str) -> dict[str, Any]:
    """The one parameter of a button. Raises Refusal where there is none, another, or one of another type."""
    if not parameters:
        raise Refusal(131008, f"buttons: Button at index {index} of type {kind.capitalize()} requires a parameter")
    if len(parameters) > 1:
        raise _count(f"buttons[{index}]", len(parameters), 1)
    received = str(parameters[0].get("type") or "unknown")
    if received != type_:
        raise Refusal(
            132012,
            f"buttons: Format mismatch at index {index}, expected {type_.upper()}, received {received.upper()}",
        )
    return parameters[0]


def _count(where: str, given: int, expected: int) -> Refusal:
    return Refusal(
        132000,
        f"{where}: number of localizable_params ({given}) does not match the expected number of params ({expected})",
    )
