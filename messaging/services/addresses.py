"""Addresses of files and pages, names of files, and places on the map: as a message may hold them."""

import posixpath
import re
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext

from messaging.content_errors import LinkInvalid, PlaceInvalid
from messaging.errors import TextTooLong, VariableMissing
from messaging.template_text import clean_parameter, utf16_length

LONGEST = 2000
_FILE = re.compile(r"https://[^\s/?#]+\S*", re.IGNORECASE)
_PAGE = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)


def checked_link(link: str, *, part: str, field: str, is_page: bool = False) -> str:
    """A complete address: https for what the platform itself fetches, http too for a page that a person opens."""
    form = _PAGE if is_page else _FILE
    if not form.fullmatch(link):
        raise LinkInvalid(field=field, part=part, given=link[:100])
    length = utf16_length(link)
    if length > LONGEST:
        raise TextTooLong(field=field, length=length, limit=LONGEST, part=part)
    return link


def file_name(link: str, *, fallback: str = "") -> str:
    """Without a name a document arrives as "Untitled" (traps.md T4): the link's, else the fallback with an ending."""
    name = clean_parameter(unquote(posixpath.basename(urlsplit(link).path))).text
    return name if "." in name.strip(".") else f"{fallback or gettext('Document')}.pdf"


def degrees(value: object, *, part: str, field: str) -> float:
    """A coordinate from a number or its text ("47,07" too). Raises VariableMissing, PlaceInvalid."""
    text = clean_parameter(value).text
    if not text:
        raise VariableMissing(field=field, path=field, part=part)
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        found = float("nan")
    limit = 90 if field.endswith("latitude") else 180
    if not -limit <= found <= limit:
        raise PlaceInvalid(field=field, part=part, given=text[:60], limit=limit)
    return found
