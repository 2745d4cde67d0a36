"""The outbox of all workspaces at a glance: what ended unknown, what waits for a slot, what failed and of what."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from messaging.errors import DeliveryUnknown
from messaging.models import Message
from workspaces.admin.shown import link_to
from workspaces.errors import BotenwerkError, Text, stored_error

SHOWN = 50
LOOKED_BACK = timedelta(days=7)
# What holds a message back (RateLimited.LIMITS), short.
HOLDS: dict[str, Text] = {
    "pair": _("the customer's own limit"),
    "sender": _("the number's limit"),
    "workspace": _("the workspace's limit"),
    "bulk": _("replies go first"),
    "platform": _("WhatsApp asked for a pause"),
    "web": _("many are on their way"),
    "breaker": _("WhatsApp does not answer"),
    "quiet_hours": _("quiet hours"),
}


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One message that is not through, and since or until when."""

    message: Message
    link: str
    since: datetime
    until: datetime | None = None
    why: Text = ""
    is_held: bool = False


@dataclass(frozen=True, kw_only=True)
class Failed:
    """One error of the last seven days."""

    error: BotenwerkError
    count: int
    oldest: datetime
    newest: datetime
    address: str


def outbox(now: datetime) -> dict[str, Any]:
    """What the page shows. Seven queries, however much there is."""
    rows = Message.objects.across_workspaces().filter(direction=Message.Direction.OUT)
    # Unknown, queued and sending rows are all in the partial index of what wakes.
    open_rows = rows.filter(wake_at__isnull=False)
    unknown = open_rows.filter(status=Message.Status.UNKNOWN)
    held = rows.filter(error_code=DeliveryUnknown.code, status=Message.Status.FAILED)
    queued = open_rows.filter(status=Message.Status.QUEUED)
    failed = rows.filter(status=Message.Status.FAILED, occurred_at__gte=now - LOOKED_BACK)
    counts = open_rows.aggregate(
        unknown=Count("pk", filter=Q(status=Message.Status.UNKNOWN)),
        queued=Count("pk", filter=Q(status=Message.Status.QUEUED)),
        sending=Count("pk", filter=Q(status=Message.Status.SENDING)),
        overdue=Count("pk", filter=Q(wake_at__lt=now - timedelta(minutes=1))),
    )
    return {
        "counts": counts,
        "held_count": held.count(),
        "unknown": [*_unknown(unknown), *_held(held)],
        "queued": list(_queued(queued)),
        "failed": list(_failed(failed)),
        "shown": SHOWN,
    }


def _with_people(rows: QuerySet[Message]) -> QuerySet[Message]:
    return rows.select_related("chat__contact", "sender", "workspace")


def _unknown(rows: QuerySet[Message]) -> Iterator[Waiting]:
    for message in _with_people(rows).order_by("occurred_at")[:SHOWN]:
        yield Waiting(message=message, link=_link(message), since=message.occurred_at, until=message.wake_at)


def _held(rows: QuerySet[Message]) -> Iterator[Waiting]:
    for message in _with_people(rows).order_by("occurred_at")[:SHOWN]:
        yield Waiting(message=message, link=_link(message), since=message.occurred_at, is_held=True)


def _queued(rows: QuerySet[Message]) -> Iterator[Waiting]:
    for message in _with_people(rows).order_by("wake_at")[:SHOWN]:
        why = HOLDS.get(message.waits_for, "")
        until = message.waits_until or message.wake_at
        yield Waiting(message=message, link=_link(message), since=message.created_at, until=until, why=why)


def _failed(rows: QuerySet[Message]) -> Iterator[Failed]:
    counted = rows.order_by().values_list("error_code").annotate(Count("pk"), Min("occurred_at"), Max("occurred_at"))
    listed = reverse("admin:messaging_message_changelist")
    for code, count, oldest, newest in sorted(counted, key=lambda group: -group[1]):
        address = f"{listed}?status__exact=failed&q={code}"
        yield Failed(error=stored_error(code), count=count, oldest=oldest, newest=newest, address=address)


def _link(message: Message) -> str:
    return link_to(message, str(message.chat.contact))
