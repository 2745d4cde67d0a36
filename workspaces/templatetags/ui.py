"""The components of the pages: tags and filters; templates/components/README.md shows each with an example."""

import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()

# state -> (tone, icon); never colour alone.
STATES: dict[str, tuple[str, str]] = {
    "queued": ("off", "circle-dashed"),
    "running": ("run", ""),
    "started": ("run", ""),
    "sending": ("run", ""),
    "waiting": ("wait", "clock"),
    "unknown": ("wait", "circle-help"),
    "done": ("done", "check"),
    "answered": ("done", "check"),
    "approved": ("done", "check"),
    "online": ("done", "check"),
    "published": ("done", "check"),
    "on": ("done", "check"),
    "failed": ("fail", "x"),
    "rejected": ("fail", "x"),
    "suspended": ("fail", "octagon-x"),
    "cancelled": ("off", "ban"),
    "disabled": ("off", "ban"),
    "deleted": ("off", "ban"),
    "skipped": ("off", "skip-forward"),
    "off": ("off", "power"),
    "offline": ("off", "power"),
    "draft": ("off", "pencil"),
    "pending": ("wait", "clock"),
    "connecting": ("wait", "clock"),
    "paused": ("att", "pause"),
    "archived": ("off", "circle-dashed"),
    "trial": ("off", "flask-conical"),
    "green": ("done", "circle-check"),
    "yellow": ("att", "triangle-alert"),
    "red": ("fail", "circle-x"),
    "attention": ("att", "triangle-alert"),
    "person": ("ours", "user-round"),
    "received": ("off", "check"),
    "accepted": ("off", "check"),
    "sent": ("off", "check"),
    "delivered": ("off", "check-check"),
    "read": ("run", "check-check"),
    "played": ("run", "check-check"),
}
TICKS = {
    "queued": "clock",
    "sending": "clock",
    "unknown": "circle-help",
    "accepted": "check",
    "sent": "check",
    "delivered": "check-check",
    "read": "check-check",
    "played": "check-check",
    "failed": "circle-x",
    "cancelled": "ban",
}
ALERT_ICONS = {"failure": "circle-x", "attention": "triangle-alert", "done": "circle-check", "info": "info"}


@register.simple_tag
def icon(name: str, size: int = 16, label: str = "") -> SafeString:
    """An icon of the sprite, 12, 14, 16 or 20 px; hidden from readers unless it has a label."""
    css = "icon" if size == 16 else f"icon icon-{size}"
    access = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')  # noqa: S308
    return format_html('<svg class="{}" {}><use href="{}#{}"/></svg>', css, access, static("vendor/icons.svg"), name)


@register.simple_tag
def pill(state: str, label: Any = "") -> SafeString:
    """A state with its colour, shape and word. `label` is the word to show, best `obj.get_status_display`."""
    tone, name = STATES.get(str(state), ("off", "circle"))
    shape = icon(name, 12) if name else mark_safe('<span class="breathe" aria-hidden="true"></span>')  # noqa: S308
    return format_html('<span class="pill pill-{}">{}{}</span>', tone, shape, label or state)


@register.simple_tag
def ticks(status: str, label: Any = "") -> SafeString:
    """WhatsApp's ticks for one of our messages."""
    tone = {"read": " ticks-read", "played": " ticks-read", "failed": " ticks-failed"}.get(str(status), "")
    return format_html(
        '<span class="ticks{}">{}</span>', tone, icon(TICKS.get(str(status), "check"), 14, str(label or status))
    )


@register.simple_tag
def field(bound: BoundField, large: bool = False) -> SafeString:
    """A form field with label, help and error; the error is said to readers with the field."""
    is_check = isinstance(bound.field.widget, CheckboxInput)
    return render_to_string("components/field.html", {"field": bound, "is_check": is_check, "is_large": large})


@register.simple_tag
def avatar(name: Any, small: bool = False) -> SafeString:
    """Initials on a colour that a name keeps."""
    words = str(name).replace("+", "").split()
    letters = "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"
    tone = zlib.crc32(str(name).encode()) % 5
    css = f"avatar avatar-{tone}{' avatar-small' if small else ''}"
    return format_html('<span class="{}" aria-hidden="true">{}</span>', css, letters[:2])


@register.simple_tag
def tile(group: str, name: str, small: bool = False) -> SafeString:
    """A step's icon on its group's ground: trigger, whatsapp, ai, logic, data, outside, people."""
    return format_html(
        '<span class="tile tile-{}{}" aria-hidden="true">{}</span>', group, " tile-small" if small else "", icon(name)
    )


@register.simple_block_tag
def alert(content: str, tone: str = "info", title: Any = "", code: str = "") -> SafeString:
    """A message that stays: tone info, attention, failure or done."""
    head = format_html('<p class="strong">{}</p>', title) if title else ""
    foot = format_html('<p class="alert-code">{}</p>', code) if code else ""
    role = "alert" if tone == "failure" else "status"
    return format_html(
        '<div class="alert alert-{}" role="{}">{}<div class="alert-body">{}{}{}</div></div>',
        tone,
        role,
        icon(ALERT_ICONS.get(tone, "info")),
        head,
        content,
        foot,
    )


@register.simple_tag
def error_box(error: Any) -> SafeString:
    """A named error: title, cause and cure, and its code for whoever asks for help."""
    return render_to_string("components/error_box.html", {"error": error})


@register.simple_tag
def sparkline(values: Iterable[float], label: str = "") -> SafeString:
    """A small line for a column of a table."""
    numbers = [float(value) for value in values] or [0.0]
    top = max(max(numbers), 1.0)
    step = 80 / max(len(numbers) - 1, 1)
    points = " ".join(f"{2 + i * step:.1f},{22 - value / top * 20:.1f}" for i, value in enumerate(numbers))
    return format_html(
        '<svg class="spark" viewBox="0 0 84 24" role="img" aria-label="{}"><polyline class="chart-line" points="{}"/></svg>',
        label or ", ".join(f"{value:g}" for value in numbers),
        points,
    )


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """Relative under a day, absolute beyond; the exact time on hover, in the workspace's zone."""
    if moment is None:
        return "–"
    local = timezone.localtime(moment)
    exact = formats.date_format(local, "DATETIME_FORMAT")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, _spoken(moment, local))


def _spoken(moment: datetime, local: datetime) -> str:
    passed = timezone.now() - moment
    minutes = int(abs(passed).total_seconds() // 60)
    if abs(passed) < timedelta(minutes=1):
        return _("now")
    if minutes < 60:
        shown = ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    elif minutes < 24 * 60:
        hours = minutes // 60
        shown = ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    else:
        return formats.date_format(local, "SHORT_DATETIME_FORMAT")
    return (_("%(time)s ago") if passed > timedelta() else _("in %(time)s")) % {"time": shown}


@register.filter
def clock_time(moment: datetime | None) -> str:
    """Hours and minutes in the workspace's zone."""
    return formats.date_format(timezone.localtime(moment), "TIME_FORMAT") if moment else ""


@register.filter
def day_word(moment: datetime) -> str:
    """Today, yesterday, or the date: the separator in a thread."""
    day = timezone.localtime(moment).date()
    passed = (timezone.localdate() - day).days
    if passed == 0:
        return _("Today")
    if passed == 1:
        return _("Yesterday")
    return formats.date_format(day, "DATE_FORMAT")


@register.filter
def duration_ms(milliseconds: float | None) -> str:
    """A duration in the unit that fits."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return _("%(count)s ms") % {"count": int(milliseconds)}
    return _("%(count)s s") % {"count": formats.number_format(milliseconds / 1000, 1)}
