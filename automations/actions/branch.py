"""Take the first lane whose conditions hold, else the lane "else". Bad data never fails a run here."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.actions.base import Action, Group, Lane, StepContext
from automations.actions.registry import register
from automations.conditions import evaluate_group
from automations.engine.results import Done, Suspend
from automations.forms.fields import LanesField, StepForm
from workspaces.models import Workspace

ELSE = "else"


class BranchForm(StepForm):
    """The lanes, in the order they are tried."""

    lanes = LanesField(
        label=_("Lanes"), help_text=_("The first lane whose conditions hold is taken, else “otherwise”.")
    )


@register("branch")
class Branch(Action):
    """Chooses a lane by conditions on the run's data."""

    label = _("Branch")
    icon = "git-branch"
    group = Group.LOGIC
    form = BranchForm
    output = {"lane": "interested", "label": "interessiert"}
    synonyms = (gettext_noop("if"), gettext_noop("condition"), gettext_noop("switch"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        names = ", ".join(lane["label"] for lane in config.get("lanes") or [])
        return str(_("Branches: %(lanes)s")) % {"lanes": names or "…"}

    def lanes(self, config: Mapping[str, Any]) -> list[Lane]:
        known = [Lane(lane["key"], lane["label"]) for lane in config.get("lanes") or []]
        return [*known, Lane(ELSE, _("otherwise"))]

    def run(self, step: StepContext) -> Done | Suspend:
        notes: list[str] = []
        for lane in step.config["lanes"]:
            verdict = evaluate_group(
                lane,
                step.data.values,
                time_zone=step.workspace.time_zone,
                language=step.data.language,
            )
            if verdict.note:
                notes.append(str(verdict.note))
            if verdict.result:
                return Done({"lane": lane["key"], "label": lane["label"]}, lane=lane["key"], notes=tuple(notes))
        return Done({"lane": ELSE, "label": str(_("otherwise"))}, lane=ELSE, notes=tuple(notes))
