"""The chart of Today: bars a place, what is usual there, and where now is. Across in per cent, upwards in pixels:
so it fills any width, and its words do not grow with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from messaging.views.figures import Bar

# Room above the highest line for the word that says what time it is.
TOP = 24
HEIGHT = 160
# The widest bar, in per cent of the whole.
WIDEST = 3.2
LABELS = 12
# A word at the line of now turns to its left where it would stick out.
TURNS_AT = 72


@dataclass(frozen=True, kw_only=True)
class Column:
    """A place as it is drawn; `label` is empty where labels would touch, `usual_y` is None where nothing is known."""

    bar: Bar
    x: float
    width: float
    sent_y: float
    received_y: float
    label: str
    usual_y: float | None

    @property
    def middle(self) -> float:
        """Where the two bars meet."""
        return round(self.x + self.width, 2)

    @property
    def end(self) -> float:
        """Where the second bar ends."""
        return round(self.x + 2 * self.width, 2)

    @property
    def sent_height(self) -> float:
        """Down to the ground line."""
        return round(TOP + HEIGHT - self.sent_y, 1)

    @property
    def received_height(self) -> float:
        """Down to the ground line."""
        return round(TOP + HEIGHT - self.received_y, 1)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Bars, the lines behind them as (y, number), and now (per cent from the left, None where it has no place)."""

    columns: list[Column]
    lines: list[tuple[float, int]]
    now_x: float | None = None

    @property
    def has_usual(self) -> bool:
        """Whether anything usual is drawn."""
        return any(column.usual_y is not None for column in self.columns)

    @property
    def now_turns(self) -> bool:
        """Whether the word stands left of its line."""
        return self.now_x is not None and self.now_x > TURNS_AT


def chart_of(bars: Sequence[Bar], *, usual: Mapping[str, float] | None = None, now_label: str = "") -> Chart:
    """Two bars a place, side by side, under a round top.

    `usual` is what is sent at a place (by its label) on a usual day, `now_label` the place that time has reached:
    the line of now stands at its end, so that it crosses no bar.
    """
    known = usual or {}
    most = max([max(bar.sent, bar.received) for bar in bars] + [round(known.get(bar.label, 0)) for bar in bars] + [0])
    top = _round_top(most)
    place = 100 / max(len(bars), 1)
    width = round(min(place * 0.36, WIDEST), 2)
    every = max(1, -(-len(bars) // LABELS))
    columns = [
        Column(
            bar=bar,
            x=round(place * index + (place - 2 * width) / 2, 2),
            width=width,
            sent_y=_y(bar.sent, top),
            received_y=_y(bar.received, top),
            label=bar.label if index % every == 0 else "",
            usual_y=_y(known[bar.label], top) if bar.label in known else None,
        )
        for index, bar in enumerate(bars)
    ]
    reached = [index for index, bar in enumerate(bars) if bar.label == now_label]
    return Chart(
        columns=columns,
        lines=[(_y(top * part // 4, top), top * part // 4) for part in range(5)],
        now_x=round(place * (reached[0] + 1), 2) if reached else None,
    )


def _y(count: float, top: int) -> float:
    return round(TOP + HEIGHT - HEIGHT * count / top, 1)


def _round_top(most: int) -> int:
    """The next number above that four lines divide evenly."""
    step = 4
    while step < most:
        step = step * 2 if str(step)[0] in "48" else step * 5 // 2
        step += -step % 4
    return step
