"""Widgets of settings: rows of names and values, durations, lanes with conditions. They work without scripts."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automations.conditions import OPERATORS
from workspaces.errors import Text

EMPTY_ROWS = 1
MOST_LANES = 50


def operator_choices() -> list[tuple[str, Text]]:
    """The operators of conditions with their labels, in the order they are offered."""
    return [(name, operator.label) for name, operator in OPERATORS.items()]


class LiquidInput(forms.TextInput):
    """One line that takes data."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"data-liquid": "", "autocomplete": "off", "spellcheck": "false", **(attrs or {})})


class LiquidTextarea(forms.Textarea):
    """Several lines that take data."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"data-liquid": "", "rows": 4, **(attrs or {})})


class RowsWidget(forms.Widget):
    """Several controls under one name: a group with a caption, and no label that points at one of them."""

    use_fieldset = True

    def id_for_label(self, id_: str) -> str:
        return ""


class MappingWidget(RowsWidget):
    """Rows of a name and a value, and an empty row for the next one."""

    template_name = "automations/widgets/mapping.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        rows = list(value.items()) if isinstance(value, Mapping) else []
        context["widget"]["rows"] = [*rows, *([("", "")] * EMPTY_ROWS)]
        context["widget"]["name_field"] = f"{name}__name"
        context["widget"]["value_field"] = f"{name}__value"
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if hasattr(data, "getlist") and f"{name}__name" in data:
            return dict(zip(data.getlist(f"{name}__name"), data.getlist(f"{name}__value"), strict=False))
        return data.get(name)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}__name" not in data and name not in data


class ChoicesWidget(RowsWidget):
    """Rows of a choice's words, and an empty row for the next one."""

    template_name = "automations/widgets/choices.html"
    PARTS = ("key", "title", "description", "section")

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        rows = [choice for choice in value if isinstance(choice, Mapping)] if isinstance(value, list) else []
        context["widget"]["rows"] = [*rows, *([dict.fromkeys(self.PARTS, "")] * EMPTY_ROWS)]
        return context

    def format_value(self, value: Any) -> Any:
        return value

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if not hasattr(data, "getlist") or f"{name}__title" not in data:
            return data.get(name)
        columns = [data.getlist(f"{name}__{part}") for part in self.PARTS]
        rows = [dict(zip(self.PARTS, row, strict=True)) for row in zip(*columns, strict=False)]
        # A row with a key alone is one whose words were taken out.
        return [row for row in rows if any(row[part].strip() for part in self.PARTS if part != "key")]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}__title" not in data and name not in data


class DurationWidget(forms.Widget):
    """A number and a unit."""

    template_name = "automations/widgets/duration.html"
    UNITS = [
        ("seconds", _("seconds")),
        ("minutes", _("minutes")),
        ("hours", _("hours")),
        ("days", _("days")),
    ]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        stored = value if isinstance(value, Mapping) else {}
        context["widget"]["amount"] = stored.get("amount", "")
        context["widget"]["unit"] = stored.get("unit", "minutes")
        context["widget"]["units"] = self.UNITS
        return context

    def format_value(self, value: Any) -> Any:
        return value

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        if f"{name}__amount" in data:
            return {"amount": data.get(f"{name}__amount"), "unit": data.get(f"{name}__unit")}
        return data.get(name)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}__amount" not in data and name not in data


class LanesWidget(RowsWidget):
    """Lanes with their conditions; empty rows for one more lane and one more condition each."""

    template_name = "automations/widgets/lanes.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        lanes = [dict(lane) for lane in value] if isinstance(value, list) else []
        empty = {"left": "", "operator": "equals", "right": ""}
        shown = [*lanes, {"key": "", "label": "", "match": "all", "conditions": []}]
        for index, lane in enumerate(shown):
            lane["prefix"] = f"{name}__{index}"
            lane["rows"] = [*(lane.get("conditions") or []), empty]
        context["widget"]["lanes"] = shown
        context["widget"]["operators"] = operator_choices()
        context["widget"]["count_field"] = f"{name}__count"
        return context

    def format_value(self, value: Any) -> Any:
        return value

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if f"{name}__count" not in data:
            return data.get(name)
        lanes = []
        count = str(data.get(f"{name}__count"))
        for index in range(min(int(count), MOST_LANES) if count.isdecimal() and len(count) < 4 else 0):
            prefix = f"{name}__{index}"
            conditions = [
                {"left": left, "operator": operator, "right": right}
                for left, operator, right in zip(
                    data.getlist(f"{prefix}__left"),
                    data.getlist(f"{prefix}__operator"),
                    data.getlist(f"{prefix}__right"),
                    strict=False,
                )
                if left.strip() or right.strip()
            ]
            label = (data.get(f"{prefix}__label") or "").strip()
            if label or conditions:
                key = (data.get(f"{prefix}__key") or "").strip()
                match = data.get(f"{prefix}__match")
                lanes.append({"key": key, "label": label, "match": match, "conditions": conditions})
        return lanes

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}__count" not in data and name not in data
