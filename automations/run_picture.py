"""One run as people see it: the path it took, each step's attempts, and why it came about and what followed."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from automations.actions.base import Action
from automations.engine.program import Node, Program
from automations.models import Run, Step, StepRun, TriggerDecision, Wait
from automations.picture import kind_of, type_sentence
from workspaces.errors import Text, error_class, known_codes, stored_error
from workspaces.models import Notification

STEP_RUNS_SHOWN = 400
AHEAD_SHOWN = 30
SHORTEST_WAIT = timedelta(minutes=1)
STEP_WAITS = (Wait.Kind.DELAY, Wait.Kind.REPLY)


@dataclass(frozen=True)
class Attempt:
    """One attempt, with how long it took in milliseconds (None while it lasts)."""

    row: StepRun
    length_ms: float | None

    @property
    def notes(self) -> list[str]:
        """What the step said about itself, in the reader's language."""
        return [note_words(note) for note in self.row.notes]


@dataclass
class Stage:
    """One step on the path: all its attempts, or none where the run has not come yet."""

    key: str
    name: str
    number: int | None
    kind: Action | None
    sentence: str
    attempts: list[StepRun] = field(default_factory=list)
    lane: Text = ""
    lanes_not_taken: int = 0
    is_next: bool = False
    # Where an open wait may lead: the names of its lanes.
    choices: list[Text] = field(default_factory=list)

    @property
    def waited(self) -> str:
        """How long the run stood still here, in words: for the wire above the card. Empty under a minute."""
        if self.last is None or self.last.ended_at is None:
            return ""
        length = self.last.ended_at - self.attempts[0].started_at
        return _("waited %(time)s") % {"time": length_words(length)} if length >= SHORTEST_WAIT else ""

    @property
    def last(self) -> StepRun | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def input(self) -> list[tuple[Text, Any]]:
        """What the step was given, under the labels of its form; ids of things by their names."""
        return _labelled(self.kind, self.last) if self.last is not None else []

    @property
    def output(self) -> list[tuple[str, Any]]:
        """What the step gave; its error stands in a box of its own."""
        return [(name, value) for name, value in self.last.output.items() if name != "error"] if self.last else []

    @property
    def timed(self) -> list[Attempt]:
        """All attempts with their lengths."""
        return [
            Attempt(row, (row.ended_at - row.started_at).total_seconds() * 1000 if row.ended_at else None)
            for row in self.attempts
        ]

    @property
    def tone(self) -> str:
        """The card's look: done, run, wait, fail, skipped, or nothing."""
        looks = {"done": "done", "started": "run", "waiting": "wait", "failed": "fail", "skipped": "skipped"}
        return looks.get(self.last.status, "") if self.last else ""

    @property
    def error(self) -> Any:
        """The named error of the newest attempt, or None."""
        return stored_error(self.last.error_code, self.last.error_facts) if self.last and self.last.error_code else None


def path_of(run: Run) -> list[Stage]:
    """The steps that were taken, in order, then those that still lie ahead of a run under way."""
    program = Program.of(run.version.program) if run.version.program else Program(start=None, nodes={})
    rows = StepRun.objects.in_workspace(run.workspace).filter(run=run).select_related("workspace").order_by("id")
    grouped: dict[tuple[str, str], list[StepRun]] = defaultdict(list)
    for row in rows[:STEP_RUNS_SHOWN]:
        grouped[(row.step_key, row.iteration)].append(row)
    taken = [_stage(run, program.nodes.get(key), key, attempts) for (key, _round), attempts in grouped.items()]
    return [*taken, *_ahead(run, program, {stage.key for stage in taken})]


