"""The clock: finds every row whose time has come, claims it, and hands it to a worker."""

from datetime import datetime, timedelta

from workspaces.queue import enqueue
from workspaces.wakeups import CLAIM, claim_due, wakeups

BATCH = 200
# Claims of a row that nobody deals with come every 5 s; from some number on it is handed over every 60 s.
SELDOM = 12


class Patience:
    """Which rows this clock has handed over and finds again: they lie in a queue that nobody empties just now.

    Handed over at every claim, a thousand rows would put 720,000 tasks on the queue in an hour without workers. A run
    counts its own tries (`wake_tries`) and does not come so often.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], tuple[datetime, int]] = {}

    def is_to_be_handed_over(self, task: str, row_id: int, now: datetime) -> bool:
        """True at the first claim of a row, and then at ever longer distances while it is claimed in a row."""
        last, claims = self._seen.get((task, row_id), (now, 0))
        # Later than two claims: it was dealt with and is due anew.
        claims = claims + 1 if CLAIM <= now - last <= 2 * CLAIM + timedelta(seconds=2) else 0
        self._seen[task, row_id] = (now, claims)
        is_doubled = (claims + 1) & claims == 0
        return is_doubled if claims < SELDOM else claims % SELDOM == 0

    def forget(self, now: datetime) -> None:
        """Let go of rows that were dealt with."""
        self._seen = {key: seen for key, seen in self._seen.items() if now - seen[0] <= 3 * CLAIM}


_patience = Patience()


def tick(now: datetime) -> int:
    """Claim and enqueue what is due; returns how many rows. Look first, write only if something is due."""
    claimed = 0
    for wakeup in wakeups():
        for row_id in claim_due(wakeup, now=now, limit=BATCH):
            claimed += 1
            if _patience.is_to_be_handed_over(wakeup.task, row_id, now):
                enqueue(wakeup.task, row_id, queue=wakeup.queue)
    if claimed:
        _patience.forget(now)
    return claimed
