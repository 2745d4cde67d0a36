"""A run while one worker holds its lease: what is committed together, and by which token.

Steps that do nothing outside are not committed one by one: they lie here until the next commit, which may be an
outside step's beginning. A worker that dies before repeats them, which changes nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from automations.engine.program import Node
from automations.engine.results import Done
from automations.models import Run, StepRun
from workspaces.errors import BotenwerkError

# A step that is only worked out may lie here with so many others.
UNSAVED_AT_MOST = 20


class LeaseLost(Exception):
    """Another worker holds the run, or it was cancelled: whatever this one did commits nothing."""


@dataclass
class HeldRun:
    """The run and its token. `row` is the present attempt's row, `is_fresh` says that it surely has none yet."""

    run: Run
    token: UUID
    is_fresh: bool = False
    row: StepRun | None = None
    unsaved: list[StepRun] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)

    def update(self, **changes: Any) -> None:
        """Write what has changed, with all that lies here. Call it in a transaction. Raises LeaseLost."""
        everything = {**self.changes, **changes}
        if not Run.objects.in_workspace(self.run.workspace).held(self.run.pk, self.token).update(**everything):
            raise LeaseLost
        self._set(changes)
        self.changes = {}
        self.save_steps()

    def save_steps(self) -> None:
        """Write the rows that lie here. Call it in a transaction."""
        if self.unsaved:
            StepRun.objects.bulk_create(self.unsaved)
            self.unsaved = []

    def go_on_unsaved(self, node: Node, result: Done, shown_input: dict[str, Any], *, now: datetime) -> None:
        """A step without effects is through: its row is written with the next commit."""
        row = self.new_row(node, now)
        row.status, row.lane, row.output, row.input = StepRun.Status.DONE, result.lane, result.output, shown_input
        row.notes, row.ended_at = list(result.notes), now
        self.unsaved.append(row)
        changes = {"cursor": node.successor(result.lane) or "", "steps_taken": self.run.steps_taken + 1}
        self.changes |= changes
        self._set(changes)
        self.arrive()

    def arrive(self) -> None:
        """The run stands before another step, for the first time."""
        self.row, self.is_fresh = None, True

    def present_row(self, node: Node) -> StepRun | None:
        """The row of the present attempt, if it has begun."""
        if self.row is None and not self.is_fresh:
            rows = StepRun.objects.in_workspace(self.run.workspace)
            self.row = rows.filter(
                run=self.run, step_key=node.key, iteration=self.run.iteration, attempt=self.run.attempt
            ).first()
        return self.row

    def new_row(self, node: Node, now: datetime) -> StepRun:
        """A row for the present attempt, not saved."""
        return StepRun(
            workspace=self.run.workspace,
            run=self.run,
            step_key=node.key,
            iteration=self.run.iteration,
            attempt=self.run.attempt,
            started_at=now,
        )

    def write_step(
        self,
        node: Node,
        *,
        now: datetime,
        status: StepRun.Status,
        shown_input: dict[str, Any],
        done: Done | None = None,
        notes: tuple[str, ...] = (),
        error: BotenwerkError | None = None,
    ) -> None:
        """Write what became of the present attempt; notes are added to those that it has. In a transaction."""
        self.save_steps()
        row = self.present_row(node)
        is_new = row is None
        row = row or self.new_row(node, now)
        row.status = status
        row.lane = done.lane if done else ""
        row.input = shown_input or row.input
        row.output = done.output if done else {}
        row.notes = [*row.notes, *(done.notes if done else notes)]
        row.ended_at = None if status in (StepRun.Status.STARTED, StepRun.Status.WAITING) else now
        row.updated_at = now
        if error is not None:
            row.output = {"error": {"code": error.code, "title": error.title_text(), "cause": error.cause_text()}}
            row.error_code, row.error_facts = error.code, error.facts
        if is_new:
            row.save(force_insert=True)
        else:
            rows = StepRun.objects.in_workspace(self.run.workspace).filter(pk=row.pk)
            rows.update(**{name: getattr(row, name) for name in _WRITTEN})
        self.row = row

    def _set(self, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            setattr(self.run, name, value)


_WRITTEN = (
    "status",
    "lane",
    "input",
    "output",
    "notes",
    "ended_at",
    "updated_at",
    "error_code",
    "error_facts",
)
