"""Typed conditions for branches and filters. Data that does not fit is "no" with a note; nothing here fails a run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from automations.expressions import ExpressionError, VariableMissing, evaluate
from automations.expressions import explain as explain_expression
from automations.expressions.values import as_text, instant, read_moment, read_number, read_yes_no
from automations.patterns import BadPattern, compile_pattern
from workspaces.folding import same_text, spell_out, text_contains, text_ends_with, text_starts_with

_NOTES: dict[str, str | Promise] = {
    "no_number": _("“%(value)s” is not a number."),
    "no_range": _("“%(value)s” is not a range of two numbers, like 5..10."),
    "no_date": _("“%(value)s” is not a date."),
    "no_list": _("“%(value)s” is not a list."),
    "unclear_yes_no": _("“%(value)s” is neither yes nor no."),
    "bad_pattern": _("“%(value)s” is not a pattern that can be used here."),
    "unknown_operator": _("There is no comparison “%(value)s”."),
}


@dataclass(frozen=True)
class Problem:
    """Why a condition could not be judged: a machine word and its facts, to be shown in any language."""

    reason: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def explain(self) -> str:
        """The note as one sentence in the active language."""
        if self.reason in _NOTES:
            return str(_NOTES[self.reason]) % dict(self.facts)
        return explain_expression(self.reason, self.facts)


@dataclass(frozen=True)
class Verdict:
    """Yes or no, and what could not be judged on the way."""

    result: bool
    problems: tuple[Problem, ...] = ()

    @property
    def note(self) -> str | None:
        """The problems in the active language, or None."""
        return " ".join(problem.explain() for problem in self.problems) or None


@dataclass(frozen=True)
class Condition:
    """One comparison. `left` and `right` are Liquid texts or values; `right` may be a pair for `between`."""

    left: object
    operator: str
    right: object = None


class Kind(StrEnum):
    """What an operator compares; the editor groups by it."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    LIST = "list"
    YES_NO = "yes_no"
    PRESENCE = "presence"


@dataclass(frozen=True)
class Reader:
    """How values are read: the person's language and the workspace's zone."""

    language: str
    zone: ZoneInfo

    def number(self, value: object) -> Decimal:
        """The value as a number; raises _NotJudged."""
        number = read_number(value, language=self.language)
        if number is None:
            raise _NotJudged("no_number", value)
        return number

    def moment(self, value: object) -> datetime | date:
        """The value as a date or a moment; raises _NotJudged."""
        moment = read_moment(value, zone=self.zone)
        if moment is None:
            raise _NotJudged("no_date", value)
        return moment

    def yes_no(self, value: object) -> bool:
        """The value as yes or no; raises _NotJudged."""
        answer = read_yes_no(value)
        if answer is None:
            raise _NotJudged("unclear_yes_no", value)
        return answer


@dataclass(frozen=True)
class Operator:
    """A comparison: its label, what it compares, whether it needs a right side, and the test itself."""

    label: str | Promise
    kind: Kind
    test: Callable[[object, object, Reader], bool]
    needs_right: bool = True


class _NotJudged(ValueError):
    def __init__(self, reason: str, value: object) -> None:
        self.problem = Problem(reason, {"value": _short(value)})
        super().__init__(reason)


