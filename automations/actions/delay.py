"""Stand still for a time, or until an instant of the run's data."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.actions.base import Action, Group, StepContext
from automations.actions.registry import register
from automations.engine.results import Done, Suspend
from automations.errors import ExpressionInvalid
from automations.expressions import BadExpression
from automations.expressions.values import read_moment
from automations.forms.fields import DurationField, LiquidField, StepForm, duration, duration_words
from automations.models import Wait
from workspaces.models import Workspace


class DelayForm(StepForm):
    """For a time, or until an instant."""

    mode = forms.ChoiceField(
        label=_("Wait"), choices=[("for", _("for a time")), ("until", _("until an instant"))], initial="for"
    )
    duration = DurationField(label=_("How long"), required=False, initial={"amount": 5, "unit": "minutes"})
    until = LiquidField(
        label=_("Until"),
        required=False,
        keeps_type=True,
        help_text=_("An instant, for example {{trigger.appointment_date}}. One that is past goes on at once."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if cleaned.get("mode") == "for" and not cleaned.get("duration"):
            self.add_error("duration", _("Say how long to wait."))
        if cleaned.get("mode") == "until" and not cleaned.get("until"):
            self.add_error("until", _("Say until when to wait."))
        return cleaned


@register("delay")
class Delay(Action):
    """Suspends the run; nothing sleeps in a process."""

    label = _("Delay")
    icon = "clock"
    group = Group.LOGIC
    form = DelayForm
    output = {"waited_until": "2027-04-03T09:35:00+02:00"}
    synonyms = (gettext_noop("wait"), gettext_noop("pause"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        if config.get("mode") == "until":
            return str(_("Waits until %(instant)s")) % {"instant": config.get("until") or "…"}
        return str(_("Waits %(duration)s")) % {"duration": duration_words(config.get("duration"))}

    def time_passing(self, config: Mapping[str, Any]) -> timedelta | None:
        return None if config.get("mode") == "until" else duration(config["duration"])

    def run(self, step: StepContext) -> Done | Suspend:
        if step.config.get("mode") == "until":
            until = _instant(step.config["until"], step)
            if until <= step.now:
                return Done({"waited_until": until.isoformat()}, notes=("already_past",))
        else:
            until = step.now + duration(step.config["duration"])
        return Suspend(Wait.Kind.DELAY, until)

    def resume(self, step: StepContext, wait: Wait) -> Done | Suspend:
        return Done({"waited_until": wait.due_at.isoformat() if wait.due_at else None})


def _instant(value: Any, step: StepContext) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=step.workspace.zone)
    if isinstance(value, str) and (parsed := parse_datetime(value)) is not None:
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=step.workspace.zone)
    moment = read_moment(value, zone=step.workspace.zone)
    if isinstance(moment, datetime):
        return moment if moment.tzinfo else moment.replace(tzinfo=step.workspace.zone)
    if isinstance(moment, date):
        return datetime.combine(moment, time(), tzinfo=step.workspace.zone)
    bad = BadExpression("not_a_date", value=str(value))
    raise ExpressionInvalid.of(bad, field="until", step=step.step_name)
