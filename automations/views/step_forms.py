"""The forms in the panel: what every step has, the action's own settings, and failing; and the trigger's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.forms import BoundField, Form

from automations.engine.program import RetryPolicy
from automations.expressions import ExpressionError, render
from automations.findings import Finding
from automations.forms.fields import StepForm
from automations.forms.pages import FailureForm, StepSettingsForm
from automations.models import FlowVersion, Step
from automations.picture import kind_of, template_of, with_placeholders
from automations.services.editing import change_step, initial_config
from automations.triggers.registry import trigger
from messaging.services.template_parameters import RenderedTemplate, parameters_of, render_preview, sample_values

PREFIX = "config"


class StepForms:
    """The three forms of a step's panel. `data` is checked and saved; `typed` is only shown, with all its rows."""

    def __init__(self, step: Step, *, data: Any = None, typed: Any = None) -> None:
        self.step = step
        self.kind = kind_of(step.type)
        default = self.kind.default_retry if self.kind else RetryPolicy()
        config, self.shown = step.config, {"name": step.name, "is_on": step.is_on, "on_failure": step.on_failure}
        if typed is not None:
            config = {**config, **self._raw(typed)}
            for form in (StepSettingsForm(typed), FailureForm(typed, default=default)):
                self.shown |= {name: form[name].data for name in form.fields}
        self.settings = with_placeholders(config, template_of(step.type, config, step.workspace))
        self.general = StepSettingsForm(data, initial=self.shown)
        self.config = self._form(data, initial=self.settings)
        self.failure = FailureForm(data, default=default, stored=step.retry, initial=self.shown)

    def _form(self, data: Any, **kwargs: Any) -> StepForm | None:
        if self.kind is None:
            return None
        return self.kind.form(data, workspace=self.step.workspace, prefix=PREFIX, auto_id="id_%s", **kwargs)

    def _raw(self, typed: Any) -> dict[str, Any]:
        """What stands in the fields, unchecked."""
        form = self._form(typed)
        return {name: form[name].data for name in form.fields} if form is not None else {}

    def are_valid(self) -> bool:
        """All are asked, so that every mistake is shown at once."""
        asked = [form for form in (self.general, self.config, self.failure) if form is not None]
        return not [form for form in asked if not form.is_valid()]

    def save(self) -> Step:
        """Keep what was typed in the draft. A template just chosen brings its placeholders as rows."""
        config = self.config.cleaned_data if self.config is not None else self.step.config
        return change_step(
            self.step,
            name=self.general.cleaned_data["name"],
            is_on=self.general.cleaned_data["is_on"],
            config=config,
            on_failure=self.failure.cleaned_data["on_failure"],
            retry=self.failure.retry(),
        )

    def preview(self, data: Mapping[str, Any]) -> RenderedTemplate | None:
        """The bubble that the customer sees, with `data` as the run's; the template's own samples fill the rest."""
        typed = self._typed()
        template = template_of(self.step.type, typed, self.step.workspace)
        if template is None:
            return None
        variables = typed.get("variables")
        given = variables if isinstance(variables, Mapping) else {}
        shown = dict(sample_values(template))
        for name in (parameter.key for parameter in parameters_of(template)):
            text = self._worked_out(str(given.get(name) or ""), data)
            if text:
                shown[name] = text
        return render_preview(template, shown)

    def _worked_out(self, text: str, data: Mapping[str, Any]) -> str:
        """The text with sample data in it; nothing where it cannot be worked out (the finding says why)."""
        workspace = self.step.workspace
        try:
            return render(text, data, time_zone=workspace.time_zone, language=workspace.language)
        except ExpressionError:
            return ""

    def _typed(self) -> dict[str, Any]:
        if self.config is not None and self.config.is_bound:
            return self._raw(self.config.data)
        return self.settings


def trigger_form(draft: FlowVersion, type_name: str, *, data: Any = None) -> StepForm:
    """The trigger's own form, with the draft's settings where they are of this type. Raises NotARegisteredType."""
    kind = trigger(type_name)
    stored = draft.trigger_config
    if draft.trigger_type != type_name:
        stored = initial_config(kind.form(workspace=draft.workspace))
    return kind.form(data, workspace=draft.workspace, prefix=PREFIX, auto_id="id_%s", initial=stored)


@dataclass(frozen=True)
class FieldRow:
    """A field, and what the validator has to say about what is stored in it."""

    field: BoundField
    findings: list[Finding]

    @property
    def is_folded(self) -> bool:
        """Whether it stands among the settings that few need."""
        return bool(getattr(self.field.field, "is_folded", False))

    @property
    def shown_for(self) -> str:
        """The values of the form's `kind` that the field is asked for with; empty where it always is."""
        shown_for = getattr(self.field.form, "shown_for", {})
        return " ".join(shown_for.get(self.field.name, ()))


def field_rows(form: Form | None, findings: list[Finding]) -> tuple[list[FieldRow], list[Finding]]:
    """The form's fields with their findings, and the findings that are about no field of it.

    What has just been typed and refused has its own errors: then the stored draft's findings would only confuse.
    """
    if form is None:
        return [], findings
    said: dict[str, list[Finding]] = {}
    for finding in [] if form.is_bound else findings:
        said.setdefault(finding.root if finding.root in form.fields else "", []).append(finding)
    return [FieldRow(form[name], said.get(name, [])) for name in form.fields], said.get("", [])