def _short(value: object) -> str:
    text = _words(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _words(value: object) -> str:
    try:
        return as_text(value)
    except TypeError:
        return ""


def _text(test: Callable[[str, str], bool]) -> Callable[[object, object, Reader], bool]:
    return lambda left, right, _reader: test(_words(left), _words(right))


def _number(test: Callable[[Decimal, Decimal], bool]) -> Callable[[object, object, Reader], bool]:
    return lambda left, right, reader: test(reader.number(left), reader.number(right))


def _is_empty(left: object, _right: object = None, _reader: Reader | None = None) -> bool:
    return left is None or left in ([], {}) or (isinstance(left, str) and not left.strip())


def _matches(left: object, right: object, _reader: Reader) -> bool:
    pattern, text = _words(right), _words(left)
    try:
        return compile_pattern(pattern).search(text) or compile_pattern(spell_out(pattern)).search(spell_out(text))
    except BadPattern:
        raise _NotJudged("bad_pattern", pattern) from None


def _between(left: object, right: object, reader: Reader) -> bool:
    ends = right if isinstance(right, list | tuple) else _words(right).replace("…", "..").split("..")
    if len(ends) != 2:
        raise _NotJudged("no_range", right)
    low, high = sorted(reader.number(end) for end in ends)
    return low <= reader.number(left) <= high


def _days_or_instants(left: object, right: object, reader: Reader) -> tuple[Any, Any]:
    """Whole days where the right side is one: 10:00 on the third is neither before nor after the third."""
    first, second = reader.moment(left), reader.moment(right)
    if isinstance(second, datetime):
        return instant(first, zone=reader.zone), second
    return (first.date() if isinstance(first, datetime) else first), second


def _is_before(left: object, right: object, reader: Reader) -> bool:
    first, second = _days_or_instants(left, right, reader)
    return bool(first < second)


def _is_after(left: object, right: object, reader: Reader) -> bool:
    first, second = _days_or_instants(left, right, reader)
    return bool(first > second)


def _is_on(left: object, right: object, reader: Reader) -> bool:
    days = [each.date() if isinstance(each, datetime) else each for each in map(reader.moment, (left, right))]
    return days[0] == days[1]


def _contains_item(left: object, right: object, _reader: Reader) -> bool:
    if left is None:
        return False
    if not isinstance(left, list | tuple):
        raise _NotJudged("no_list", left)
    return any(same_text(_words(item), _words(right)) for item in left)


OPERATORS: dict[str, Operator] = {
    "equals": Operator(_("is"), Kind.TEXT, _text(same_text)),
    "not_equals": Operator(_("is not"), Kind.TEXT, _text(lambda left, right: not same_text(left, right))),
    "contains": Operator(_("contains"), Kind.TEXT, _text(text_contains)),
    "not_contains": Operator(
        _("does not contain"), Kind.TEXT, _text(lambda left, right: not text_contains(left, right))
    ),
    "starts_with": Operator(_("begins with"), Kind.TEXT, _text(text_starts_with)),
    "ends_with": Operator(_("ends with"), Kind.TEXT, _text(text_ends_with)),
    "regex": Operator(_("matches the pattern"), Kind.TEXT, _matches),
    "is_empty": Operator(_("is empty"), Kind.PRESENCE, _is_empty, needs_right=False),
    "exists": Operator(_("has a value"), Kind.PRESENCE, lambda left, *_: not _is_empty(left), needs_right=False),
    "equals_number": Operator(_("is the number"), Kind.NUMBER, _number(lambda left, right: left == right)),
    "greater": Operator(_("is greater than"), Kind.NUMBER, _number(lambda left, right: left > right)),
    "less": Operator(_("is less than"), Kind.NUMBER, _number(lambda left, right: left < right)),
    "at_least": Operator(_("is at least"), Kind.NUMBER, _number(lambda left, right: left >= right)),
    "at_most": Operator(_("is at most"), Kind.NUMBER, _number(lambda left, right: left <= right)),
    "between": Operator(_("lies between"), Kind.NUMBER, _between),
    "before": Operator(_("is before"), Kind.DATE, _is_before),
    "after": Operator(_("is after"), Kind.DATE, _is_after),
    "on": Operator(_("is on the day"), Kind.DATE, _is_on),
    "contains_item": Operator(_("has the entry"), Kind.LIST, _contains_item),
    "is_yes": Operator(_("is yes"), Kind.YES_NO, lambda left, _right, reader: reader.yes_no(left), needs_right=False),
    "is_no": Operator(_("is no"), Kind.YES_NO, lambda left, _right, reader: not reader.yes_no(left), needs_right=False),
}


def evaluate_condition(condition: Condition, data: Mapping[str, object], *, time_zone: str, language: str) -> Verdict:
    """Fill both sides and compare. Never raises for data: what cannot be judged is "no" with a problem.

    `language` is how numbers in text are read (German "1,5"), `time_zone` says where a day begins.
    """
    operator = OPERATORS.get(condition.operator)
    if operator is None:
        return Verdict(False, (Problem("unknown_operator", {"value": _short(condition.operator)}),))
    reader = Reader(language, ZoneInfo(time_zone))
    try:
        left = _filled(condition.left, data, time_zone, language)
    except VariableMissing as missing:
        if operator.kind is Kind.PRESENCE:
            return Verdict(operator.test(None, None, reader))
        return _not_judged(missing)
    except ExpressionError as error:
        return _not_judged(error)
    try:
        right = _filled(condition.right, data, time_zone, language) if operator.needs_right else None
        return Verdict(operator.test(left, right, reader))
    except ExpressionError as error:
        return _not_judged(error)
    except _NotJudged as unfit:
        return Verdict(False, (unfit.problem,))


def evaluate_group(group: Mapping[str, Any], data: Mapping[str, object], *, time_zone: str, language: str) -> Verdict:
    """A stored group: `{"match": "all" | "any", "conditions": [condition or group, ...]}`, each condition
    `{"left": ..., "operator": ..., "right": ...}`. An empty "all" is yes, an empty "any" is no.

    All conditions are judged, so that every problem is seen.
    """
    verdicts = [
        evaluate_group(entry, data, time_zone=time_zone, language=language)
        if "conditions" in entry
        else evaluate_condition(condition_from(entry), data, time_zone=time_zone, language=language)
        for entry in group.get("conditions", [])
    ]
    decide: Callable[[Iterable[bool]], bool] = any if group.get("match") == "any" else all
    problems = tuple(problem for verdict in verdicts for problem in verdict.problems)
    return Verdict(decide(verdict.result for verdict in verdicts), problems)


def condition_from(entry: Mapping[str, Any]) -> Condition:
    """A condition from its stored form."""
    return Condition(entry.get("left"), str(entry.get("operator", "")), entry.get("right"))


def _filled(side: object, data: Mapping[str, object], time_zone: str, language: str) -> object:
    if isinstance(side, list | tuple):
        return [_filled(part, data, time_zone, language) for part in side]
    if not isinstance(side, str):
        return side
    return evaluate(side, data, time_zone=time_zone, language=language)


def _not_judged(error: ExpressionError) -> Verdict:
    return Verdict(False, (Problem(error.reason, dict(error.facts)),))
