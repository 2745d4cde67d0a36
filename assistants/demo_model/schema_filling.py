"""Fills a JSON schema from what the customer wrote, by patterns: numbers, dates, names, choices, yes and no."""

import json
import re
from typing import Any

from assistants.demo_model.words import meaning, word_set, words_of

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"\+?\d[\d\s/()-]{6,}\d")
ISO_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
GERMAN_DATE = re.compile(r"\b(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})\b")
CLOCK = re.compile(r"\b(\d{1,2}):(\d{2})\b|\b(\d{1,2})\s?Uhr\b")
NUMBER = re.compile(r"-?\d{1,3}(?:\.\d{3})+(?:,\d+)?|-?\d+(?:[.,]\d+)?")
NAME = re.compile(
    r"\b(?:ich heiße|mein name ist|ich bin|my name is|i am|i'm)\s+((?:(?-i:[A-ZÄÖÜ])[\w'-]+\s?){1,3})", re.IGNORECASE
)
YES = word_set("ja gerne gern klar natürlich okay ok passt genau yes sure please yep true")
NO = word_set("nein nicht kein keine keinen no not never nope false")
DEPTH = 6


def fill_schema(schema: Any, text: str, *, name: str = "", depth: int = DEPTH) -> Any:
    """A value of this schema; what the text does not say is null where that is allowed, else an empty value."""
    if not isinstance(schema, dict) or depth == 0:
        return None
    if "const" in schema:
        return schema["const"]
    for union in ("anyOf", "oneOf"):
        if schema.get(union):
            options = [one for one in schema[union] if not _is_null(one)] or schema[union]
            value = fill_schema(options[0], text, name=name, depth=depth - 1)
            return None if value in ("", 0) and any(_is_null(one) for one in schema[union]) else value
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    nullable = "null" in kinds or None in (schema.get("enum") or ())
    kind = next((one for one in kinds if one != "null"), None) or ("object" if "properties" in schema else "string")
    if "enum" in schema:
        return _choice([one for one in schema["enum"] if one is not None], text, nullable=nullable)
    if kind == "object":
        properties = schema.get("properties") or {}
        return {key: fill_schema(inner, text, name=key, depth=depth - 1) for key, inner in properties.items()}
    if kind == "array":
        inner = fill_schema(schema.get("items") or {}, text, name=name, depth=depth - 1)
        least = int(schema.get("minItems") or 0)
        return [inner] * max(least, 1) if inner not in (None, "", {}) else [inner] * least
    found = _scalar(kind, schema, name, text)
    if found is None and not nullable:
        return {"string": "", "integer": 0, "number": 0, "boolean": False}.get(kind)
    return found


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"


def _choice(options: list[Any], text: str, *, nullable: bool) -> Any:
    said, about = words_of(text), meaning(text)
    for option in options:
        if str(option).lower() in said or meaning(str(option)) & about:
            return option
    return None if nullable or not options else options[0]


def _scalar(kind: str, schema: dict[str, Any], name: str, text: str) -> Any:
    if kind == "boolean":
        said = set(words_of(text))
        return False if said & NO else True if said & YES else None
    if kind in ("integer", "number"):
        found = NUMBER.search(text)
        value = float(_plain(found[0])) if found else None
        return value if value is None or kind == "number" else int(value)
    return _string(str(schema.get("format") or ""), name.lower(), schema, text)


def _plain(number: str) -> str:
    """1.250,50 and 12,5 as Python reads them."""
    if "," in number:
        return number.replace(".", "").replace(",", ".")
    return number.replace(".", "") if re.fullmatch(r"-?\d{1,3}(?:\.\d{3})+", number) else number


def _string(form: str, name: str, schema: dict[str, Any], text: str) -> str | None:
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and len(pattern) < 200:
        try:
            found = re.search(pattern.strip("^$"), text[:2000])
        except re.error:
            found = None
        return found[0] if found else None
    if form == "email" or "mail" in name:
        return _first(EMAIL, text)
    if form == "date" or "datum" in name or name.endswith("date"):
        german = GERMAN_DATE.search(text)
        return f"{german[3]}-{int(german[2]):02}-{int(german[1]):02}" if german else _first(ISO_DATE, text)
    if form == "time" or "uhrzeit" in name:
        clock = CLOCK.search(text)
        return f"{int(clock[1] or clock[3]):02}:{clock[2] or '00'}" if clock else None
    if "phone" in name or "telefon" in name:
        return _first(PHONE, text)
    if name in ("name", "full_name", "first_name", "customer_name", "vorname", "kundenname"):
        found = NAME.search(text)
        return found[1].strip() if found else None
    return text.strip() or None


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[0] if found else None


def tool_call(tools: list[dict[str, Any]], choice: Any, text: str) -> dict[str, str] | None:
    """The function to call and its arguments as JSON: a named or required one, or one whose words the text has."""
    functions = [tool["function"] for tool in tools if isinstance(tool.get("function"), dict)]
    if not functions or choice == "none":
        return None
    if isinstance(choice, dict):
        wanted = (choice.get("function") or {}).get("name")
        functions = [one for one in functions if one.get("name") == wanted]
    about = meaning(text)
    scored = [(len(about & _words_of_function(one)), one) for one in functions]
    score, best = max(scored, key=lambda pair: pair[0], default=(0, None))
    if best is None or (score == 0 and choice in (None, "auto")):
        return None
    arguments = fill_schema(best.get("parameters") or {"type": "object"}, text) or {}
    return {"name": str(best.get("name")), "arguments": json.dumps(arguments, ensure_ascii=False)}


def _words_of_function(function: dict[str, Any]) -> set[str]:
    return meaning(f"{str(function.get('name', '')).replace('_', ' ')} {function.get('description', '')}")
