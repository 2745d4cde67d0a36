"""Forms of the flow's pages, beside the forms that triggers and actions bring themselves."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automations.engine.program import RetryPolicy
from automations.models import Flow, Run, Step
from messaging.phone_field import PhoneField
from workspaces.models import Workspace


class NewFlowForm(forms.Form):
    """How a new flow is called."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    leads = forms.BooleanField(
        label=gettext_lazy("Leads the conversation"),
        required=False,
        initial=True,
        help_text=gettext_lazy("A message starts at most one flow that leads. Without it, the flow runs alongside."),
    )


class FlowSettingsForm(NewFlowForm):
    """Name, and how the flow stands to others."""

    priority = forms.IntegerField(
        label=gettext_lazy("Priority"),
        initial=0,
        min_value=-1000,
        max_value=1000,
        help_text=gettext_lazy("Where several flows fit, the higher one comes first."),
    )


class PublishForm(forms.Form):
    """What has changed."""

    note = forms.CharField(label=gettext_lazy("What is new"), max_length=300, required=False)


class StepSettingsForm(forms.Form):
    """What every step has, whatever its type."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, required=False)
    is_on = forms.BooleanField(label=gettext_lazy("Step is on"), required=False, initial=True)


class FailureForm(forms.Form):
    """How often a step is tried, and what happens when it has failed for good."""

    attempts = forms.IntegerField(label=gettext_lazy("Attempts"), min_value=1, max_value=10)
    first_wait_seconds = forms.IntegerField(
        label=gettext_lazy("Seconds until the second attempt"), min_value=1, max_value=86_400
    )
    on_failure = forms.ChoiceField(
        label=gettext_lazy("After the last attempt"), choices=Step.OnFailure.choices, initial=Step.OnFailure.STOP
    )

    def __init__(self, *args: Any, default: RetryPolicy, stored: Mapping[str, Any] | None = None, **kwargs: Any):
        self.default = default
        self.stored = dict(stored or {})
        policy = RetryPolicy.of({**default.as_json(), **self.stored})
        first = {"attempts": policy.attempts, "first_wait_seconds": policy.first_wait_seconds}
        kwargs["initial"] = {**first, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    def retry(self) -> dict[str, Any]:
        """What differs from the type's default, as a step keeps it."""
        given = {**self.stored, **{name: self.cleaned_data[name] for name in ("attempts", "first_wait_seconds")}}
        usual = self.default.as_json()
        return {name: value for name, value in given.items() if value != usual[name]}


class InputForm(forms.Form):
    """The trigger's data, one field each; what is not text in the sample is written as JSON."""

    def __init__(self, *args: Any, sample: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sample = dict(sample)
        for name, value in self.sample.items():
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            widget = forms.Textarea(attrs={"rows": 3}) if len(shown) > 60 else forms.TextInput()
            self.fields[f"data_{name}"] = forms.CharField(label=name, required=False, initial=shown, widget=widget)

    def clean(self) -> dict[str, Any]:
        """Values of the kind that the sample has."""
        cleaned: dict[str, Any] = dict(self.cleaned_data)
        for name, value in self.sample.items():
            key = f"data_{name}"
            if isinstance(value, str) or key not in cleaned:
                continue
            try:
                cleaned[key] = json.loads(cleaned[key]) if cleaned[key] else None
            except ValueError:
                if value is not None:
                    self.add_error(key, _("Write this as JSON, like the sample: numbers, true, false, null, lists."))
        return cleaned

    def data_given(self) -> dict[str, Any]:
        """The trigger's data as it was filled in."""
        return {name: self.cleaned_data.get(f"data_{name}") for name in self.sample}

    def data_fields(self) -> list[forms.BoundField]:
        """The fields of the data."""
        return [self[f"data_{name}"] for name in self.sample]


class TryForm(InputForm):
    """One real recipient, and the trigger's data."""

    recipient = PhoneField(
        label=gettext_lazy("Recipient's phone"),
        max_length=60,
        help_text=gettext_lazy("Messages really go out, to this phone and to nobody else."),
    )


class RunFilterForm(forms.Form):
    """Which runs are shown; the state of the list is in the address."""

    DAYS = [
        ("", gettext_lazy("Any time")),
        ("1", gettext_lazy("Last 24 hours")),
        ("7", gettext_lazy("Last 7 days")),
        ("30", gettext_lazy("Last 30 days")),
    ]
    q = forms.CharField(label=gettext_lazy("Contact, number or id"), max_length=80, required=False)
    flow = forms.ChoiceField(label=gettext_lazy("Flow"), required=False)
    days = forms.TypedChoiceField(
        label=gettext_lazy("Time"), choices=DAYS, required=False, coerce=int, empty_value=None
    )
    code = forms.CharField(label=gettext_lazy("Error code"), max_length=60, required=False)
    status = forms.ChoiceField(required=False, choices=[("", ""), *Run.Status.choices], widget=forms.HiddenInput())

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        flows = Flow.objects.in_workspace(workspace).order_by("name").values_list("public_id", "name")
        known = [(str(public_id), name) for public_id, name in flows]
        self.fields["flow"].choices = [("", gettext_lazy("All flows")), *known]  # type: ignore[attr-defined]
