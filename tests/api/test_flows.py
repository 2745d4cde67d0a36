"""Events, flows and runs in the API."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from automations.models import Event, Flow, Run, StepRun
from automations.services.editing import add_step, create_flow, set_trigger
from automations.services.publishing import publish_flow, switch_flow
from tests.api.conftest import client_of, demand_problem
from workspaces.models import AuditEntry, Membership, Workspace

EVENTS = "/api/v1/events"


def make_flow(by: Membership, trigger: str, name: str = "Nach dem Anruf", **config: Any) -> Flow:
    """A published flow of one delay, switched on."""
    now = timezone.now()
    flow = create_flow(workspace=by.workspace, name=name, by=by, now=now, leads=False)
    set_trigger(flow=flow, type=trigger, config=config, by=by)
    add_step(
        flow=flow, type="delay", name="Warten", config={"mode": "for", "duration": {"amount": 5, "unit": "minutes"}}
    )
    publish_flow(flow=flow, by=by, now=now)
    flow.refresh_from_db()
    return switch_flow(flow=flow, is_on=True, by=by, now=now)


@pytest.fixture
def on_order(alice: Membership) -> Flow:
    return make_flow(alice, "api_event", event="order.paid")


@pytest.fixture
def by_hand(alice: Membership) -> Flow:
    return make_flow(alice, "manual", name="Von Hand")


def send(call: APIClient, **changes: Any) -> Any:
    headers = changes.pop("headers", {})
    body = {"event": "order.paid", "id": "order-7", "data": {"customer_name": "Eva"}}
    return call.post(EVENTS, {**body, **changes}, format="json", headers=headers)


# --- Events --------------------------------------------------------------------------------------


def test_an_event_starts_the_flows_that_listen_to_it(call: APIClient, on_order: Flow) -> None:
    answer = send(call)
    assert answer.status_code == 202
    body = answer.json()
    assert body["created"] is True
    assert (body["event"]["name"], body["event"]["deduplication_id"]) == ("order.paid", "order-7")
    assert [(run["flow"], run["flow_name"], run["status"]) for run in body["runs"]] == [
        (str(on_order.public_id), "Nach dem Anruf", "queued")
    ]
    run = Run.objects.in_workspace(on_order.workspace).get()
    assert run.trigger["customer_name"] == "Eva"


def test_an_event_that_nobody_listens_to_is_kept(call: APIClient, on_order: Flow) -> None:
    body = send(call, event="order.lost").json()
    assert (body["created"], body["runs"]) == (True, [])
    assert Event.objects.in_workspace(on_order.workspace).count() == 1


def test_the_same_id_twice_starts_one_run(call: APIClient, on_order: Flow) -> None:
    first, again = send(call).json(), send(call).json()
    assert (first["created"], again["created"]) == (True, False)
    assert again["event"] == first["event"]
    assert [run["id"] for run in again["runs"]] == [run["id"] for run in first["runs"]]
    assert Run.objects.in_workspace(on_order.workspace).count() == 1


def test_without_an_id_each_event_counts(call: APIClient, on_order: Flow) -> None:
    for _ in range(2):
        assert send(call, id="").json()["created"] is True
    assert Run.objects.in_workspace(on_order.workspace).count() == 2


def test_the_idempotency_key_covers_events_without_an_id(call: APIClient, on_order: Flow) -> None:
    answers = [send(call, id="", headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert [answer.json()["created"] for answer in answers] == [True, False]
    assert Run.objects.in_workspace(on_order.workspace).count() == 1


def test_a_call_that_ended_is_known_by_its_call_id(call: APIClient, alice: Membership) -> None:
    flow = make_flow(alice, "call_ended")
    for _ in range(2):
        answer = send(call, event="call.ended", id="", data={"id": "call-9", "duration": 62, "status": "completed"})
        assert answer.status_code == 202
    run = Run.objects.in_workspace(flow.workspace).get()
    assert (run.trigger["call_id"], run.trigger["duration_seconds"]) == ("call-9", 62)


def test_one_workspace_does_not_start_anothers_flows(stranger: APIClient, on_order: Flow) -> None:
    assert send(stranger).json()["runs"] == []
    assert not Run.objects.in_workspace(on_order.workspace).exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event": ""}, "event"),
        ({"event": "Mit Leerzeichen"}, "event"),
        ({"event": "x" * 81}, "event"),
        ({"id": "x" * 201}, "id"),
        ({"id": 7}, "id"),
        ({"data": None}, "data"),
        ({"data": "text"}, "data"),
        ({"data": {"a": ["\x00"]}}, "data"),
        ({"dta": {}}, "dta"),
    ],
)
def test_a_wrong_event_is_named(call: APIClient, alice: Membership, changes: dict[str, Any], field: str) -> None:
    body = demand_problem(send(call, **changes), 422, "invalid_input")
    assert [error["field"] for error in body["errors"]] == [field]
    assert not Event.objects.in_workspace(alice.workspace).exists()


def test_more_than_a_run_can_carry_is_refused(call: APIClient, on_order: Flow) -> None:
    body = demand_problem(send(call, data={"text": "x" * 300_000}), 413, "data_too_large")
    assert body["errors"][0]["field"] == "data"


# --- Starting by hand ----------------------------------------------------------------------------


def start(call: APIClient, flow: Flow, **changes: Any) -> Any:
    headers = changes.pop("headers", {})
    return call.post(f"/api/v1/flows/{flow.public_id}/runs", changes, format="json", headers=headers)


def test_a_flow_is_started_with_input(call: APIClient, by_hand: Flow) -> None:
    answer = start(call, by_hand, data={"customer_name": "Eva"})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["flow"], body["status"], body["created"]) == (str(by_hand.public_id), "queued", True)
    assert call.get(f"/api/v1/runs/{body['id']}").json()["trigger"]["customer_name"] == "Eva"


def test_the_same_key_starts_one_run(call: APIClient, by_hand: Flow) -> None:
    first, again = (start(call, by_hand, data={}, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert again.json() == {**first.json(), "created": False}
    assert Run.objects.in_workspace(by_hand.workspace).count() == 1


def test_a_flow_that_is_off_is_not_started(call: APIClient, by_hand: Flow) -> None:
    Flow.objects.in_workspace(by_hand.workspace).update(is_on=False)
    demand_problem(start(call, by_hand, data={}), 409, "flow_not_startable")


def test_the_only_recipient_is_a_number(call: APIClient, by_hand: Flow) -> None:
    body = demand_problem(start(call, by_hand, only_recipient="0151/12345678"), 422, "invalid_phone_number")
    assert body["errors"][0]["field"] == "only_recipient"
    assert start(call, by_hand, only_recipient="+4915112345678").json()["only_recipient"] == "+4915112345678"


def test_an_unknown_flow_and_a_strangers_are_not_found(call: APIClient, stranger: APIClient, by_hand: Flow) -> None:
    demand_problem(call.post(f"/api/v1/flows/{uuid4()}/runs", {}, format="json"), 404, "not_found")
    demand_problem(start(stranger, by_hand), 404, "not_found")


def test_flows_are_listed_with_their_trigger(call: APIClient, by_hand: Flow, on_order: Flow) -> None:
    rows = call.get("/api/v1/flows").json()["results"]
    assert [(row["name"], row["trigger"], row["version"], row["is_on"]) for row in rows] == [
        ("Nach dem Anruf", "api_event", 1, True),
        ("Von Hand", "manual", 1, True),
    ]
    assert [row["name"] for row in call.get("/api/v1/flows?trigger=manual").json()["results"]] == ["Von Hand"]
    assert call.get(f"/api/v1/flows/{by_hand.public_id}").json()["name"] == "Von Hand"


# --- Runs ----------------------------------------------------------------------------------------


@pytest.fixture
def run(call: APIClient, by_hand: Flow) -> Run:
    start(call, by_hand, data={"customer_name": "Eva"})
    return Run.objects.in_workspace(by_hand.workspace).select_related("workspace").get()


def fail(run: Run) -> None:
    """As the engine leaves a run whose step failed for good."""
    now = timezone.now()
    StepRun.objects.in_workspace(run.workspace).create(
        run=run,
        step_key="warten",
        status=StepRun.Status.FAILED,
        error_code="sender_offline",
        error_facts={"sender": "Praxis", "reason": "paused"},
        started_at=now,
        ended_at=now,
    )
    Run.objects.in_workspace(run.workspace).filter(pk=run.pk).update(
        status=Run.Status.FAILED,
        ended_at=now,
        wake_at=None,
        error_code="sender_offline",
        error_facts={"sender": "Praxis", "reason": "paused"},
        error_step="warten",
    )


def test_runs_are_listed_and_filtered(call: APIClient, run: Run, by_hand: Flow) -> None:
    runs = "/api/v1/runs"
    assert [row["id"] for row in call.get(runs).json()["results"]] == [str(run.public_id)]
    assert call.get(f"{runs}?status=failed").json()["results"] == []
    assert len(call.get(f"{runs}?flow={by_hand.public_id}&status=queued").json()["results"]) == 1
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    assert call.get(runs, {"since": later}).json()["results"] == []
    demand_problem(call.get(f"{runs}?flow=nine"), 422, "invalid_input")
    demand_problem(call.get(f"{runs}?sttus=failed"), 422, "unknown_parameter")


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("2026-11-25T12:00:00+01:00", 200),
        ("2026-11-25T12:00:00", 200),
        ("0216-09-25T00:30:30-23:12", 200),
        ("0001-01-01T00:00:00+14:00", 422),
        ("gestern", 422),
    ],
)
def test_an_instant_is_any_that_the_calendar_has(call: APIClient, run: Run, since: str, status: int) -> None:
    assert call.get("/api/v1/runs", {"since": since}).status_code == status


def test_listing_runs_costs_the_same_however_many(call: APIClient, run: Run, django_assert_max_num_queries) -> None:
    for number in range(5):
        start(call, run.flow, data={"number": number})
    with django_assert_max_num_queries(6):
        call.get("/api/v1/runs")


def test_a_failed_run_says_where_and_why_in_the_callers_language(call: APIClient, run: Run) -> None:
    fail(run)
    german = call.get(f"/api/v1/runs/{run.public_id}", headers={"Accept-Language": "de"}).json()
    english = call.get(f"/api/v1/runs/{run.public_id}", headers={"Accept-Language": "en"}).json()
    assert (english["error"]["code"], english["error"]["step"]) == ("sender_offline", "warten")
    assert english["error"]["detail"] == "The number Praxis is not connected. It was paused by your team."
    assert german["error"]["detail"] != english["error"]["detail"]
    assert [(step["step"], step["attempt"], step["status"]) for step in english["steps"]] == [("warten", 1, "failed")]


def test_a_run_is_cancelled_once_and_it_is_written_down_who_did_it(call: APIClient, run: Run) -> None:
    address = f"/api/v1/runs/{run.public_id}/cancel"
    assert call.post(address).json()["status"] == "cancelled"
    demand_problem(call.post(address), 409, "run_has_ended")
    entry = AuditEntry.objects.in_workspace(run.workspace).get(verb="run.cancelled")
    assert entry.actor.startswith("API: Test")


def test_a_failed_run_is_retried_from_its_step(call: APIClient, run: Run) -> None:
    address = f"/api/v1/runs/{run.public_id}/retry"
    demand_problem(call.post(address), 409, "run_has_ended")
    fail(run)
    assert call.post(address).json()["status"] == "queued"
    run.refresh_from_db()
    assert (run.cursor, run.attempt, run.error_code) == ("warten", 2, "")


def test_a_run_that_does_not_wait_is_not_resumed(call: APIClient, run: Run) -> None:
    demand_problem(call.post(f"/api/v1/runs/{run.public_id}/resume"), 409, "run_has_ended")


@pytest.mark.parametrize("verb", ["", "/retry", "/cancel", "/resume"])
def test_a_stranger_has_no_such_run(stranger: APIClient, run: Run, verb: str) -> None:
    address = f"/api/v1/runs/{run.public_id}{verb}"
    demand_problem(stranger.post(address) if verb else stranger.get(address), 404, "not_found")
    run.refresh_from_db()
    assert run.status == Run.Status.QUEUED


def test_reading_runs_is_not_cancelling_them(alice: Membership, run: Run) -> None:
    reader = client_of(alice, "runs:read")
    assert reader.get(f"/api/v1/runs/{run.public_id}").status_code == 200
    demand_problem(reader.post(f"/api/v1/runs/{run.public_id}/cancel"), 403, "scope_missing")


def test_a_paused_workspace_accepts_no_event(call: APIClient, on_order: Flow) -> None:
    Workspace.objects.update(is_paused=True)
    demand_problem(send(call), 401, "api_key_invalid")
