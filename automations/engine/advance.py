"""Advancing a run: claim the lease, execute steps one after the other, commit each before the next.

The database is the only truth. Every commit names the lease token, so a worker that wakes up late commits
nothing; whatever was not committed is done again by the next holder.
"""

import time
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import override as override_language

from automations.actions.base import Action, Effect, StepContext
from automations.actions.registry import action
from automations.engine.clock import Clock, RealClock
from automations.engine.commits import (
    LeaseLost,
    commit_done,
    commit_failure,
    commit_retry,
    commit_suspension,
    end_run,
    hold_lease,
    put_back,
    start_attempt,
)
from automations.engine.context import RunData
from automations.engine.loops import STEPS_BEFORE_LOOKING, demand_calm
from automations.engine.plain import plain_json, plain_output
from automations.engine.program import Node, Program
from automations.engine.results import RESUMED_KINDS, Done, Suspend
from automations.engine.step_rows import input_of_attempt
from automations.errors import InputTooLarge, RunLimitReached, StepCrashed
from automations.models import Run
from workspaces.errors import BotenwerkError
from workspaces.stopping import is_stopping

log = structlog.get_logger(__name__)

LEASE_MARGIN = timedelta(seconds=15)
FIRST_LEASE = timedelta(seconds=25)
SLICE_SECONDS = 10.0
STEP_LIMIT = 1_000
CRASH_LIMIT = 3


def advance(run: Run, *, clock: Clock | None = None) -> bool:
    """Execute the run's next steps until it suspends or ends, 10 s are over, or the process is told to stop.

    True if this call held the lease. A doubled or late call returns False and changes nothing.
    """
    clock = clock or RealClock()
    token = uuid.uuid4()
    now = clock.now()
    with transaction.atomic():
        runs = Run.objects.in_workspace(run.workspace)
        claimed = runs.claim_lease(run.pk, token=token, now=now, until=now + FIRST_LEASE)
    if not claimed:
        return False
    run = (
        Run.objects.in_workspace(run.workspace)
        .select_related(
            "workspace", "flow", "version", "contact", "conversation", "chat__sender", "chat__contact", "resumed_wait"
        )
        .get(pk=run.pk)
    )
    with (
        structlog.contextvars.bound_contextvars(run=str(run.public_id), workspace=run.workspace.slug),
        override_language(run.workspace.language),
        timezone.override(run.workspace.zone),
    ):
        try:
            _Slice(run, token, clock).work()
        except LeaseLost:
            log.warning("lease_lost")
    return True


class _Slice:
    """One holder's turn with a run."""

    def __init__(self, run: Run, token: uuid.UUID, clock: Clock) -> None:
        self.run = run
        self.token = token
        self.clock = clock
        self.shown_input: dict[str, Any] = {}
        self.program = Program.of(run.version.program or {"start": None, "nodes": {}})
        self.data = RunData.load(run)
        # How long this worker has been at it is the machine's time, whatever the run's clock says.
        self.until = time.monotonic() + SLICE_SECONDS

    def work(self) -> None:
        while True:
            node = self.program.nodes.get(self.run.cursor)
            if node is None:
                end_run(self.run, self.token, status=Run.Status.DONE, now=self.clock.now())
                return
            if is_stopping() or time.monotonic() > self.until:
                put_back(self.run, self.token, now=self.clock.now())
                return
            if not self.step(node):
                return

    def step(self, node: Node) -> bool:
        """Execute one step; True if the run goes on at once."""
        now = self.clock.now()
        self.shown_input = {}
        if self.run.crash_count > CRASH_LIMIT:
            return self.failed(node, StepCrashed(step=node.name, count=CRASH_LIMIT), now=now)
        if self.run.steps_taken >= STEP_LIMIT:
            return self.failed(node, RunLimitReached(limit=STEP_LIMIT, what="steps"), now=now, is_final=True)
        try:
            known = action(node.type)
            self.guard_against_loops(known, now)
            result = self.execute(known, node, now)
        except LeaseLost:
            raise
        except RunLimitReached as error:
            return self.failed(node, error, now=now, is_final=True)
        except BotenwerkError as error:
            return self.failed(node, error, now=now)
        except Exception as error:
            log.exception("step_failed_inside", step=node.key)
            return self.failed(node, BotenwerkError(detail=type(error).__name__), now=now)
        now = self.clock.now()
        if isinstance(result, Done):
            try:
                result = replace(result, output=plain_output(result.output))
            except InputTooLarge as error:
                return self.failed(node, error, now=now)
        if isinstance(result, Suspend):
            return commit_suspension(self.run, self.token, node, result, self.shown_input, now=now)
        return self.done(node, result, now)

    def guard_against_loops(self, known: Action, now: datetime) -> None:
        """A run that goes round and round with a customer who is a bot. Raises RunLimitReached."""
        is_about_to_speak = known.speaks_to_customer and known.effect is Effect.OUTSIDE
        if is_about_to_speak and self.run.steps_taken >= STEPS_BEFORE_LOOKING and self.run.contact is not None:
            demand_calm(self.run.contact, now=now)

    def execute(self, known: Action, node: Node, now: datetime) -> Done | Suspend:
        step_data = self.data.at(step_key=node.key, step_name=node.name, now=now)
        wait = self.run.resumed_wait
        config = input_of_attempt(self.run, node) if known.keeps_input else None
        if config is None:
            config = step_data.settings(known.form, node.config)
        repeated = False
        if known.effect is Effect.OUTSIDE and not (wait and wait.kind in RESUMED_KINDS):
            limit = timedelta(seconds=known.timeout_seconds) + LEASE_MARGIN
            shown = plain_json(known.shown_input(config))
            repeated = start_attempt(self.run, self.token, node, shown, now=now, lease_until=now + limit)
            if repeated and not known.is_safe_to_repeat(config):
                raise known.answer_lost(config, node.name)
        else:
            hold_lease(self.run, self.token, until=now + timedelta(seconds=known.timeout_seconds) + LEASE_MARGIN)
        self.shown_input = plain_json(known.shown_input(config))
        step = StepContext(
            run=self.run,
            workspace=self.run.workspace,
            step_key=node.key,
            step_name=node.name,
            iteration=self.run.iteration,
            attempt=self.run.attempt,
            now=now,
            config=config,
            written=node.config,
            data=step_data,
            contact=self.run.contact,
            chat=self.run.chat,
            conversation=self.run.conversation,
            is_repeat_after_crash=repeated,
        )
        if wait is not None and wait.kind in RESUMED_KINDS:
            return known.resume(step, wait)
        return known.run(step)

    def done(self, node: Node, result: Done, now: datetime) -> bool:
        self.data.outputs[node.key] = result.output
        commit_done(self.run, self.token, node, result, self.shown_input, now=now)
        if result.ends_run:
            end_run(self.run, self.token, status=Run.Status(result.ends_run), now=now)
            return False
        return True

    def failed(self, node: Node, error: BotenwerkError, *, now: datetime, is_final: bool = False) -> bool:
        if error.retryable and not is_final and self.run.attempt < node.retry.attempts:
            due_at = now + node.retry.wait_before(self.run.attempt + 1)
            if error.retry_after is not None:
                due_at = now + timedelta(seconds=error.retry_after)
            commit_retry(self.run, self.token, node, error, self.shown_input, due_at=due_at, now=now)
            return False
        goes_on = commit_failure(self.run, self.token, node, error, self.shown_input, now=now, is_final=is_final)
        self.data = RunData.load(self.run)
        return goes_on
