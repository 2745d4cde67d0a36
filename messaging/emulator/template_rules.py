"""What a new or edited template must hold to before it goes to review (Meta, "Template components")."""

import itertools
import re
from typing import Any

from messaging.emulator.fields import units
from messaging.emulator.refusals import Refusal, invalid
from messaging.emulator.template_filling import BODY_UNITS, HEADER_UNITS, URL_LENGTH, VARIABLE, variables

TYPES = frozenset({"HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER"})
FORMATS = frozenset({"TEXT", "IMAGE", "VIDEO", "GIF", "DOCUMENT", "LOCATION", "PRODUCT"})
WITH_FILE = frozenset({"IMAGE", "VIDEO", "GIF", "DOCUMENT"})
FOOTER_UNITS, BUTTON_UNITS, BUTTONS_AT_MOST = 60, 25, 10
BUTTON_LIMITS = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "OTP": 1, "FLOW": 1, "CATALOG": 1, "VOICE_CALL": 1}
BUTTON_TYPES = frozenset({"QUICK_REPLY", "MPM", *BUTTON_LIMITS})
TOO_LONG, HEADER_FORM, FOOTER_FORM, TOO_MANY, AT_THE_EDGE, FIELD_MISSING = (
    2388040,
    2388047,
    2388073,
    2388293,
    2388299,
    2388043,
)
# A line break, formatting signs, or an emoji; headers and footers take none of them.
DECORATED = re.compile(r"[\n\r*_~`\U0001F000-\U0001FAFF\u2600-\u27BF]")
NAMED = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
# The words that the platform writes itself; a business may only say how long the code holds.
CODE_TEXT = "{{1}} is your verification code."


def checked_components(value: Any, *, category: str, parameter_format: str) -> list[dict[str, Any]]:
    """The components of a template, checked. Raises Refusal with the platform's subcodes."""
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise invalid("Param components must be a list of objects.")
    parts = [part | {"type": str(part.get("type", "")).upper()} for part in value]
    by_type = {part["type"]: part for part in parts}
    if unknown := set(by_type) - TYPES:
        raise invalid(f"Param components: type {min(unknown)} is unknown.")
    if len(by_type) < len(parts):
        raise invalid("A component is given twice.")
    if category == "AUTHENTICATION":
        return _authentication(by_type)
    _check_body(by_type.get("BODY", {}), parameter_format)
    if "HEADER" in by_type:
        _check_header(by_type["HEADER"], parameter_format)
    if "FOOTER" in by_type:
        _check_plain("FOOTER", str(by_type["FOOTER"].get("text", "")), FOOTER_UNITS, FOOTER_FORM)
        if VARIABLE.search(str(by_type["FOOTER"].get("text", ""))):
            raise Refusal(100, "A footer has no variables.", subcode=FOOTER_FORM)
    if "BUTTONS" in by_type:
        _check_buttons(by_type["BUTTONS"].get("buttons"))
    return parts


