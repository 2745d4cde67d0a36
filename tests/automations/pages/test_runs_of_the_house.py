"""Runs made by the whole house, read and moved on by the pages."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import translation

from automations.models import Flow, Run
from messaging.models import Sender
from tests.house import EVA, House

INVALID = "+43 664 123"
STEPS = [
    {
        "type": "send_template",
        "key": "vorlage",
        "name": "Bestätigung",
        "retry": {"attempts": 1},
        "config": {"template": "termin", "to": "{{trigger.customer_phone}}", "variables": {"1": "Eva"}},
    },
    {"type": "delay", "key": "pause", "config": {"mode": "for", "duration": {"amount": 3, "unit": "hours"}}},
    {"type": "stop", "key": "ende", "config": {}},
]


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def owner(house: House, client: Client) -> Client:
    house.owner.user.language = "en"
    house.owner.user.save()
    client.force_login(house.owner.user)
    return client


@pytest.fixture
def follow_up(house: House) -> Flow:
    house.template(body="Hallo {{1}}, bis morgen.")
    steps = [{**STEPS[0], "config": {**STEPS[0]["config"], "sender": str(house.sender.public_id)}}, *STEPS[1:]]
    return house.flow("call_ended", steps, name="Nach dem Anruf")


def address(run: Run) -> str:
    return f"/w/praxis-graz/runs/{run.public_id}/"


def test_a_waiting_run_shows_its_path_its_message_and_why(house: House, owner: Client, follow_up: Flow) -> None:
    house.event("call.ended", call_id="1", customer_phone=EVA, status="answered")
    run = house.run()
    house.statuses_of(house.messages()[0], "delivered")
    answer = owner.get(address(run))
    shown = answer.content.decode()
    assert [(stage.key, stage.tone, stage.is_next) for stage in answer.context["stages"]] == [
        ("vorlage", "done", False),
        ("pause", "wait", False),
        ("ende", "", True),
    ]
    assert f'data-topic="run:{run.public_id}"' in shown
    assert "Hallo Eva, bis morgen." in shown
    assert [word for word, _at in answer.context["sent"][0][1]] == ["sent", "delivered"]
    assert answer.context["stage"].key == "pause"
    titles = [str(moment.title) for moment in answer.context["story"]]
    assert titles == ["The trigger fits", "Bestätigung", "waits until a time"]


def test_a_wait_is_ended_by_hand_and_a_run_is_cancelled(house: House, owner: Client, follow_up: Flow) -> None:
    house.event("call.ended", call_id="1", customer_phone=EVA, status="answered")
    first = house.run()
    assert owner.post(f"{address(first)}resume/").status_code == 302
    house.settle()
    first.refresh_from_db()
    assert first.status == Run.Status.DONE

    house.event("call.ended", call_id="2", customer_phone=EVA, status="answered")
    second = house.runs()[1]
    assert owner.post(f"{address(second)}cancel/").status_code == 302
    second.refresh_from_db()
    assert second.status == Run.Status.CANCELLED
    refused = owner.post(f"{address(second)}cancel/")
    assert refused.status_code == 422
    assert "The run is in another state." in refused.content.decode()


def test_a_failed_run_names_cause_and_cure_and_is_retried(house: House, owner: Client, follow_up: Flow) -> None:
    house.set_sender(status=Sender.Status.OFFLINE)
    house.event("call.ended", call_id="1", customer_phone=EVA, status="answered")
    house.event("call.ended", call_id="2", customer_phone=EVA, status="answered")
    run = house.runs()[0]
    answer = owner.get(address(run))
    shown = answer.content.decode()
    assert answer.context["stage"].key == "vorlage"
    assert "sender_offline" in shown and "Cure:" in shown
    assert "2 runs with this cause" in shown

    listed = owner.get("/w/praxis-graz/runs/")
    (cause,) = listed.context["causes"]
    assert (cause.count, cause.step, cause.error.code) == (2, "Bestätigung", "sender_offline")

    house.set_sender(status=Sender.Status.ONLINE)
    assert owner.post(f"{address(run)}retry/").status_code == 302
    house.settle()
    assert [each.status for each in house.runs()] == [Run.Status.WAITING, Run.Status.FAILED]
    same_cause = {"flow": str(follow_up.public_id), "code": "sender_offline", "step": "vorlage"}
    assert owner.post("/w/praxis-graz/runs/retry/", same_cause).status_code == 302
    house.settle()
    assert [each.status for each in house.runs()] == [Run.Status.WAITING, Run.Status.WAITING]
    attempts = owner.get(f"{address(run)}?step=vorlage").context["stage"].attempts
    assert [(each.attempt, each.status) for each in attempts] == [(1, "failed"), (2, "done")]


def test_a_run_for_a_number_without_a_contact_is_named_by_the_trigger(
    house: House, owner: Client, follow_up: Flow
) -> None:
    house.event("call.ended", call_id="1", customer_phone=INVALID, customer_name="Peter Wolf", status="answered")
    run = house.run()
    assert "Run for Peter Wolf" in owner.get(address(run)).content.decode()
    (line,) = owner.get("/w/praxis-graz/runs/?status=failed").context["page"].lines
    assert line.person == "Peter Wolf"
    assert "Phone number" in line.stands


def test_a_steps_note_is_said_in_words(house: House, owner: Client) -> None:
    past = {"mode": "until", "until": "2020-01-01T08:00:00+01:00"}
    house.flow("call_ended", [{"type": "delay", "key": "pause", "config": past}])
    house.event("call.ended", call_id="1", customer_phone=EVA, status="answered")
    shown = owner.get(f"{address(house.run())}?step=pause").content.decode()
    assert "The time was past already" in shown
    assert "already_past" not in shown
