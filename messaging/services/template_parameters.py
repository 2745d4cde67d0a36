"""What a template asks for, and a template filled with values: checked and cleaned before any call.

Keys of values: body `1`, `2` or the parameter's name; header text `header.1` (or its name, where parameters are
named); header file `header` (a public link, or the id of an upload) with `header.filename` for documents; header
place `header.latitude`, `header.longitude`, `header.name`, `header.address`; buttons `button.<place>`, counted from 0
among all buttons of the template: the end of an address, a code, what a tap or a form reports.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote

from messaging.errors import TemplateParametersMismatch, TextTooLong, VariableMissing
from messaging.models import Template
from messaging.providers.base import ButtonValue, HeaderValue, MediaValue, PlaceValue, TextValue
from messaging.services.addresses import checked_link, degrees, file_name
from messaging.template_text import clean_parameter, fill, placeholders, utf16_length

_MEDIA: dict[str, Literal["image", "video", "document"]] = {
    "IMAGE": "image",
    "VIDEO": "video",
    # Played like a video that says nothing, and sent as one.
    "GIF": "video",
    "DOCUMENT": "document",
}
BODY_LIMIT, HEADER_LIMIT, ADDRESS_LIMIT, PAYLOAD_LIMIT, COUPON_LIMIT, CODE_LIMIT = 1024, 60, 2000, 256, 20, 15
# What may stand in the end of an address as it is; all else is written as bytes.
_SAFE = "%:/?#[]@!$&'()*+,;=-._~"

Kind = Literal[
    "text",
    "image",
    "video",
    "document",
    "filename",
    "place",
    "place_words",
    "url",
    "code",
    "copy_code",
    "quick_reply",
    "flow",
]
# Buttons that report something when they are used; without a value they report what they are called.
_TAPPED = ("quick_reply", "flow")


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

    header: HeaderValue | None
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


def fill_template(template: Template, values: Mapping[str, object], *, tap_prefix: str = "") -> FilledTemplate:
    """Fit the values into the template's places; `tap_prefix` stands before what taps and forms report.

    Runs of white space in a value become one space (the platform refuses them, 132018). Raises VariableMissing for
    one that is empty, TemplateParametersMismatch for one that is not given or not asked for, TextTooLong where the
    filled text or one value is longer than WhatsApp takes, LinkInvalid, PlaceInvalid.
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
            # An empty row of a form is a value that is not given (traps.md T8).
            if parameter.is_required:
                raise VariableMissing(field=f"variables.{parameter.key}", path=parameter.key, template=template.name)
            continue
        texts[parameter.key] = cleaned.text
        if cleaned.changed and isinstance(values[parameter.key], str):
            changed.append(parameter.key)
    buttons = tuple(_button_values(parameters, texts, tap_prefix))
    texts |= {f"button.{button.index}": button.value for button in buttons}
    rendered = render_preview(template, texts)
    _demand_lengths(rendered)
    return FilledTemplate(
        header=_header_value(template, parameters, texts),
        body=tuple(
            TextValue(text=texts[parameter.key], name=_name(template, parameter))
            for parameter in parameters
            if parameter.component == "body"
        ),
        buttons=buttons,
        rendered=rendered,
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
            elif format_ == "LOCATION":
                words = (str(values.get(f"header.{name}") or "") for name in ("name", "address"))
                header = {"kind": "location", "text": " · ".join(filter(None, words))}
            else:
                link = str(values.get("header") or "")
                # The id of an upload leads nowhere.
                header = {"kind": _MEDIA.get(format_, format_.lower()), "link": link if "://" in link else ""}
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


_PLACE: tuple[tuple[str, Kind], ...] = (
    ("latitude", "place"),
    ("longitude", "place"),
    ("name", "place_words"),
    ("address", "place_words"),
)


def _header_parameters(template: Template, component: Mapping[str, Any]) -> list[Parameter]:
    format_ = str(component.get("format", "TEXT")).upper()
    if format_ == "TEXT":
        is_named = template.parameter_format == Template.ParameterFormat.NAMED
        return _text_parameters("header", component, prefix="" if is_named else "header.")
    if format_ == "LOCATION":
        return [
            Parameter(component="header", index=index, key=f"header.{name}", kind=kind, is_required=kind == "place")
            for index, (name, kind) in enumerate(_PLACE)
        ]
    if format_ not in _MEDIA:
        return []
    handles = (component.get("example") or {}).get("header_handle") or [""]
    kind = _MEDIA[format_]
    file = Parameter(component="header", index=0, key="header", kind=kind, sample=str(handles[0]))
    if kind != "document":
        return [file]
    return [file, Parameter(component="header", index=1, key="header.filename", kind="filename", is_required=False)]


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
    """Phone numbers, and addresses without a variable, take no value (traps.md T3)."""
    found = []
    for index, button in enumerate(component.get("buttons") or []):
        kind = _BUTTONS.get(str(button.get("type", "")).upper())
        if kind is None or (kind == "url" and not placeholders(str(button.get("url", "")))):
            continue
        example = button.get("example") or ""
        sample = str(example[0] if isinstance(example, list) and example else example or "")
        found.append(
            Parameter(
                component="button",
                index=index,
                key=f"button.{index}",
                kind=kind,
                label=str(button.get("text", "")),
                sample="" if kind in _TAPPED else sample,
                is_required=kind not in _TAPPED,
            )
        )
    return found


_BUTTONS: dict[str, Kind] = {
    "URL": "url",
    "OTP": "code",
    "COPY_CODE": "copy_code",
    "QUICK_REPLY": "quick_reply",
    "FLOW": "flow",
}
_VALUE_LIMITS = {"copy_code": COUPON_LIMIT, "code": CODE_LIMIT, "quick_reply": PAYLOAD_LIMIT, "flow": PAYLOAD_LIMIT}


def _button_values(parameters: list[Parameter], texts: Mapping[str, str], tap_prefix: str) -> Iterator[ButtonValue]:
    """The buttons that are sent with a value: each that has one, and with a prefix each that can be tapped."""
    for parameter in parameters:
        if parameter.component != "button":
            continue
        text = texts.get(parameter.key, "")
        if parameter.kind in _TAPPED and tap_prefix:
            text = tap_prefix + (text or parameter.label)
        if not text:
            continue
        limit, length = _VALUE_LIMITS.get(parameter.kind), utf16_length(text)
        if limit is not None and length > limit:
            raise TextTooLong(
                field=f"variables.{parameter.key}",
                length=length,
                limit=limit,
                part="template.payload" if parameter.kind in _TAPPED else "template.code",
                number=parameter.index + 1,
            )
        if parameter.kind == "url":
            text = quote(text, safe=_SAFE)
        kind = "url" if parameter.kind == "code" else parameter.kind
        yield ButtonValue(index=parameter.index, kind=kind, value=text)  # type: ignore[arg-type]


def _demand_lengths(rendered: RenderedTemplate) -> None:
    """What the platform counts once the values are in (132005). Raises TextTooLong."""
    texts = [("template.body", rendered.body, BODY_LIMIT, 0)]
    if rendered.header.get("kind") == "text":
        texts.append(("template.header", rendered.header["text"], HEADER_LIMIT, 0))
    for number, button in enumerate(rendered.buttons, start=1):
        texts.append(("template.url", button.get("url", ""), ADDRESS_LIMIT, number))
    for part, text, limit, number in texts:
        length = utf16_length(text)
        if length > limit:
            raise TextTooLong(field="variables", length=length, limit=limit, part=part, number=number)


def _demand_fit(template: Template, parameters: list[Parameter], values: Mapping[str, object]) -> None:
    known = {parameter.key for parameter in parameters}
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


def _header_value(template: Template, parameters: list[Parameter], texts: Mapping[str, str]) -> HeaderValue | None:
    first = next((parameter for parameter in parameters if parameter.component == "header"), None)
    if first is None:
        return None
    if first.kind == "place":
        return PlaceValue(
            latitude=_degrees("latitude", texts),
            longitude=_degrees("longitude", texts),
            name=texts.get("header.name", ""),
            address=texts.get("header.address", ""),
        )
    text = texts[first.key]
    if first.kind in ("image", "video", "document"):
        is_upload = text.isascii() and text.isdecimal()
        link = "" if is_upload else checked_link(text, part="template.file", field="variables.header")
        filename = ""
        if first.kind == "document":
            filename = texts.get("header.filename") or file_name(link, fallback=template.name)
        media_id = text if is_upload else ""
        return MediaValue(kind=first.kind, link=link, filename=filename, media_id=media_id)  # type: ignore[arg-type]
    return TextValue(text=text, name=_name(template, first))


def _degrees(name: str, texts: Mapping[str, str]) -> float:
    return degrees(texts[f"header.{name}"], part=f"template.{name}", field=f"variables.header.{name}")


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
