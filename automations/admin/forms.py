"""Forms of the flow's pages, beside the forms that triggers and actions bring themselves."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automations.engine.program import RetryPolicy
from automations.models import Flow, Step
from workspaces.admin.fields import WorkspaceField


class FlowForm(forms.ModelForm):
    """Name, and how the flow stands to others."""

    class Meta:
        model = Flow
        fields = ("name", "leads", "priority")


class NewFlowForm(forms.Form):
    """Where, and how it is called."""

    workspace = WorkspaceField()
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    leads = forms.BooleanField(label=gettext_lazy("Leads the conversation"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["workspace"].suggest()  # type: ignore[attr-defined]


class PublishForm(forms.Form):
    """What has changed."""

    note = forms.CharField(label=gettext_lazy("What is new"), max_length=300, required=False)


class TryForm(forms.Form):
    """One real recipient, and the input as JSON."""

    recipient = forms.CharField(
        label=gettext_lazy("Recipient's phone"),
        max_length=60,
        help_text=gettext_lazy("Messages really go out, to this phone and to nobody else."),
    )
    data: Any = forms.JSONField(
        label=gettext_lazy("Input"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"}),
        help_text=gettext_lazy("The trigger's data; the recipient's phone is put in as customer_phone."),
    )

    def clean_data(self) -> dict[str, Any]:
        """An object: names with values."""
        given = self.cleaned_data["data"]
        if given is None:
            return {}
        if not isinstance(given, dict):
            raise ValidationError(_("This must be an object: names with values."), code="invalid")
        return given


class StepSettingsForm(forms.Form):
    """What every step has, whatever its type."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("The key in expressions is made from it once and stays."),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=300, required=False)
    is_on = forms.BooleanField(label=gettext_lazy("On"), required=False, initial=True)


class FailureForm(forms.Form):
    """How often a step is tried, and what happens when it has failed for good. Empty: the type's own default."""

    attempts = forms.IntegerField(label=gettext_lazy("Attempts"), min_value=1, max_value=10, required=False)
    first_wait_seconds = forms.IntegerField(
        label=gettext_lazy("Seconds before the second attempt"), min_value=1, max_value=86_400, required=False
    )
    factor = forms.FloatField(
        label=gettext_lazy("Each further wait is longer by the factor"), min_value=1, max_value=10, required=False
    )
    ceiling_seconds = forms.IntegerField(
        label=gettext_lazy("Seconds a wait lasts at most"), min_value=1, max_value=86_400, required=False
    )
    on_failure = forms.ChoiceField(
        label=gettext_lazy("After the last attempt"), choices=Step.OnFailure.choices, initial=Step.OnFailure.STOP
    )

    def __init__(self, *args: Any, default: RetryPolicy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in RetryPolicy.__dataclass_fields__:
            text = _("Default: %(value)s") % {"value": getattr(default, name)}
            self.fields[name].help_text = text

    def retry(self) -> dict[str, Any]:
        """What differs from the default, as a step keeps it."""
        given = {name: self.cleaned_data.get(name) for name in RetryPolicy.__dataclass_fields__}
        return {name: value for name, value in given.items() if value is not None}
