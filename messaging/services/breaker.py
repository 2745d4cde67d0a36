"""A sender's breaker: while the platform does not answer, its messages wait and one goes as a probe.

Five sends in a row that failed by connection or 5xx open it; a probe goes after 5 s, then after twice as long up to
60 s; any answer closes it (architecture.md, Pacing). So an outage costs no attempts beyond the first few.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from messaging.errors import WhatsappUnavailable
from messaging.events import SenderAnswersAgain
from messaging.models import Message, Pace, Sender
from workspaces.changes import announce
from workspaces.events import publish
from workspaces.models import Workspace
from workspaces.services.notifications import notify_team, solve

OPENS_AT = 5
FIRST_PROBE = timedelta(seconds=5)
PROBE_CEILING = timedelta(seconds=60)
# How a message that waits for it says so: a key of RateLimited.LIMITS.
LIMIT = "breaker"


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """Whether a sender's messages wait because the platform does not answer, and when the next probe may go."""

    is_open: bool
    next_probe_at: datetime | None = None


def breaker_of(sender: Sender) -> Breaker:
    """The breaker as it stands."""
    pace = Pace.objects.in_workspace(sender.workspace).filter(key=_key(sender)).first()
    return _as_breaker(pace)


def open_breakers(workspace: Workspace) -> dict[int, Breaker]:
    """The open breakers of a workspace, by the sender's primary key. For pages, banners and health lines."""
    rows = Pace.objects.in_workspace(workspace).filter(key__startswith=_PREFIX, failures__gte=OPENS_AT)
    return {int(pace.key.removeprefix(_PREFIX)): _as_breaker(pace) for pace in rows}


def waiting_count(sender: Sender) -> int:
    """How many messages of a sender wait for a slot or for the platform."""
    rows = Message.objects.in_workspace(sender.workspace)
    return rows.filter(sender=sender, status=Message.Status.QUEUED).count()


def pass_breaker(sender: Sender, *, now: datetime) -> datetime:
    """`now` if a message may go (with the breaker open: as the one probe), else when to ask again."""
    rows = Pace.objects.in_workspace(sender.workspace).filter(key=_key(sender))
    pace = rows.first()
    if pace is None or pace.failures < OPENS_AT:
        return now
    if now < pace.next_at:
        return pace.next_at
    # Counted as it goes, not as it fails: sends that were under way when the breaker opened double nothing.
    probes = pace.failures + 1
    next_at = now + _interval(probes)
    with transaction.atomic():
        is_probe = rows.filter(next_at=pace.next_at, failures=pace.failures).update(failures=probes, next_at=next_at)
    return now if is_probe else next_at


def note_outage(sender: Sender, *, now: datetime) -> bool:
    """Count a send that failed by connection or 5xx. True if this one has opened the breaker; the team is told."""
    with transaction.atomic():
        paces = Pace.objects.locked(sender.workspace, [_key(sender)])
        if not paces:
            Pace.objects.make(sender.workspace, [_key(sender)], now=now)
            paces = Pace.objects.locked(sender.workspace, [_key(sender)])
        pace = paces[_key(sender)]
        if pace.failures >= OPENS_AT:
            return False
        pace.move(failures=pace.failures + 1, next_at=now + FIRST_PROBE)
        if pace.failures < OPENS_AT:
            return False
        _tell_open(sender, now)
    return True


def note_answer(sender: Sender, *, now: datetime) -> bool:
    """The platform has answered, be it by a refusal. True if that has closed the breaker: all that waited goes now."""
    rows = Pace.objects.in_workspace(sender.workspace).filter(key=_key(sender), failures__gt=0)
    failures = rows.values_list("failures", flat=True).first()
    if failures is None:
        return False
    with transaction.atomic():
        closed = rows.filter(failures=failures).update(failures=0)
        if not closed or failures < OPENS_AT:
            return False
        _wake_waiting(sender, now)
        announce(sender.workspace, "senders", now=now)
        solve(sender.workspace, _digest_key(sender), now)
        publish(SenderAnswersAgain(sender=sender, now=now))
    return True


_PREFIX = "breaker:"


def _key(sender: Sender) -> str:
    return f"{_PREFIX}{sender.pk}"


def _as_breaker(pace: Pace | None) -> Breaker:
    if pace is None or pace.failures < OPENS_AT:
        return Breaker(is_open=False)
    return Breaker(is_open=True, next_probe_at=pace.next_at)


def _interval(probes: int) -> timedelta:
    doublings = min(max(probes - OPENS_AT, 0), 8)
    return min(FIRST_PROBE * 2**doublings, PROBE_CEILING)


def _wake_waiting(sender: Sender, now: datetime) -> None:
    """Rows that the clock sends; runs and answers come back for theirs when they hear of it."""
    held = Message.objects.in_workspace(sender.workspace).filter(
        sender=sender,
        status=Message.Status.QUEUED,
        payload__terms__slot__limit=LIMIT,
        payload__terms__slots="queue",
    )
    held.update(wake_at=now, updated_at=now)


def _digest_key(sender: Sender) -> str:
    return f"breaker:{sender.public_id}"


def _tell_open(sender: Sender, now: datetime) -> None:
    announce(sender.workspace, "senders", now=now)
    notify_team(
        workspace=sender.workspace,
        code=WhatsappUnavailable.code,
        title=_("WhatsApp does not answer for %(sender)s"),
        body=_("Messages wait and go out by themselves as soon as WhatsApp answers again."),
        facts={"sender": str(sender)},
        level="failure",
        digest_key=_digest_key(sender),
        now=now,
    )
