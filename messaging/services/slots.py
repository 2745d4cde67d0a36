"""When one message may go: quiet hours, the slots of its buckets, the breaker; and who waits for that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from messaging.errors import RateLimited
from messaging.models import Message, Sender
from messaging.services import breaker, pacing
from messaging.services.checks import Attempt, quiet_until
from messaging.services.outbound import Terms

# A slot this near is waited for in the request itself, though not again and again.
PATIENCE = timedelta(seconds=2)
_PUSHES_AT_MOST = 3
QUIET = "quiet_hours"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """When the message may go (or ask again), and what holds it until then."""

    at: datetime
    limit: str
    figures: tuple[tuple[str, Any], ...] = ()

    def as_error(self, now: datetime) -> RateLimited:
        """The limit, in words, with the next slot."""
        seconds = max((self.at - now).total_seconds(), 0)
        return RateLimited(limit=self.limit, next_slot_at=self.at, retry_after=seconds, **dict(self.figures))


def next_slot(message: Message, attempt: Attempt, terms: Terms, now: datetime) -> tuple[Terms, Slot | None]:
    """None if the message may go now. Reserves slots on the way; raises RateLimited where they come too late."""
    sender = message.sender
    quiet = quiet_until(message.workspace, attempt.template, now=now)
    if quiet is not None:
        return _after_quiet_hours(terms, quiet, now), Slot(at=quiet, limit=QUIET)
    # Before any slot is taken: who waits for the platform holds none, and takes a new one when it answers again.
    state = breaker.breaker_of(sender)
    if state.next_probe_at is not None and state.next_probe_at > now:
        return _without_slots(terms, message), Slot(at=state.next_probe_at, limit=breaker.LIMIT)
    buckets = pacing.buckets_for(sender, message.chat, is_bulk=terms.is_bulk)
    terms, slot = _reserve(sender, buckets, terms, now)
    if slot is not None or not state.is_open:
        return terms, slot
    probe_at = breaker.pass_breaker(sender, now=now)
    if probe_at > now:
        return _without_slots(terms, message), Slot(at=probe_at, limit=breaker.LIMIT)
    return terms, None


def _reserve(
    sender: Sender, buckets: Sequence[pacing.Bucket], terms: Terms, now: datetime
) -> tuple[Terms, Slot | None]:
    missing = [bucket for bucket in buckets if bucket.key not in terms.reserved]
    taken = pacing.Taken()
    if missing:
        latest = _latest(terms, now)
        try:
            taken = pacing.take_slots(sender, missing, now=now, latest=latest, is_bulk=terms.is_bulk)
        except pacing.NoSlot as full:
            slot = Slot(at=full.slot_at, limit=full.bucket.limit, figures=full.bucket.figures)
            raise slot.as_error(now) from None
    terms = replace(terms, reserved={**terms.reserved, **taken.slots})
    if taken.then is not None:
        return _behind_replies(sender, terms, *taken.then)
    for bucket in buckets:
        slot_at = terms.reserved.get(bucket.key, now)
        if slot_at > now:
            return terms, Slot(at=slot_at, limit=bucket.limit, figures=bucket.figures)
    return terms, None


def _behind_replies(sender: Sender, terms: Terms, full: pacing.Bucket, room_at: datetime) -> tuple[Terms, Slot]:
    """Bulk for which replies leave no room joins its own line again: else all of it would ask in the same moment."""
    line = pacing.bulk_bucket(sender)
    try:
        taken = pacing.take_slots(sender, [line], now=room_at, latest=max(terms.slots.deadline, room_at))
    except pacing.NoSlot as late:
        taken = pacing.Taken({line.key: late.slot_at})
    terms = replace(terms, reserved={**terms.reserved, **taken.slots})
    return terms, Slot(at=taken.slots[line.key], limit=line.limit, figures=full.figures)


def _after_quiet_hours(terms: Terms, quiet: datetime, now: datetime) -> Terms:
    """Quiet hours are no congestion: the time allowed for that begins when they end, and is counted so once."""
    if terms.held_by == QUIET and terms.held_until == quiet:
        return terms
    patience = max(terms.slots.deadline - now, timedelta(0))
    return replace(terms, slots=replace(terms.slots, deadline=quiet + patience))


def _without_slots(terms: Terms, message: Message) -> Terms:
    """Its slots are gone by when the platform answers again, or all that wait would go in one moment.

    The recipient's stays: nobody else could have used it.
    """
    pair = pacing.pair_bucket(message.chat).key
    return replace(terms, reserved={key: at for key, at in terms.reserved.items() if key == pair})


def push_back(
    message: Message, bucket: pacing.Bucket, terms: Terms, *, until: datetime, now: datetime
) -> tuple[Terms, Slot]:
    """The platform has refused for pace: slow the bucket, and give the message a slot of its own behind that.

    Raises RateLimited where it comes too late.
    """
    pacing.push_back(message.sender, bucket, until=until, now=now)
    kept = {key: at for key, at in terms.reserved.items() if key != bucket.key}
    terms, slot = _reserve(message.sender, [bucket], replace(terms, pushed=terms.pushed + 1, reserved=kept), now)
    return terms, slot or Slot(at=until, limit=bucket.limit, figures=bucket.figures)


def is_waited_for_here(terms: Terms, slot: Slot, now: datetime) -> bool:
    """Whether the caller itself waits for the slot, being near. Raises RateLimited for one that is too far off."""
    is_near = slot.at <= now + PATIENCE and terms.pushed <= _PUSHES_AT_MOST
    if terms.slots.kind == "refuse" and not is_near:
        raise slot.as_error(now)
    if slot.at > _latest(terms, now):
        raise slot.as_error(now)
    return terms.slots.kind == "refuse"


def _latest(terms: Terms, now: datetime) -> datetime:
    return now + PATIENCE if terms.slots.kind == "refuse" else max(terms.slots.deadline, now)
