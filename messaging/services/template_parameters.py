"""What a template asks for, and a template filled with values: checked and cleaned before any call.

Keys of values: body `1`, `2` or the parameter's name; header text `header.1` (or its name, where parameters are
named); header file `header` with `header.filename` for documents; buttons `button.<place>`, counted from 0 among all
buttons of the template.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlsplit

from messaging.errors import TemplateParametersMismatch, VariableMissing
from messaging.models import Template
from messaging.providers.base import ButtonValue, MediaValue, TextValue
from messaging.template_text import clean_parameter, fill, placeholders

_MEDIA: dict[str, Literal["image", "video", "document"]] = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document"}
_EXTENSION = ".pdf"

Kind = Literal["text", "image", "video", "document", "url", "copy_code", "quick_reply"]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One value that a template takes. `index` counts from 0 within its component; for buttons it is the place."""

    component: Literal["header", "body", "button"]
    index: int
    key: str
    sample: str = ""
    kind: Kind = "text"
    label: str = ""
    is_required: bool = True


@dataclass(frozen=True, kw_only=True)
class RenderedTemplate:
    """A template with its values in it, for bubbles and previews."""

    header: dict[str, str]
    body: str
    footer: str
    buttons: list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class FilledTemplate:
    """The values as they go out, and the text as it will read. `cleaned` names the values that were changed."""

    header: TextValue | MediaValue | None
    body: tuple[TextValue, ...]
    buttons: tuple[ButtonValue, ...]
    rendered: RenderedTemplate
    cleaned: tuple[str, ...] = ()


def parameters_of(template: Template) -> list[Parameter]:
    """Everything the template takes, in order of header, body, buttons."""
    found: list[Parameter] = []
    for component in template.components:
        kind = str(component.get("type", "")).upper()
        if kind == "HEADER":
            found += _header_parameters(template, component)
        elif kind == "BODY":
            found += _text_parameters("body", component, prefix="")
        elif kind == "BUTTONS":
            found += _button_parameters(component)
    order = {"header": 0, "body": 1, "button": 2}
    return sorted(found, key=lambda parameter: (order[parameter.component], parameter.index))


def fill_template(template: Template, values: Mapping[str, object]) -> FilledTemplate:
    """Fit the values into the template's places.

    Runs of white space in a value become one space (the platform refuses them, 132018). Raises VariableMissing for
    one that is empty, TemplateParametersMismatch for one that is not given or not asked for.
    """
    parameters = parameters_of(template)
    _demand_fit(template, parameters, values)
    texts: dict[str, str] = {}
    changed = []
    for parameter in parameters:
        if parameter.key not in values:
            continue
        cleaned = clean_parameter(_checked_kind(template, parameter, values[parameter.key]))
        if not cleaned.text:
            raise VariableMissing(field=f"variables.{parameter.key}", path=parameter.key, template=template.name)
        texts[parameter.key] = cleaned.text
        if cleaned.changed and isinstance(values[parameter.key], str):
            changed.append(parameter.key)
    return FilledTemplate(
        header=_header_value(template, parameters, texts, values),
        body=tuple(
            TextValue(text=texts[parameter.key], name=_name(template, parameter))
            for parameter in parameters
            if parameter.component == "body"
        ),
        buttons=tuple(
            ButtonValue(index=parameter.index, kind=parameter.kind, value=texts[parameter.key])  # type: ignore[arg-type]
            for parameter in parameters
            if parameter.component == "button" and parameter.key in texts
        ),
        rendered=render_preview(template, texts),
        cleaned=tuple(changed),
    )


def render_preview(template: Template, values: Mapping[str, object]) -> RenderedTemplate:
    """The template with values where given, and its placeholders where not. Line breaks of the template stay."""
    header: dict[str, str] = {}
    body = footer = ""
    buttons: list[dict[str, str]] = []
    for component in template.components:
        kind = str(component.get("type", "")).upper()
        text = str(component.get("text", ""))
        if kind == "HEADER":
            format_ = str(component.get("format", "TEXT")).upper()
            if format_ == "TEXT":
                header = {"kind": "text", "text": _filled(text, values, prefix="header.")}
            else:
                header = {"kind": format_.lower(), "link": str(values.get("header") or "")}
        elif kind == "BODY":
            body = _filled(text, values, prefix="")
        elif kind == "FOOTER":
            footer = text
        elif kind == "BUTTONS":
            buttons = [_button(index, button, values) for index, button in enumerate(component.get("buttons") or [])]
    return RenderedTemplate(header=header, body=body, footer=footer, buttons=buttons)


def sample_values(template: Template) -> dict[str, str]:
    """The samples that came with the template, by key."""
    return {parameter.key: parameter.sample for parameter in parameters_of(template) if parameter.sample}


def _header_parameters(template: Template, component: Mapping[str, Any]) -> list[Parameter]:
    format_ = str(component.get("format", "TEXT")).upper()
    if format_ == "TEXT":
        is_named = template.parameter_format == Template.ParameterFormat.NAMED
        return _text_parameters("header", component, prefix="" if is_named else "header.")
    if format_ not in _MEDIA:
        return []
    handles = (component.get("example") or {}).get("header_handle") or [""]
    return [Parameter(component="header", index=0, key="header", kind=_MEDIA[format_], sample=str(handles[0]))]


