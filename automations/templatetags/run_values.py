"""How a value of a run is shown: text as it is, everything else as JSON."""

import json
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()

LONGEST = 4000


@register.filter
def shown_value(value: Any) -> SafeString | str:
    """Text and numbers as they are, yes and no in words, lists and objects as JSON, null as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False, indent=2)
        return format_html("<pre>{}</pre>", text[:LONGEST] + ("…" if len(text) > LONGEST else ""))
    text = str(value)
    return text[:LONGEST] + ("…" if len(text) > LONGEST else "")
