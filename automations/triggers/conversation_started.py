"""A customer opened a conversation: none was open for this contact and sender."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.forms.choices import sender_choices
from automations.forms.fields import StepForm
from automations.triggers.base import YES, Match, Source, Trigger, register
from workspaces.models import Workspace


class ConversationStartedForm(StepForm):
    """Which senders."""

    senders = forms.MultipleChoiceField(label=_("Senders"), required=False, help_text=_("None chosen: every sender."))

    def fill_choices(self, workspace: Workspace) -> None:
        self.fields["senders"].choices = sender_choices(workspace)[1:]  # type: ignore[attr-defined]


@register("conversation_started")
class ConversationStarted(Trigger):
    """The first message ever, or the first after the conversation was closed."""

    label = _("WhatsApp conversation started")
    icon = "message-circle"
    source = Source.MESSAGE
    form = ConversationStartedForm
    opens_window = True
    open_keys = frozenset({"referral"})
    data = {
        "customer_phone": "+436641234567",
        "customer_name": "Eva Novak",
        "first_text": "Hallo",
        "sender": {
            "id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e13",
            "phone": "+4315550101",
            "name": "Praxis Dr. Weber",
        },
        "conversation_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e12",
        "timestamp": "2027-04-03T09:30:00+02:00",
        "referral": None,
        # The message itself too, so that a reply can name it.
        "text": "Hallo",
        "kind": "text",
        "sender_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e13",
        "sender_phone": "+4315550101",
        "message_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e17",
        "is_new_contact": True,
        "is_late": False,
    }
    synonyms = (gettext_noop("first message"), gettext_noop("new chat"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        return str(_("A conversation begins"))

    def matches(self, config: Mapping[str, Any], data: Mapping[str, Any]) -> Match:
        if not data.get("opened_conversation"):
            return Match(False, "conversation_was_open")
        if config.get("senders") and data["sender_id"] not in config["senders"]:
            return Match(False, "other_sender")
        return YES
