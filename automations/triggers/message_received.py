"""A customer wrote."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.forms.choices import sender_choices
from automations.forms.fields import StepForm, WordsField
from automations.patterns import BadPattern, compile_pattern
from automations.triggers.base import YES, Match, Source, Trigger, register
from workspaces.folding import same_text, text_contains, text_starts_with
from workspaces.models import Workspace

KINDS = [
    ("text", _("text")),
    ("button", _("button")),
    ("interactive", _("choice")),
    ("image", _("image")),
    ("audio", _("voice message")),
    ("video", _("video")),
    ("document", _("document")),
    ("sticker", _("sticker")),
    ("location", _("location")),
    ("contacts", _("contact card")),
    ("order", _("order")),
]
# What a kind says besides its text; null where the message is of another kind.
CONTENT = ("form", "location", "order", "contacts")


class MessageReceivedForm(StepForm):
    """Which messages."""

    senders = forms.MultipleChoiceField(label=_("Senders"), required=False, help_text=_("None chosen: every sender."))
    keyword_match = forms.ChoiceField(
        label=_("Text"),
        choices=[
            ("any", _("any text")),
            ("contains", _("contains")),
            ("equals", _("is exactly")),
            ("starts_with", _("starts with")),
            ("regex", _("matches the pattern")),
        ],
        initial="any",
    )
    keywords = WordsField(
        label=_("Words"), required=False, help_text=_("One a line; upper and lower case are the same.")
    )
    kinds = forms.MultipleChoiceField(
        label=_("Kinds"), choices=KINDS, required=False, help_text=_("None chosen: every kind.")
    )

    def fill_choices(self, workspace: Workspace) -> None:
        self.fields["senders"].choices = sender_choices(workspace)[1:]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        match = cleaned.get("keyword_match")
        if match != "any" and not cleaned.get("keywords"):
            self.add_error("keywords", _("Enter at least one word, or choose “any text”."))
        if match == "regex":
            for pattern in cleaned.get("keywords") or []:
                try:
                    compile_pattern(pattern)
                except BadPattern:
                    self.add_error(
                        "keywords",
                        forms.ValidationError(_("“%(pattern)s” is no pattern."), params={"pattern": pattern}),
                    )
        return cleaned


@register("message_received")
class MessageReceived(Trigger):
    """Every message that nothing else claims; with words it comes before flows without."""

    label = _("WhatsApp message received")
    icon = "message-circle"
    source = Source.MESSAGE
    form = MessageReceivedForm
    opens_window = True
    # A file's name, type and id; the answers of a form; and so on.
    open_keys = frozenset({"media", *CONTENT})
    data = {
        "customer_phone": "+436641234567",
        "customer_name": "Eva Novak",
        "text": "Hallo",
        "kind": "text",
        "sender_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e13",
        "sender_phone": "+4315550101",
        "timestamp": "2027-04-03T09:30:00+02:00",
        "conversation_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e12",
        "message_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e17",
        "button_id": None,
        "media": None,
        **dict.fromkeys(CONTENT),
        "is_new_contact": True,
        "is_late": False,
    }
    synonyms = (gettext_noop("incoming"), gettext_noop("keyword"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        words = ", ".join(f"„{word}“" for word in config.get("keywords") or [])
        if config.get("keyword_match", "any") == "any" or not words:
            return str(_("A customer writes"))
        return str(_("A customer writes %(words)s")) % {"words": words}

    def rule(self, config: Mapping[str, Any]) -> str:
        return "keyword" if config.get("keyword_match", "any") != "any" else self.type

    def matches(self, config: Mapping[str, Any], data: Mapping[str, Any]) -> Match:
        if config.get("senders") and data["sender_id"] not in config["senders"]:
            return Match(False, "other_sender")
        if config.get("kinds") and data["kind"] not in config["kinds"]:
            return Match(False, "other_kind", {"kind": data["kind"]})
        how = config.get("keyword_match", "any")
        if how != "any" and not any(
            _word_matches(how, word, data["text"] or "") for word in config.get("keywords", [])
        ):
            return Match(False, "no_keyword")
        return YES


def _word_matches(how: str, word: str, text: str) -> bool:
    if how == "equals":
        return same_text(text, word)
    if how == "starts_with":
        return text_starts_with(text, word)
    if how == "regex":
        try:
            return bool(compile_pattern(word).search(text))
        except BadPattern:
            return False
    return text_contains(text, word)
