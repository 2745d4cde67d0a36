"""Compiling a draft: the step tree becomes a program, and everything that can be checked beforehand is checked.

The tree is walked once, in the order of execution; on the way the walk carries what is known at that point: which
steps have surely run, which may have run, and whether the customer service window is open.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.actions.base import TIMEOUT, Action, Lane, NotARegisteredType
from automations.actions.registry import action
from automations.engine.context import CONTACT_SAMPLE, CONVERSATION_SAMPLE, SENDER_SAMPLE, WORKSPACE_SAMPLE
from automations.engine.program import Node, Program, RetryPolicy
from automations.expressions import Path, bare_conditions, check, paths
from automations.findings import Finding, Severity
from automations.models import FlowVersion, Step
from automations.triggers.base import Source, Trigger
from automations.triggers.registry import trigger

WINDOW = timedelta(hours=24)
ROOTS: dict[str, Mapping[str, Any]] = {
    "contact": CONTACT_SAMPLE,
    "conversation": CONVERSATION_SAMPLE,
    "sender": SENDER_SAMPLE,
    "workspace": WORKSPACE_SAMPLE,
}
FAILURE = Step.FAILURE_LANE
# What a step has put out when it has failed: this and nothing else.
FAILED_OUTPUT: Mapping[str, Any] = {"error": {"code": "", "title": "", "cause": ""}}


# What a type may raise over settings of another shape; that is reported by its form's fields.
MISSHAPEN = (AttributeError, KeyError, TypeError, ValueError)


class Window(StrEnum):
    """Whether free text can be sent at a point of the flow."""

    OPEN = "open"
    MAYBE = "maybe"
    CLOSED = "closed"


@dataclass(frozen=True)
class Known:
    """What is known at one point: outputs that are surely there, outputs that may be, and the window."""

    surely: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    maybe: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    window: Window = Window.MAYBE
    since_reply: timedelta = timedelta()

    def with_step(self, key: str, output: Mapping[str, Any]) -> "Known":
        return replace(self, surely={**self.surely, key: output})

    def later(self, by: timedelta) -> "Known":
        """Time passes: past 24 hours an open window may be closed, but who knows, the customer may have written."""
        since = self.since_reply + by
        window = Window.MAYBE if self.window is Window.OPEN and since > WINDOW else self.window
        return replace(self, since_reply=since, window=window)

    def joined_with(self, lanes: list["Known"]) -> "Known":
        """After lanes that come together again: sure is what all have, and the window is the worst of all."""
        windows = {known.window for known in lanes}
        maybe: dict[str, Mapping[str, Any]] = dict(self.maybe)
        for known in lanes:
            maybe |= {**known.maybe, **known.surely}
        sure = {key: output for key, output in lanes[0].surely.items() if all(key in each.surely for each in lanes)}
        return Known(
            surely={**self.surely, **sure},
            maybe=maybe,
            window=windows.pop() if len(windows) == 1 else Window.MAYBE,
            since_reply=max(known.since_reply for known in lanes),
        )


@dataclass
class Compiled:
    """The program, and all findings. With an error among them there is no program to publish."""

    program: Program
    findings: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        """What keeps the draft from being published."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]


def compile_version(version: FlowVersion) -> Compiled:
    """Turn the version's steps into a program; says everything that is wrong, not the first thing."""
    return _Walk(version).compiled()