def _text_parameters(part: Literal["header", "body"], component: Mapping[str, Any], *, prefix: str) -> list[Parameter]:
    names = placeholders(str(component.get("text", "")))
    if all(name.isdigit() for name in names):
        # Values go in the order of the numbers, wherever they stand in the text.
        names.sort(key=int)
    samples = _samples(part, component.get("example") or {}, names)
    return [
        Parameter(component=part, index=index, key=f"{prefix}{name}", sample=samples.get(name, ""))
        for index, name in enumerate(names)
    ]


def _samples(part: str, example: Mapping[str, Any], names: list[str]) -> dict[str, str]:
    named = example.get(f"{part}_text_named_params")
    if isinstance(named, list):
        return {str(item.get("param_name")): str(item.get("example", "")) for item in named if isinstance(item, dict)}
    listed = example.get(f"{part}_text") or []
    # Bodies nest their samples once more than headers.
    if listed and isinstance(listed[0], list):
        listed = listed[0]
    return {name: str(sample) for name, sample in zip(names, listed, strict=False)}


def _button_parameters(component: Mapping[str, Any]) -> list[Parameter]:
    found = []
    for index, button in enumerate(component.get("buttons") or []):
        kind = str(button.get("type", "")).upper()
        key, label = f"button.{index}", str(button.get("text", ""))
        example = button.get("example") or ""
        sample = str(example[0] if isinstance(example, list) and example else example or "")
        if kind == "URL" and placeholders(str(button.get("url", ""))):
            found.append(Parameter(component="button", index=index, key=key, kind="url", label=label, sample=sample))
        elif kind == "COPY_CODE":
            found.append(
                Parameter(component="button", index=index, key=key, kind="copy_code", label=label, sample=sample)
            )
        elif kind == "QUICK_REPLY":
            found.append(
                Parameter(component="button", index=index, key=key, kind="quick_reply", label=label, is_required=False)
            )
    return found


def _demand_fit(template: Template, parameters: list[Parameter], values: Mapping[str, object]) -> None:
    known = {parameter.key for parameter in parameters}
    if any(parameter.kind == "document" for parameter in parameters):
        known.add("header.filename")
    needed = [parameter.key for parameter in parameters if parameter.is_required]
    strange = [key for key in values if key not in known]
    absent = [key for key in needed if key not in values]
    if strange or absent:
        raise TemplateParametersMismatch(
            field=f"variables.{(absent or strange)[0]}",
            template=template.name,
            expected=", ".join(needed) or "–",
            given=", ".join(values) or "–",
        )


def _checked_kind(template: Template, parameter: Parameter, value: object) -> object:
    """A list or an object has no text that could be meant."""
    if value is None or isinstance(value, str | int | float | Decimal):
        return value
    raise TemplateParametersMismatch(
        field=f"variables.{parameter.key}",
        template=template.name,
        expected=f"{parameter.key}: text",
        given=f"{parameter.key}: {type(value).__name__}",
    )


def _name(template: Template, parameter: Parameter) -> str:
    is_named = template.parameter_format == Template.ParameterFormat.NAMED
    return parameter.key.removeprefix("header.") if is_named else ""


def _header_value(
    template: Template, parameters: list[Parameter], texts: Mapping[str, str], values: Mapping[str, object]
) -> TextValue | MediaValue | None:
    for parameter in parameters:
        if parameter.component != "header":
            continue
        text = texts[parameter.key]
        if parameter.kind in ("image", "video", "document"):
            filename = ""
            if parameter.kind == "document":
                filename = str(values.get("header.filename") or "") or _filename(text, template)
            return MediaValue(kind=parameter.kind, link=text, filename=filename)  # type: ignore[arg-type]
        return TextValue(text=text, name=_name(template, parameter))
    return None


def _filename(link: str, template: Template) -> str:
    """Without a name a document arrives as "Untitled" (traps.md T4)."""
    name = posixpath.basename(urlsplit(link).path)
    return name if "." in name else f"{template.name}{_EXTENSION}"


def _filled(text: str, values: Mapping[str, object], *, prefix: str) -> str:
    """Named parameters of a header are asked for by their bare name, numbered ones with the prefix."""
    known = {}
    for name in placeholders(text):
        value = values.get(f"{prefix}{name}") if name.isdigit() else values.get(name)
        if value not in (None, ""):
            known[name] = str(value)
    return fill(text, known)


def _button(index: int, button: Mapping[str, Any], values: Mapping[str, object]) -> dict[str, str]:
    shown = {"type": str(button.get("type", "")).lower(), "text": str(button.get("text", ""))}
    if url := str(button.get("url", "")):
        value = values.get(f"button.{index}")
        shown["url"] = url if value in (None, "") else fill(url, dict.fromkeys(placeholders(url), str(value)))
    return shown
