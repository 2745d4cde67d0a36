"""Started by a person, or by POST /api/v1/flows/{id}/runs."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.forms.fields import MappingField, StepForm
from automations.triggers.base import Source, Trigger, register
from workspaces.models import Workspace


class ManualForm(StepForm):
    """The input's fields with an example each."""

    inputs = MappingField(
        label=_("Input"),
        required=False,
        initial={"customer_phone": "+436641234567", "customer_name": "Eva Novak"},
        help_text=_("Name and an example of each field that whoever starts the flow fills in."),
    )

    def clean_inputs(self) -> dict[str, str]:
        """Names must be usable in expressions."""
        given: dict[str, str] = self.cleaned_data["inputs"]
        for name in given:
            if not name.isidentifier():
                raise ValidationError(
                    _("“%(name)s” is no name for a field: use letters, digits and _."), params={"name": name}
                )
        return given


@register("manual")
class Manual(Trigger):
    """Takes its input from whoever starts it."""

    label = _("Started by hand")
    icon = "zap"
    source = Source.MANUAL
    form = ManualForm
    data = {"customer_phone": "+436641234567", "customer_name": "Eva Novak"}
    takes_any_key = True
    synonyms = (gettext_noop("button"), gettext_noop("start"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        return str(_("Somebody starts the flow"))
