"""Fills a text with data. Whatever goes wrong comes out as VariableMissing or BadExpression, with its place."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from liquid.exceptions import LiquidError, LiquidSyntaxError, ResourceLimitError, UndefinedError, UnknownFilterError
from liquid.output import LimitedStringIO
from liquid.undefined import StrictUndefined

from automations.expressions.errors import BadExpression, ExpressionError, VariableMissing
from automations.expressions.filters import LONGEST_TEXT
from automations.expressions.language import LONGEST_SOURCE, Context, OutputNode, parse, place
from automations.expressions.values import as_text


def render(text: str, data: Mapping[str, object], *, time_zone: str, language: str) -> str:
    """The text with its expressions filled in; null is nothing.

    Raises VariableMissing for a path that leads nowhere, BadExpression for all else. `data` holds plain values only.
    """
    if not _has_liquid(text):
        return text
    with _named_errors():
        template = parse(_bounded(text))
        context = Context(template, data, zone=ZoneInfo(time_zone), language=language)
        buffer = LimitedStringIO(LONGEST_TEXT, newline="")
        template.render_with_context(context, buffer)
        return buffer.getvalue()


def evaluate(text: str, data: Mapping[str, object], *, time_zone: str, language: str) -> object:
    """Like render, but a text that is exactly one `{{ path }}`, with or without filters, keeps the value's type."""
    if not _has_liquid(text):
        return text
    with _named_errors():
        template = parse(_bounded(text.strip()))
        if len(template.nodes) == 1 and isinstance(template.nodes[0], OutputNode):
            context = Context(template, data, zone=ZoneInfo(time_zone), language=language)
            value = template.nodes[0].expression.evaluate(context)
            if isinstance(value, StrictUndefined):
                str(value)  # raises
            return list(value) if isinstance(value, range) and len(value) <= 10_000 else value
    return render(text, data, time_zone=time_zone, language=language)


def render_required(text: str, data: Mapping[str, object], *, time_zone: str, language: str) -> str:
    """Like render, but a result without a visible character raises VariableMissing with the text's first path.

    For template parameters and recipients: the platform refuses empty ones, so it must be said before the call.
    """
    result = render(text, data, time_zone=time_zone, language=language)
    if result.strip():
        return result
    first = re.search(r"\{\{-?\s*([^\s|}]+)", text)
    raise VariableMissing("empty", path=first[1] if first else text.strip() or "–")


def as_expression_error(error: Exception) -> ExpressionError:
    """One of our errors for whatever the library raised."""
    if isinstance(error, ExpressionError):
        return error
    if not isinstance(error, LiquidError):
        return BadExpression("not_plain" if isinstance(error, TypeError) else "failed")
    line, column = place(error)
    said = error.args[0] if error.args else ""
    if isinstance(said, BadExpression):
        return BadExpression(said.reason, line=line, column=column, **said.facts)
    if isinstance(error, UndefinedError):
        return VariableMissing("missing", path=as_text(str(said)), line=line, column=column)
    if isinstance(error, ResourceLimitError):
        output = "output" in str(said) or "namespace" in str(said)
        return BadExpression("too_much_output" if output else "too_many_rounds", line=line, column=column)
    if not isinstance(error, LiquidSyntaxError | UnknownFilterError):
        return BadExpression("failed", line=line, column=column)
    reason, facts = _syntax_reason(error, str(said))
    return BadExpression(reason, line=line, column=column, **facts)


def _syntax_reason(error: LiquidError, said: str) -> tuple[str, dict[str, str]]:
    name = re.search(r"'([^']*)'", said)
    if isinstance(error, UnknownFilterError) and name:
        return "unknown_filter", {"name": name[1]}
    if said.startswith("unexpected tag") and name:
        return "unknown_tag", {"name": name[1]}
    closing = re.search(r"expected (?:tag )?'?(\}\}|%\}|end\w+)'?", said)
    if closing:
        return "not_closed", {"name": closing[1]}
    if said.startswith(("missing expression", "expected a primitive", "missing or unexpected path")):
        return "nothing_inside", {}
    return "syntax", {}


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except ExpressionError:
        raise
    except (LiquidError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise as_expression_error(error) from error


def _has_liquid(text: str) -> bool:
    return "{{" in text or "{%" in text


def _bounded(text: str) -> str:
    if len(text) > LONGEST_SOURCE:
        raise BadExpression("too_long")
    return text
