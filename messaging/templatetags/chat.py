"""How numbers and spans of time are written on messaging's pages."""

import phonenumbers
from django import template
from django.utils.translation import gettext as _

from messaging.models import Sender

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
def status_word(sender: Sender) -> str:
    """The word for what `shown_status` says: paused by us reads as offline."""
    return str(Sender.Status(sender.shown_status).label)
