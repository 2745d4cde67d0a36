"""Reading the `Change` table: what is new for everyone, and what one stream missed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Max, Q
from django.utils import timezone

from workspaces.models import Change

# Ids are given before the commit, so a smaller one may appear after a larger one: look back this far.
LOOK_BACK = timedelta(seconds=5)
MAX_MISSED = 200


@dataclass(frozen=True)
class Seen:
    """A change as a stream needs it."""

    id: int
    workspace_id: int
    topic: str


class ChangeReader:
    """Remembers what it has read; used by one thread only."""

    def __init__(self) -> None:
        self._last_id: int | None = None
        self._recent: set[int] = set()

    def read(self) -> list[Seen]:
        """The changes committed since the last call, in order; the first call only takes its bearings."""
        try:
            return self._read(timezone.now())
        except (DatabaseError, InterfaceError):
            connection.close()
            raise

    def close(self) -> None:
        """Give the thread's database connection back."""
        connection.close()

    def _read(self, now: datetime) -> list[Seen]:
        connection.close_if_unusable_or_obsolete()
        is_first = self._last_id is None
        last_id = self._last_id or Change.objects.aggregate(last=Max("id"))["last"] or 0
        rows = Change.objects.filter(Q(id__gt=last_id) | Q(created_at__gte=now - LOOK_BACK)).order_by("id")
        seen = [Seen(*row) for row in rows.values_list("id", "workspace_id", "topic")]
        new = [change for change in seen if change.id not in self._recent]
        self._recent = {change.id for change in seen}
        self._last_id = max([last_id, *self._recent])
        return [] if is_first else new


def missed(workspace_id: int, topics: frozenset[str], *, last_id: int | None, now: datetime) -> list[Seen] | None:
    """What a stream missed: since its last event, or in the last 5 s for a new one (a page takes time to load).

    None means that nobody knows any more (the event is too old, or too much happened): fetch all.
    """
    since = now - LOOK_BACK
    if last_id is not None:
        last = Change.objects.filter(pk=last_id, workspace_id=workspace_id).first()
        if last is None:
            return None
        since = last.created_at - LOOK_BACK
    rows = Change.objects.filter(workspace_id=workspace_id, created_at__gte=since).exclude(pk=last_id or 0)
    if topics:
        rows = rows.filter(topic__in=topics)
    found = [Seen(*row) for row in rows.order_by("id").values_list("id", "workspace_id", "topic")[: MAX_MISSED + 1]]
    return None if len(found) > MAX_MISSED else found
