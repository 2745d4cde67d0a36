"""The rows of a step's attempts: what it began with, what came of it. Written inside the engine's commits."""

from datetime import datetime
from typing import Any

from automations.engine.program import Node
from automations.models import Run, StepRun
from workspaces.errors import BotenwerkError


def input_of_attempt(run: Run, node: Node) -> dict[str, Any] | None:
    """What this attempt has begun with, where it has begun already."""
    row = step_run_of(run, node)
    return row.input if row is not None and row.input else None


def step_run_of(run: Run, node: Node, attempt: int | None = None) -> StepRun | None:
    """The row of an attempt (the run's present one unless it is named), if it has begun."""
    return (
        StepRun.objects.in_workspace(run.workspace)
        .filter(run=run, step_key=node.key, iteration=run.iteration, attempt=attempt or run.attempt)
        .first()
    )


def write_step_run(
    run: Run,
    node: Node,
    *,
    now: datetime,
    status: StepRun.Status,
    shown_input: dict[str, Any],
    attempt: int | None = None,
    lane: str = "",
    output: dict[str, Any] | None = None,
    notes: list[str] | None = None,
    error: BotenwerkError | None = None,
    ended: bool = True,
) -> None:
    """Write what became of an attempt; what is not given stays empty, notes are added."""
    row = step_run_of(run, node, attempt) or StepRun(
        workspace=run.workspace,
        run=run,
        step_key=node.key,
        iteration=run.iteration,
        attempt=attempt or run.attempt,
        started_at=now,
    )
    row.status = status
    row.lane = lane
    row.input = shown_input or row.input
    row.output = output or {}
    row.notes = [*row.notes, *(notes or [])]
    row.ended_at = now if ended else None
    if error is not None:
        row.error_code = error.code
        row.error_facts = error.facts
    row.save()


def write_failed_step_run(
    run: Run, node: Node, error: BotenwerkError, shown_input: dict[str, Any], *, now: datetime
) -> None:
    """The attempt has failed; later steps read the error as the step's output."""
    write_step_run(
        run,
        node,
        now=now,
        status=StepRun.Status.FAILED,
        shown_input=shown_input,
        output={"error": {"code": error.code, "title": error.title_text(), "cause": error.cause_text()}},
        error=error,
    )
