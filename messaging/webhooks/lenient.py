"""Reading somebody else's JSON: each reader gives a value of its type, and none of them can raise."""

import json
import math
from datetime import UTC, datetime
from typing import Any

from workspaces.storable import storable

# What stands for a time before WhatsApp existed is no time.
EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
# Seconds have ten digits until the year 2286; more are milliseconds.
FIRST_MILLISECONDS = 1e11


def loads(body: bytes) -> Any:
    """The JSON of a body, fit to be stored. Raises ValueError where there is none."""
    try:
        return storable(json.loads(body))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def text(value: Any, longest: int | None = None) -> str:
    """A string or number as text, cut at `longest`; empty for all else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:longest]


def identifier(value: Any, longest: int) -> str:
    """Text that names something: empty if it is longer than such a name can be, for a cut one names another."""
    name = text(value)
    return name if len(name) <= longest else ""


def whole(value: Any) -> int | None:
    """A whole number that a column can hold, given as number or text; else None."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < 2**31 else None


def number(value: Any) -> float | None:
    """A finite number, given as number or text; else None."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and abs(found) < 1e15 else None


def instant(value: Any) -> datetime | None:
    """Seconds (or milliseconds) since 1970, given as number or text; None for what is no time."""
    if isinstance(value, bool):
        return None
    try:
        seconds = float(value)
        found = datetime.fromtimestamp(seconds / 1000 if seconds > FIRST_MILLISECONDS else seconds, tz=UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return found if found >= EARLIEST else None


def mapping(value: Any) -> dict[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """A list, or an empty one."""
    return value if isinstance(value, list) else []