class _Walk:
    def __init__(self, version: FlowVersion) -> None:
        self.version = version
        self.workspace = version.workspace
        self.findings: list[Finding] = []
        self.nodes: dict[str, Node] = {}
        self.children: dict[tuple[int | None, str], list[Step]] = defaultdict(list)
        for step in version.steps.select_related("parent").order_by("position", "id"):
            self.children[(step.parent_id, step.lane)].append(step)

    def compiled(self) -> Compiled:
        known_trigger = self._trigger()
        window = Window.OPEN if known_trigger is not None and known_trigger.opens_window else Window.MAYBE
        trunk = self._active(None, "")
        if not trunk:
            self._say("no_steps", _("The flow has no step yet. Add at least one."))
        self._walk(trunk, after=None, known=Known(window=window), trigger=known_trigger)
        self._check_leading(known_trigger)
        return Compiled(Program(start=trunk[0].key if trunk else None, nodes=self.nodes), self.findings)

    def _trigger(self) -> Trigger | None:
        version = self.version
        if not version.trigger_type:
            self._say("no_trigger", _("Choose what starts the flow."), field="trigger_type")
            return None
        try:
            known = trigger(version.trigger_type)
        except NotARegisteredType as error:
            self._say("trigger_unknown", error.cause_text(), field="trigger_type")
            return None
        form = known.form(workspace=self.workspace)
        for name, messages in form.check_stored(version.trigger_config).items():
            for message in messages:
                self._say("trigger_settings", message, field=name)
        self.findings.extend(known.validate(version.trigger_config, self.workspace))
        return known

    def _check_leading(self, known_trigger: Trigger | None) -> None:
        if known_trigger is None or known_trigger.source is not Source.MESSAGE or self.version.flow.leads:
            return
        for node in self.nodes.values():
            if action(node.type).speaks_to_customer:
                text = _("A flow that runs alongside never writes to the customer or waits. Let it lead, or remove it.")
                self.findings.append(Finding("alongside_speaks", text, step=node.key))

    def _active(self, parent: Step | None, lane: str) -> list[Step]:
        return [step for step in self.children[(parent.pk if parent else None, lane)] if step.is_on]

    def _walk(self, steps: list[Step], *, after: str | None, known: Known, trigger: Trigger | None) -> Known | None:
        """Compile a row of steps; returns what is known behind it, or None where nothing comes behind."""
        current: Known | None = known
        for index, step in enumerate(steps):
            follower = steps[index + 1].key if index + 1 < len(steps) else after
            if current is None:
                self._say("unreachable", _("This step is never reached: the one before it ends the run."), step=step)
                current = known
            current = self._step(step, follower, current, trigger)
        return current

    def _step(self, step: Step, follower: str | None, known: Known, trigger: Trigger | None) -> Known | None:
        number = len(self.nodes) + 1
        try:
            kind = action(step.type)
        except NotARegisteredType as error:
            self._say("step_type_unknown", error.cause_text(), step=step)
            return known
        self._check_settings(step, kind, known, trigger)
        self._check_window(step, kind, known)
        lanes = self._lanes(step, kind)
        entries = {lane.key: self._active(step, lane.key) for lane in lanes}
        self.nodes[step.key] = Node(
            key=step.key,
            type=step.type,
            name=step.name or str(kind.label),
            number=number,
            config=step.config,
            retry=RetryPolicy.of({**kind.default_retry.as_json(), **step.retry}),
            on_failure=step.on_failure,
            next=follower,
            lanes={
                lane.key: (entries[lane.key][0].key if entries[lane.key] else None if lane.ends_run else follower)
                for lane in lanes
            },
        )
        self._check_strays(step, lanes)
        if step.type == "stop":
            return None
        return self._behind(step, kind, lanes, entries, follower, known, trigger)

    def _behind(
        self,
        step: Step,
        kind: Action,
        lanes: list[Lane],
        entries: dict[str, list[Step]],
        follower: str | None,
        known: Known,
        trigger: Trigger | None,
    ) -> Known | None:
        """Walk the lanes and say what is known where they come together again."""
        output = _output(kind, step.config)
        later = _after(kind, step.config, known)
        if step.on_failure == Step.OnFailure.CONTINUE:
            # The run goes on without the output where the step has failed.
            through = replace(later, maybe={**later.maybe, step.key: {**output, **FAILED_OUTPUT}})
        else:
            through = later.with_step(step.key, output)
        joined: list[Known] = []
        has_straight_way = not lanes or kind.awaits_reply or {lane.key for lane in lanes} == {FAILURE}
        if has_straight_way:
            joined.append(through)
        for lane in lanes:
            inside = _in_lane(kind, lane, step.config, known, through, output, step.key)
            after = None if lane.ends_run else follower
            end = self._walk(entries[lane.key], after=after, known=inside, trigger=trigger)
            if end is not None and not lane.ends_run:
                joined.append(end)
        if not joined:
            return None
        return through.joined_with(joined) if len(joined) > 1 or not has_straight_way else joined[0]

    def _lanes(self, step: Step, kind: Action) -> list[Lane]:
        try:
            lanes = kind.lanes(step.config)
        except MISSHAPEN:
            lanes = []
        if step.on_failure == Step.OnFailure.LANE:
            lanes = [*lanes, Lane(FAILURE, _("on failure"), ends_run=True)]
        return lanes

    def _check_strays(self, step: Step, lanes: list[Lane]) -> None:
        names = {lane.key for lane in lanes}
        for (parent_id, lane), strays in self.children.items():
            if parent_id == step.pk and lane not in names:
                for stray in strays:
                    text = _("This step stands in a lane that no longer exists: “%(lane)s”.") % {"lane": lane}
                    self._say("lane_gone", text, step=stray)
        if step.on_failure == Step.OnFailure.LANE and not self._active(step, FAILURE):
            empty = _("The failure lane is empty: the run simply ends there.")
            self._say("failure_lane_empty", empty, step=step, field="on_failure", severity=Severity.WARNING)

    def _check_settings(self, step: Step, kind: Action, known: Known, trigger: Trigger | None) -> None:
        form = kind.form(workspace=self.workspace)
        problems = form.check_stored(step.config)
        for name, messages in problems.items():
            for message in messages:
                self._say("settings", message, step=step, field=name)
        if not problems:
            for finding in kind.validate(step.config, self.workspace):
                self.findings.append(replace(finding, step=step.key))
        for name, text, _keeps_type in form.expressions(_as_mapping(step.config)):
            self._check_text(step, name, text, known, trigger)

    def _check_text(self, step: Step, name: str, text: str, known: Known, trigger: Trigger | None) -> None:
        syntax = check(text)
        for fault in syntax:
            self._say("expression", fault.message, step=step, field=name)
        if syntax:
            return
        for path in paths(text):
            for code, message, severity in self._about_path(path, known, trigger):
                self._say(code, message, step=step, field=name, severity=severity)
        # What comes from outside is text: "false" and "nein" are true in Liquid, as every text is.
        for path in (each for each in bare_conditions(text) if each.root in ("trigger", "steps")):
            shown = {"path": path.path}
            message = _(
                "Any text in “%(path)s” counts as true here, “false” too. For yes or no, use a branch: “is yes”."
            )
            self._say("any_text_is_true", message % shown, step=step, field=name, severity=Severity.WARNING)

    def _about_path(self, path: Path, known: Known, trigger: Trigger | None) -> Iterator[tuple[str, Any, Severity]]:
        shown = {"path": path.path}
        if path.root == "steps":
            key = str(path.segments[1]) if len(path.segments) > 1 else ""
            if key not in self.version_keys:
                yield "variable_missing", _("There is no step behind “%(path)s”.") % shown, Severity.ERROR
            elif key in known.surely:
                yield from _about_field(path, 2, known.surely[key])
            elif key in known.maybe and not path.has_default:
                text = (
                    _("“%(path)s” may be missing: its step runs in some lanes only, or may fail. Add a default.")
                    % shown
                )
                yield "variable_missing", text, Severity.WARNING
            elif key not in known.maybe:
                text = _("“%(path)s” belongs to a step that has not run at this point.") % shown
                yield "variable_missing", text, Severity.ERROR
        elif path.root == "trigger":
            if trigger is not None and not trigger.takes_any_key:
                yield from _about_field(path, 1, trigger.data, trigger.open_keys)
        elif path.root in ROOTS:
            yield from _about_field(path, 1, ROOTS[path.root])
        elif path.root not in ("now", "loop"):
            text = _("“%(path)s” is unknown. Data begins with trigger, steps, contact, conversation, sender.") % shown
            yield "variable_missing", text, Severity.ERROR

    @property
    def version_keys(self) -> set[str]:
        return {step.key for steps in self.children.values() for step in steps}

    def _check_window(self, step: Step, kind: Action, known: Known) -> None:
        if not kind.needs_open_window:
            return
        if known.window is Window.CLOSED:
            text = _("The 24-hour window is surely closed here: nobody has written. Send a template instead.")
            self._say("outside_window", text, step=step)
        elif known.window is Window.MAYBE:
            text = _("The 24-hour window may be closed here. A template always goes out.")
            self._say("outside_window", text, step=step, severity=Severity.WARNING)

    def _say(
        self, code: str, message: Any, *, step: Step | None = None, field: str = "", severity: Severity = Severity.ERROR
    ) -> None:
        self.findings.append(Finding(code, message, step=step.key if step else "", field=field, severity=severity))


