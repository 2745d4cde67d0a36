"""Where the engine gets the time from. Nothing below asks the operating system."""

from datetime import datetime, timedelta
from typing import Protocol

from django.utils import timezone


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """An aware instant."""
        ...


class RealClock:
    """The machine's time."""

    def now(self) -> datetime:
        """An aware instant."""
        return timezone.now()


class VirtualClock:
    """A time that stands until it is moved: dry runs and tests."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """Where it stands."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move on."""
        self._now += by
