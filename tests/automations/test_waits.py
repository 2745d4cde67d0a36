"""Waits: whoever comes first wins, once; what comes early is kept, what comes late is an ordinary message."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from automations.engine.waits import resolve_if_due, resolve_wait
from automations.models import Run, Signal, TriggerDecision, Wait
from automations.services.runs import cancel_run, resume_now
from messaging.models import Conversation
from messaging.services.conversations import take_over
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = {"type": "send_text", "key": "frage", "config": {"text": "Worum geht es?"}}
WAIT = {
    "type": "wait_for_reply",
    "key": "antwort",
    "config": {"timeout": {"amount": 2, "unit": "hours"}, "after_timeout": "end"},
    "lanes": {"timeout": [{"type": "set_variables", "key": "still", "config": {"values": {"silent": "ja"}}}]},
}
THANKS = {"type": "send_text", "key": "dank", "config": {"text": "Danke: {{steps.antwort.reply}}"}}


@pytest.fixture
def asking(house: House) -> House:
    """A flow that asks, waits two hours, and thanks with the answer."""
    house.flow(
        "message_received", [QUESTION, WAIT, THANKS], trigger_config={"keyword_match": "equals", "keywords": ["hallo"]}
    )
    house.customer_writes("Hallo")
    return house


def outcomes(house: House, wamid: str) -> list[tuple[str, str]]:
    rows = TriggerDecision.objects.in_workspace(house.workspace).filter(message__provider_id=wamid).order_by("id")
    return [(row.rule, row.outcome) for row in rows]


def step_states(house: House) -> dict[str, str]:
    return {row.step_key: row.status for row in house.run().step_runs.order_by("id")}


def test_an_answer_goes_on_in_the_trunk(asking: House) -> None:
    wamid = asking.customer_writes("Eine Füllung")
    assert asking.screen() == ["Worum geht es?", "Danke: Eine Füllung"]
    assert outcomes(asking, wamid) == [("waiting_run", "resumed")]


def test_silence_takes_the_lane_and_ends(asking: House) -> None:
    asking.advance(hours=1, minutes=59, seconds=59)
    assert asking.run().status == Run.Status.WAITING
    asking.advance(seconds=1)
    assert asking.run().status == Run.Status.DONE
    assert step_states(asking)["still"] == "done"
    assert "dank" not in step_states(asking)


def test_an_answer_after_the_time_out_is_an_ordinary_message(asking: House) -> None:
    """traps.md Q1: the flow does not start anew by itself."""
    asking.advance(hours=2)
    wamid = asking.customer_writes("Eine Füllung")
    assert outcomes(asking, wamid) == [("waiting_run", "late"), ("keyword", "lost"), ("nothing", "nothing")]
    assert len(asking.runs()) == 1


def test_answer_and_time_out_in_the_same_instant_have_one_winner(asking: House) -> None:
    asking.traveller.shift(2 * 3600)
    wait = Wait.objects.in_workspace(asking.workspace).select_related("run__workspace").get()

    def by_time() -> None:
        try:
            resolve_if_due(asking.run(), now=asking.now)
        finally:
            connection.close()

    def by_answer() -> bool:
        try:
            with transaction.atomic():
                return resolve_wait(wait, resolution="reply", now=asking.now)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        timed, answered = pool.submit(by_time), pool.submit(by_answer)
        timed.result(), answered.result()
    wait.refresh_from_db()
    assert wait.resolution == ("reply" if answered.result() else "timeout")
    # Whoever finds a wait due advances the run itself; here nobody does, so the clock brings it.
    asking.advance(seconds=6)
    assert asking.run().status == Run.Status.DONE


def test_what_is_written_while_the_run_is_busy_answers_its_next_wait(house: House) -> None:
    house.emulator.fault({"path": "/messages"}, {"error": 131016}, times=1)
    house.flow(
        "message_received", [QUESTION, WAIT, THANKS], trigger_config={"keyword_match": "equals", "keywords": ["hallo"]}
    )
    house.customer_writes("Hallo")
    wamid = house.customer_writes("Eine Füllung")
    assert outcomes(house, wamid) == [("busy_run", "kept")]
    house.advance(minutes=1)
    assert house.screen() == ["Worum geht es?", "Danke: Eine Füllung"]
    assert Signal.objects.in_workspace(house.workspace).get().consumed_at is not None


def test_a_message_kept_for_a_run_that_ends_is_routed_as_if_it_had_just_come(house: House) -> None:
    house.emulator.fault({"path": "/messages"}, {"error": 131016}, times=2)
    hallo = {"keyword_match": "equals", "keywords": ["hallo"]}
    preis = {"keyword_match": "contains", "keywords": ["preis"]}
    house.flow("message_received", [QUESTION], trigger_config=hallo, name="Gruß")
    house.flow("message_received", [{**QUESTION, "config": {"text": "95 Euro"}}], trigger_config=preis, name="Preis")
    house.customer_writes("Hallo")
    house.customer_writes("Preis?")
    house.advance(minutes=1)
    assert house.screen() == ["95 Euro"]


def test_a_delay_holds_no_line(house: House) -> None:
    pause = {"type": "delay", "config": {"mode": "for", "duration": {"amount": 1, "unit": "hours"}}}
    house.flow(
        "message_received", [pause, THANKS_LATER], trigger_config={"keyword_match": "equals", "keywords": ["später"]}
    )
    house.flow("message_received", [{**QUESTION, "config": {"text": "95 Euro"}}], name="Preis")
    house.customer_writes("Später")
    house.customer_writes("Preis?")
    assert house.screen() == ["95 Euro"]
    house.advance(hours=1)
    assert house.screen() == ["95 Euro", "Nun ist es so weit"]


THANKS_LATER: dict[str, Any] = {"type": "send_text", "key": "spaet", "config": {"text": "Nun ist es so weit"}}


def test_a_quoted_answer_goes_to_the_run_that_asked(house: House) -> None:
    ask = [{**QUESTION, "config": {"text": "Frage {{trigger.number}}"}}, WAIT, THANKS]
    first = dict(ask[0], config={"text": "Frage {{trigger.number}}", "to": EVA, "sender": str(house.sender.public_id)})
    house.customer_writes("Hallo")
    house.flow("api_event", [first, *ask[1:]], trigger_config={"event": "ask", "sample": None})
    house.event("ask", number=1)
    house.event("ask", number=2)
    asked = house.messages()[0]
    house.customer_writes("zur ersten", context=asked.provider_id)
    assert [run.status for run in house.runs()] == [Run.Status.DONE, Run.Status.WAITING]
    house.customer_writes("zur zweiten")
    assert [run.status for run in house.runs()] == [Run.Status.DONE, Run.Status.DONE]


def test_under_a_persons_hand_the_wait_and_its_time_stand_still(asking: House) -> None:
    conversation = Conversation.objects.in_workspace(asking.workspace).get()
    take_over(conversation, by=asking.owner, until=asking.now.replace(hour=20), now=asking.now)
    wamid = asking.customer_writes("Eine Füllung")
    assert outcomes(asking, wamid) == [("person", "held")]
    asking.advance(hours=3)
    assert asking.run().status == Run.Status.WAITING


def test_a_cancelled_run_ends_its_wait_and_sends_nothing_more(asking: House) -> None:
    cancel_run(run=asking.run(), by=asking.owner, now=asking.now)
    asking.customer_writes("Eine Füllung")
    assert asking.run().status == Run.Status.CANCELLED
    assert asking.screen() == ["Worum geht es?"]


def test_a_person_can_let_the_time_be_over(asking: House) -> None:
    resume_now(run=asking.run(), by=asking.owner, now=asking.now)
    asking.settle()
    assert step_states(asking)["still"] == "done"
