"""Faults on demand for the emulator and the demo model: what to match, what to do, how many times."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class FaultRefused(ValueError):
    """The faults call itself is wrong; the text says how."""


@dataclass(slots=True)
class Fault:
    """One order: every key of `match` must fit. `times` None means until the next reset."""

    id: int
    match: dict[str, str]
    effect: dict[str, Any]
    times: int | None

    def fits(self, facts: Mapping[str, str]) -> bool:
        """True where each pattern (shell wildcards, or a part of a path) fits the fact of its name."""
        return all(_fits(name, pattern, facts.get(name, "")) for name, pattern in self.match.items())

    def as_json(self) -> dict[str, Any]:
        """The order as the control call shows it."""
        return {"id": self.id, "match": self.match, "effect": self.effect, "times": self.times}


def _fits(name: str, pattern: str, fact: str) -> bool:
    if name == "to":
        return fact.lstrip("+") == pattern.lstrip("+")
    return fnmatch.fnmatchcase(fact, pattern) or (name == "path" and pattern in fact)


class Faults:
    """The list of open faults of one server; orders that fit add up."""

    def __init__(self, *, matches: frozenset[str], effects: frozenset[str]) -> None:
        self.matches, self.effects = matches, effects
        self.open: list[Fault] = []
        self._last_id = 0

    def add(self, order: Any) -> Fault:
        """Take an order `{"match", "effect", "times"}`. Raises FaultRefused."""
        if not isinstance(order, dict):
            raise FaultRefused("The body must be an object with match, effect and times.")
        match, effect, times = order.get("match") or {}, order.get("effect"), order.get("times", 1)
        if not isinstance(match, dict) or set(match) - self.matches:
            raise FaultRefused(f"match takes: {', '.join(sorted(self.matches))}.")
        if not isinstance(effect, dict) or not effect or set(effect) - self.effects:
            raise FaultRefused(f"effect takes: {', '.join(sorted(self.effects))}.")
        if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
            raise FaultRefused("times must be a whole number from 1 on, or null for always.")
        self._last_id += 1
        fault = Fault(self._last_id, {name: str(value) for name, value in match.items()}, effect, times)
        self.open.append(fault)
        return fault

    def take(self, facts: Mapping[str, str], *effects: str) -> dict[str, Any]:
        """The effects, of those asked for, of every fault that fits; of two that do the same the older one's.

        A fault that gave nothing is not used up.
        """
        taken: dict[str, Any] = {}
        for fault in list(self.open):
            new = {
                name: value
                for name, value in fault.effect.items()
                if name in effects and name not in taken and value is not False
            }
            if not new or not fault.fits(facts):
                continue
            taken.update(new)
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self.open.remove(fault)
        return taken

    def clear(self) -> None:
        """Forget all orders."""
        self.open.clear()
