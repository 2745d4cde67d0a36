"""The text of templates: placeholders, filling them, and what the platform demands of a parameter."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

# {{1}} or {{customer_name}}, as the platform writes them.
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
# A single no-break space belongs to "50 €" and is allowed; everything else that is white becomes one space.
_WHITE_SPACE = re.compile(r"(?!(?<!\s)[\u00a0\u202f](?!\s))\s+")


@dataclass(frozen=True)
class CleanedParameter:
    """What goes to the platform, and whether it differs from what was given."""

    text: str
    changed: bool


def clean_parameter(value: object) -> CleanedParameter:
    """The value as the platform takes it: line breaks, tabs and runs of spaces are refused there (error 132018).

    None, and text without a visible character, becomes "", which the caller reports as missing before any call.
    """
    given = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    text = _WHITE_SPACE.sub(" ", given).strip()
    if all(unicodedata.category(letter) in {"Cf", "Cc", "Zs"} for letter in text):
        text = ""
    return CleanedParameter(text, changed=text != given)


def utf16_length(text: str) -> int:
    """Length as the platform counts it: an emoji is two. Its 4,096 for a text message are meant so."""
    return len(text) + sum(ord(letter) > 0xFFFF for letter in text)


def placeholders(text: str) -> list[str]:
    """The names in the text ("1", "2" or words), each once, in the order of their first place."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(text)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in. One without a value stays as it is; values are not read again."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)
