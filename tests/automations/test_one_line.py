"""One customer, one line: every message has one place, whoever is busy, late, or answering by hand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from automations.actions.set_variables import SetVariables
from automations.engine.advance import advance
from automations.models import Run, StepRun, TriggerDecision, Wait
from automations.run_picture import path_of, story_of
from messaging.models import Conversation, Message
from messaging.services.conversations import hand_back, take_over
from tests.house import EVA, House
from tests.traps.conftest import deliver, text_from

__all__ = ["deliver"]

pytestmark = pytest.mark.django_db(transaction=True)
TWO_HOURS = {"amount": 2, "unit": "hours"}
HALLO = {"keyword_match": "equals", "keywords": ["hallo"]}


def asks(key: str, text: str) -> dict[str, Any]:
    return {"type": "send_text", "key": key, "config": {"text": text}}


def waits(key: str, **config: Any) -> dict[str, Any]:
    settings = {"timeout": TWO_HOURS, "after_timeout": "end", **config}
    return {"type": "wait_for_reply", "key": key, "config": settings}


def outcomes(house: House, wamid: str) -> list[tuple[str, str, str]]:
    rows = TriggerDecision.objects.in_workspace(house.workspace).filter(message__provider_id=wamid).order_by("id")
    return [(row.rule, row.outcome, row.reason) for row in rows]


def answer(house: House, key: str = "antwort") -> dict[str, Any]:
    return StepRun.objects.in_workspace(house.workspace).get(step_key=key).output


@pytest.fixture
def tap(house: House, deliver: Callable[..., Any]) -> Callable[..., str]:
    """The customer taps a button under one of our messages, so many times at once."""

    def tapped(asked: Message, title: str, times: int = 1) -> str:
        told = [text_from(house, EVA.removeprefix("+"), id=f"wamid.tap.{title}.{number}") for number in range(times)]
        for each in told:
            del each["text"]
            each |= {"type": "button", "button": {"text": title}, "context": {"id": asked.provider_id}}
        deliver({"messages": told})
        return str(told[-1]["id"])

    return tapped


# --- Old buttons and late answers --------------------------------------------------------------------
@pytest.fixture
def two_questions(house: House) -> House:
    """Asks twice, and waits for an answer after each."""
    steps = [asks("eins", "Wann?"), waits("wann"), asks("zwei", "Wo?"), waits("wo"), asks("ende", "Danke")]
    house.flow("message_received", steps, trigger_config=HALLO)
    house.customer_writes("Hallo")
    return house


def test_an_old_button_answers_no_other_question(two_questions: House, tap: Callable[..., str]) -> None:
    house = two_questions
    house.customer_writes("Morgen")
    wamid = tap(house.messages()[0], "Heute")
    assert outcomes(house, wamid) == [("waiting_run", "late", "answered")]
    assert Wait.objects.in_workspace(house.workspace).get(resolved_at=None).step_key == "wo"
    house.customer_writes("Graz")
    assert (answer(house, "wann")["reply"], answer(house, "wo")["reply"]) == ("Morgen", "Graz")


def test_the_button_of_the_question_that_waits_answers_it(two_questions: House, tap: Callable[..., str]) -> None:
    house = two_questions
    house.customer_writes("Morgen")
    tap(house.messages()[1], "Graz")
    assert (house.run().status, answer(house, "wo")["reply"]) == (Run.Status.DONE, "Graz")


def test_a_button_tapped_twice_counts_once(two_questions: House, tap: Callable[..., str]) -> None:
    """The second tap comes while the run is still busy with the first."""
    house = two_questions
    tap(house.messages()[0], "Heute", times=2)
    assert [wait.step_key for wait in Wait.objects.in_workspace(house.workspace).filter(resolved_at=None)] == ["wo"]
    late = TriggerDecision.objects.in_workspace(house.workspace).filter(outcome="late")
    assert [decision.reason for decision in late] == ["answered"]


def test_a_button_of_a_run_that_has_ended_is_an_ordinary_message_marked_late(
    house: House, tap: Callable[..., str]
) -> None:
    house.flow("message_received", [asks("eins", "Wann?")], trigger_config=HALLO, name="Frage")
    house.customer_writes("Hallo")
    log = [{"type": "set_variables", "key": "spaet", "config": {"values": {"late": "{{trigger.is_late}}"}}}]
    house.flow("message_received", log, name="Rest")
    wamid = tap(house.messages()[0], "Heute")
    assert outcomes(house, wamid)[0] == ("waiting_run", "late", "run_ended")
    assert answer(house, "spaet") == {"late": True}


def test_the_runs_page_tells_of_an_answer_that_came_too_late(house: House) -> None:
    house.flow("message_received", [asks("eins", "Wann?"), waits("wann")], trigger_config=HALLO)
    house.customer_writes("Hallo")
    house.advance(hours=2, minutes=5)
    house.customer_writes("Morgen")
    house.customer_writes("Ist da jemand?")
    run = house.run()
    late = TriggerDecision.objects.in_workspace(house.workspace).filter(outcome="late")
    assert [(decision.run, decision.reason) for decision in late] == [(run, "timed_out")]
    assert any("Morgen" in str(moment.text) for moment in story_of(run, path_of(run)))


# --- Bursts ------------------------------------------------------------------------------------------
@pytest.fixture
def gathering(house: House) -> House:
    """A flow whose wait takes together what comes within four seconds."""
    house.flow("message_received", [asks("eins", "Worum geht es?"), waits("antwort", quiet_seconds=4)],
               trigger_config=HALLO)  # fmt: skip
    house.customer_writes("Hallo")
    return house


def test_what_comes_within_the_silence_is_one_answer(gathering: House) -> None:
    house = gathering
    for text in ("Guten Tag", "eine Füllung", "ist heraus"):
        house.customer_writes(text)
        house.advance(seconds=3)
        assert house.run().status == Run.Status.WAITING
    house.advance(seconds=1)
    assert house.run().status == Run.Status.DONE
    assert answer(house)["reply"] == "Guten Tag\neine Füllung\nist heraus"
    assert answer(house)["messages"] == ["Guten Tag", "eine Füllung", "ist heraus"]


def test_a_straggler_stands_at_its_place_in_the_burst(gathering: House) -> None:
    house = gathering
    house.traveller.shift(timedelta(seconds=20))
    house.customer_writes("zweitens")
    house.customer_writes("erstens", at=(house.now - timedelta(seconds=10)).isoformat())
    house.advance(seconds=4)
    assert answer(house)["messages"] == ["erstens", "zweitens"]


def test_who_writes_on_and_on_is_answered_after_a_minute(gathering: House) -> None:
    house = gathering
    for number in range(21):
        house.customer_writes(str(number))
        house.advance(seconds=3)
    assert house.run().status == Run.Status.DONE
    assert answer(house)["messages"][0] == "0"


def test_silence_from_the_start_is_still_a_time_out(gathering: House) -> None:
    gathering.advance(hours=2)
    assert answer(gathering)["timed_out"] is True


def test_a_burst_that_began_while_the_run_was_busy_is_one_answer(house: House) -> None:
    house.emulator.fault({"path": "/messages"}, {"error": 131016}, times=1)
    house.flow("message_received", [asks("eins", "Worum?"), waits("antwort", quiet_seconds=4)], trigger_config=HALLO)
    house.customer_writes("Hallo")
    house.customer_writes("Eine Füllung")
    house.customer_writes("ist heraus")
    house.advance(minutes=1)
    assert house.run().status == Run.Status.WAITING
    house.customer_writes("oben links")
    house.advance(seconds=4)
    assert answer(house)["messages"] == ["Eine Füllung", "ist heraus", "oben links"]


# --- Taking over and handing back -----------------------------------------------------------------------
@pytest.fixture
def held(house: House) -> House:
    """A run that waits, in a conversation that Alice has just taken over for four hours, half an hour later."""
    steps = [asks("eins", "Worum geht es?"), waits("antwort"), asks("dank", "Danke: {{steps.antwort.reply}}")]
    house.flow("message_received", steps, trigger_config=HALLO)
    house.customer_writes("Hallo")
    house.advance(minutes=30)
    take_over(talk(house), by=house.owner, until=house.now + timedelta(hours=4), now=house.now)
    return house


def talk(house: House) -> Conversation:
    rows = Conversation.objects.in_workspace(house.workspace)
    return rows.select_related("chat__contact", "chat__workspace", "workspace").get()


def test_handed_back_with_the_last_message_the_run_takes_it(held: House) -> None:
    held.customer_writes("Eine Füllung")
    held.customer_writes("Es tut weh")
    hand_back(talk(held), by=held.owner, now=held.now, go_on="last")
    held.settle()
    assert held.screen() == ["Worum geht es?", "Danke: Es tut weh"]


def test_handed_back_with_the_last_message_and_no_run_the_rules_decide(house: House) -> None:
    house.customer_writes("Hallo")
    take_over(talk(house), by=house.owner, until=house.now + timedelta(hours=4), now=house.now)
    house.flow("message_received", [asks("eins", "95 Euro")])
    house.customer_writes("Preis?")
    assert house.screen() == []
    hand_back(talk(house), by=house.owner, now=house.now, go_on="last")
    house.settle()
    assert house.screen() == ["95 Euro"]


def test_handed_back_to_wait_the_rest_of_the_time_is_left(held: House) -> None:
    held.customer_writes("Eine Füllung")
    held.advance(hours=3)
    hand_back(talk(held), by=held.owner, now=held.now, go_on="wait")
    held.advance(hours=1, minutes=29)
    assert held.run().status == Run.Status.WAITING
    held.advance(minutes=1)
    assert (held.run().status, answer(held)["timed_out"]) == (Run.Status.DONE, True)


def test_when_the_hours_run_out_it_goes_on_waiting(held: House) -> None:
    held.advance(hours=5, minutes=29)
    assert held.run().status == Run.Status.WAITING
    held.customer_writes("Bin wieder da")
    assert held.screen() == ["Worum geht es?", "Danke: Bin wieder da"]


def test_when_the_hours_run_out_its_time_runs_on(held: House) -> None:
    held.advance(hours=5, minutes=30)
    assert answer(held)["timed_out"] is True


def test_handed_back_to_end_the_run_is_over(held: House) -> None:
    held.customer_writes("Eine Füllung")
    hand_back(talk(held), by=held.owner, now=held.now, go_on="end")
    held.settle()
    assert held.run().status == Run.Status.CANCELLED
    assert held.screen() == ["Worum geht es?"]


@pytest.mark.parametrize(
    ("choice", "status"), [("last", Run.Status.DONE), ("end", Run.Status.CANCELLED), ("", Run.Status.WAITING)]
)
def test_the_page_asks_how_to_go_on(held: House, client: Client, choice: str, status: str) -> None:
    held.customer_writes("Eine Füllung")
    client.force_login(held.owner.user)
    address = [held.workspace.slug, talk(held).public_id]
    page = client.get(reverse("conversation", args=address)).content.decode()
    assert all(f'name="go_on" value="{one}"' in page for one in ("last", "wait", "end"))
    client.post(reverse("hand_back", args=address), {"go_on": choice})
    held.settle()
    assert held.run().status == status


def test_a_wait_that_begins_under_a_persons_hand_stands_still_from_the_start(house: House) -> None:
    pause = {"type": "delay", "config": {"mode": "for", "duration": {"amount": 1, "unit": "hours"}}}
    house.flow("message_received", [pause, waits("antwort")], trigger_config=HALLO)
    house.customer_writes("Hallo")
    take_over(talk(house), by=house.owner, until=house.now + timedelta(hours=4), now=house.now)
    house.advance(hours=1)
    house.advance(hours=3, minutes=30)
    assert house.run().status == Run.Status.WAITING
    house.advance(hours=1, minutes=30)
    assert answer(house)["timed_out"] is True


def test_a_run_that_would_speak_into_a_held_conversation_ends_and_alarms_nobody(house: House) -> None:
    pause = {"type": "delay", "config": {"mode": "for", "duration": {"amount": 1, "unit": "hours"}}}
    house.flow("message_received", [pause, asks("eins", "Worum?")], trigger_config=HALLO)
    house.customer_writes("Hallo")
    take_over(talk(house), by=house.owner, until=house.now + timedelta(hours=4), now=house.now)
    house.advance(hours=1)
    assert (house.run().status, house.run().error_code) == (Run.Status.CANCELLED, "conversation_taken_over")
    assert (house.screen(), house.notices()) == ([], [])


# --- Limits ------------------------------------------------------------------------------------------
def test_a_run_that_goes_round_with_another_bot_is_stopped(house: House) -> None:
    steps: list[Any] = []
    for number in range(40):
        steps += [asks(f"frage{number}", f"Frage {number}"), waits(f"antwort{number}")]
    house.flow("message_received", steps, trigger_config=HALLO)
    house.customer_writes("Hallo")
    for number in range(33):
        house.customer_writes(f"Bin nicht da {number}")
        house.advance(seconds=1)
    assert (house.run().status, house.run().error_code) == (Run.Status.FAILED, "run_limit_reached")
    assert house.run().error_facts["what"] == "messages"
    assert len(house.screen()) == 30


class WorkerDied(BaseException):
    """What a SIGKILL leaves behind: nothing was committed."""


def test_a_step_that_kills_its_worker_is_stopped_at_its_third_crash(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is not the first step of its slice."""
    deaths = []

    def die(self: Any, step: Any) -> Any:
        if step.step_key == "gift":
            deaths.append(step.step_key)
            raise WorkerDied
        return original(self, step)

    original = SetVariables.run
    monkeypatch.setattr(SetVariables, "run", die)
    value = {"values": {"a": "1"}}
    steps = [{"type": "set_variables", "key": key, "config": value} for key in ("gut", "gift")]
    house.flow("api_event", steps, trigger_config={"event": "go", "sample": None})
    house.tell("go")
    house.take_tasks()
    for _number in range(6):
        try:
            advance(house.run())
        except WorkerDied:
            house.traveller.shift(timedelta(seconds=61))
    assert (house.run().status, house.run().error_code) == (Run.Status.FAILED, "step_crashed")
    assert len(deaths) == 3
