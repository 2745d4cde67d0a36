"""Send free text; WhatsApp takes it for 24 hours after the customer's last message."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.actions.base import StepContext
from automations.actions.registry import register
from automations.actions.whatsapp import (
    SendingAction,
    delivery_timeout_field,
    quote_field,
    quoted,
    recipient,
    recipient_field,
    send,
    sender_for,
    shortened,
    slot_timeout_field,
    wait_for_delivery_field,
)
from automations.engine.results import Done, Suspend
from automations.forms.choices import sender_choices
from automations.forms.fields import LiquidField, StepForm
from messaging.services.outbox import send_text
from workspaces.models import Workspace

TEXT_LIMIT = 4096


class SendTextForm(StepForm):
    """Sender, recipient, text."""

    sender = forms.ChoiceField(label=_("Sender"), required=False)
    to = recipient_field()
    text = LiquidField(
        label=_("Message"),
        multiline=True,
        help_text=_("At most 4096 characters, when its data is filled in."),
    )
    quotes = quote_field()
    wait_for_delivery = wait_for_delivery_field()
    delivery_timeout = delivery_timeout_field()
    slot_timeout = slot_timeout_field()

    def fill_choices(self, workspace: Workspace) -> None:
        self.fields["sender"].choices = sender_choices(workspace)  # type: ignore[attr-defined]


@register("send_text")
class SendText(SendingAction):
    """Sends free text through the outbox."""

    label = _("Send text")
    icon = "message-square-text"
    form = SendTextForm
    needs_open_window = True
    output = {"message_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e14", "status": "accepted", "text": "Guten Tag Eva"}
    synonyms = (gettext_noop("message"), gettext_noop("free text"), gettext_noop("answer"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        return str(_("Writes “%(text)s”")) % {"text": shortened(config.get("text"))}

    def run(self, step: StepContext) -> Done | Suspend:
        return send(
            step,
            lambda slots: send_text(
                sender=sender_for(step),
                **recipient(step),
                text=str(step.config["text"]),
                reply_to=quoted(step),
                origin=step.origin,
                key=step.key,
                now=step.now,
                slots=slots,
            ),
        )
