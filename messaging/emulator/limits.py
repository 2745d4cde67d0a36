"""The platform's limits: a number's throughput, its pace towards one customer, and what is counted by hour and day."""

from collections import deque

PAIR_INTERVAL_SECONDS = 6.0  # One message in 6 s to the same customer ...
PAIR_BURST = 45  # ... of which 45 may go at once, borrowed from the future.


class Bucket:
    """A leaky bucket by its theoretical arrival time (GCRA); keys are forgotten with the process."""

    def __init__(self) -> None:
        self._due: dict[tuple[str, ...], float] = {}

    def take(self, key: tuple[str, ...], *, now: float, interval: float, burst: int) -> bool:
        """True and counted where one more fits at `now`; False and not counted where it does not."""
        due = self._due.get(key, now)
        # A test may move the clock back: what was counted in a time yet to come is nobody's debt.
        if due < now or due > now + interval * burst + 1e-6:
            due = now
        if due - now > interval * (burst - 1) + 1e-6:
            return False
        self._due[key] = due + interval
        return True

    def count(self, key: tuple[str, ...], *, now: float, interval: float, burst: int) -> None:
        """Count one that cannot be refused (a customer's message takes throughput too)."""
        self.take(key, now=now, interval=interval, burst=burst)

    def clear(self) -> None:
        """Forget all."""
        self._due.clear()


class Tally:
    """Counts in a moving window. What was counted in a time yet to come (a clock moved back) is forgotten."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[float, object]]] = {}

    def take(self, key: str, *, now: float, seconds: float, most: int, what: object = None) -> bool:
        """True and counted where one more fits; one that is counted already (`what`) always fits."""
        seen = self._seen.setdefault(key, deque())
        while seen and not now - seconds < seen[0][0] <= now:
            seen.popleft()
        if what is not None and any(one == what for _, one in seen):
            return True
        if len(seen) >= most:
            return False
        seen.append((now, what))
        return True

    def clear(self) -> None:
        """Forget all."""
        self._seen.clear()
