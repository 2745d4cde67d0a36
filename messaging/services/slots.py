"""When one message may go: quiet hours, the slots of its buckets, the breaker; and who waits for that."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from messaging.errors import RateLimited
from messaging.models import Message
from messaging.services import pacing
from messaging.services.checks import Attempt, quiet_until
from messaging.services.outbound import Terms

# A slot this near is waited for in the request itself, though not again and again.
PATIENCE = timedelta(seconds=2)
_PUSHES_AT_MOST = 3


@dataclass(frozen=True, kw_only=True)
class Slot:
    """When the message may go, and what holds it until then."""

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
        # Quiet hours are no congestion: the time allowed for that begins when they end.
        patience = max(terms.slots.deadline - now, timedelta(0))
        terms = replace(terms, slots=replace(terms.slots, deadline=quiet + patience))
        return terms, Slot(at=quiet, limit="quiet_hours")
    buckets = (pacing.pair_bucket(message.chat), pacing.sender_bucket(sender))
    missing = [bucket for bucket in buckets if bucket.key not in terms.reserved]
    try:
        taken = pacing.take_slots(sender, missing, now=now, latest=_latest(terms, now)) if missing else {}
    except pacing.NoSlot as full:
        slot = Slot(at=full.slot_at, limit=full.bucket.limit, figures=full.bucket.figures)
        raise slot.as_error(now) from None
    terms = replace(terms, reserved={**terms.reserved, **taken})
    for bucket in buckets:
        slot_at = terms.reserved.get(bucket.key, now)
        if slot_at > now:
            return terms, Slot(at=slot_at, limit=bucket.limit, figures=bucket.figures)
    probe_at = pacing.pass_breaker(sender, now=now)
    return terms, Slot(at=probe_at, limit="breaker") if probe_at > now else None


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
