"""The Liquid filters of Botenwerk: few, typed, bounded, and strict where the library's own guess.

Numbers refuse "1,5" (the library reads it as 1), dates are read day first (the library's read 03.04. as March 4th), and
nothing grows without a limit.
"""

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import wraps
from typing import Any

from liquid import RenderContext
from liquid.builtin.filters import array as library_arrays
from liquid.builtin.filters import string as library_texts
from liquid.builtin.filters.misc import default as library_default
from liquid.exceptions import FilterArgumentError
from liquid.undefined import StrictUndefined

from automations.expressions.dates import format_moment
from automations.expressions.errors import BadExpression
from automations.expressions.values import as_json, as_number, as_text, number_of, read_moment
from messaging.phone import group_for_reading

LONGEST_TEXT = 262_144
LONGEST_LIST = 10_000
_LARGEST_NUMBER = Decimal(10) ** 15
_DECIMALS_KEPT = 12

Filter = Callable[..., object]


class FilterRefused(FilterArgumentError):
    """Carries a BadExpression through the library, which adds the place where the filter stands."""

    def __init__(self, problem: BadExpression) -> None:
        super().__init__(problem, token=None)
        self.problem = problem


def _number(value: object) -> Decimal:
    number = number_of(value)
    if number is None:
        raise BadExpression("not_a_number", value=as_text(value))
    return number


def _kept(number: Decimal, name: str) -> int | float:
    if abs(number) > _LARGEST_NUMBER:
        raise BadExpression("number_too_large", filter=name)
    return as_number(round(number, _DECIMALS_KEPT))


def _arithmetic(name: str, work: Callable[[Decimal, Decimal], Decimal]) -> Filter:
    def calculate(left: object, right: object) -> int | float:
        return _kept(work(_number(left), _number(right)), name)

    return calculate


def _divided(value: object, by: object) -> int | float:
    """Liquid's rule: divided by a whole number it is rounded down, by 4.0 it is not."""
    left, right = _number(value), _number(by)
    if right == 0:
        raise BadExpression("division_by_zero")
    whole = not isinstance(by, float) and right == right.to_integral_value()
    return _kept(Decimal(math.floor(left / right)) if whole else left / right, "divided_by")


def _modulo(left: Decimal, right: Decimal) -> Decimal:
    if right == 0:
        raise BadExpression("division_by_zero")
    return left - right * Decimal(math.floor(left / right))


def _rounded(value: object, digits: object = 0) -> int | float:
    places = int(min(max(_number(digits), Decimal(0)), Decimal(_DECIMALS_KEPT)))
    return _kept(_number(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP), "round")


def _date(value: object, form: object = "short", *, context: RenderContext) -> str | None:
    zone = context.zone  # type: ignore[attr-defined]
    if value in ("now", "today"):
        value = context.globals.get("now")
    if value is None or value == "":
        return None
    moment = read_moment(value, zone=zone)
    if moment is None:
        raise BadExpression("not_a_date", value=as_text(value))
    return format_moment(moment, as_text(form), language=context.language)  # type: ignore[attr-defined]


_date.with_context = True  # type: ignore[attr-defined]

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}


def _money(value: object, currency: object = "EUR", *, context: RenderContext) -> str | None:
    if value is None or value == "":
        return None
    amount = _number(value)
    _kept(amount, "money")
    text = f"{amount.quantize(Decimal('0.01'), rounding=ROUND_HALF_UP):,.2f}"
    code = as_text(currency).strip().upper()
    symbol = _SYMBOLS.get(code, code)
    if context.language.startswith("de"):  # type: ignore[attr-defined]
        return f"{text.translate(str.maketrans(',.', '.,'))}\u00a0{symbol}"
    return f"{symbol}{text}" if symbol in _SYMBOLS.values() else f"{symbol}\u00a0{text}"


_money.with_context = True  # type: ignore[attr-defined]


def _phone(value: object) -> str:
    return group_for_reading(as_text(value))


def _size(value: object) -> int:
    return len(value) if isinstance(value, str | list | tuple | Mapping | range) else 0


def _first(value: object) -> object:
    items = _items(value, "first")
    return items[0] if items else None


def _last(value: object) -> object:
    items = _items(value, "last")
    return items[-1] if items else None


def _join(value: object, separator: object = ", ") -> str:
    items = [as_text(item) for item in _items(value, "join")]
    between = as_text(separator)
    _check_length(sum(map(len, items)) + len(between) * len(items))
    return between.join(items)


