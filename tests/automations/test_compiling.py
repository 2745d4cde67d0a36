"""What the compiler knows at a point of the flow is what a run will find there."""

from typing import Any

import pytest

from automations.models import Flow, FlowVersion, Run, Step, StepRun
from automations.services.editing import add_step, change_step, create_flow, set_trigger
from automations.services.publishing import check_draft, publish_flow, switch_flow
from tests.house import House

pytestmark = pytest.mark.django_db(transaction=True)

FAILS = {"values": {"v": "{{ 'x' | plus: 1 }}"}}


@pytest.fixture
def draft(house: House) -> Flow:
    """A flow that another system starts, without steps."""
    flow = create_flow(workspace=house.workspace, name="Entwurf", by=house.owner, now=house.now)
    set_trigger(flow=flow, type="api_event", config={"event": "lead", "sample": None}, by=house.owner)
    return flow


def sets(flow: Flow, key: str, text: str, **more: Any) -> Any:
    return add_step(flow=flow, type="set_variables", key=key, config={"values": {"w": text}}, **more)


def found(flow: Flow) -> list[tuple[str, str, str]]:
    return [(one.code, one.step, one.severity.value) for one in check_draft(flow)]


def run_of(house: House, flow: Flow) -> Run:
    """Publish the flow, switch it on, and run it once."""
    publish_flow(flow=flow, by=house.owner, now=house.now)
    flow.refresh_from_db()
    switch_flow(flow=flow, is_on=True, by=house.owner, now=house.now)
    house.event("lead")
    return house.run()


def test_a_step_that_may_fail_and_go_on_may_have_no_output(house: House, draft: Flow) -> None:
    add_step(flow=draft, type="set_variables", key="a", config=FAILS, on_failure="continue")
    sets(draft, "b", "{{steps.a.v}}")
    assert found(draft) == [("variable_missing", "b", "warning")]
    assert run_of(house, draft).error_code == "variable_missing"


def test_with_a_default_such_a_flow_has_no_findings_and_runs_through(house: House, draft: Flow) -> None:
    add_step(flow=draft, type="set_variables", key="a", config=FAILS, on_failure="continue")
    sets(draft, "b", "{{steps.a.v | default: 'nichts'}}")
    assert found(draft) == []
    assert run_of(house, draft).status == Run.Status.DONE
    assert StepRun.objects.in_workspace(house.workspace).get(step_key="b").output == {"w": "nichts"}


def test_a_failure_lane_knows_the_error_and_no_output(house: House, draft: Flow) -> None:
    step = add_step(flow=draft, type="set_variables", key="a", config=FAILS, on_failure="lane")
    sets(draft, "b", "{{steps.a.error.code}}", parent=step, lane="failure")
    assert found(draft) == []
    sets(draft, "c", "{{steps.a.v}}", parent=step, lane="failure")
    assert found(draft) == [("variable_missing", "c", "error")]


def test_behind_lanes_that_all_have_a_step_of_their_own_nothing_is_sure(house: House, draft: Flow) -> None:
    condition = {"left": "{{trigger.x | default: ''}}", "operator": "equals", "right": "1"}
    lanes = [{"key": "l1", "label": "eins", "match": "all", "conditions": [condition]}]
    step = add_step(flow=draft, type="branch", key="zweig", config={"lanes": lanes})
    sets(draft, "a", "1", parent=step, lane="l1")
    sets(draft, "b", "{{steps.a.w}}", parent=step, lane="else")
    sets(draft, "c", "{{steps.a.w}}")
    assert found(draft) == [("variable_missing", "b", "error"), ("variable_missing", "c", "warning")]


@pytest.mark.parametrize("lane", ["stop", "delay"])
def test_a_branch_whose_lanes_all_stop_has_nothing_behind_it(house: House, draft: Flow, lane: str) -> None:
    condition = {"left": "x", "operator": "equals", "right": "x"}
    lanes = [{"key": "l1", "label": "eins", "match": "all", "conditions": [condition]}]
    step = add_step(flow=draft, type="branch", key="zweig", config={"lanes": lanes})
    add_step(flow=draft, type="stop", key="a", parent=step, lane="l1")
    add_step(flow=draft, type=lane, key="b", parent=step, lane="else")
    sets(draft, "c", "1")
    assert found(draft) == ([("unreachable", "c", "error")] if lane == "stop" else [])


def test_types_that_this_house_does_not_have_are_findings(house: House, draft: Flow) -> None:
    """A recipe or a restore may bring them; the rest of the draft is still checked."""
    step = sets(draft, "a", "1")
    Step.objects.in_workspace(house.workspace).filter(pk=step.pk).update(type="send_fax")
    sets(draft, "b", "{{steps.nie.w}}")
    FlowVersion.objects.in_workspace(house.workspace).filter(flow=draft).update(trigger_type="fax_received")
    draft.refresh_from_db()
    assert {(code, key) for code, key, _severity in found(draft)} == {
        ("trigger_unknown", ""),
        ("step_type_unknown", "a"),
        ("variable_missing", "b"),
    }


def test_wrong_settings_of_the_trigger_are_findings_at_their_fields(house: House, draft: Flow) -> None:
    set_trigger(flow=draft, type="api_event", config={"event": ""}, by=house.owner)
    sets(draft, "a", "1")
    assert [(one.code, one.field) for one in check_draft(draft)] == [("trigger_settings", "event")]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("trigger.text", None),
        ("trigger.nichts", "variable_missing"),
        ("trigger.nichts | default: 'x'", None),
        ("trigger", None),
        ("contact.attributes.ort | default: ''", None),
        ("steps", "variable_missing"),
    ],
)
def test_paths_into_the_triggers_data(house: House, draft: Flow, path: str, code: str | None) -> None:
    set_trigger(flow=draft, type="message_received", config={"keyword_match": "any"}, by=house.owner)
    sets(draft, "a", f"{{{{{path}}}}}")
    assert [one for one, _key, _severity in found(draft)] == ([code] if code else [])


def test_a_step_in_a_lane_that_is_gone_is_a_finding(house: House, draft: Flow) -> None:
    condition = {"left": "x", "operator": "equals", "right": "x"}
    lane = {"key": "l1", "label": "eins", "match": "all", "conditions": [condition]}
    step = add_step(flow=draft, type="branch", key="zweig", config={"lanes": [lane]})
    sets(draft, "a", "1", parent=step, lane="l1")
    change_step(step, config={"lanes": [{**lane, "key": "l2"}]})
    assert found(draft) == [("lane_gone", "a", "error")]
