"""What a button of a run reports when it is tapped: run, step, iteration, button (architecture.md, One customer).

So a tap finds the run that asked, also where the platform does not say which message was tapped.
"""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Tap:
    """Which button of which step of which run was tapped. `choice` is what the step calls it."""

    run: UUID
    step: str
    iteration: str
    choice: str


def tap_prefix(run_id: UUID, step: str, iteration: str) -> str:
    """Stands before the choice in each button of the step."""
    return f"{run_id}:{step}:{iteration}:"


def read_tap(payload: str | None) -> Tap | None:
    """The parts of a button's payload; None for one that no run has written."""
    parts = (payload or "").split(":", 3)
    if len(parts) < 4:
        return None
    try:
        return Tap(UUID(parts[0]), *parts[1:])
    except ValueError:
        return None


def choice_of(payload: str | None) -> str | None:
    """What a flow calls the button that was tapped: without what only finds the run."""
    tap = read_tap(payload)
    return tap.choice if tap is not None else payload