def _authentication(by_type: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """A template for one-time codes has the platform's own text, and one button that copies the code."""
    if by_type.get("BODY", {}).get("text") or "HEADER" in by_type:
        raise invalid("An authentication template has no header, and its text is the platform's.")
    buttons = by_type.get("BUTTONS", {}).get("buttons")
    if not isinstance(buttons, list) or len(buttons) != 1 or not isinstance(buttons[0], dict):
        raise invalid("An authentication template has exactly one button.")
    if str(buttons[0].get("type", "")).upper() != "OTP":
        raise invalid("An authentication template has a button of type OTP.")
    body = by_type.get("BODY", {"type": "BODY"}) | {"text": CODE_TEXT, "example": {"body_text": [["123456"]]}}
    button = buttons[0] | {"type": "OTP", "text": buttons[0].get("text") or "Copy code"}
    parts = [body, {"type": "BUTTONS", "buttons": [button]}]
    minutes = by_type.get("FOOTER", {}).get("code_expiration_minutes")
    if minutes is None:
        return parts
    if not isinstance(minutes, int) or not 1 <= minutes <= 90:
        raise invalid("code_expiration_minutes must be from 1 to 90.")
    return [*parts, {"type": "FOOTER", "text": f"This code expires in {minutes} minutes."}]


def _check_body(part: dict[str, Any], parameter_format: str) -> None:
    text = part.get("text")
    if not isinstance(text, str) or not text.strip():
        raise invalid("A template needs a component of type BODY with a text.")
    _check_length("BODY", text, BODY_UNITS, TOO_LONG)
    if re.match(r"^\s*\{\{[^}]*\}\}", text) or re.search(r"\{\{[^}]*\}\}\s*$", text):
        raise Refusal(100, "Variables can't be at the start or end of the template.", subcode=AT_THE_EDGE)
    _check_names("BODY", text, parameter_format)
    if len(variables(text)) * 3 > len(VARIABLE.sub("", text).split()):
        raise Refusal(100, "This template has too many variables for its length.", subcode=TOO_MANY)
    example = _example(part)
    rows = example.get("body_text") if parameter_format == "POSITIONAL" else example.get("body_text_named_params")
    if parameter_format == "POSITIONAL" and isinstance(rows, list) and rows and isinstance(rows[0], list):
        rows = rows[0]
    _check_example("BODY", text, rows)


def _check_header(part: dict[str, Any], parameter_format: str) -> None:
    form = str(part.get("format", "TEXT")).upper()
    if form not in FORMATS:
        raise Refusal(100, f"A header's format is one of {', '.join(sorted(FORMATS))}.", subcode=HEADER_FORM)
    example = _example(part)
    if form in WITH_FILE and not example.get("header_handle"):
        raise Refusal(100, "A header with a file needs an example.", subcode=FIELD_MISSING)
    if form != "TEXT":
        return
    text = str(part.get("text", ""))
    _check_plain("HEADER", text, HEADER_UNITS, HEADER_FORM)
    if len(variables(text)) > 1:
        raise Refusal(100, "A header has at most one variable.", subcode=HEADER_FORM)
    _check_names("HEADER", text, parameter_format)
    _check_example("HEADER", text, example.get("header_text") or example.get("header_text_named_params"))


def _check_names(where: str, text: str, parameter_format: str) -> None:
    names = variables(text)
    if parameter_format == "NAMED":
        good = all(NAMED.fullmatch(name) for name in names)
    else:
        good = sorted(names, key=lambda name: (len(name), name)) == [str(i + 1) for i in range(len(names))]
    if not good:
        raise invalid(f"{where}: the variables do not fit the parameter_format {parameter_format}.")


def _example(part: dict[str, Any]) -> dict[str, Any]:
    example = part.get("example") or {}
    if not isinstance(example, dict):
        raise invalid("Param example must be an object.")
    return example


def _check_example(where: str, text: str, examples: Any) -> None:
    count = len(variables(text))
    if count and (not isinstance(examples, list) or len(examples) != count):
        raise Refusal(100, f"{where}: each of the {count} variables needs an example.", subcode=FIELD_MISSING)


def _check_length(where: str, text: str, limit: int, subcode: int) -> None:
    if not text or units(text) > limit:
        raise Refusal(100, f"{where} must have 1 to {limit} characters.", subcode=subcode)


def _check_plain(where: str, text: str, limit: int, subcode: int) -> None:
    _check_length(where, text, limit, subcode)
    if DECORATED.search(VARIABLE.sub("", text)):
        raise Refusal(
            100, f"{where} can't have new lines, formatting characters, emojis or asterisks.", subcode=subcode
        )


def _check_buttons(buttons: Any) -> None:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= BUTTONS_AT_MOST:
        raise invalid(f"A template has 1 to {BUTTONS_AT_MOST} buttons.")
    if not all(isinstance(button, dict) for button in buttons):
        raise invalid("Param buttons must be a list of objects.")
    kinds = [str(button.get("type", "")).upper() for button in buttons]
    for kind, most in BUTTON_LIMITS.items():
        if kinds.count(kind) > most:
            raise invalid(f"A template has at most {most} button(s) of type {kind}.")
    # Quick replies stand together: before all others or after them.
    is_reply = [kind == "QUICK_REPLY" for kind in kinds]
    if sum(one is not two for one, two in itertools.pairwise(is_reply)) > 1:
        raise invalid("Quick replies and other buttons must not be mixed.")
    for button, kind in zip(buttons, kinds, strict=True):
        _check_button(button, kind)


def _check_button(button: dict[str, Any], kind: str) -> None:
    if kind not in BUTTON_TYPES:
        raise invalid(f"A button of type {kind} is unknown.")
    text = str(button.get("text", ""))
    if kind not in ("COPY_CODE", "OTP") and (not 1 <= units(text) <= BUTTON_UNITS or VARIABLE.search(text)):
        raise invalid(f"A button's text has 1 to {BUTTON_UNITS} characters and no variable.")
    if kind == "URL":
        _check_url(str(button.get("url", "")), button.get("example"))
    if kind == "PHONE_NUMBER" and not re.fullmatch(r"\+?[0-9]{5,20}", str(button.get("phone_number", ""))):
        raise invalid("A phone button needs a phone_number of at most 20 digits.")
    if kind == "COPY_CODE" and not button.get("example"):
        raise Refusal(100, "A button that copies a code needs an example.", subcode=FIELD_MISSING)
    if kind == "FLOW" and not (button.get("flow_id") or button.get("flow_name") or button.get("flow_json")):
        raise Refusal(100, "A flow button needs its flow.", subcode=FIELD_MISSING)


def _check_url(url: str, example: Any) -> None:
    if not url.startswith(("http://", "https://")) or len(url) > URL_LENGTH:
        raise invalid(f"A link button needs an address of at most {URL_LENGTH} characters.")
    names = VARIABLE.findall(url)
    if names and (names != ["1"] or not url.rstrip().endswith("}}")):
        raise invalid("An address has at most the variable {{1}}, at its end.")
    if names and not example:
        raise Refusal(100, "An address with a variable needs an example.", subcode=FIELD_MISSING)
