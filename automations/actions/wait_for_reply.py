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
from automations.taps import choice_of
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
    quiet_seconds = forms.IntegerField(
        label=_("Take together what comes within (seconds)"),
        required=False,
        min_value=0,
        max_value=30,
        initial=0,
        help_text=_("Customers often write three short messages in place of one. 0 takes the first as the answer."),
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
        "button_title": None,
        "received_at": "2027-04-03T09:40:00+02:00",
        "timed_out": False,
        "messages": ["Ja, gern"],
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
        quiet = timedelta(seconds=step.config.get("quiet_seconds") or 0)
        return Suspend(Wait.Kind.REPLY, step.now + duration(step.config["timeout"]), quiet=quiet or None)

    def resume(self, step: StepContext, wait: Wait) -> Done | Suspend:
        if wait.message is None:
            output = dict.fromkeys(self.output) | {"timed_out": True, "messages": []}
            return Done(output, lane=TIMEOUT)
        answers = _answers(wait)
        return Done(reply_data(answers), conversation=answers[-1].conversation)


def reply_data(answers: list[Message]) -> dict[str, Any]:
    """A customer's answer as the step's output; of a burst the texts one below the other, else as its last message.

    `button_id` is what the step that asked calls the button or row that was tapped, `button_title` what is on it.
    """
    last = answers[-1]
    texts = [answer.body for answer in answers]
    tapped = next((answer for answer in reversed(answers) if answer.payload.get("button_id")), None)
    return {
        "reply": "\n".join(text for text in texts if text),
        "message_id": str(last.public_id),
        "kind": last.kind,
        "button_id": choice_of(tapped.payload["button_id"]) if tapped else None,
        "button_title": tapped.body if tapped else None,
        "received_at": last.occurred_at.isoformat(),
        "timed_out": False,
        "messages": texts,
    }


def _answers(wait: Wait) -> list[Message]:
    """In the order of the customer's writing; what was deleted meanwhile is left out unless nothing else is there."""
    assert wait.message is not None
    if not wait.quiet_seconds:
        return [wait.message]
    taken = Message.objects.in_workspace(wait.workspace).filter(pk__in=wait.signals.values("message"))
    answers = list(taken.select_related("conversation").order_by("occurred_at", "id"))
    return [answer for answer in answers if not answer.payload.get("revoked_at")] or answers or [wait.message]
