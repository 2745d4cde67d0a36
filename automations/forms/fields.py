"""Form fields for settings: text with data in it, mappings, durations, conditions and references by name.

A field's stored value (JSON) is itself valid input of the field, so that stored settings can be checked again.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from automations.forms import widgets
from workspaces.models import Workspace


class LiquidField(forms.CharField):
    """Text that may hold `{{ path }}`. With `keeps_type`, a field that is exactly one path keeps its value's type."""

    def __init__(self, *, keeps_type: bool = False, multiline: bool = False, **kwargs: Any) -> None:
        self.keeps_type = keeps_type
        kwargs.setdefault("widget", widgets.LiquidTextarea() if multiline else widgets.LiquidInput())
        kwargs.setdefault("max_length", 20_000)
        super().__init__(**kwargs)


class MappingField(forms.Field):
    """Names to texts that may hold data: `{"1": "{{trigger.customer_name}}"}`."""

    widget = widgets.MappingWidget

    def __init__(self, *, keeps_type: bool = True, fixed_names: bool = False, **kwargs: Any) -> None:
        self.keeps_type = keeps_type
        self.fixed_names = fixed_names
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> dict[str, str]:
        """A dict, or JSON text of one."""
        value = _from_json(value, {})
        if not isinstance(value, Mapping):
            raise ValidationError(_("This must be names with values."), code="invalid")
        return {str(name).strip(): str(text) for name, text in value.items() if str(name).strip()}


class DurationField(forms.Field):
    """An amount and a unit: `{"amount": 5, "unit": "minutes"}`."""

    widget = widgets.DurationWidget
    UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}

    def __init__(self, *, max_days: int = 365, **kwargs: Any) -> None:
        self.max_days = max_days
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> dict[str, Any] | None:
        """A dict, or JSON text of one."""
        value = _from_json(value, None)
        if not value or (isinstance(value, Mapping) and value.get("amount") in (None, "")):
            return None
        try:
            amount = int(value["amount"])
        except (TypeError, ValueError, OverflowError):
            raise ValidationError(_("Enter a whole number."), code="invalid") from None
        if str(value.get("unit")) not in self.UNITS:
            raise ValidationError(_("Choose seconds, minutes, hours or days."), code="invalid")
        if amount < 1:
            raise ValidationError(_("The time must be at least 1."), code="invalid")
        if amount * self.UNITS[value["unit"]] > self.max_days * 86_400:
            raise ValidationError(_("At most %(days)s days."), code="invalid", params={"days": self.max_days})
        return {"amount": amount, "unit": value["unit"]}


def duration(stored: Mapping[str, Any]) -> timedelta:
    """The stored duration as a timedelta."""
    return timedelta(seconds=int(stored["amount"]) * DurationField.UNITS[stored["unit"]])


def duration_words(stored: Mapping[str, Any] | None) -> str:
    """The stored duration in words of the active language."""
    if not stored:
        return "–"
    amount = int(stored["amount"])
    words = {
        "seconds": ngettext("%(count)s second", "%(count)s seconds", amount),
        "minutes": ngettext("%(count)s minute", "%(count)s minutes", amount),
        "hours": ngettext("%(count)s hour", "%(count)s hours", amount),
        "days": ngettext("%(count)s day", "%(count)s days", amount),
    }
    return words[stored["unit"]] % {"count": amount}


class LanesField(forms.Field):
    """Branch lanes in order, each with and/or conditions; automations/conditions.py has the operators."""

    widget = widgets.LanesWidget

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        """A list of `{"key", "label", "match", "conditions": [{"left", "operator", "right"}]}`."""
        value = _from_json(value, [])
        if not isinstance(value, list):
            raise ValidationError(_("This must be a list of lanes."), code="invalid")
        lanes: list[dict[str, Any]] = []
        for number, lane in enumerate(value, start=1):
            lanes.append(_checked_lane(lane, number, {known["key"] for known in lanes}))
        return lanes


def _checked_lane(lane: Any, number: int, taken: set[str]) -> dict[str, Any]:
    if not isinstance(lane, Mapping) or not str(lane.get("label", "")).strip():
        raise ValidationError(_("Lane %(number)s needs a name."), code="lane_name", params={"number": number})
    label = str(lane["label"]).strip()
    key = str(lane.get("key") or "").strip() or f"lane_{number}"
    if key in taken:
        raise ValidationError(_("Two lanes have the key “%(key)s”."), code="lane_key", params={"key": key})
    conditions = [
        {
            "left": str(condition.get("left", "")),
            "operator": str(condition.get("operator", "")),
            "right": str(condition.get("right", "")),
        }
        for condition in lane.get("conditions") or []
        if isinstance(condition, Mapping)
    ]
    if not conditions:
        raise ValidationError(
            _("Lane “%(lane)s” needs at least one condition."), code="lane_conditions", params={"lane": label}
        )
    for condition in conditions:
        if not condition["left"].strip():
            raise ValidationError(
                _("A condition of lane “%(lane)s” does not say which value it looks at."),
                code="lane_left",
                params={"lane": label},
            )
        if condition["operator"] not in dict(widgets.operator_choices()):
            raise ValidationError(
                _("A condition of lane “%(lane)s” has no operator that is known here."),
                code="lane_operator",
                params={"lane": label},
            )
    match = "any" if lane.get("match") == "any" else "all"
    return {"key": key, "label": label, "match": match, "conditions": conditions}


