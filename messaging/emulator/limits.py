"""The platform's two rates of sending: a number's throughput, and a number's pace towards one customer."""

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
