"""Rows that something must be done with have `wake_at`; here each app says which task does it.

The clock (automations) claims what is due and enqueues it. A claim moves `wake_at` on, so a lost task comes
again and a long queue is not filled again every tick.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db import connection, models, transaction

CLAIM = timedelta(seconds=5)
CLAIM_CEILING = timedelta(seconds=60)


@dataclass(frozen=True)
class Wakeup:
    """Rows of `model` whose `wake_at` is due go, by id, to `task`."""

    model: type[models.Model]
    task: str
    queue: Literal["fast", "bulk"] = "fast"


_wakeups: dict[type[models.Model], Wakeup] = {}


def register_wakeup(model: type[models.Model], task: str, *, queue: Literal["fast", "bulk"] = "fast") -> None:
    """Have the clock hand due rows of this model to the task. Called in AppConfig.ready."""
    _wakeups[model] = Wakeup(model, task, queue)


def wakeups() -> Iterator[Wakeup]:
    """Every registered kind of row."""
    return iter(list(_wakeups.values()))


def claim_due(wakeup: Wakeup, *, now: datetime, limit: int = 200) -> list[int]:
    """The ids of due rows, claimed: their `wake_at` is moved on by 5 s, doubling to 60 s while they stay due.

    Looks first and writes only if something is due. Several clocks may run.
    """
    manager = wakeup.model._base_manager
    due = manager.filter(wake_at__lte=now).order_by("wake_at")
    if not due.exists():
        return []
    has_tries = any(field.name == "wake_tries" for field in wakeup.model._meta.concrete_fields)
    claimed = []
    with transaction.atomic():
        rows = due
        if connection.features.has_select_for_update_skip_locked:
            rows = due.select_for_update(skip_locked=True)
        columns = ("pk", "wake_at", "wake_tries") if has_tries else ("pk", "wake_at")
        for pk, wake_at, *tries in list(rows.values_list(*columns)[:limit]):
            step = min(CLAIM * 2 ** min(tries[0], 8), CLAIM_CEILING) if has_tries else CLAIM
            changes: dict[str, object] = {"wake_at": now + step}
            if has_tries:
                changes["wake_tries"] = models.F("wake_tries") + 1
            if manager.filter(pk=pk, wake_at=wake_at).update(**changes):
                claimed.append(pk)
    return claimed
