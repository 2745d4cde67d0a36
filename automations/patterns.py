"""Regular expressions from users, matched in time that only grows with text times pattern.

Python's own matcher goes back and tries again; a pattern like (a+)+b keeps it busy for years. Here all possible
positions in the pattern move through the text side by side (Thompson 1968), so there is no going back. The price: no
back references and no looking ahead.
"""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

LONGEST_PATTERN = 200
LONGEST_TEXT = 4_096
_MOST_STATES = 1_000

Test = Callable[[str], bool]


class BadPattern(ValueError):
    """The pattern is no regular expression, is too large, or uses what is not supported here."""


@dataclass
class _State:
    """Either reads one character, or moves on without one (`steps`), there only where `holds` allows it."""

    reads: Test | None = None
    holds: Callable[[str, int], bool] | None = None
    steps: list[int] = field(default_factory=list)


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> "Pattern":
    """The pattern, ready to search. Raises BadPattern."""
    if len(pattern) > LONGEST_PATTERN:
        raise BadPattern("too long")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about spellings that Python may read differently one day
            parsed = _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(str(error)) from None
    return Pattern(parsed)


class Pattern:
    """A compiled pattern. Matches without regard to case, anywhere in the text."""

    def __init__(self, parsed: Iterable[Any]) -> None:
        self.states: list[_State] = []
        self.end = self._add(_State())
        self.start = self._sequence(list(parsed), self.end)

    def search(self, text: str) -> bool:
        """True where the pattern is found in the first 4,096 characters."""
        text = text[:LONGEST_TEXT]
        current: set[int] = set()
        for position in range(len(text) + 1):
            current = self._reachable({*current, self.start}, text, position)
            if self.end in current:
                return True
            if position < len(text):
                letter = text[position]
                current = {
                    step
                    for number in current
                    if (reads := self.states[number].reads) is not None and reads(letter)
                    for step in self.states[number].steps
                }
        return False

    def _reachable(self, numbers: set[int], text: str, position: int) -> set[int]:
        found: set[int] = set()
        waiting = list(numbers)
        while waiting:
            number = waiting.pop()
            state = self.states[number]
            if number in found or (state.holds is not None and not state.holds(text, position)):
                continue
            found.add(number)
            if state.reads is None:
                waiting.extend(state.steps)
        return found

    def _add(self, state: _State) -> int:
        if len(self.states) >= _MOST_STATES:
            raise BadPattern("too large")
        self.states.append(state)
        return len(self.states) - 1

    def _sequence(self, items: list[Any], following: int) -> int:
        for item in reversed(items):
            following = self._item(item, following)
        return following

    def _item(self, item: tuple[Any, Any], following: int) -> int:
        kind, detail = str(item[0]), item[1]
        if kind in {"LITERAL", "NOT_LITERAL", "ANY", "IN"}:
            return self._add(_State(reads=_one_letter(kind, detail), steps=[following]))
        if kind == "AT" and str(detail) in _PLACES:
            return self._add(_State(holds=_PLACES[str(detail)], steps=[following]))
        if kind == "SUBPATTERN":
            return self._sequence(list(detail[3]), following)
        if kind == "BRANCH":
            return self._add(_State(steps=[self._sequence(list(lane), following) for lane in detail[1]]))
        if kind in {"MAX_REPEAT", "MIN_REPEAT"}:
            return self._repeat(detail[0], detail[1], list(detail[2]), following)
        raise BadPattern("not supported")

    def _repeat(self, least: int, most: int, items: list[Any], following: int) -> int:
        endless = most == _parser.MAXREPEAT
        if least > _MOST_STATES or (most > _MOST_STATES and not endless):
            raise BadPattern("too large")
        if endless:
            again = self._add(_State(steps=[following]))
            self.states[again].steps.append(self._sequence(items, again))
            following = again
        else:
            after = following
            for _number in range(most - least):
                following = self._add(_State(steps=[after, self._sequence(items, following)]))
        for _number in range(least):
            following = self._sequence(items, following)
        return following


_parser: Any = re._parser  # type: ignore[attr-defined]


def _one_letter(kind: str, detail: Any) -> Test:
    if kind == "ANY":
        return lambda letter: letter != "\n"
    if kind in {"LITERAL", "NOT_LITERAL"}:
        positive, negated = _without_case(lambda letter: ord(letter) == detail), kind == "NOT_LITERAL"
    else:
        negated = bool(detail) and str(detail[0][0]) == "NEGATE"
        members = list(_members(detail[1:] if negated else detail))
        positive = _without_case(lambda letter: any(test(letter) for test in members))
    return lambda letter: positive(letter) != negated


def _members(items: list[Any]) -> Iterator[Test]:
    for kind, detail in items:
        if str(kind) == "LITERAL":
            yield lambda letter, code=detail: ord(letter) == code  # type: ignore[misc]
        elif str(kind) == "RANGE":
            yield lambda letter, ends=detail: ends[0] <= ord(letter) <= ends[1]  # type: ignore[misc]
        elif str(kind) == "CATEGORY" and str(detail) in _CATEGORIES:
            matches = re.compile(_CATEGORIES[str(detail)]).match
            yield lambda letter, matches=matches: matches(letter) is not None  # type: ignore[misc]
        else:
            raise BadPattern("not supported")


def _without_case(test: Test) -> Test:
    """Also true for the letter in the other case; ß, whose capital is two letters, only for itself."""
    return lambda letter: any(test(form) for form in {letter, letter.lower(), letter.upper()} if len(form) == 1)


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def _is_word(text: str, position: int) -> bool:
    return 0 <= position < len(text) and (text[position].isalnum() or text[position] == "_")


def _at_boundary(text: str, position: int) -> bool:
    return _is_word(text, position - 1) != _is_word(text, position)


_PLACES: dict[str, Callable[[str, int], bool]] = {
    "AT_BEGINNING": lambda _text, position: position == 0,
    "AT_BEGINNING_STRING": lambda _text, position: position == 0,
    "AT_END": lambda text, position: position == len(text) or text[position:] == "\n",
    "AT_END_STRING": lambda text, position: position == len(text),
    "AT_BOUNDARY": _at_boundary,
    "AT_NON_BOUNDARY": lambda text, position: not _at_boundary(text, position),
}
