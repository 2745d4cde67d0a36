"""The parts of a message in words, for errors that say what is wrong where."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PARTS: dict[str, str | Promise] = {
    "text": _("The text"),
    "header": _("The header"),
    "footer": _("The footer"),
    "caption": _("The caption"),
    "filename": _("The file name"),
    "file": _("The address of the file"),
    "buttons.title": _("Button %(number)s"),
    "buttons.id": _("The id of button %(number)s"),
    "list.button": _("The label that opens the list"),
    "rows.title": _("Row %(number)s"),
    "rows.description": _("The description of row %(number)s"),
    "rows.id": _("The id of row %(number)s"),
    "sections.title": _("The title of section %(number)s"),
    "link.label": _("The label of the link"),
    "link.url": _("The address of the link"),
    "location.name": _("The name of the place"),
    "location.address": _("The address of the place"),
    "location.latitude": _("The latitude"),
    "location.longitude": _("The longitude"),
    "contacts.name": _("The name on contact card %(number)s"),
    "contacts.phone": _("A phone number on contact card %(number)s"),
    "contacts.email": _("An e-mail address on contact card %(number)s"),
    "contacts.organisation": _("The organisation on contact card %(number)s"),
    "emoji": _("The emoji"),
    "template.header": _("The header of the template, with its values filled in,"),
    "template.body": _("The text of the template, with its values filled in,"),
    "template.url": _("The address of button %(number)s, with its value filled in,"),
    "template.code": _("The code of button %(number)s"),
    "template.payload": _("The payload of button %(number)s"),
    "template.file": _("The file in the header of the template"),
    "template.latitude": _("The latitude in the header of the template"),
    "template.longitude": _("The longitude in the header of the template"),
}


def part_words(facts: Mapping[str, Any]) -> str:
    """The part that the facts `part` and `number` name, in the active language."""
    words = str(PARTS.get(str(facts.get("part", "")), facts.get("part") or ""))
    return words % {"number": facts.get("number") or ""}
