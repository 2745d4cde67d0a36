"""Reads a text without filling it: which paths it uses and what is wrong with it. For validator, picker and search."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from liquid import RenderContext
from liquid.ast import Node
from liquid.builtin.expressions import BooleanExpression, FilteredExpression
from liquid.builtin.expressions import Path as LiquidPath
from liquid.builtin.expressions.logical import LogicalAndExpression, LogicalNotExpression, LogicalOrExpression
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from automations.expressions.errors import ExpressionError, explain
from automations.expressions.filters import FILTERS
from automations.expressions.language import LONGEST_SOURCE, Context, all_nodes, dotted, parse, place
from automations.expressions.rendering import as_expression_error


@dataclass(frozen=True)
class Path:
    """One use of a variable. Line and column count from 1.

    `segments` end before the first part that is only known when the text is filled: `items[loop.index]` is `items`.
    """

    root: str
    path: str
    segments: tuple[str | int, ...]
    line: int
    column: int
    has_default: bool


@dataclass(frozen=True)
class Finding:
    """Something that makes the text unusable, whatever the data."""

    reason: str
    facts: dict[str, str]
    line: int
    column: int

    @property
    def message(self) -> str:
        """What is wrong, in the active language."""
        return explain(self.reason, self.facts)


def paths(text: str) -> list[Path]:
    """Every path the text reads, in the order of the text; names that it makes itself are left out.

    Raises BadExpression where the text cannot be read; ask `check` first.
    """
    try:
        template = parse(text)
    except LiquidError as error:
        raise as_expression_error(error) from error
    context = Context(template, {}, zone=ZoneInfo("UTC"), language="en")
    found = list(_paths_of(template.nodes, context, frozenset()))
    return sorted(set(found), key=lambda path: (path.line, path.column))


def bare_conditions(text: str) -> list[Path]:
    """The paths that stand alone as a condition ({% if path %}), in the order of the text.

    There any text is true, also "false" and "nein" (traps.md B4). Raises BadExpression like `paths`.
    """
    try:
        template = parse(text)
    except LiquidError as error:
        raise as_expression_error(error) from error
    context = Context(template, {}, zone=ZoneInfo("UTC"), language="en")
    found = {
        _path(path, has_default=False)
        for node in all_nodes(template.nodes, context)
        for expression in node.expressions()
        if isinstance(expression, BooleanExpression)
        for path in _alone(expression.expression)
    }
    return sorted(found, key=lambda path: (path.line, path.column))


def check(text: str) -> list[Finding]:
    """What is wrong with the text: the first thing that cannot be read, or else every unknown filter."""
    if len(text) > LONGEST_SOURCE:
        return [Finding("too_long", {}, 1, 1)]
    try:
        template = parse(text)
    except LiquidError as error:
        return [_finding(as_expression_error(error))]
    context = Context(template, {}, zone=ZoneInfo("UTC"), language="en")
    return [
        Finding("unknown_filter", {"name": each.name}, *_sure_place(each.token))
        for node in all_nodes(template.nodes, context)
        for expression in node.expressions()
        for each in (expression.filters or [] if isinstance(expression, FilteredExpression) else [])
        if each.name not in FILTERS
    ]


def _paths_of(nodes: Iterable[Node], context: RenderContext, known: frozenset[str]) -> Iterator[Path]:
    for node in nodes:
        for expression in node.expressions():
            yield from _paths_in(expression, known, has_default=False)
        yield from _paths_of(node.children(context), context, known | {str(name) for name in node.block_scope()})
        known |= {str(name) for name in node.template_scope()}


def _paths_in(expression: Expression, known: frozenset[str], *, has_default: bool) -> Iterator[Path]:
    if isinstance(expression, LiquidPath):
        if str(expression.path[0]) not in known:
            yield _path(expression, has_default=has_default)
        yield from (part for inner in expression.children() for part in _paths_in(inner, known, has_default=False))
        return
    defaulted = isinstance(expression, FilteredExpression) and [each.name for each in expression.filters or []][:1]
    for number, child in enumerate(expression.children()):
        yield from _paths_in(child, known, has_default=number == 0 and defaulted == ["default"])


def _alone(expression: Expression) -> Iterator[LiquidPath]:
    if isinstance(expression, LiquidPath):
        yield expression
    elif isinstance(expression, LogicalAndExpression | LogicalOrExpression | LogicalNotExpression):
        for child in expression.children():
            yield from _alone(child)


def _path(found: LiquidPath, *, has_default: bool) -> Path:
    segments: list[str | int] = []
    for segment in found.path:
        if isinstance(segment, LiquidPath):
            break
        segments.append(segment)
    line, column = _sure_place(found.token)
    return Path(str(found.path[0]), dotted(segments), tuple(segments), line, column, has_default)


def _finding(error: ExpressionError) -> Finding:
    return Finding(error.reason, error.facts, error.line or 1, error.column or 1)


def _sure_place(token: object) -> tuple[int, int]:
    line, column = place(token)  # type: ignore[arg-type]
    return line or 1, column or 1