def length_words(length: timedelta) -> str:
    """A length of time in its largest unit."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": seconds}
    if seconds < 3600:
        return ngettext("%(count)s minute", "%(count)s minutes", seconds // 60) % {"count": seconds // 60}
    if seconds < 86_400:
        return ngettext("%(count)s hour", "%(count)s hours", seconds // 3600) % {"count": seconds // 3600}
    return ngettext("%(count)s day", "%(count)s days", seconds // 86_400) % {"count": seconds // 86_400}


def _stage(run: Run, node: Node | None, key: str, attempts: list[StepRun]) -> Stage:
    if node is None:
        return Stage(key, key, None, None, key, attempts)
    kind = kind_of(node.type)
    stage = Stage(
        key=key,
        name=node.name,
        number=node.number,
        kind=kind,
        sentence=type_sentence(node.type, node.config, run.workspace) or node.name,
        attempts=attempts,
    )
    lane = attempts[-1].lane if attempts else ""
    if stage.tone == "fail" and node.on_failure == Step.OnFailure.LANE and node.lanes.get(Step.FAILURE_LANE):
        lane = Step.FAILURE_LANE
    if lane and lane in node.lanes:
        stage.lane = _lane_label(kind, node, lane)
        stage.lanes_not_taken = len(node.lanes) - 1
    if stage.tone == "wait":
        stage.choices = [_lane_label(kind, node, each) for each in node.lanes if each != Step.FAILURE_LANE]
    return stage


def _labelled(kind: Action | None, row: StepRun) -> list[tuple[Text, Any]]:
    if kind is None:
        return list(row.input.items())
    fields = kind.form(workspace=row.workspace).fields
    labelled = []
    for name, value in row.input.items():
        field = fields.get(name)
        shown = dict(getattr(field, "choices", ())).get(value, value) if isinstance(value, str) else value
        labelled.append((field.label if field is not None and field.label else name, shown))
    return labelled


def _lane_label(kind: Action | None, node: Node, lane: str) -> Text:
    if lane == Step.FAILURE_LANE:
        return _("on failure")
    try:
        lanes = kind.lanes(node.config) if kind is not None else []
    except (KeyError, TypeError, ValueError):
        lanes = []
    return next((known.label for known in lanes if known.key == lane), lane)


def _ahead(run: Run, program: Program, known: set[str]) -> Iterator[Stage]:
    """Where the run goes from here if nothing branches off; nothing for a run that has ended."""
    if run.has_ended:
        return
    key: str | None = run.cursor
    if key in known:
        key = program.nodes[key].next if key in program.nodes else None
    for _count in range(AHEAD_SHOWN):
        node = program.nodes.get(key or "")
        if node is None:
            return
        stage = _stage(run, node, node.key, [])
        stage.is_next = True
        yield stage
        key = node.next


# --- Why it came about ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Moment:
    """One line of what happened and why."""

    icon: str
    tone: str
    title: str
    at: datetime | None = None
    text: str = ""
    link: str = ""


def reason_words(reason: str) -> str:
    """Why a flow did not start, in the reader's language."""
    words = {
        "other_sender": _("another sender"),
        "other_kind": _("another kind of message"),
        "no_keyword": _("none of its words"),
        "another_leads": _("another flow leads"),
        "loop_guard": _("too many runs within a minute"),
        "other_outcome": _("another outcome"),
        "other_status": _("another status"),
        "other_direction": _("another direction"),
        "other_line": _("another line"),
        "too_short": _("the call was too short"),
        "conversation_was_open": _("the conversation was open already"),
    }
    if reason in words:
        return words[reason]
    return str(error_class(reason).title) if reason in known_codes() else reason


def note_words(note: str) -> str:
    """A note of a step: a code in the reader's language, a sentence as it stands."""
    words = {
        "dry_run": _("Only shown: a dry run calls nobody."),
        "arrived_after_all": _("WhatsApp has reported it after all: the message has gone out."),
        "already_past": _("The time was past already, so the run went straight on."),
        "answer_edited": _("The customer edited this answer afterwards."),
        "answer_deleted": _("The customer deleted this answer afterwards."),
    }
    if note in words:
        return words[note]
    return str(error_class(note).title) if note in known_codes() else note


def story_of(run: Run, stages: list[Stage]) -> list[Moment]:
    """The decision, every step with its attempts, waits and the end, in order of time."""
    waits = list(Wait.objects.in_workspace(run.workspace).filter(run=run).order_by("id"))
    attempts = [(stage, attempt) for stage in stages for attempt in stage.attempts]
    # A delay and a wait for an answer are steps: once they are over, the step tells of them.
    told = [_of_wait(wait) for wait in waits if wait.resolved_at is not None and wait.kind not in STEP_WAITS]
    told += [_of_attempt(stage, each) for stage, each in attempts if each.status != StepRun.Status.WAITING]
    told += _latecomers(run)
    told += _notices(run, stages)
    moments = [*_beginning(run), *sorted(told, key=lambda moment: moment.at or run.started_at)]
    moments += [_of_wait(wait) for wait in waits if wait.resolved_at is None]
    if run.ended_at is not None:
        moments.append(_ending(run))
    return moments


def _beginning(run: Run) -> Iterator[Moment]:
    decisions = list(
        TriggerDecision.objects.in_workspace(run.workspace)
        .filter(run=run)
        .select_related("message", "event")
        .order_by("id")
    )
    started = next((each for each in decisions if each.outcome == TriggerDecision.Outcome.STARTED), None)
    if run.only_recipient:
        yield Moment("flask-conical", "", _("Test with one recipient"), run.started_at, run.only_recipient)
    if started is None:
        text = _("by %(who)s") % {"who": run.started_by} if run.started_by else ""
        yield Moment("zap", "done", _("The run was started"), run.started_at, text)
        return
    what: object = started.message.body if started.message is not None else started.event or started.source_kind
    yield Moment("circle-check", "done", _("The trigger fits"), started.decided_at, str(what)[:120])
    others = (
        TriggerDecision.objects.in_workspace(run.workspace)
        .filter(source_kind=started.source_kind, source_id=started.source_id, outcome=TriggerDecision.Outcome.LOST)
        .exclude(flow=run.flow)
        .select_related("flow")
        .order_by("id")[:20]
    )
    for other in others:
        name = other.flow.name if other.flow is not None else other.rule
        text = reason_words(other.reason)
        yield Moment("circle-dashed", "", _("“%(flow)s” did not start") % {"flow": name}, None, text)


