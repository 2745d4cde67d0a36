"""The living sheet of components: every part in all its states, in the reader's language and theme."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Word = str | Promise


class SampleForm(forms.Form):
    """The kinds of field, one of them filled in wrongly."""

    name = forms.CharField(label=_("Name of the flow"))
    phone = forms.CharField(label=_("Phone"))
    sender = forms.ChoiceField(label=_("Sender"), choices=[("1", "Praxis Dr. Weber"), ("2", "Praxis Recall")])
    identifier = forms.CharField(label=_("Identifier"), disabled=True)
    text = forms.CharField(label=_("Text"), widget=forms.Textarea(attrs={"rows": 2}))
    is_on = forms.BooleanField(label=_("Answer outside the opening hours too"), required=False)
    pick = forms.ChoiceField(
        label=_("When it fails"),
        choices=[("stop", _("Stop the run")), ("go", _("Go on"))],
        widget=forms.RadioSelect,
    )

    def clean_phone(self) -> str:
        said = _("The country code is missing. Probably meant: +43 316 712044.")
        raise forms.ValidationError(format_html('{} <a href="#main">{}</a>', said, _("Take it over")))


# How a named error looks; a class of its own would be known as an error of the product.
SAMPLE_ERROR = {
    "code": "outside_window",
    "title_text": _("The window was closed."),
    "cause_text": _("Markus Steiner last wrote on 18 August. WhatsApp takes free text for 24 hours after that."),
    "cure_text": _("Send an approved template. It reaches him now too."),
}


@dataclass(frozen=True)
class Tone:
    """A colour of the sheet."""

    name: str
    word: Word


TONES = (
    Tone("page", pgettext_lazy("sheet", "ground")),
    Tone("raised", pgettext_lazy("sheet", "raised")),
    Tone("sunken", pgettext_lazy("sheet", "sunken")),
    Tone("line", pgettext_lazy("sheet", "hairline")),
    Tone("edge", pgettext_lazy("sheet", "field edge")),
    Tone("ink", pgettext_lazy("sheet", "ink")),
    Tone("ink-2", pgettext_lazy("sheet", "second ink")),
    Tone("petrol", pgettext_lazy("sheet", "petrol")),
    Tone("run", pgettext_lazy("state", "running")),
    Tone("wait", pgettext_lazy("state", "waiting")),
    Tone("done", pgettext_lazy("state", "done")),
    Tone("fail", pgettext_lazy("state", "failed")),
    Tone("att", pgettext_lazy("sheet", "attention")),
    Tone("off", pgettext_lazy("state", "off")),
    Tone("petrol-wash", pgettext_lazy("sheet", "petrol wash")),
    Tone("chart-2", pgettext_lazy("sheet", "second series")),
)
STATES = (
    ("running", pgettext_lazy("state", "running")),
    ("waiting", pgettext_lazy("state", "waiting")),
    ("done", pgettext_lazy("state", "done")),
    ("failed", pgettext_lazy("state", "failed")),
    ("attention", _("needs you")),
    ("queued", pgettext_lazy("state", "queued")),
    ("unknown", pgettext_lazy("state", "unknown")),
    ("cancelled", pgettext_lazy("state", "cancelled")),
    ("skipped", pgettext_lazy("state", "skipped")),
    ("person", _("with you")),
)
STEP_ICONS = (
    ("trigger", "zap", _("Trigger")),
    ("whatsapp", "layout-template", _("Template")),
    ("whatsapp", "message-square-text", _("Text")),
    ("whatsapp", "image", _("Media")),
    ("ai", "bot", _("Assistant")),
    ("ai", "sparkles", pgettext_lazy("sheet", "Extract")),
    ("logic", "clock", _("Wait")),
    ("logic", "hourglass", _("For an answer")),
    ("logic", "git-branch", pgettext_lazy("sheet", "Branch")),
    ("logic", "repeat", _("For each row")),
    ("data", "table", _("Table")),
    ("data", "user-round", _("Contact")),
    ("people", "bell-ring", _("Tell the team")),
    ("people", "hand-helping", _("Hand over")),
    ("outside", "webhook", _("HTTP request")),
    ("logic", "circle-stop", _("Stop")),
)


SAMPLE = {
    "name": "Termin-Erinnerung",
    "phone": "0316 71 20 44",
    "sender": "1",
    "text": 'Danke, bis {{ trigger.begin | date: "%H:%M" }}.',
    "pick": "stop",
    "is_on": True,
}


@login_required
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component; what a page needs and is not here does not exist yet."""
    context: dict[str, Any] = {
        "form": SampleForm(SAMPLE, initial={"identifier": "termin-erinnerung"}),
        "error": SAMPLE_ERROR,
        "tones": TONES,
        "states": STATES,
        "step_icons": STEP_ICONS,
        "days": [(9, 1), (9, 1), (2, 0), (7, 1), (8, 1), (9, 1), (9, 2)],
        "few_days": [8, 7, 3, 0, 9, 6, 7],
        "fourteen": ["off", "off", *["done"] * 8, "fail", "att", "att", "done"],
        "minutes_ago": timezone.now() - timedelta(minutes=4),
    }
    return render(request, "workspaces/styleguide.html", context)
