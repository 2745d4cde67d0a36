"""The components of the pages: tags and filters; templates/components/README.md shows each with an example."""

import json
import zlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
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
SPARK_STEP = 14
SPARK_HEIGHT = 22
ALERT_ICONS = {"failure": "circle-x", "attention": "triangle-alert", "done": "circle-check", "info": "info"}


@register.simple_tag
def icon(name: str, size: int = 16, label: str = "") -> SafeString:
    """An icon of the sprite, 12, 14, 16 or 20 px; hidden from readers unless it has a label."""
    css = "icon" if size == 16 else f"icon icon-{size}"
    access = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html('<svg class="{}" {}><use href="{}#{}"/></svg>', css, access, static("vendor/icons.svg"), name)


@register.simple_tag
def pill(state: str, label: Any = "") -> SafeString:
    """A state with its colour, shape and word. `label` is the word to show, best `obj.get_status_display`."""
    tone, name = STATES.get(str(state), ("off", "circle"))
    shape = icon(name, 12) if name else mark_safe('<span class="breathe" aria-hidden="true"></span>')
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
    words = ["".join(filter(str.isalnum, word)) for word in str(name).split()]
    words = [word for word in words if word]
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


@register.simple_tag(takes_context=True)
def error_box(context: template.Context, error: Any, actions: Iterable[Any] = ()) -> SafeString:
    """A named error: title, cause and cure, the buttons that cure it (label, url, icon, is_verb), and its code."""
    shown = {"error": error, "actions": list(actions or ()), "csrf_token": context.get("csrf_token")}
    return render_to_string("components/error_box.html", shown)


@register.simple_tag
def sparkline(values: Iterable[float | tuple[float, float]], label: Any = "") -> SafeString:
    """A bar a day for a column of a table; a value may be (all, failed). A day without any keeps its ground line."""
    days = [value if isinstance(value, tuple) else (value, 0) for value in values]
    top = max([total for total, _failed in days] or [0]) or 1
    bars = []
    for index, (total, failed) in enumerate(days):
        left, height = index * SPARK_STEP, total / top * SPARK_HEIGHT
        bars.append(_bar("spark-base", left, 1) if not total else _bar("chart-1", left, max(height, 2)))
        if failed:
            bars.append(_bar("chart-fail", left, max(failed / top * SPARK_HEIGHT, 2)))
    return format_html(
        '<svg class="spark" viewBox="0 0 {} 24" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        max(len(days) * SPARK_STEP - 2, 1),
        f"{label}: {_listed(days)}" if label else _listed(days),
        format_html_join("", "{}", ((bar,) for bar in bars)),
    )


def _bar(css: str, left: float, height: float) -> SafeString:
    return format_html(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>',
        css,
        left,
        f"{24 - height:.1f}",
        SPARK_STEP - 2,
        f"{height:.1f}",
    )


# How tall a day's bar is, so that its colour does not say it alone.
DAY_HEIGHTS = {"done": 14, "att": 9, "fail": 5, "off": 2}
DAY_STEP = 7


@register.simple_tag
def day_states(states: Iterable[str]) -> SafeString:
    """A bar a day of how something fared, today last: done, att, fail (the lower the worse), or off."""
    days = list(states)
    bars = (
        (f"chart-{state}", index * DAY_STEP, 14 - DAY_HEIGHTS[state], DAY_STEP - 1.5, DAY_HEIGHTS[state])
        for index, state in enumerate(days)
    )
    return format_html(
        '<svg class="days" viewBox="0 0 {} 14" role="img" aria-label="{}">{}</svg>',
        max(len(days) * DAY_STEP - 1, 1),
        day_words(days),
        format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1"/>', bars),
    )


@register.simple_tag
def day_words(states: Iterable[str]) -> str:
    """The same days counted in words."""
    counts = Counter(states)
    words = {
        "done": ngettext("%(count)s day in order", "%(count)s days in order", counts["done"]),
        "att": ngettext("%(count)s day that needed attention", "%(count)s days that needed attention", counts["att"]),
        "fail": ngettext("%(count)s day with a failure", "%(count)s days with a failure", counts["fail"]),
    }
    said = [text % {"count": counts[state]} for state, text in words.items() if counts[state]]
    return ", ".join(said) or _("not connected yet")


def _listed(days: list[tuple[float, float]]) -> str:
    return ", ".join(f"{total:g}" for total, _failed in days)


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """Relative under a day, absolute beyond; the exact time on hover, in the workspace's zone."""
    if moment is None:
        return "–"
    local = timezone.localtime(moment)
    exact = formats.date_format(local, "DATETIME_FORMAT")
    # data-ago: static/js/times.js lets it walk on.
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>', local.isoformat(), exact, _spoken(moment, local)
    )


def _spoken(moment: datetime, local: datetime) -> str:
    passed = timezone.now() - moment
    minutes = int(abs(passed).total_seconds() // 60)
    if abs(passed) < timedelta(minutes=1):
        return _("now")
    if minutes < 60:
        shown = _span("minute", minutes)
    elif minutes < 24 * 60:
        shown = _span("hour", minutes // 60)
    else:
        return _day(local)
    return _towards(shown, is_past=passed > timedelta())


def _span(unit: str, number: int, shown: int | str = "") -> str:
    """`shown` stands for the number where the words alone are wanted."""
    words = {
        "minute": ngettext("%(count)s min", "%(count)s min", number),
        "hour": ngettext("%(count)s hr", "%(count)s hrs", number),
    }
    return words[unit] % {"count": shown or number}


def _towards(shown: str, *, is_past: bool) -> str:
    return (_("%(time)s ago") if is_past else _("in %(time)s")) % {"time": shown}


@register.simple_tag
def ago_words() -> str:
    """The same words for static/js/times.js, so that a time does not change its wording as it walks on.

    By direction and unit, for one and for several; # stands for the number.
    """
    directions = {"past": True, "future": False}
    return json.dumps(
        {
            direction: {
                unit: [_towards(_span(unit, number, "#"), is_past=is_past) for number in (1, 2)]
                for unit in ("minute", "hour")
            }
            for direction, is_past in directions.items()
        },
        ensure_ascii=False,
    )


def _day(local: datetime) -> str:
    """Beyond a day: yesterday and tomorrow with their time, else the date."""
    days = (timezone.localdate() - local.date()).days
    at = {"time": formats.date_format(local, "TIME_FORMAT")}
    if days == 1:
        return _("yesterday, %(time)s") % at
    if days == -1:
        return _("tomorrow, %(time)s") % at
    return formats.date_format(local, "SHORT_DATE_FORMAT")


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
