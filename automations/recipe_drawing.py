"""The small drawing of a recipe: made from its own tree, so that it never shows another flow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from automations.picture import kind_of

WIDE, NARROW, HIGH, ROW, GAP = 64, 44, 12, 18, 8
DEEPEST = 3


@dataclass(frozen=True)
class Box:
    """One step, by its upper left corner."""

    x: float
    y: float
    width: int
    group: str


@dataclass
class Drawing:
    """Boxes and lines (as SVG path data) on a ground of this size."""

    boxes: list[Box] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    width: float = WIDE
    height: float = HIGH

    @property
    def view_box(self) -> str:
        """With a little air around."""
        return f"{-self.width / 2 - 4:g} -4 {self.width + 8:g} {self.height + 8:g}"


def draw_recipe(plan: Mapping[str, Any]) -> Drawing:
    """The edition's trigger and steps, the trunk centred over its lanes; lanes within lanes go on as one."""
    drawing = Drawing()
    drawing.boxes.append(Box(-WIDE / 2, 0, WIDE, "trigger"))
    bottom = _row(drawing, plan["steps"], middle=0, top=ROW, width=WIDE)
    drawing.height = bottom - ROW + HIGH
    drawing.width = max(2 * max(abs(box.x), abs(box.x + box.width)) for box in drawing.boxes)
    return drawing


def _row(drawing: Drawing, steps: list[Mapping[str, Any]], *, middle: float, top: float, width: int) -> float:
    """Draws the steps below each other and returns where the next one would stand."""
    for index, step in enumerate(steps):
        kind = kind_of(step["type"])
        drawing.boxes.append(Box(middle - width / 2, top, width, kind.group.value if kind else "logic"))
        if index or width == WIDE:  # To the first step of a lane leads the fan.
            drawing.lines.append(f"M{middle:g} {top - ROW + HIGH:g}V{top:g}")
        top += ROW
        lanes = [lane for key, lane in step.get("lanes", {}).items() if key != "failure"]
        if len(lanes) > 1 and width == WIDE:
            top = _fan(drawing, lanes, middle=middle, top=top)
        elif lanes:
            top = _row(drawing, lanes[0], middle=middle, top=top, width=width)
    return top


def _fan(drawing: Drawing, lanes: list[list[Mapping[str, Any]]], *, middle: float, top: float) -> float:
    left = middle - (len(lanes) - 1) * (NARROW + GAP) / 2
    bottoms = []
    for index, lane in enumerate(lanes):
        at = left + index * (NARROW + GAP)
        drawing.lines.append(f"M{middle:g} {top - ROW + HIGH:g}v3H{at:g}V{top:g}")
        bottoms.append(_row(drawing, lane[:DEEPEST], middle=at, top=top, width=NARROW))
    return max(bottoms)