def _about_field(
    path: Path, depth: int, sample: Mapping[str, Any], open_keys: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Any, Severity]]:
    if len(path.segments) <= depth or path.segments[depth] in sample or not sample:
        return
    if path.segments[depth] in open_keys or path.has_default:
        return
    known = ", ".join(list(sample)[:12])
    text = _("“%(path)s” does not exist here. There are: %(known)s.") % {"path": path.path, "known": known}
    yield "variable_missing", text, Severity.ERROR


def _after(kind: Action, config: Mapping[str, Any], known: Known) -> Known:
    """What time and an answer do to the window, when the step goes through."""
    if kind.awaits_reply:
        return replace(known, window=Window.OPEN, since_reply=timedelta())
    passing = _time_passing(kind, config)
    return known.later(WINDOW * 2 if passing is None else passing)


def _in_lane(
    kind: Action,
    lane: Lane,
    config: Mapping[str, Any],
    before: Known,
    through: Known,
    output: Mapping[str, Any],
    key: str,
) -> Known:
    if kind.awaits_reply and lane.key == TIMEOUT:
        length = _time_passing(kind, config) or timedelta()
        # Who had written in the meantime would have answered the wait.
        later = before.later(length)
        window = Window.CLOSED if length >= WINDOW else later.window
        return replace(later, window=window).with_step(key, output)
    if lane.key == FAILURE:
        return before.with_step(key, FAILED_OUTPUT)
    return through


def _output(kind: Action, config: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return kind.output_for(config)
    except MISSHAPEN:
        return kind.output


def _time_passing(kind: Action, config: Mapping[str, Any]) -> timedelta | None:
    try:
        return kind.time_passing(config)
    except MISSHAPEN:
        return None


def _as_mapping(config: Any) -> Mapping[str, Any]:
    return config if isinstance(config, Mapping) else {}
