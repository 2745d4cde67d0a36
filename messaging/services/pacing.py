"""When the next message may go: token buckets (GCRA) a sender and a sender-recipient pair, and a sender's breaker.

A slot is taken, or reserved for later, in a short transaction of its own: the sender's row is hot.
Figures: Meta's "Throughput" and pair rate limits (1 message every 6 s, bursts of up to 45 borrowed from the future).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from messaging.models import Chat, Pace, Sender

PAIR_INTERVAL = timedelta(seconds=6)
PAIR_BURST = 45
# The platform counts what comes in too; the rest of the second is for that, and a tenth of it may come at once.
SENDER_SHARE = 0.9
BURST_SHARE = 0.1

BREAKER_OPENS_AT = 5
FIRST_PROBE = timedelta(seconds=5)
PROBE_CEILING = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One message every `interval`, `burst` of them at once. `limit` and `figures` say so to people."""

    key: str
    interval: timedelta
    burst: int
    limit: str
    figures: tuple[tuple[str, Any], ...]

    @property
    def tolerance(self) -> timedelta:
        """How far ahead of its rate the bucket may run."""
        return self.interval * (self.burst - 1)


class NoSlot(Exception):
    """The next slot lies behind the latest time that would do; nothing was reserved."""

    def __init__(self, bucket: Bucket, slot_at: datetime) -> None:
        self.bucket = bucket
        self.slot_at = slot_at
        super().__init__(f"{bucket.key} is full until {slot_at}")


def pair_bucket(chat: Chat) -> Bucket:
    """A sender and one recipient."""
    return Bucket(
        key=f"pair:{chat.pk}",
        interval=PAIR_INTERVAL,
        burst=PAIR_BURST,
        limit="pair",
        figures=(("seconds", PAIR_INTERVAL.seconds), ("burst", PAIR_BURST)),
    )


def sender_bucket(sender: Sender) -> Bucket:
    """A number's throughput."""
    return Bucket(
        key=f"sender:{sender.pk}",
        interval=timedelta(seconds=1) / (sender.throughput * SENDER_SHARE),
        burst=max(1, int(sender.throughput * BURST_SHARE)),
        limit="sender",
        figures=(("per_second", sender.throughput),),
    )


def take_slots(sender: Sender, buckets: Sequence[Bucket], *, now: datetime, latest: datetime) -> dict[str, datetime]:
    """Reserve the next slot of each bucket, by key: `now`, or later; one that is later ends the search.

    Raises NoSlot, and reserves nothing, if one of them is after `latest`.
    """
    taken: dict[str, datetime] = {}
    with transaction.atomic():
        for bucket in buckets:
            pace = _locked(sender, bucket.key, now)
            slot_at = max(now, pace.next_at - bucket.tolerance)
            if slot_at > latest:
                raise NoSlot(bucket, slot_at)
            _move(sender, pace, next_at=max(pace.next_at, slot_at) + bucket.interval)
            taken[bucket.key] = slot_at
            if slot_at > now:
                break
    return taken


def push_back(sender: Sender, bucket: Bucket, *, until: datetime, now: datetime) -> None:
    """The platform is fuller than we thought: nothing more before `until`, and no burst then."""
    with transaction.atomic():
        pace = _locked(sender, bucket.key, now)
        if pace.next_at < until + bucket.tolerance + bucket.interval:
            _move(sender, pace, next_at=until + bucket.tolerance + bucket.interval)


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """Whether a sender's messages wait because the platform does not answer, and when the next probe goes."""

    is_open: bool
    next_probe_at: datetime | None = None


def breaker_of(sender: Sender) -> Breaker:
    """The breaker as it stands, for pages and health."""
    pace = Pace.objects.in_workspace(sender.workspace).filter(key=_breaker_key(sender)).first()
    if pace is None or pace.failures < BREAKER_OPENS_AT:
        return Breaker(is_open=False)
    return Breaker(is_open=True, next_probe_at=pace.next_at)


def pass_breaker(sender: Sender, *, now: datetime) -> datetime:
    """`now` if a message may go (with the breaker open: as its probe), else when to ask again."""
    rows = Pace.objects.in_workspace(sender.workspace).filter(key=_breaker_key(sender))
    pace = rows.first()
    if pace is None or pace.failures < BREAKER_OPENS_AT:
        return now
    if now < pace.next_at:
        return pace.next_at
    probe_again_at = now + _probe_interval(pace.failures)
    with transaction.atomic():
        is_probe = rows.filter(next_at=pace.next_at).update(next_at=probe_again_at) == 1
    return now if is_probe else probe_again_at


def note_outage(sender: Sender, *, now: datetime) -> bool:
    """Count a send that failed by connection or 5xx. True if this one has opened the breaker."""
    with transaction.atomic():
        pace = _locked(sender, _breaker_key(sender), now)
        failures = pace.failures + 1
        _move(sender, pace, failures=failures, next_at=now + _probe_interval(failures))
    return failures == BREAKER_OPENS_AT


def note_answer(sender: Sender) -> bool:
    """The platform has answered: close the breaker. True if it was open."""
    rows = Pace.objects.in_workspace(sender.workspace).filter(key=_breaker_key(sender), failures__gt=0)
    failures = rows.values_list("failures", flat=True).first()
    if failures is None:
        return False
    with transaction.atomic():
        rows.update(failures=0)
    return failures >= BREAKER_OPENS_AT


def _breaker_key(sender: Sender) -> str:
    return f"breaker:{sender.pk}"


def _probe_interval(failures: int) -> timedelta:
    doublings = min(max(failures - BREAKER_OPENS_AT, 0), 8)
    return min(FIRST_PROBE * 2**doublings, PROBE_CEILING)


def _locked(sender: Sender, key: str, now: datetime) -> Pace:
    rows = Pace.objects.in_workspace(sender.workspace)
    pace = rows.select_for_update().filter(key=key).first()
    if pace is None:
        rows.get_or_create(key=key, defaults={"next_at": now})
        pace = rows.select_for_update().get(key=key)
    return pace


def _move(sender: Sender, pace: Pace, **changes: Any) -> None:
    same = Pace.objects.in_workspace(sender.workspace).filter(pk=pace.pk, next_at=pace.next_at, failures=pace.failures)
    # The row is locked: anything else than one row is a bug of ours.
    moved = same.update(**changes)
    assert moved == 1, pace.key
