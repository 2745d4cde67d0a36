"""Figures of messages for a span of days: how many, how they fared, how fast we answered. A fixed number of queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate, TruncHour
from django.utils import formats, timezone

from messaging.models import Consent, ConsentEvent, Message
from workspaces.models import Workspace

SPANS = {"today": 1, "7": 7, "30": 30}
# The platform's own day for its limit of recipients.
DAY = timedelta(hours=24)
REACHED = (Message.Status.DELIVERED, Message.Status.READ, Message.Status.PLAYED)
READ = (Message.Status.READ, Message.Status.PLAYED)
LEFT_US = (Message.Status.ACCEPTED, Message.Status.SENT, *REACHED)
# An answer after this was none to that message.
ANSWERED_WITHIN = timedelta(hours=24)
USUAL_SPAN = timedelta(days=28)
USUAL_KEPT_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One place of the chart: an hour or a day."""

    label: str
    sent: int
    received: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What happened in a span."""

    span: str
    sent: int
    received: int
    customers: int
    delivered: int
    read: int
    failed: int
    response: timedelta | None
    bars: list[Bar]
    by_cause: dict[str, int]

    @property
    def delivered_percent(self) -> int | None:
        return round(100 * self.delivered / self.sent) if self.sent else None

    @property
    def read_percent(self) -> int | None:
        return round(100 * self.read / self.sent) if self.sent else None

    @property
    def response_minutes(self) -> int | None:
        return int(self.response.total_seconds() // 60) if self.response is not None else None

    @property
    def response_text(self) -> str:
        """Minutes and seconds; a day of it reads as hours."""
        if self.response is None:
            return "–"
        minutes, seconds = divmod(int(self.response.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}" if minutes >= 60 else f"{minutes}:{seconds:02}"


def figures_of(workspace: Workspace, span: str, now: datetime) -> Figures:
    """The figures of today, or of the last 7 or 30 days with today. Four queries."""
    begin = _begin(SPANS[span], now)
    rows = Message.objects.in_workspace(workspace).filter(occurred_at__gte=begin, occurred_at__lte=now)
    out, arrived = Q(direction=Message.Direction.OUT), Q(direction=Message.Direction.IN)
    counted = rows.aggregate(
        sent=Count("pk", filter=out & Q(status__in=LEFT_US)),
        received=Count("pk", filter=arrived),
        customers=Count("chat", filter=arrived, distinct=True),
        delivered=Count("pk", filter=out & Q(status__in=REACHED)),
        read=Count("pk", filter=out & Q(status__in=READ)),
        failed=Count("pk", filter=out & Q(status=Message.Status.FAILED)),
    )
    causes = rows.filter(out, status__in=LEFT_US).values("cause_kind").annotate(how_many=Count("pk")).order_by()
    return Figures(
        span=span,
        bars=_bars(rows, span, begin, now),
        response=_response(rows, workspace),
        by_cause={row["cause_kind"]: row["how_many"] for row in causes},
        **counted,
    )


def opt_outs_of(workspace: Workspace, span: str, now: datetime) -> int:
    """How many contacts have opted out of anything in the span. One query."""
    events = ConsentEvent.objects.in_workspace(workspace).filter(state=Consent.OPTED_OUT)
    said = events.filter(occurred_at__gte=_begin(SPANS[span], now), occurred_at__lte=now)
    return said.aggregate(people=Count("contact", distinct=True))["people"] or 0


def recipients_of_a_day(workspace: Workspace, now: datetime) -> dict[int, int]:
    """How many people each sender has written to by template in 24 hours, by the sender's key. One query."""
    rows = (
        Message.objects.in_workspace(workspace)
        .filter(direction=Message.Direction.OUT, kind="template", occurred_at__gt=now - DAY, status__in=LEFT_US)
        .values("sender")
        .annotate(people=Count("chat", distinct=True))
        .order_by()
    )
    return {row["sender"]: row["people"] for row in rows}


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What is sent on a usual day, hour by hour. `is_weekday` says that it is a day of today's name."""

    by_hour: Mapping[int, float]
    is_weekday: bool

    def until(self, moment: datetime) -> float:
        """How much of it has gone out by this time of the day."""
        local = timezone.localtime(moment)
        full = sum(count for hour, count in self.by_hour.items() if hour < local.hour)
        return full + self.by_hour.get(local.hour, 0) * local.minute / 60


