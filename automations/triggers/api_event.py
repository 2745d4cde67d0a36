"""An event of another system, under a name of its own."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.forms.fields import StepForm
from automations.triggers.base import YES, Match, Source, Trigger, register
from workspaces.models import Workspace

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,79}$"


class ApiEventForm(StepForm):
    """The event's name, and a sample that names its fields."""

    event = forms.CharField(
        label=_("Event"),
        max_length=80,
        validators=[RegexValidator(NAME_PATTERN, _("Lower-case letters, digits, dots, - and _, e.g. order.paid."))],
    )
    sample = forms.JSONField(
        label=_("Sample"), required=False, help_text=_("One event as JSON: its fields are offered to the steps.")
    )

    def clean_sample(self) -> Any:
        """Fields have names, so the sample must be an object."""
        sample = self.cleaned_data["sample"]
        if sample is not None and not isinstance(sample, dict):
            raise forms.ValidationError(_("The sample must be a JSON object: { … }."))
        return sample


@register("api_event")
class ApiEvent(Trigger):
    """Comes by POST /api/v1/events."""

    label = _("API event")
    icon = "zap"
    source = Source.EVENT
    form = ApiEventForm
    data: ClassVar[dict[str, Any]] = {}
    takes_any_key = True
    synonyms = (gettext_noop("webhook"), gettext_noop("event"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        return str(_("The event %(event)s comes in")) % {"event": config.get("event") or "…"}

    def matches(self, config: Mapping[str, Any], data: Mapping[str, Any]) -> Match:
        return YES
