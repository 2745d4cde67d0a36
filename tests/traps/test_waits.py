"""Waits and loops of two bots: each late, doubled or early answer has one outcome that can be seen."""

import pytest

from automations.models import Run, StepRun, TriggerDecision
from messaging.models import Contact
from tests.house import House

pytestmark = pytest.mark.django_db(transaction=True)


def waiting_flow(house: House, keywords: list[str] | None) -> None:
    """A flow that waits two hours; silence takes the lane "we close this"."""
    close = {"type": "send_text", "key": "schluss", "config": {"text": "Wir schließen das."}}
    wait = {
        "type": "wait_for_reply",
        "key": "antwort",
        "config": {"timeout": {"amount": 2, "unit": "hours"}, "after_timeout": "end"},
        "lanes": {"timeout": [close]},
    }
    words = {"keyword_match": "equals", "keywords": keywords} if keywords else {}
    house.flow("message_received", [wait], trigger_config=words)


def decided(house: House, wamid: str) -> list[tuple[str, str]]:
    rows = TriggerDecision.objects.in_workspace(house.workspace).filter(message__provider_id=wamid).order_by("id")
    return [(row.outcome, row.reason) for row in rows]


def test_an_answer_after_the_time_out_starts_nothing_anew(house: House) -> None:
    """(traps Q1) the time-out lane has run once; the late answer is an ordinary message, and the run shows it."""
    waiting_flow(house, ["termin"])
    house.customer_writes("Termin")
    house.advance(hours=2, minutes=5)
    wamid = house.customer_writes("Ja, gern")
    assert house.screen() == ["Wir schließen das."]
    assert house.run().status == Run.Status.DONE
    assert StepRun.objects.in_workspace(house.workspace).filter(step_key="schluss").count() == 1
    assert decided(house, wamid) == [("late", "timed_out"), ("lost", "no_keyword"), ("nothing", "")]


def test_a_flow_whose_trigger_takes_every_message_takes_the_late_one_too(house: House) -> None:
    """(traps Q1) by its trigger's word, once, and visibly."""
    waiting_flow(house, None)
    house.customer_writes("Hallo")
    house.advance(hours=2, minutes=5)
    wamid = house.customer_writes("Ja, gern")
    assert decided(house, wamid) == [("late", "timed_out"), ("started", "")]
    assert [run.status for run in house.runs()] == [Run.Status.DONE, Run.Status.WAITING]
    assert house.runs()[1].trigger["is_late"] is True


def test_two_bots_that_answer_each_other_are_stopped(house: House) -> None:
    """(traps A5) after so many runs a minute; the team is told once, and an opt-out still counts."""
    house.flow("message_received", [{"type": "set_variables", "config": {"values": {"a": "1"}}}])
    for number in range(23):
        house.customer_writes(f"Bin nicht da {number}")
    assert len(house.runs()) == 20
    assert [notice.count for notice in house.notices() if notice.code == "loop_guard"] == [3]
    house.customer_writes("STOP")
    assert Contact.objects.in_workspace(house.workspace).get().consent_marketing == "opted_out"
    house.advance(minutes=1, seconds=1)
    house.customer_writes("Ich bin es selbst")
    assert len(house.runs()) == 21
