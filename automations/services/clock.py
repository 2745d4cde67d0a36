"""The clock: finds every row whose time has come, claims it, and hands it to a worker."""

from datetime import datetime

from workspaces.queue import enqueue
from workspaces.wakeups import claim_due, wakeups

BATCH = 200


def tick(now: datetime) -> int:
    """Claim and enqueue what is due; returns how many rows. Look first, write only if something is due."""
    claimed = 0
    for wakeup in wakeups():
        for row_id in claim_due(wakeup, now=now, limit=BATCH):
            enqueue(wakeup.task, row_id, queue=wakeup.queue)
            claimed += 1
    return claimed
