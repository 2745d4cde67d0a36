"""Stand still until the customer writes, or until the time is over."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.actions.base import TIMEOUT, Action, Group, Lane, StepContext
from automations.actions.registry import register
from automations.engine.results import Done, Suspend
from automations.errors import ConfigInvalid
from automations.forms.fields import DurationField, StepForm, duration, duration_words
from automations.models import Wait
from messaging.models import Message
from workspaces.models import Workspace


class WaitForReplyForm(StepForm):
    """How long, and what happens when nobody answers."""

    timeout = DurationField(label=_("At most"), initial={"amount": 2, "unit": "hours"}, max_days=90)
    after_timeout = forms.ChoiceField(
        label=_("When the time is over"),
        choices=[("end", _("take the lane “no answer”, then end")), ("continue", _("take the lane, then go on"))],
        initial="end",
    )


@register("wait_for_reply")
class WaitForReply(Action):
    """A reply goes on in the trunk; the time-out takes a lane of its own."""

    label = _("Wait for reply")
    icon = "hourglass"
    group = Group.WHATSAPP
    form = WaitForReplyForm
    speaks_to_customer = True
    awaits_reply = True
    output = {
        "reply": "Ja, gern",
        "message_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e17",
        "kind": "text",
        "button_id": None,
        "received_at": "2027-04-03T09:40:00+02:00",
        "timed_out": False,
    }
    synonyms = (gettext_noop("answer"), gettext_noop("ask"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        return str(_("Waits up to %(duration)s for a reply")) % {"duration": duration_words(config.get("timeout"))}

    def lanes(self, config: Mapping[str, Any]) -> list[Lane]:
        return [Lane(TIMEOUT, _("no answer"), ends_run=config.get("after_timeout", "end") == "end")]

    def time_passing(self, config: Mapping[str, Any]) -> timedelta | None:
        return duration(config["timeout"])

    def run(self, step: StepContext) -> Done | Suspend:
        if step.chat is None:
            raise ConfigInvalid(what="chat", field="")
        return Suspend(Wait.Kind.REPLY, step.now + duration(step.config["timeout"]))

    def resume(self, step: StepContext, wait: Wait) -> Done | Suspend:
        if wait.message is None:
            output = dict.fromkeys(self.output) | {"timed_out": True}
            return Done(output, lane=TIMEOUT)
        return Done(reply_data(wait.message), conversation=wait.message.conversation)


def reply_data(message: Message) -> dict[str, Any]:
    """A customer's answer as the step's output."""
    return {
        "reply": message.body,
        "message_id": str(message.public_id),
        "kind": message.kind,
        "button_id": message.payload.get("button_id"),
        "received_at": message.occurred_at.isoformat(),
        "timed_out": False,
    }
