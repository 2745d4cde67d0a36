"""Advancing a run: claim the lease, execute steps one after the other, commit each before the next.

The database is the only truth. Every commit names the lease token, so a worker that wakes up late commits
nothing; whatever was not committed is done again by the next holder.
"""

import random
import time
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import override as override_language

from automations.actions.base import Action, Effect, StepContext
from automations.actions.registry import action
from automations.engine.clock import Clock, RealClock
from automations.engine.commits import (
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
from automations.engine.held import UNSAVED_AT_MOST, HeldRun, LeaseLost
from automations.engine.loops import STEPS_BEFORE_LOOKING, demand_calm
from automations.engine.plain import plain_json, plain_output
from automations.engine.program import Node, Program
from automations.engine.results import RESUMED_KINDS, Done, Suspend
from automations.engine.waits import resolve_if_due
from automations.errors import InputTooLarge, RunLimitReached, StepCrashed
from automations.models import Run
from automations.models.run import RunQuerySet
from workspaces.errors import BotenwerkError
from workspaces.stopping import is_stopping

log = structlog.get_logger(__name__)

SHARE_PAUSE = timedelta(seconds=1)
LEASE_MARGIN = timedelta(seconds=15)
FIRST_LEASE = timedelta(seconds=25)
# A step that kills its worker takes those along that were executed beside it. Their leases end at different times, so
# that they are not beside it again: the innocent go on, and only the one that does it comes to its third crash alone.
LEASE_SPREAD = timedelta(seconds=5)
SUSPECTS_SPREAD = timedelta(seconds=30)
SLICE_SECONDS = 10.0
STEP_LIMIT = 1_000
CRASH_LIMIT = 3


def advance_by_id(runs: RunQuerySet, run_id: int, *, now: datetime) -> None:
    """What a task does for one of these runs: resume it if its wait is due, and execute its next steps."""
    if _advance(runs, run_id, RealClock()):
        return
    run = runs.select_related("workspace", "contact", "conversation").filter(pk=run_id).first()
    if run is None:
        return
    if run.status == Run.Status.WAITING and resolve_if_due(run, now=now):
        _advance(runs, run_id, RealClock())
    elif run.status == Run.Status.QUEUED:
        # Its workspace has its share of workers: soon again, others first.
        waiting = Run.objects.in_workspace(run.workspace).filter(pk=run_id, status=Run.Status.QUEUED)
        waiting.update(wake_at=now + SHARE_PAUSE, wake_tries=0)


def advance(run: Run, *, clock: Clock | None = None) -> bool:
    """Execute the run's next steps until it suspends or ends, 10 s are over, or the process is told to stop.

    True if this call held the lease. A doubled or late call returns False and changes nothing.
    """
    return _advance(Run.objects.in_workspace(run.workspace), run.pk, clock or RealClock())


def _advance(runs: RunQuerySet, run_id: int, clock: Clock) -> bool:
    token = uuid.uuid4()
    now = clock.now()
    with transaction.atomic():
        until = now + FIRST_LEASE + _spread(LEASE_SPREAD)
        claimed = runs.claim_lease(run_id, token=token, now=now, until=until, at_once=settings.RUNS_AT_ONCE)
    if not claimed:
        return False
    run = _loaded(runs, run_id)
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


def _spread(most: timedelta) -> timedelta:
    return most * random.random()  # noqa: S311 -- nothing to guess here


def _loaded(runs: RunQuerySet, run_id: int) -> Run:
    """The run with all that its steps look at; rows that are the same one are one object."""
    run = runs.select_related(
        "workspace", "flow", "version", "contact", "conversation", "chat__sender", "chat__contact", "resumed_wait"
    ).get(pk=run_id)
    parts: list[Any] = [run.flow, run.version, run.contact, run.conversation, run.chat, run.resumed_wait]
    if run.chat is not None:
        parts += [run.chat.sender, run.chat.contact]
    for part in parts:
        if part is not None:
            part.workspace = run.workspace
    if run.contact is not None and run.chat is not None and run.chat.contact_id == run.contact_id:
        run.chat.contact = run.contact
    if run.conversation is not None and run.chat is not None and run.conversation.chat_id == run.chat_id:
        run.conversation.chat = run.chat
    return run


class _Slice:
    """One holder's turn with a run."""

    def __init__(self, run: Run, token: uuid.UUID, clock: Clock) -> None:
        self.run = run
        # What has only been started has no row of a step yet.
        is_first_try = run.steps_taken == 0 and run.crash_count == 1 and run.attempt == 1
        self.held = HeldRun(run, token, is_fresh=is_first_try and run.resumed_wait is None)
        self.had_crashed = run.crash_count > 1
        self.margin = LEASE_MARGIN + _spread(SUSPECTS_SPREAD if self.had_crashed else LEASE_SPREAD)
        self.clock = clock
        self.shown_input: dict[str, Any] = {}
        self.program = Program.of(run.version.program or {"start": None, "nodes": {}})
        self.data = RunData(run) if run.steps_taken == 0 else RunData.load(run)
        # How long this worker has been at it is the machine's time, whatever the run's clock says.
        self.until = time.monotonic() + SLICE_SECONDS

    def work(self) -> None:
        while True:
            node = self.program.nodes.get(self.run.cursor)
            if node is None:
                end_run(self.held, status=Run.Status.DONE, now=self.clock.now())
                return
            if is_stopping() or time.monotonic() > self.until:
                put_back(self.held, now=self.clock.now())
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
        except (LeaseLost, OperationalError, InterfaceError):
            # A database that is away is no fault of the step: its lease lapses, and it is done again.
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
            return commit_suspension(self.held, node, result, self.shown_input, now=now)
        return self.done(known, node, result, now)

    def guard_against_loops(self, known: Action, now: datetime) -> None:
        """A run that goes round and round with a customer who is a bot. Raises RunLimitReached."""
        is_about_to_speak = known.speaks_to_customer and known.effect is Effect.OUTSIDE
        if is_about_to_speak and self.run.steps_taken >= STEPS_BEFORE_LOOKING and self.run.contact is not None:
            demand_calm(self.run.contact, now=now)

    def execute(self, known: Action, node: Node, now: datetime) -> Done | Suspend:
        step_data = self.data.at(step_key=node.key, step_name=node.name, now=now)
        wait = self.run.resumed_wait
        begun = self.held.present_row(node) if known.keeps_input else None
        config = begun.input if begun is not None and begun.input else None
        if config is None:
            config = step_data.settings(known.form, node.config)
        repeated = False
        if known.effect is Effect.OUTSIDE and not (wait and wait.kind in RESUMED_KINDS):
            limit = timedelta(seconds=known.timeout_seconds) + self.margin
            shown = plain_json(known.shown_input(config))
            repeated = start_attempt(self.held, node, shown, now=now, lease_until=now + limit)
            if repeated and not known.is_safe_to_repeat(config):
                raise known.answer_lost(config, node.name)
        elif known.effect is Effect.NONE:
            # Worked out in milliseconds: what a slice's lease has left at its end is enough.
            hold_lease(self.held, until=now + self.margin)
        else:
            hold_lease(self.held, until=now + timedelta(seconds=known.timeout_seconds) + self.margin)
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

    def done(self, known: Action, node: Node, result: Done, now: datetime) -> bool:
        self.data.outputs[node.key] = result.output
        if self.may_wait_for_the_next_commit(known, node, result):
            self.held.go_on_unsaved(node, result, self.shown_input, now=now)
            return True
        ends_as = result.ends_run or ("" if node.successor(result.lane) else Run.Status.DONE)
        is_known_good = known.effect is not Effect.NONE or not self.had_crashed
        commit_done(self.held, node, result, self.shown_input, now=now, ends_as=ends_as, resets_count=is_known_good)
        return not ends_as

    def may_wait_for_the_next_commit(self, known: Action, node: Node, result: Done) -> bool:
        """Steps that only work something out are committed with what follows; not while one of them kills workers."""
        if known.effect is not Effect.NONE or self.had_crashed or len(self.held.unsaved) >= UNSAVED_AT_MOST:
            return False
        goes_on_here = node.successor(result.lane) and not result.ends_run and result.chat is None
        return bool(goes_on_here and self.run.resumed_wait is None and self.run.attempt == 1)

    def failed(self, node: Node, error: BotenwerkError, *, now: datetime, is_final: bool = False) -> bool:
        if error.retryable and not is_final and self.run.attempt < node.retry.attempts:
            due_at = now + node.retry.wait_before(self.run.attempt + 1)
            if error.retry_after is not None:
                due_at = now + timedelta(seconds=error.retry_after)
            commit_retry(self.held, node, error, self.shown_input, due_at=due_at, now=now)
            return False
        goes_on = commit_failure(self.held, node, error, self.shown_input, now=now, is_final=is_final)
        self.data = RunData.load(self.run)
        return goes_on
