"""Comparisons in Liquid by what the values are: "10" is more than "9", whoever sent it as text.

The library compares texts letter by letter and fails on text against number. A parsed tree is rewritten once, so that
its comparisons ask here.
"""

from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from liquid import RenderContext, Token
from liquid.ast import Node
from liquid.builtin.expressions import BooleanExpression
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty
from liquid.builtin.tags.case_tag import MultiExpressionBlockNode, _AnyExpression
from liquid.exceptions import LiquidTypeError
from liquid.expression import Expression
from liquid.undefined import StrictUndefined

from automations.expressions.errors import BadExpression
from automations.expressions.values import as_text, instant, number_of, read_moment


def equal(left: object, right: object) -> bool:
    """True for the same value; a number and its text are the same."""
    if isinstance(left, Empty | Blank) or isinstance(right, Empty | Blank):
        return bool(left == right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if left is None or right is None:
        return left is right
    left_number, right_number = number_of(left), number_of(right)
    if not (isinstance(left, str) and isinstance(right, str)) and left_number is not None and right_number is not None:
        return left_number == right_number
    return bool(left == right)


def order(left: object, right: object, *, zone: ZoneInfo) -> int | None:
    """-1, 0 or 1; None where one of them is null. Raises BadExpression for what has no order."""
    if left is None or right is None:
        return None
    numbers = number_of(left), number_of(right)
    if numbers[0] is not None and numbers[1] is not None:
        return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])
    moments = read_moment(left, zone=zone), read_moment(right, zone=zone)
    if moments[0] is not None and moments[1] is not None:
        first, second = (instant(moment, zone=zone) for moment in moments if moment is not None)
        return (first > second) - (first < second)
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    raise BadExpression("not_comparable", left=as_text(left), right=as_text(right))


def contains(left: object, right: object) -> bool:
    """True where a text holds a text, a list an item, or an object a key."""
    if isinstance(left, str):
        return as_text(right) in left
    if isinstance(left, list | tuple):
        return any(equal(item, right) for item in left)
    return isinstance(left, dict) and as_text(right) in left


_Test = Callable[[object, object, ZoneInfo], bool]


class _Comparison(Expression):
    __slots__ = ("left", "right", "test")

    def __init__(self, token: Token, left: Expression, right: Expression, test: _Test) -> None:
        super().__init__(token)
        self.left = left
        self.right = right
        self.test = test

    def evaluate(self, context: RenderContext) -> bool:
        values = []
        for side in (self.left, self.right):
            value = side.evaluate(context)
            if isinstance(value, StrictUndefined):
                bool(value)  # raises: an unknown variable is an error here too
            values.append(value)
        try:
            return self.test(values[0], values[1], context.zone)  # type: ignore[attr-defined]
        except BadExpression as problem:
            raise LiquidTypeError(problem, token=self.token) from problem

    def children(self) -> Iterable[Expression]:
        return [self.left, self.right]


_TESTS: dict[type[Expression], _Test] = {
    EqExpression: lambda left, right, _zone: equal(left, right),
    NeExpression: lambda left, right, _zone: not equal(left, right),
    LtExpression: lambda left, right, zone: order(left, right, zone=zone) == -1,
    GtExpression: lambda left, right, zone: order(left, right, zone=zone) == 1,
    LeExpression: lambda left, right, zone: order(left, right, zone=zone) in (-1, 0),
    GeExpression: lambda left, right, zone: order(left, right, zone=zone) in (0, 1),
    ContainsExpression: lambda left, right, _zone: contains(left, right),
}


class _AnyOf(_AnyExpression):
    """The values of one `when`; at most one match, or the library would print the block twice."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> list[bool]:
        left = self.left.evaluate(context)
        return [any(equal(left, each.evaluate(context)) for each in self.expressions)]


def use_typed_comparisons(node: Node) -> None:
    """Rewrite the node's own conditions; its children are the caller's."""
    if isinstance(node, MultiExpressionBlockNode):
        old = node.expression
        node.expression = _AnyOf(old.token, old.left, old.expressions)
    for expression in node.expressions():
        if isinstance(expression, BooleanExpression):
            expression.expression = _typed(expression.expression)


def _typed(expression: Expression) -> Expression:
    if isinstance(expression, LogicalAndExpression | LogicalOrExpression):
        expression.left = _typed(expression.left)
        expression.right = _typed(expression.right)
        return expression
    test = _TESTS.get(type(expression))
    if test is None:
        return expression
    return _Comparison(expression.token, expression.left, expression.right, test)  # type: ignore[attr-defined]
