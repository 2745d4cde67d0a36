"""Figures of messages for a span of days: how many, how they fared, how fast we answered. A fixed number of queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate, TruncHour
from django.utils import formats, timezone

from messaging.models import Message
from workspaces.models import Workspace

SPANS = {"today": 1, "7": 7, "30": 30}
# The platform's own day for its limit of recipients.
DAY = timedelta(hours=24)
REACHED = (Message.Status.DELIVERED, Message.Status.READ, Message.Status.PLAYED)
READ = (Message.Status.READ, Message.Status.PLAYED)
LEFT_US = (Message.Status.ACCEPTED, Message.Status.SENT, *REACHED)
# An answer after this was none to that message.
ANSWERED_WITHIN = timedelta(hours=24)
CHART_WIDTH, CHART_HEIGHT, CHART_LEFT = 720, 160, 40


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
class Column:
    """A bar as it is drawn; `label` is empty where labels would touch."""

    bar: Bar
    x: float
    width: float
    sent_y: float
    sent_height: float
    received_y: float
    received_height: float
    label: str

    @property
    def received_x(self) -> float:
        return round(self.x + self.width, 1)

    @property
    def middle(self) -> float:
        return round(self.x + self.width, 1)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Bars, and the lines behind them as (y, number)."""

    columns: list[Column]
    lines: list[tuple[float, int]]


def chart_of(bars: list[Bar]) -> Chart:
    """Two bars a place, side by side, under a round top."""
    top = _round_top(max([max(bar.sent, bar.received) for bar in bars], default=0))
    place = (CHART_WIDTH - CHART_LEFT) / max(len(bars), 1)
    width = round(min(place * 0.36, 22), 1)
    every = max(1, -(-len(bars) // 12))
    columns = []
    for index, bar in enumerate(bars):
        sent, received = (round(CHART_HEIGHT * count / top, 1) for count in (bar.sent, bar.received))
        columns.append(
            Column(
                bar=bar,
                x=round(CHART_LEFT + place * index + (place - 2 * width) / 2, 1),
                width=width,
                sent_y=round(CHART_HEIGHT - sent, 1),
                sent_height=sent,
                received_y=round(CHART_HEIGHT - received, 1),
                received_height=received,
                label=bar.label if index % every == 0 else "",
            )
        )
    quarters = [(round(CHART_HEIGHT - CHART_HEIGHT * part / 4, 1), top * part // 4) for part in range(5)]
    return Chart(columns=columns, lines=quarters)


def _begin(days: int, now: datetime) -> datetime:
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days - 1)


def _bars(rows: QuerySet[Message], span: str, begin: datetime, now: datetime) -> list[Bar]:
    is_today = span == "today"
    cut = TruncHour("occurred_at") if is_today else TruncDate("occurred_at")
    counted = rows.annotate(place=cut).values("place", "direction").annotate(how_many=Count("pk")).order_by()
    found: dict[object, dict[str, int]] = {}
    for row in counted:
        place = timezone.localtime(row["place"]).hour if is_today else row["place"]
        counts = found.setdefault(place, {})
        counts[row["direction"]] = counts.get(row["direction"], 0) + row["how_many"]
    if is_today:
        first, last = _hours(found, timezone.localtime(now).hour)
        return [_bar(f"{hour}:00", found.get(hour, {})) for hour in range(first, last + 1)]
    day = timezone.localtime(begin).date()
    days = [day + timedelta(days=passed) for passed in range(SPANS[span])]
    return [_bar(formats.date_format(day, "j.n."), found.get(day, {})) for day in days]


def _hours(found: Mapping[object, object], current: int) -> tuple[int, int]:
    """A working day, wider where there was more."""
    hours = [hour for hour in found if isinstance(hour, int)]
    return min([7, current, *hours]), max([18, current, *hours])


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


def _round_top(most: int) -> int:
    """The next number above that four lines divide evenly."""
    step = 4
    while step < most:
        step = step * 2 if str(step)[0] in "48" else step * 5 // 2
        step += -step % 4
    return step
