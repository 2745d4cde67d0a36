"""Runs made by the whole house, read and moved on by the pages."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import translation

from automations.models import Flow, Run
from automations.services.publishing import publish_flow, switch_flow
from automations.services.runs import try_with_one_recipient
from automations.templatetags.run_values import shown_value
from messaging.models import Sender
from tests.cast import join, make_user
from tests.house import EVA, House
from workspaces.models import Role

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


def test_a_run_is_started_again_with_the_same_data_and_once_for_a_form_sent_twice(
    house: House, owner: Client, follow_up: Flow
) -> None:
    house.event("call.ended", call_id="1", customer_phone=EVA, customer_name="Eva", status="answered")
    first = house.run()
    key = {"key": "one-form"}
    answers = [owner.post(f"{address(first)}again/", key) for _twice in range(2)]
    house.settle()
    old, again = house.runs()
    assert {answer.headers["Location"] for answer in answers} == {address(again)}
    assert (old.pk, again.trigger, again.contact_id) == (first.pk, first.trigger, first.contact_id)
    assert [message.chat.contact_id for message in house.messages()] == [first.contact_id] * 2


def test_it_starts_what_is_published_now_and_says_so(house: House, owner: Client, follow_up: Flow) -> None:
    house.event("call.ended", call_id="1", customer_phone=INVALID, status="answered")
    run = house.run()
    assert "Start again with version" not in owner.get(address(run)).content.decode()
    publish_flow(flow=follow_up, by=house.owner, now=house.now)
    assert "Start again with version 2" in owner.get(address(run)).content.decode()
    owner.post(f"{address(run)}again/")
    assert house.runs()[1].version.number == 2


def test_a_flow_that_is_off_starts_nothing_again(house: House, owner: Client, follow_up: Flow) -> None:
    house.event("call.ended", call_id="1", customer_phone=EVA, status="answered")
    switch_flow(flow=follow_up, is_on=False, by=house.owner, now=house.now)
    refused = owner.post(f"{address(house.run())}again/")
    assert refused.status_code == 422
    assert "flow_not_startable" in refused.content.decode()
    assert len(house.runs()) == 1


def test_a_test_goes_to_its_one_recipient_again(house: House, owner: Client, follow_up: Flow) -> None:
    run = try_with_one_recipient(flow=follow_up, data={}, recipient=EVA, by=house.owner, now=house.now)
    house.settle()
    owner.post(f"{address(run)}again/")
    assert [each.only_recipient for each in house.runs()] == [EVA, EVA]


@pytest.mark.parametrize(
    ("phone", "status", "labels"),
    [(INVALID, "online", ["Change the step"]), (EVA, "offline", ["Check the sender", "Retry the step"])],
)
def test_the_error_box_offers_what_cures_it(
    house: House, owner: Client, follow_up: Flow, phone: str, status: str, labels: list[str]
) -> None:
    house.set_sender(status=status)
    house.event("call.ended", call_id="1", customer_phone=phone, status="answered")
    answer = owner.get(address(house.run()))
    assert [str(cure.label) for cure in answer.context["cures"]] == labels
    assert all(str(cure.label) in answer.content.decode() for cure in answer.context["cures"])


def test_a_viewer_is_offered_no_cure_that_the_role_refuses(house: House, client: Client, follow_up: Flow) -> None:
    client.force_login(join(house.workspace, make_user("Vera"), Role.VIEWER).user)
    house.set_sender(status=Sender.Status.OFFLINE)
    house.event("call.ended", call_id="1", customer_phone=EVA, status="answered")
    answer = client.get(address(house.run()))
    assert [cure.is_verb for cure in answer.context["cures"]] == [False]


def test_a_wait_is_said_between_the_cards(house: House, owner: Client, follow_up: Flow) -> None:
    house.event("call.ended", call_id="1", customer_phone=EVA, status="answered")
    house.advance(hours=3)
    answer = owner.get(address(house.run()))
    assert [stage.waited for stage in answer.context["stages"]] == ["", "waited 3 hours", ""]


def test_a_length_of_time_reads_in_words_and_other_amounts_as_they_are() -> None:
    assert shown_value({"amount": 2, "unit": "hours"}) == "2 hours"
    assert "kg" in shown_value({"amount": 2, "unit": "kg"})
    assert "hours" in shown_value({"amount": "two", "unit": "hours"})