def usual_day(workspace: Workspace, now: datetime) -> Usual | None:
    """The mean of the last four days of this name with messages; with less than two of them, of all such days of
    four weeks. None where there is none.

    Days that are over do not change, and four weeks are many messages: counted once an hour, by one query.
    """
    midnight = _begin(1, now)
    key = f"usual-day:{workspace.public_id}:{midnight.isoformat()}"
    kept: tuple[Usual | None] | None = cache.get(key)
    if kept is None:
        kept = (_usual_day(workspace, midnight),)
        cache.set(key, kept, USUAL_KEPT_SECONDS)
    return kept[0]


def _usual_day(workspace: Workspace, midnight: datetime) -> Usual | None:
    out = Message.objects.in_workspace(workspace).filter(direction=Message.Direction.OUT, status__in=LEFT_US)
    counted = (
        out.filter(occurred_at__gte=midnight - USUAL_SPAN, occurred_at__lt=midnight)
        .annotate(place=TruncHour("occurred_at"))
        .values("place")
        .annotate(how_many=Count("pk"))
        .order_by()
    )
    hours = [(timezone.localtime(row["place"]), row["how_many"]) for row in counted]
    weekday = midnight.weekday()
    alike = [(local, count) for local, count in hours if local.weekday() == weekday]
    is_weekday = len({local.date() for local, _count in alike}) > 1
    taken = alike if is_weekday else hours
    days = {local.date() for local, _count in taken}
    if not days:
        return None
    by_hour: dict[int, float] = {}
    for local, count in taken:
        by_hour[local.hour] = by_hour.get(local.hour, 0) + count / len(days)
    return Usual(by_hour=by_hour, is_weekday=is_weekday)


def _begin(days: int, now: datetime) -> datetime:
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days - 1)


def _bars(rows: QuerySet[Message], span: str, begin: datetime, now: datetime) -> list[Bar]:
    is_today = span == "today"
    cut = TruncHour("occurred_at") if is_today else TruncDate("occurred_at")
    # As the figure counts them: what never left us is no bar.
    shown = rows.filter(Q(direction=Message.Direction.IN) | Q(status__in=LEFT_US))
    counted = shown.annotate(place=cut).values("place", "direction").annotate(how_many=Count("pk")).order_by()
    found: dict[object, dict[str, int]] = {}
    for row in counted:
        place = timezone.localtime(row["place"]).hour if is_today else row["place"]
        counts = found.setdefault(place, {})
        counts[row["direction"]] = counts.get(row["direction"], 0) + row["how_many"]
    if is_today:
        first, last = _hours(found, timezone.localtime(now).hour)
        return [_bar(hour_label(hour), found.get(hour, {})) for hour in range(first, last + 1)]
    day = timezone.localtime(begin).date()
    days = [day + timedelta(days=passed) for passed in range(SPANS[span])]
    return [_bar(formats.date_format(day, "j.n."), found.get(day, {})) for day in days]


def _hours(found: Mapping[object, object], current: int) -> tuple[int, int]:
    """A working day, wider where there was more."""
    hours = [hour for hour in found if isinstance(hour, int)]
    return min([7, current, *hours]), max([18, current, *hours])


def hour_label(hour: int) -> str:
    """A bar of an hour is named by its beginning."""
    return f"{hour}:00"


def _bar(label: str, counts: Mapping[str, int]) -> Bar:
    return Bar(label=label, sent=counts.get(Message.Direction.OUT, 0), received=counts.get(Message.Direction.IN, 0))


def _response(rows: QuerySet[Message], workspace: Workspace) -> timedelta | None:
    """From the first unanswered message of a conversation's customer to our answer: on average."""
    answers = Message.objects.in_workspace(workspace).filter(
        chat=OuterRef("chat"),
        direction=Message.Direction.OUT,
        status__in=LEFT_US,
        occurred_at__gte=OuterRef("occurred_at"),
    )
    asked = (
        rows.filter(direction=Message.Direction.IN)
        .annotate(answered_at=Subquery(answers.order_by("occurred_at").values("occurred_at")[:1]))
        .filter(answered_at__lte=F("occurred_at") + ANSWERED_WITHIN)
        .annotate(took=ExpressionWrapper(F("answered_at") - F("occurred_at"), output_field=DurationField()))
    )
    average: timedelta | None = asked.aggregate(average=Avg("took"))["average"]
    return average
