"""Give values a name, for the steps that follow."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.actions.base import Action, Group, StepContext
from automations.actions.registry import register
from automations.engine.results import Done, Suspend
from automations.forms.fields import MappingField, StepForm
from workspaces.models import Workspace


class SetVariablesForm(StepForm):
    """Names and what they stand for."""

    values = MappingField(label=_("Values"), help_text=_("Later steps read them as {{steps.this_step.name}}."))

    def clean_values(self) -> dict[str, str]:
        """Names must be usable in expressions."""
        values: dict[str, str] = self.cleaned_data["values"]
        for name in values:
            if not name.isidentifier():
                raise ValidationError(
                    _("“%(name)s” is no name for a value: use letters, digits and _."), params={"name": name}
                )
        return values


@register("set_variables")
class SetVariables(Action):
    """Works texts out and keeps them under names."""

    label = _("Set variables")
    icon = "braces"
    group = Group.DATA
    form = SetVariablesForm
    synonyms = (gettext_noop("value"),)

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        return str(_("Sets %(names)s")) % {"names": ", ".join(config.get("values") or {}) or "…"}

    def output_for(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return dict.fromkeys(config.get("values") or {}, "…")

    def run(self, step: StepContext) -> Done | Suspend:
        return Done(dict(step.config["values"]))
