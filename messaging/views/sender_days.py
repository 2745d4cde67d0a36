"""How senders fared on each of the last days, read off the notices that their falls have left."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import Min, Q
from django.utils import timezone

from messaging.models import Message, Sender
from workspaces.models import Notification, Workspace

DAYS = 14
# The state of a day by what a notice is about; the worse one stays.
OF_NOTICE = {"sender_quality": "att", "breaker": "fail", "sender_offline": "fail"}
WORSE = ("off", "done", "att", "fail")


def days_of(workspace: Workspace, senders: Iterable[Sender], now: datetime) -> dict[int, list[str]]:
    """Per sender its last fourteen days, today last: done, att (quality had fallen), fail (nothing went out), or off
    (not in use yet, or paused now). Two queries, however many senders there are."""
    rows = list(senders)
    today = timezone.localdate(now)
    first = today - timedelta(days=DAYS - 1)
    by_key = {f"{prefix}:{sender.public_id}": sender for sender in rows for prefix in OF_NOTICE}
    # A number may have written by us before its row was made: moved, or brought in with its history.
    written = Message.objects.in_workspace(workspace).filter(occurred_at__gte=now - timedelta(days=DAYS))
    used_since = dict(written.order_by().values_list("sender").annotate(Min("occurred_at")))
    found = {}
    for sender in rows:
        since = timezone.localdate(min(sender.created_at, used_since.get(sender.pk, sender.created_at)))
        found[sender.pk] = ["off" if first + timedelta(days=at) < since else "done" for at in range(DAYS)]
    falls: dict[int, list[tuple[str, date, date]]] = defaultdict(list)
    notices = Notification.objects.in_workspace(workspace).filter(digest_key__in=by_key)
    recent = notices.filter(Q(solved_at=None) | Q(solved_at__gte=now - timedelta(days=DAYS)))
    for key, begun, solved in recent.values_list("digest_key", "created_at", "solved_at"):
        state = OF_NOTICE[key.partition(":")[0]]
        until = timezone.localdate(solved) if solved else today
        falls[by_key[key].pk].append((state, timezone.localdate(begun), until))
    for sender in rows:
        days = found[sender.pk]
        for state, first_day, last_day in falls[sender.pk]:
            for at in range(max(0, (first_day - first).days), min(DAYS - 1, (last_day - first).days) + 1):
                days[at] = _worse(days[at], state)
        days[-1] = _now(sender, days[-1])
    return found


def _now(sender: Sender, state: str) -> str:
    """Today as it stands, whether or not anybody was told."""
    if sender.is_paused:
        return _worse("off", state) if state != "done" else "off"
    if sender.status in (Sender.Status.OFFLINE, Sender.Status.SUSPENDED, Sender.Status.FAILED):
        return "fail"
    if sender.quality in (Sender.Quality.YELLOW, Sender.Quality.RED):
        return _worse(state, "att")
    return state


def _worse(one: str, other: str) -> str:
    return max(one, other, key=WORSE.index)
