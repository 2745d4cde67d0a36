"""Blue ticks at what the customer wrote last, and the typing bubble: somebody is at it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.actions.base import Action, Effect, Group, StepContext
from automations.actions.registry import register
from automations.engine.results import Done, Suspend
from automations.forms.fields import StepForm
from messaging.services.attention import show_attention
from workspaces.models import Workspace

NOTES = {
    "nothing_written": _("The customer has written nothing yet, so there was nothing to mark."),
    "taken_over": _("A person has taken over, so nothing was marked."),
    "no_answer": _("WhatsApp did not answer; the run went on without."),
}


class MarkReadForm(StepForm):
    """Whether the typing bubble is shown too."""

    typing = forms.BooleanField(
        label=_("Show that somebody is typing"),
        required=False,
        initial=True,
        help_text=_("Until the next message goes out, for 25 seconds at most. WhatsApp marks as read with it."),
    )


@register("mark_read")
class MarkRead(Action):
    """A courtesy: where it cannot be shown, the step says so and the run goes on."""

    label = _("Mark read and typing")
    icon = "check-check"
    group = Group.WHATSAPP
    form = MarkReadForm
    effect = Effect.OUTSIDE
    output = {"marked": True, "message_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e17"}
    synonyms = (gettext_noop("read receipt"), gettext_noop("blue ticks"), gettext_noop("typing"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        words = _("Marks as read and shows typing") if config.get("typing") else _("Marks as read")
        return str(words)

    def run(self, step: StepContext) -> Done | Suspend:
        nothing: dict[str, Any] = {"marked": False, "message_id": None}
        if step.chat is None:
            return Done(nothing, notes=(str(NOTES["nothing_written"]),))
        if step.is_dry:
            return Done(nothing, notes=("dry_run",))
        shown = show_attention(step.chat, with_typing=bool(step.config.get("typing")), now=step.now)
        if not shown.is_shown or shown.message is None:
            return Done(nothing, notes=(str(NOTES[shown.reason]),))
        return Done({"marked": True, "message_id": str(shown.message.public_id)})