class ChoicesField(forms.Field):
    """Buttons or rows of a list, whose words may hold data: `[{"key", "title", "description", "section"}]`.

    The key is what later steps know the choice by; without one it is made from the title once, and then stays.
    """

    widget = widgets.ChoicesWidget
    WORDS = ("title", "description", "section")

    def to_python(self, value: Any) -> list[dict[str, str]]:
        """A list, or JSON text of one."""
        value = _from_json(value, [])
        if not isinstance(value, list) or not all(isinstance(choice, Mapping) for choice in value):
            raise ValidationError(_("This must be a list of choices."), code="invalid")
        choices: list[dict[str, str]] = []
        for choice in value:
            words = {name: str(choice.get(name) or "").strip() for name in self.WORDS}
            if not words["title"]:
                raise ValidationError(_("Each choice needs a title."), code="choice_title")
            taken = {known["key"] for known in choices}
            key = str(choice.get("key") or "").strip() or _free_choice_key(words["title"], taken, len(choices) + 1)
            if key in taken:
                raise ValidationError(_("Two choices have the id “%(key)s”."), code="choice_key", params={"key": key})
            if len(key) > LONGEST_CHOICE_KEY:
                raise ValidationError(
                    _("The id “%(key)s” is longer than %(limit)s characters."),
                    code="choice_key",
                    params={"key": key, "limit": LONGEST_CHOICE_KEY},
                )
            choices.append({"key": key, **words})
        return choices


LONGEST_CHOICE_KEY = 40
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def _free_choice_key(title: str, taken: set[str], number: int) -> str:
    """From the title; a title with data in it would give another one each time, so it gets its number."""
    words = "" if "{" in title else slugify(title.lower().translate(_UMLAUTS)).replace("-", "_")
    key = words[: LONGEST_CHOICE_KEY - 4] or f"choice_{number}"
    while key in taken:
        key = f"{key[: LONGEST_CHOICE_KEY - 4]}_{number}"
        number += 1
    return key


class WordsField(forms.CharField):
    """Words or phrases, one a line; stored as a list."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return [str(word).strip() for word in value if str(word).strip()]
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        for word in value:
            super().run_validators(word)


class StepForm(forms.Form):
    """Base of every step's and trigger's form. `workspace` fills the choices.

    `shown_for` says of fields for which values of the field `kind` they are asked for; all others always are.
    """

    shown_for: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        self.workspace = workspace
        kwargs.setdefault("auto_id", "config_%s")
        super().__init__(*args, **kwargs)
        self.fill_choices(workspace)

    def fill_choices(self, workspace: Workspace) -> None:
        """Subclasses put the workspace's senders, templates and assistants into their choice fields."""

    @property
    def folded(self) -> list[str]:
        """The fields that few need; they stand folded away below the others (`is_folded` on the field)."""
        return [name for name, field in self.fields.items() if getattr(field, "is_folded", False)]

    @property
    def is_unfolded(self) -> bool:
        """Whether one of these says something of its own, or is wrong."""
        plain = {name: (None, "", False, self.fields[name].initial) for name in self.folded}
        return any(self[name].errors or self[name].value() not in usual for name, usual in plain.items())

    def expressions(self, config: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
        """Every text of the settings that may hold data: field, text, and whether it keeps its type.

        Settings come from people, recipes and the API: what has another shape is for `check_stored` to report.
        """
        for name, field in self.fields.items():
            value = config.get(name)
            if isinstance(field, LiquidField) and value:
                yield name, str(value), field.keeps_type
            elif isinstance(field, MappingField) and isinstance(value, Mapping):
                for key, text in value.items():
                    yield f"{name}.{key}", str(text), field.keeps_type
            elif isinstance(field, ChoicesField) and isinstance(value, list):
                for choice in value:
                    for word in ChoicesField.WORDS if isinstance(choice, Mapping) else ():
                        yield f"{name}.{choice.get('key', '')}", str(choice.get(word) or ""), False
            elif isinstance(field, LanesField):
                for lane, condition in _conditions(value):
                    yield f"{name}.{lane}", str(condition.get("left", "")), True
                    yield f"{name}.{lane}", str(condition.get("right", "")), True

    def check_stored(self, config: Mapping[str, Any]) -> dict[str, list[str]]:
        """Stored settings against the fields: messages by field; empty where all is well."""
        problems: dict[str, list[str]] = {}
        cleaned: dict[str, Any] = {}
        for name, field in self.fields.items():
            try:
                cleaned[name] = field.clean(config.get(name, field.initial))
            except ValidationError as error:
                problems[name] = [str(message) for message in error.messages]
        if not problems:
            self.cleaned_data = cleaned
            self._errors = forms.utils.ErrorDict()
            try:
                self.clean()
            except ValidationError as error:
                problems["__all__"] = [str(message) for message in error.messages]
            for name, messages in (self._errors or {}).items():
                problems.setdefault(name, []).extend(str(message) for message in messages)
        return problems


def _conditions(lanes: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for lane in lanes if isinstance(lanes, list) else []:
        conditions = lane.get("conditions") if isinstance(lane, Mapping) else None
        for condition in conditions if isinstance(conditions, list) else []:
            if isinstance(condition, Mapping):
                yield str(lane.get("key", "")), condition


def _from_json(value: Any, empty: Any) -> Any:
    if value in (None, ""):
        return empty
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValidationError(
                _("This is no valid JSON (line %(line)s)."),
                code="json",
                params={"line": getattr(error, "lineno", 1)},
            ) from None
    return value