def _latecomers(run: Run) -> Iterator[Moment]:
    """What the customer wrote or tapped when this run was past it."""
    reasons = {
        "timed_out": _("after the time was over"),
        "answered": _("a button of a question that was answered already"),
        "run_ended": _("the run had ended"),
    }
    late = TriggerDecision.objects.in_workspace(run.workspace).filter(run=run, outcome=TriggerDecision.Outcome.LATE)
    for decision in late.select_related("message").order_by("id"):
        text = decision.message.body[:80] if decision.message is not None else ""
        why = reasons.get(decision.reason, "")
        title = _("An answer came too late")
        yield Moment(
            "message-square", "", title, decision.decided_at, f"{text} · {why}" if text and why else text or why
        )


def _of_attempt(stage: Stage, attempt: StepRun) -> Moment:
    looks = {
        StepRun.Status.DONE: ("circle-check", "done"),
        StepRun.Status.FAILED: ("circle-x", "fail"),
        StepRun.Status.WAITING: ("clock", "wait"),
        StepRun.Status.SKIPPED: ("skip-forward", ""),
    }
    icon, tone = looks.get(StepRun.Status(attempt.status), ("circle-dashed", "run"))
    text = str(error_class(attempt.error_code).title) if attempt.error_code else ""
    if attempt.attempt > 1:
        again = _("attempt %(number)s") % {"number": attempt.attempt}
        text = f"{again} · {text}" if text else again
    if attempt.notes:
        text = " ".join([text, *(note_words(note) for note in attempt.notes)]).strip()
    return Moment(icon, tone, stage.name, attempt.ended_at or attempt.started_at, text)


def _of_wait(wait: Wait) -> Moment:
    if wait.resolved_at is None:
        return Moment("clock", "wait", wait_words(wait), wait.created_at)
    ends = {
        "person": _("ended by a person"),
        "timeout": _("the time was over"),
        "news": _("news came"),
        "reply": _("the customer answered"),
        "signal": _("the customer had answered already"),
        "cancelled": _("the run was cancelled"),
    }
    return Moment("clock", "wait", _waited(wait), wait.resolved_at, ends.get(wait.resolution, ""))


def wait_words(wait: Wait) -> str:
    """What an open wait waits for."""
    words = {
        Wait.Kind.DELAY: _("waits until a time"),
        Wait.Kind.REPLY: _("waits for an answer"),
        Wait.Kind.RETRY: _("waits for another attempt"),
        Wait.Kind.PACING: _("waits for a slot"),
        Wait.Kind.DELIVERY: _("waits for news of a message"),
        Wait.Kind.THREAD: _("waits for the assistant"),
    }
    return words[Wait.Kind(wait.kind)]


def _waited(wait: Wait) -> str:
    words = {
        Wait.Kind.DELAY: _("Waited"),
        Wait.Kind.REPLY: _("Waited for an answer"),
        Wait.Kind.RETRY: _("Waited for another attempt"),
        Wait.Kind.PACING: _("Waited for a slot"),
        Wait.Kind.DELIVERY: _("Waited for news of a message"),
        Wait.Kind.THREAD: _("Waited for the assistant"),
    }
    return words[Wait.Kind(wait.kind)]


def _notices(run: Run, stages: list[Stage]) -> Iterator[Moment]:
    """What the team was told of this run's failures; a cause that is open already only counts up."""
    failed = {
        f"run:{run.flow_id}:{stage.key}:{stage.last.error_code}": stage.last.ended_at
        for stage in stages
        if stage.last is not None and stage.last.status == StepRun.Status.FAILED
    }
    rows = Notification.objects.in_workspace(run.workspace).filter(digest_key__in=failed).order_by("id")
    newest = {row.digest_key: row for row in rows}
    for key, notice in newest.items():
        more = ngettext("%(count)s run with this cause", "%(count)s runs with this cause", notice.count)
        yield Moment("bell-ring", "", _("The team was told"), failed[key], more % {"count": notice.count})


def _ending(run: Run) -> Moment:
    if run.status == Run.Status.FAILED:
        text = str(error_class(run.error_code).title) if run.error_code else ""
        return Moment("circle-x", "fail", _("Failed"), run.ended_at, text)
    if run.status == Run.Status.CANCELLED:
        text = str(error_class(run.error_code).title) if run.error_code else ""
        return Moment("ban", "", _("Cancelled"), run.ended_at, text)
    return Moment("circle-check", "done", _("Finished"), run.ended_at)
