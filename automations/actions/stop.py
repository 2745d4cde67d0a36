"""End the run here."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.actions.base import Action, Group, StepContext
from automations.actions.registry import register
from automations.engine.results import Done, Suspend
from automations.forms.fields import LiquidField, StepForm
from workspaces.models import Workspace


class StopForm(StepForm):
    """How the run counts, and why it ends."""

    outcome = forms.ChoiceField(
        label=_("The run counts as"), choices=[("done", _("done")), ("cancelled", _("cancelled"))], initial="done"
    )
    reason = LiquidField(label=_("Reason"), required=False, max_length=300)


@register("stop")
class Stop(Action):
    """Ends the run at this point of the tree."""

    label = _("Stop")
    icon = "circle-stop"
    group = Group.LOGIC
    form = StopForm
    output = {"reason": "…"}
    synonyms = (gettext_noop("end"),)

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        return str(_("Ends the run"))

    def run(self, step: StepContext) -> Done | Suspend:
        return Done({"reason": step.config.get("reason") or ""}, ends_run=step.config.get("outcome") or "done")
