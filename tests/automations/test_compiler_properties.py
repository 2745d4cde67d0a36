"""Any tree of steps, built as people build it: compiling never raises, leaves nothing dangling, and what passes ends.

One transaction an example, rolled back at its end: examples see nothing of each other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from automations.actions.registry import action
from automations.engine.advance import advance
from automations.engine.clock import VirtualClock
from automations.engine.compile import Compiled, compile_version
from automations.engine.program import Node, Program
from automations.engine.waits import resolve_if_due
from automations.models import Flow, Run, Step
from automations.services.editing import add_step, change_step, create_flow, set_trigger
from automations.services.publishing import publish_flow, switch_flow
from automations.services.runs import start_manually
from tests.cast import join, make_user, make_workspace
from workspaces.models import Membership, Role

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
MOST_STEPS = 6
Plan = dict[str, Any]

SMALL = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def alice(db: None) -> Membership:
    """Owns a workspace without anything in it."""
    return join(make_workspace("praxis-graz"), make_user("Alice"), Role.OWNER)


# --- Trees of pure steps -------------------------------------------------------------------------
# A text names a step by its number in the order of the tree, whether it has run at that point or not.
REFERENCES = st.integers(1, MOST_STEPS)
TEXTS = (
    st.sampled_from(["10", "ja", ""])
    | REFERENCES.map(lambda number: f"{{{{steps.s{number}.v}}}}")
    | REFERENCES.map(lambda number: f"{{{{steps.s{number}.v | default: 'nichts'}}}}")
)
FAILURES = st.sampled_from(["stop", "continue", "lane"])
CONDITIONS = st.builds(
    lambda left, operator, right: {"left": left or "x", "operator": operator, "right": right},
    TEXTS,
    st.sampled_from(["equals", "greater", "is_yes", "exists"]),
    st.sampled_from(["10", "ja"]),
)


def step(kind: str, **parts: Any) -> st.SearchStrategy[Plan]:
    return st.fixed_dictionaries({"type": st.just(kind), "is_on": st.sampled_from([True, True, True, False]), **parts})


def leaves(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Plan]:
    seconds = st.integers(1, 100_000)
    return st.one_of(
        step("delay", seconds=seconds),
        step("set_variables", values=texts.map(lambda text: {"v": text})),
        step("set_variables", values=st.just({"v": "{{ 'x' | plus: 1 }}"}), on_failure=FAILURES),
        step("stop", outcome=st.sampled_from(["done", "cancelled"])),
    )


def with_lanes(inner: st.SearchStrategy[Plan]) -> st.SearchStrategy[Plan]:
    rows = st.lists(inner, max_size=2)
    lanes = st.lists(st.tuples(CONDITIONS, rows), min_size=1, max_size=2)
    return st.one_of(
        step("branch", lanes=lanes, otherwise=rows),
        step(
            "set_variables",
            values=st.sampled_from(["{{ 'x' | plus: 1 }}", "ja"]).map(lambda text: {"v": text}),
            on_failure=st.just("lane"),
            failure=rows,
        ),
    )


def trees(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[Plan]]:
    return st.lists(st.recursive(leaves(texts), with_lanes, max_leaves=4), min_size=1, max_size=3)


TREES = trees(TEXTS)
# Most of these can be published: a text that names a step has a default.
PASSING = trees(TEXTS.map(lambda text: text.replace(".v}}", ".v | default: 'nichts'}}")))
A_DAY = {"type": "delay", "is_on": True, "seconds": 86_400}
FAILS = {"type": "set_variables", "is_on": True, "values": {"v": "{{ 'x' | plus: 1 }}"}, "on_failure": "lane"}


class Builder:
    """Builds a planned tree by the services of the editor; steps are called s1, s2 and so on."""

    def __init__(self, owner: Membership) -> None:
        self.flow: Flow = create_flow(workspace=owner.workspace, name="Baum", by=owner, now=NOON)
        set_trigger(flow=self.flow, type="manual", config={}, by=owner)
        self.number = 0

    def row(self, plans: list[Plan], parent: Step | None = None, lane: str = "") -> None:
        for plan in plans:
            self.number += 1
            made = add_step(
                flow=self.flow,
                type=plan["type"],
                key=f"s{self.number}",
                config=config_of(plan),
                parent=parent,
                lane=lane,
                on_failure=plan.get("on_failure", "stop"),
            )
            if not plan["is_on"]:
                change_step(made, is_on=False)
            for name, inner in rows_of(plan):
                self.row(inner, parent=made, lane=name)


def config_of(plan: Plan) -> dict[str, Any]:
    if plan["type"] == "set_variables":
        return {"values": plan["values"]}
    if plan["type"] == "delay":
        return {"mode": "for", "duration": {"amount": plan["seconds"], "unit": "seconds"}}
    if plan["type"] == "stop":
        return {"outcome": plan["outcome"], "reason": ""}
    lanes = [
        {"key": f"l{number}", "label": f"Weg {number}", "match": "all", "conditions": [condition]}
        for number, (condition, _row) in enumerate(plan["lanes"])
    ]
    return {"lanes": lanes}


def rows_of(plan: Plan) -> Iterator[tuple[str, list[Plan]]]:
    for number, (_condition, row) in enumerate(plan.get("lanes", ())):
        yield f"l{number}", row
    yield "else", plan.get("otherwise", [])
    yield "failure", plan.get("failure", [])


@contextmanager
def built(owner: Membership, tree: list[Plan]) -> Iterator[tuple[Flow, Compiled]]:
    """The tree as a draft, compiled; gone when the example is over."""
    with transaction.atomic():
        builder = Builder(owner)
        builder.row(tree)
        yield builder.flow, compile_version(builder.flow.draft)
        transaction.set_rollback(True)


def ways_out(node: Node) -> set[str]:
    """The nodes that may come right after this one."""
    kind = action(node.type)
    goes_straight = kind.awaits_reply or not set(node.lanes) - {"failure"}
    straight = node.next if goes_straight and node.type != "stop" else None
    return {key for key in (*node.lanes.values(), straight) if key is not None}


def reached(program: Program, starts: set[str]) -> set[str]:
    """Everything that can be walked to from these nodes."""
    seen: set[str] = set()
    pending = set(starts)
    while pending:
        key = pending.pop()
        seen.add(key)
        pending |= ways_out(program.nodes[key]) - seen
    return seen


@SMALL
@given(tree=TREES)
def test_targets_exist_and_steps_are_reached_or_reported(alice: Membership, tree: list[Plan]) -> None:
    with built(alice, tree) as (_flow, compiled):
        program = compiled.program
        targets = {key for node in program.nodes.values() for key in (node.next, *node.lanes.values()) if key}
        assert targets | ({program.start} if program.start else set()) <= program.nodes.keys()
        reported = {finding.step for finding in compiled.findings if finding.code == "unreachable"}
        from_start = reached(program, {program.start} if program.start else set())
        assert reached(program, {*from_start, *reported}) == program.nodes.keys()
        assert not reported & from_start
        assert Program.of(program.as_json()) == program
        assert [node.number for node in program.nodes.values()] == list(range(1, len(program.nodes) + 1))
        assert list(program.nodes) == sorted(program.nodes, key=lambda key: int(key[1:]))


@SMALL
@example(tree=[A_DAY, {**FAILS, "failure": [A_DAY]}])
@given(tree=st.one_of(PASSING, TREES))
def test_a_program_without_findings_ends_and_misses_nothing(alice: Membership, tree: list[Plan]) -> None:
    """What was published comes to an end; where no finding spoke of data, none is missing on the way."""
    with built(alice, tree) as (flow, compiled):
        if compiled.errors:
            return
        publish_flow(flow=flow, by=alice, now=NOON)
        flow = switch_flow(flow=Flow.objects.in_workspace(alice.workspace).get(), is_on=True, by=alice, now=NOON)
        run, _was_created = start_manually(flow=flow, data={}, by=alice, key="einmal", now=NOON)
        run = to_the_end(run, steps=len(compiled.program.nodes))
        assert run.steps_taken <= len(compiled.program.nodes)
        if not any(finding.code == "variable_missing" for finding in compiled.findings):
            codes = set(run.step_runs.exclude(error_code="").values_list("error_code", flat=True))
            assert codes <= {"expression_invalid"}


def to_the_end(run: Run, *, steps: int) -> Run:
    """Advance the run, moving the time on to each wait; every wait belongs to a step, and each step waits once."""
    clock = VirtualClock(NOON)
    for _time in range(2 * steps + 2):
        advance(run, clock=clock)
        run.refresh_from_db()
        if run.status in Run.ENDED:
            return run
        if run.wake_at is not None and run.wake_at > clock.now():
            clock.advance(run.wake_at - clock.now())
        resolve_if_due(run, now=clock.now())
    raise AssertionError(f"the run still is {run.status} at {run.cursor}")


# --- Settings nobody would write -----------------------------------------------------------------
# NUL comes through no form, and PostgreSQL keeps none.
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=6)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXT | st.sampled_from(["{{", "{{steps.s1.v}}", "{%"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["lanes", "key", "values"]), inner),
    max_leaves=4,
)
KINDS = ["branch", "delay", "set_variables", "stop", "wait_for_reply", "send_text", "send_template", "ai_reply",
         "http_request", "notify_team"]  # fmt: skip
SHAPES = [None, True, 7, "x", "{{", [], [None], [{}], {}, {"amount": [1], "unit": []}, {"key": {"lanes": 1}}]
NAMES = ["lanes", "values", "duration", "timeout", "text", "template", "variables", "url", "mode", "until"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_shape_of_a_setting_makes_compiling_raise(alice: Membership, kind: str) -> None:
    fields = action(kind).form(workspace=alice.workspace).fields
    for name in fields:
        for shape in SHAPES:
            with transaction.atomic():
                builder = Builder(alice)
                add_step(flow=builder.flow, type=kind, key="s1", config={name: shape})
                compiled = compile_version(builder.flow.draft)
                transaction.set_rollback(True)
            assert set(compiled.program.nodes) == {"s1"}, (name, shape)


@SMALL
@given(
    kind=st.sampled_from(KINDS),
    config=st.dictionaries(st.sampled_from(NAMES), JUNK, max_size=3),
    lane=TEXT,
)
def test_whatever_stands_in_the_settings_is_reported_and_never_raised(
    alice: Membership, kind: str, config: dict[str, Any], lane: str
) -> None:
    with transaction.atomic():
        builder = Builder(alice)
        first = add_step(flow=builder.flow, type=kind, key="s1", config=config, on_failure="lane")
        add_step(flow=builder.flow, type="stop", key="s2", parent=first, lane=lane or "failure")
        compiled = compile_version(builder.flow.draft)
        transaction.set_rollback(True)
    assert all(str(finding.message) for finding in compiled.findings)
    assert set(compiled.program.nodes) <= {"s1", "s2"}