def _split(value: object, separator: object = ",") -> list[str]:
    text, between = as_text(value), as_text(separator)
    if not text:
        return []
    return text.split(between) if between else list(text)


def _replace(value: object, old: object, new: object = "") -> str:
    text, before, after = as_text(value), as_text(old), as_text(new)
    if not before:
        raise BadExpression("wrong_arguments", filter="replace")
    _check_length(len(text) + text.count(before) * max(0, len(after) - len(before)))
    return text.replace(before, after)


def _remove(value: object, old: object) -> str:
    return _replace(value, old)


def _capitalize(value: object) -> str:
    text = as_text(value)
    return text[:1].upper() + text[1:]


def _items(value: object, name: str) -> list[object]:
    if isinstance(value, list | tuple | range):
        return list(value)
    if value is None:
        return []
    if isinstance(value, str) and name != "join":
        return list(value)
    raise BadExpression("not_a_list", filter=name)


def _check_length(length: int) -> None:
    if length > LONGEST_TEXT:
        raise BadExpression("too_much_output")


def _on_text(work: Callable[..., str]) -> Filter:
    """A text filter that sees numbers and dates as they would be printed."""

    @wraps(work)
    def on_text(value: object, *arguments: object) -> str:
        return work(as_text(value), *arguments)

    return on_text


def guarded(name: str, work: Filter) -> Filter:
    """The filter behind the checks that all have: no unknown variable, no huge range, no huge result."""

    @wraps(work)
    def run(value: object, *arguments: object, **options: Any) -> object:
        for given in (value, *arguments):
            if isinstance(given, StrictUndefined) and (name != "default" or given is not value):
                bool(given)  # raises with the place of the variable
            if isinstance(given, range) and given.stop - given.start > LONGEST_LIST:
                raise FilterRefused(BadExpression("too_many_rounds"))
        try:
            result = work(value, *arguments, **options)
        except BadExpression as problem:
            raise FilterRefused(problem) from problem
        except (TypeError, ArithmeticError) as error:
            raise FilterRefused(BadExpression("wrong_arguments", filter=name)) from error
        if isinstance(result, str | list) and len(result) > LONGEST_TEXT:
            raise FilterRefused(BadExpression("too_much_output"))
        return result

    return run


_ALL: dict[str, Filter] = {
    "default": library_default,
    # Text
    "upcase": _on_text(str.upper),
    "downcase": _on_text(str.lower),
    "capitalize": _capitalize,
    "strip": _on_text(str.strip),
    "lstrip": _on_text(str.lstrip),
    "rstrip": _on_text(str.rstrip),
    "squish": _on_text(lambda text: " ".join(text.split())),
    "strip_newlines": _on_text(lambda text: text.replace("\r", "").replace("\n", "")),
    "append": _on_text(lambda text, more: text + as_text(more)),
    "prepend": _on_text(lambda text, more: as_text(more) + text),
    "replace": _replace,
    "remove": _remove,
    "split": _split,
    "slice": library_texts.slice_,
    "truncate": library_texts.truncate,
    "truncatewords": library_texts.truncatewords,
    "url_encode": library_texts.url_encode,
    # Lists
    "join": _join,
    "first": _first,
    "last": _last,
    "size": _size,
    "map": library_arrays.map_,
    "where": library_arrays.where,
    "sort": library_arrays.sort,
    "uniq": library_arrays.uniq,
    "compact": library_arrays.compact,
    "reverse": library_arrays.reverse,
    "concat": library_arrays.concat,
    # Numbers
    "plus": _arithmetic("plus", lambda left, right: left + right),
    "minus": _arithmetic("minus", lambda left, right: left - right),
    "times": _arithmetic("times", lambda left, right: left * right),
    "divided_by": _divided,
    "modulo": _arithmetic("modulo", _modulo),
    "at_least": _arithmetic("at_least", max),
    "at_most": _arithmetic("at_most", min),
    "round": _rounded,
    "floor": lambda value: _kept(Decimal(math.floor(_number(value))), "floor"),
    "ceil": lambda value: _kept(Decimal(math.ceil(_number(value))), "ceil"),
    "abs": lambda value: _kept(abs(_number(value)), "abs"),
    # For people and programs
    "date": _date,
    "money": _money,
    "phone": _phone,
    "json": as_json,
}

FILTERS: dict[str, Filter] = {name: guarded(name, work) for name, work in _ALL.items()}
