"""Who gets a message: one visible order, written down with what lost and why."""

from datetime import timedelta
from typing import Any

import pytest

from assistants.models import Assistant
from automations.models import Run, TriggerDecision
from messaging.models import Contact, Conversation
from messaging.services.conversations import close_conversation
from tests.house import House

pytestmark = pytest.mark.django_db(transaction=True)


def says(text: str) -> list[dict[str, Any]]:
    return [{"type": "send_text", "config": {"text": text}}]


def decisions(house: House) -> list[tuple[str, str, str]]:
    rows = TriggerDecision.objects.in_workspace(house.workspace).select_related("flow").order_by("id")
    return [(row.flow.name if row.flow else "", row.outcome, row.reason) for row in rows]


def test_words_come_before_started_and_started_before_received(house: House) -> None:
    house.flow("message_received", says("jede"), name="jede")
    house.flow("conversation_started", says("neu"), name="neu")
    words = {"keyword_match": "contains", "keywords": ["termin"]}
    house.flow("message_received", says("Termin"), name="Wort", trigger_config=words)
    house.customer_writes("Ich hätte gern einen TERMIN")
    house.customer_writes("Und noch etwas")
    assert house.screen() == ["Termin", "jede"]
    assert decisions(house)[:3] == [
        ("Wort", "started", ""),
        ("neu", "lost", "another_leads"),
        ("jede", "lost", "another_leads"),
    ]


def test_a_conversation_starts_with_the_first_message_and_after_it_was_closed(house: House) -> None:
    house.flow("conversation_started", says("Willkommen"))
    house.customer_writes("Hallo")
    house.customer_writes("Noch da?")
    close_conversation(Conversation.objects.in_workspace(house.workspace).get(), by="person", now=house.now)
    house.customer_writes("Wieder da")
    assert house.screen() == ["Willkommen", "Willkommen"]


@pytest.mark.parametrize(("seconds", "starts"), [(-1, 1), (0, 2)])
def test_the_quiet_time_closes_a_conversation_by_itself(house: House, seconds: int, starts: int) -> None:
    house.flow("conversation_started", [{"type": "set_variables", "config": {"values": {"a": "1"}}}])
    house.customer_writes("Hallo")
    house.traveller.shift(timedelta(hours=24, seconds=seconds))
    house.customer_writes("Wieder da")
    assert len(house.runs()) == starts


def test_within_a_rule_priority_wins_then_the_older_flow(house: House) -> None:
    house.flow("message_received", says("älter"), name="älter")
    house.flow("message_received", says("jünger"), name="jünger")
    house.customer_writes("Hallo")
    house.flow("message_received", says("wichtig"), name="wichtig", priority=5)
    house.customer_writes("Hallo")
    assert house.screen() == ["älter", "wichtig"]


def test_flows_that_run_alongside_are_started_besides(house: House) -> None:
    log = [{"type": "set_variables", "config": {"values": {"text": "{{trigger.text}}"}}}]
    house.flow("message_received", log, name="Protokoll", leads=False)
    house.flow("message_received", log, name="Zähler", leads=False)
    house.flow("message_received", says("Guten Tag"), name="Antwort")
    house.customer_writes("Hallo")
    assert sorted(run.flow.name for run in house.runs()) == ["Antwort", "Protokoll", "Zähler"]
    assert house.screen() == ["Guten Tag"]


def test_an_opt_out_word_is_honoured_first_and_answers_no_wait(house: House) -> None:
    wait = {"type": "wait_for_reply", "config": {"timeout": {"amount": 1, "unit": "hours"}, "after_timeout": "end"}}
    house.flow(
        "message_received",
        [*says("Worum geht es?"), wait],
        trigger_config={"keyword_match": "equals", "keywords": ["hallo"]},
    )
    house.customer_writes("Hallo")
    house.customer_writes("STOPP")
    assert house.run().status == Run.Status.WAITING
    assert Contact.objects.in_workspace(house.workspace).get().consent_marketing == "opted_out"
    assert decisions(house)[-1] == ("", "consent", "opt_out")


def test_what_no_flow_wants_goes_to_the_senders_assistant(house: House, assistant: Assistant) -> None:
    house.set_sender(assistant=assistant, ai_answers=True)
    house.customer_writes("Was kostet eine Reinigung?")
    assert "95 Euro" in house.screen()[0]
    assert decisions(house) == [("", "answered", "")]


def test_with_ai_answers_off_nobody_answers(house: House, assistant: Assistant) -> None:
    house.set_sender(assistant=assistant, ai_answers=False)
    house.customer_writes("Was kostet eine Reinigung?")
    assert house.screen() == []
    assert decisions(house) == [("", "nothing", "")]


def test_two_bots_are_stopped_and_the_team_is_told_once(house: House) -> None:
    """traps.md A5: a contact that answers within a second, again and again."""
    house.flow("message_received", [{"type": "set_variables", "config": {"values": {"a": "1"}}}])
    for number in range(25):
        house.customer_writes(f"Bin nicht da {number}")
    assert len(house.runs()) == 20
    (notice,) = [notice for notice in house.notices() if notice.code == "loop_guard"]
    assert notice.count == 5
    house.customer_writes("STOP")
    assert Contact.objects.in_workspace(house.workspace).get().consent_marketing == "opted_out"


def test_the_same_webhook_twice_makes_one_message_and_one_run(house: House) -> None:
    house.flow("message_received", says("Guten Tag"))
    house.emulator.fault({"to": ""}, {"double_webhook": True}, times=1)
    house.customer_writes("Hallo")
    assert len(house.runs()) == 1
    assert house.screen() == ["Guten Tag"]


def test_a_flow_that_is_off_starts_nothing(house: House) -> None:
    flow = house.flow("message_received", says("Guten Tag"))
    flow.is_on = False
    flow.save()
    house.customer_writes("Hallo")
    assert house.runs() == []
