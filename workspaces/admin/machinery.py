"""Queue, clock and workers on one page for staff. What is to be seen, whoever knows it tells (config/health)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from workspaces.errors import Text


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the machinery: how it stands, in words, and what that means."""

    label: Text
    value: Text
    note: Text = ""
    is_well: bool = True


Reader = Callable[[datetime], Iterable[Part]]
_readers: list[Reader] = []


def show_machinery(reader: Reader) -> None:
    """Have the page show what this function reads."""
    if reader not in _readers:
        _readers.append(reader)


def parts_of_machinery(now: datetime) -> Iterator[Part]:
    """Every part, in the order of registration."""
    for reader in _readers:
        yield from reader(now)
