"""The emulator's time: the machine's, or the one that `POST clock` has set."""

import time
from datetime import UTC, datetime

from messaging.emulator.store import Store


class Clock:
    """A time that was set stands still until it is set again, so that a window's edge can be met exactly.

    It survives a restart of the emulator.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.fixed: float | None = next((record["now"] for record in store.records("clock")), None)

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() if self.fixed is None else self.fixed

    def set(self, now: str | None) -> None:
        """Take an ISO time, or None for the machine's. Raises ValueError."""
        self.fixed = None if now is None else parse_time(now)
        if self.fixed is None:
            self.store.delete("clock", "now")
        else:
            self.store.save("clock", "now", {"now": self.fixed})


def parse_time(text: str) -> float:
    """Seconds since the epoch of an ISO time; without an offset it is UTC. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("not an ISO time")
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def iso(moment: float) -> str:
    """The ISO time (UTC) of seconds since the epoch."""
    return datetime.fromtimestamp(moment, UTC).isoformat()
