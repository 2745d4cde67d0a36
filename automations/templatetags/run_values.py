"""How data is shown to people: values of a run, expressions in sentences, instants."""

import json
import re
from datetime import datetime
from typing import Any

from django import template
from django.utils import formats, timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from automations.forms.fields import DurationField, duration_words

register = template.Library()

LONGEST = 4000
# Cards shorten long texts, so an expression may break off.
_EXPRESSION = re.compile(r"\{\{-?\s*([\w.]+)[^}]*\}?\}?")


@register.filter
def shown_value(value: Any) -> SafeString | str:
    """Text and numbers as they are, yes, no and lengths of time in words, names with texts line by line, else JSON."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if _is_duration(value):
        return duration_words(value)
    if isinstance(value, dict) and value and not any(isinstance(inner, dict | list) for inner in value.values()):
        return format_html_join("", "<div>{}: {}</div>", ((name, shown_value(inner)) for name, inner in value.items()))
    if isinstance(value, dict | list):
        return format_html("<pre>{}</pre>", _cut(json.dumps(value, ensure_ascii=False, indent=2)))
    return _cut(str(value))


@register.filter
def with_chips(sentence: Any) -> SafeString:
    """The sentence with each expression as a chip that names its data: `customer_name`."""
    text = str(sentence)
    parts, at = [], 0
    for found in _EXPRESSION.finditer(text):
        name = found[1].rsplit(".", 1)[-1]
        parts += [conditional_escape(text[at : found.start()]), format_html('<span class="data-chip">{}</span>', name)]
        at = found.end()
    return mark_safe("".join([*parts, conditional_escape(text[at:])]))  # noqa: S308 - every part is escaped above


@register.filter
def moment_words(moment: datetime) -> SafeString:
    """Today or yesterday with the time to the second, else day and time, to be read within a line of a card."""
    local = timezone.localtime(moment)
    days = (timezone.localdate() - local.date()).days
    at = {"time": formats.date_format(local, "H:i:s")}
    if days == 0:
        shown = _("today, %(time)s") % at
    elif days == 1:
        shown = _("yesterday, %(time)s") % at
    else:
        shown = formats.date_format(local, "SHORT_DATETIME_FORMAT")
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), shown)


def _is_duration(value: Any) -> bool:
    """A length of time as our own fields store it; other systems' amounts and units stay as they are."""
    if not isinstance(value, dict) or set(value) != {"amount", "unit"}:
        return False
    return isinstance(value["amount"], int) and value["unit"] in tuple(DurationField.UNITS)


def _cut(text: str) -> str:
    return text[:LONGEST] + ("…" if len(text) > LONGEST else "")
