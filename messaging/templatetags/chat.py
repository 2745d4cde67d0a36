"""How numbers and spans of time are written on messaging's pages."""

from datetime import datetime

import phonenumbers
from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from messaging.models import Message, Sender

register = template.Library()


@register.filter
def phone(number: str | None) -> str:
    """A number grouped for reading; what is none stays as it is."""
    text = str(number or "")
    try:
        parsed = phonenumbers.parse(text if text.startswith("+") else f"+{text}")
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@register.filter
def hours_minutes(minutes: int) -> str:
    """A span in hours and minutes, short."""
    hours, rest = divmod(int(minutes), 60)
    if not hours:
        return _("%(minutes)s min") % {"minutes": rest}
    return _("%(hours)s hr %(minutes)s min") % {"hours": hours, "minutes": rest}


@register.filter
def walking_time(minutes: int) -> SafeString:
    """The same span, marked so that static/js/window.js lets it walk on."""
    return format_html("<span data-left>{}</span>", hours_minutes(minutes))


@register.filter
def status_word(sender: Sender) -> str:
    """The word for what `shown_status` says: paused by us reads as offline."""
    return str(Sender.Status(sender.shown_status).label)


@register.filter
def second_time(moment: datetime | None) -> str:
    """The time of day with its seconds: slots are seconds apart."""
    return formats.date_format(timezone.localtime(moment), "H:i:s") if moment else ""


@register.filter
def slot_words(message: Message) -> str:
    """When a message that waits for its slot goes out, and what holds it; empty for any other."""
    if message.waits_until is None:
        return ""
    words = {
        "pair": _("Goes out at %(at)s: one recipient gets one message every six seconds."),
        "sender": _("Goes out at %(at)s: the number sends as many as it may."),
        "workspace": _("Goes out at %(at)s: the workspace sends as many as it may."),
        "bulk": _("Goes out from %(at)s on: replies go first."),
        "platform": _("Goes out at %(at)s: WhatsApp has asked us to slow down."),
        "breaker": _("WhatsApp does not answer. Tried again at %(at)s."),
        "quiet_hours": _("Goes out when the quiet hours end, on %(day)s at %(at)s."),
    }
    known = words.get(message.waits_for, _("Goes out at %(at)s."))
    day = formats.date_format(timezone.localtime(message.waits_until), "SHORT_DATE_FORMAT")
    return known % {"at": second_time(message.waits_until), "day": day}


@register.filter
def short_when(moment: datetime | None) -> SafeString | str:
    """For lists: the time today, the word yesterday, the day before that. The exact time on hover."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    days = (timezone.localdate() - local.date()).days
    if days == 0:
        shown = formats.date_format(local, "TIME_FORMAT")
    elif days == 1:
        shown = _("yesterday")
    else:
        shown = formats.date_format(local, "SHORT_DATE_FORMAT")
    exact = formats.date_format(local, "DATETIME_FORMAT")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, shown)


@register.filter
def grouped(number: int | None) -> str:
    """A large number as it is read."""
    return "" if number is None else formats.number_format(number, force_grouping=True)
