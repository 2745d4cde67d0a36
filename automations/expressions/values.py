"""Reads numbers, dates and yes or no from values that may be typed or text, and writes any value as text.

One place, so that filters, comparisons and conditions agree about what "10", "1,5" and "03.04.2027" mean.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from uuid import UUID
from zoneinfo import ZoneInfo

_MACHINE_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}.*)?")
_GERMAN_DATE = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})(?:,?\s+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?")
_SPACES_IN_NUMBERS = re.compile(r"(?<=[0-9])[ '\u2019\u00a0\u202f](?=[0-9]{3})")

_YES = {"ja", "j", "jo", "jawohl", "ja gerne", "gerne", "klar", "yes", "y", "yep", "true", "wahr", "on", "an", "1"}
_NO = {"nein", "n", "ne", "nee", "no", "nope", "false", "falsch", "off", "aus", "0", ""}


def number_of(value: object) -> Decimal | None:
    """A number, or text that a machine would write for one ("10", "-1.5", " 10 "); None for all else, so for "1,5"."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, float):
        found = Decimal(str(value))
        return found if found.is_finite() else None
    if isinstance(value, str) and _MACHINE_NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    return None


def read_number(value: object, *, language: str) -> Decimal | None:
    """A number as people of that language write it: German "1.234,56" and English "1,234.56" are the same.

    A separator that cannot be the one for thousands is the decimal one, so "10.5" is 10.5 in German too.
    """
    if not isinstance(value, str):
        return number_of(value)
    text = _SPACES_IN_NUMBERS.sub("", unicodedata.normalize("NFKC", value).strip())
    thousands, point = (".", ",") if language.startswith("de") else (",", ".")
    if re.fullmatch(rf"[+-]?[0-9]{{1,3}}(\{thousands}[0-9]{{3}})+(\{point}[0-9]+)?", text):
        text = text.replace(thousands, "")
    if text.count(".") + text.count(",") > 1 or len(text) > 40:
        return None
    try:
        return number_of(text.replace(",", "."))
    except InvalidOperation:
        return None


def as_number(number: Decimal) -> int | float:
    """The number as JSON has it: whole where it is whole."""
    return int(number) if number == number.to_integral_value() else float(number)


def read_moment(value: object, *, zone: ZoneInfo) -> datetime | date | None:
    """A date, or a date with its time in `zone`, from a typed value, ISO text or DD.MM.YYYY [HH:MM]. None otherwise.

    Day first, always: "03.04.2027" is the third of April.
    """
    if isinstance(value, datetime):
        return value.replace(tzinfo=zone) if value.tzinfo is None else value.astimezone(zone)
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        german = _GERMAN_DATE.fullmatch(text)
        if german and text.isascii():
            day, month, year, hour, minute, second = german.groups()
            on = date(int(year), int(month), int(day))
            if hour is None:
                return on
            return datetime.combine(on, time(int(hour), int(minute), int(second or 0)), tzinfo=zone)
        if _ISO_DATE.fullmatch(text) and text.isascii():
            return date.fromisoformat(text) if len(text) == 10 else read_moment(datetime.fromisoformat(text), zone=zone)
    except (ValueError, OverflowError):
        return None
    return None


def instant(moment: datetime | date, *, zone: ZoneInfo) -> datetime:
    """The moment as a point in time; a bare date is its midnight in `zone`."""
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time.min, tzinfo=zone)


def read_yes_no(value: object) -> bool | None:
    """Yes or no from a typed value, 1 and 0, or the usual German and English words; nothing is no. None if unclear."""
    if isinstance(value, bool):
        return value
    if value is None:
        return False
    number = number_of(value)
    if number is not None:
        return {0: False, 1: True}.get(int(number)) if number in (0, 1) else None
    if not isinstance(value, str):
        return None
    word = re.sub(r"[\s.,!]+$", "", " ".join(value.split())).casefold()
    if word in _YES:
        return True
    return False if word in _NO else None


def as_text(value: object) -> str:
    """The value as it stands in a message: nothing for null, lists with commas, objects as JSON.

    Raises TypeError for anything that is not plain data.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | UUID):
        return str(value)
    if isinstance(value, float | Decimal):
        return format(Decimal(str(value)).normalize(), "f") if number_of(value) is not None else str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, range):
        return f"{value.start}..{value.stop - 1}"
    if isinstance(value, list | tuple) and not any(isinstance(item, Mapping | list | tuple) for item in value):
        return ", ".join(as_text(item) for item in value)
    return as_json(value)


def as_json(value: object) -> str:
    """The value as JSON text, with umlauts as they are. Raises TypeError for anything that is not plain data."""
    return json.dumps(value, ensure_ascii=False, default=_json_scalar)


def _json_scalar(value: object) -> object:
    if isinstance(value, Decimal):
        return as_number(value)
    if isinstance(value, date | time | UUID):
        return as_text(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not plain data")
