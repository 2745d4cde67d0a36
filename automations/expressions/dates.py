"""Writes dates and times for people: strftime's letters, or the words short, long and time, in German or English."""

import re
from collections.abc import Callable
from datetime import date, datetime

from django.utils import dates as names
from django.utils import translation

from automations.expressions.errors import BadExpression

_DIRECTIVE = re.compile(r"%(-?.?)", re.DOTALL)
_WORDS = {
    "short": "short",
    "kurz": "short",
    "long": "long",
    "lang": "long",
    "time": "time",
    "uhrzeit": "time",
}
# English short dates name the month: 04/03/2027 is read in two ways.
_FORMATS = {
    ("short", "de"): "%d.%m.%Y",
    ("short", "en"): "%-d %b %Y",
    ("long", "de"): "%-d. %B %Y",
    ("long", "en"): "%-d %B %Y",
    ("time", "de"): "%H:%M",
    ("time", "en"): "%H:%M",
}
# Only what needs no more than the moment itself; widths and other additions of the C library are not taken over.
_NUMERIC = frozenset("djmyYHIMSUWVGuw") | {"-d", "-m", "-H", "-I", "-M", "-S", "-j"}
_NAMED: dict[str, Callable[[date], str]] = {
    "A": lambda day: str(names.WEEKDAYS[day.weekday()]),
    "a": lambda day: str(names.WEEKDAYS_ABBR[day.weekday()]),
    "B": lambda day: str(names.MONTHS[day.month]),
    "b": lambda day: str(names.MONTHS_3[day.month]).capitalize(),
    "e": lambda day: str(day.day),
    "F": lambda day: day.isoformat()[:10],
    "p": lambda day: "PM" if isinstance(day, datetime) and day.hour >= 12 else "AM",
    "R": lambda day: day.strftime("%H:%M"),
    "T": lambda day: day.strftime("%H:%M:%S"),
    "z": lambda day: day.strftime("%z"),
    "Z": lambda day: day.strftime("%Z"),
    "%": lambda _day: "%",
}


def format_moment(moment: datetime | date, form: str, *, language: str) -> str:
    """The moment in the given form. Raises BadExpression for an unknown form, or a time that is not there.

    `form` is text with strftime's letters ("%d.%m.%Y"), or short, long, time (kurz, lang, Uhrzeit).
    """
    word = _WORDS.get(form.strip().casefold())
    if word is None and "%" not in form:
        raise BadExpression("unknown_date_format", value=form)
    if word == "time" and not isinstance(moment, datetime):
        raise BadExpression("no_time_of_day", value=moment.isoformat())
    tongue = "de" if language.startswith("de") else "en"
    pattern = _FORMATS[word, tongue] if word else form

    def fill(match: re.Match[str]) -> str:
        letter = match[1]
        if letter in _NAMED:
            return _NAMED[letter](moment)
        if letter in _NUMERIC:
            return moment.strftime("%" + letter)
        raise BadExpression("unknown_date_format", value=form)

    with translation.override(tongue):
        return _DIRECTIVE.sub(fill, pattern)
