"""When the next message may go: token buckets (GCRA) a sender, a sender-recipient pair and a workspace.

A slot is taken, or reserved for later, in a short transaction of its own: the sender's row is hot. Bulk (marketing
that nobody waits for) stands behind replies: it is paced by a bucket of its own that leaves a share of the throughput
free, it never reserves a slot of the future in a bucket that replies use, and it only takes from that bucket while
half of what may go at once is still there for a reply.
Figures: Meta's "Throughput" and pair rate limits (1 message every 6 s, bursts of up to 45 borrowed from the future).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from messaging.models import Chat, Pace, Sender

PAIR_INTERVAL = timedelta(seconds=6)
PAIR_BURST = 45
# The platform counts what comes in too; the rest of the second is for that, and a tenth of it may come at once.
SENDER_SHARE = 0.9
BURST_SHARE = 0.1
# What bulk may take of a sender's throughput, however few replies there are.
BULK_SHARE = 0.75
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One message every `interval`, `burst` of them at once. `limit` and `figures` say so to people.

    `bulk_burst` is what bulk may use of the burst, and marks a bucket that bulk shares with replies; None where
    bulk is like any message.
    """

    key: str
    interval: timedelta
    burst: int
    limit: str
    figures: tuple[tuple[str, Any], ...] = ()
    bulk_burst: int | None = None

    @property
    def tolerance(self) -> timedelta:
        """How far ahead of its rate the bucket may run."""
        return self.interval * (self.burst - 1)

    @property
    def bulk_tolerance(self) -> timedelta:
        """The same for bulk."""
        return self.interval * ((self.burst if self.bulk_burst is None else self.bulk_burst) - 1)


class NoSlot(Exception):
    """The next slot lies behind the latest time that would do; nothing was reserved."""

    def __init__(self, bucket: Bucket, slot_at: datetime) -> None:
        self.bucket = bucket
        self.slot_at = slot_at
        super().__init__(f"{bucket.key} is full until {slot_at}")


@dataclass(frozen=True)
class Taken:
    """Slots that are the message's now, by key. `then` is a bucket that has no slot yet, and when to ask it again."""

    slots: dict[str, datetime] = field(default_factory=dict)
    then: tuple[Bucket, datetime] | None = None


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
    return _shared(f"sender:{sender.pk}", sender.throughput * SENDER_SHARE, "sender", sender.throughput)


def bulk_bucket(sender: Sender) -> Bucket:
    """The share of a number's throughput that bulk may take."""
    rate = sender.throughput * SENDER_SHARE * BULK_SHARE
    return Bucket(
        key=f"bulk:{sender.pk}",
        interval=SECOND / rate,
        burst=max(1, int(sender.throughput * BURST_SHARE * BULK_SHARE)),
        limit="bulk",
        figures=(("per_second", sender.throughput),),
    )


def workspace_bucket(sender: Sender) -> Bucket:
    """What all numbers of a workspace may send together on this installation."""
    rate = settings.WORKSPACE_MESSAGES_PER_SECOND
    return _shared(f"workspace:{sender.workspace_id}", rate, "workspace", rate)


def buckets_for(sender: Sender, chat: Chat, *, is_bulk: bool) -> list[Bucket]:
    """All that a message needs a slot of, the narrowest first: what waits there takes nothing of the wider ones."""
    own = [pair_bucket(chat), bulk_bucket(sender)] if is_bulk else [pair_bucket(chat)]
    return [*own, workspace_bucket(sender), sender_bucket(sender)]


def take_slots(
    sender: Sender, buckets: Sequence[Bucket], *, now: datetime, latest: datetime, is_bulk: bool = False
) -> Taken:
    """Reserve the next slot of each bucket: `now`, or later; one that is later ends the search.

    Bulk reserves nothing of the future in a bucket that it shares with replies; `then` says when to ask again.
    Raises NoSlot, and reserves nothing, if a slot is after `latest`.
    """
    keys = [bucket.key for bucket in buckets]
    with transaction.atomic():
        paces = Pace.objects.locked(sender.workspace, keys)
        if len(paces) == len(keys):
            return _take(paces, buckets, now=now, latest=latest, is_bulk=is_bulk)
    # Made outside: an insert that waits for a neighbour's must hold no bucket meanwhile.
    Pace.objects.make(sender.workspace, [key for key in keys if key not in paces], now=now)
    with transaction.atomic():
        paces = Pace.objects.locked(sender.workspace, keys)
        return _take(paces, buckets, now=now, latest=latest, is_bulk=is_bulk)


def push_back(sender: Sender, bucket: Bucket, *, until: datetime, now: datetime) -> None:
    """The platform is fuller than we thought: nothing more before `until`, and no burst then."""
    Pace.objects.make(sender.workspace, [bucket.key], now=now)
    with transaction.atomic():
        pace = Pace.objects.locked(sender.workspace, [bucket.key])[bucket.key]
        if pace.next_at < until + bucket.tolerance:
            pace.move(next_at=until + bucket.tolerance)


def _shared(key: str, rate: float, limit: str, per_second: int) -> Bucket:
    burst = max(1, int(rate / SENDER_SHARE * BURST_SHARE))
    return Bucket(
        key=key,
        interval=SECOND / rate,
        burst=burst,
        limit=limit,
        figures=(("per_second", per_second),),
        bulk_burst=max(1, burst // 2),
    )


def _take(
    paces: dict[str, Pace], buckets: Sequence[Bucket], *, now: datetime, latest: datetime, is_bulk: bool
) -> Taken:
    found: list[tuple[Pace, Bucket, datetime]] = []
    then: tuple[Bucket, datetime] | None = None
    for bucket in buckets:
        pace = paces[bucket.key]
        tolerance = bucket.bulk_tolerance if is_bulk else bucket.tolerance
        slot_at = max(now, pace.next_at - tolerance)
        if slot_at > latest:
            raise NoSlot(bucket, slot_at)
        if slot_at > now and is_bulk and bucket.bulk_burst is not None:
            then = (bucket, slot_at)
            break
        found.append((pace, bucket, slot_at))
        if slot_at > now:
            break
    for pace, bucket, slot_at in found:
        pace.move(next_at=max(pace.next_at, slot_at) + bucket.interval)
    return Taken({bucket.key: slot_at for _pace, bucket, slot_at in found}, then)
