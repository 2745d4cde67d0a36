"""An assistant's answer on the whole path: never empty, in WhatsApp's own marks, text and nothing else."""

from typing import Any

import pytest

from assistants.models import Assistant, Turn
from automations.models import Run, StepRun
from messaging.models import Sender
from tests.house import House

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answering(house: House, assistant: Assistant) -> House:
    """A flow that has the assistant answer whoever writes, and sends what it says."""
    house.flow(
        "message_received",
        [
            {
                "type": "ai_reply",
                "key": "ki",
                "config": {"assistant": str(assistant.public_id), "message": "{{trigger.text}}"},
            },
            {"type": "send_text", "key": "senden", "config": {"text": "{{steps.ki.reply}}"}},
        ],
    )
    return house


def step(house: House) -> StepRun:
    return StepRun.objects.in_workspace(house.workspace).get(step_key="ki")


@pytest.mark.parametrize("nothing", ["", "   ", None])
def test_an_empty_answer_is_tried_once_more_then_the_fallback_goes(
    answering: House, assistant: Assistant, model_server: Any, nothing: str | None
) -> None:
    """(traps A1) `None` is what comes with a tool call and no text after it."""
    model_server.fault({}, {"answer": nothing}, times=2)
    answering.customer_writes("Was kostet eine Reinigung?")
    assert len(model_server.prompts()) == 2
    assert answering.screen() == [assistant.fallback_text]
    assert step(answering).notes == ["assistant_unavailable"]
    assert step(answering).output["is_fallback"] is True
    assert answering.run().status == Run.Status.DONE
    assert [notice.code for notice in answering.notices()] == ["assistant_unavailable"]


def test_an_empty_answer_that_was_a_slip_costs_one_more_try(answering: House, model_server: Any) -> None:
    """(traps A1)"""
    model_server.fault({}, {"answer": "  \n"}, times=1)
    answering.customer_writes("Was kostet eine Reinigung?")
    assert "95 Euro" in answering.screen()[0]
    assert step(answering).notes == []


@pytest.mark.parametrize("fallback", ["", "   "])
def test_without_a_fallback_nothing_empty_is_ever_sent(
    answering: House, assistant: Assistant, model_server: Any, fallback: str
) -> None:
    """(traps A1) also by the sender's own "AI answers"."""
    Assistant.objects.in_workspace(answering.workspace).update(fallback_text=fallback)
    model_server.fault({}, {"empty": True}, times=None)
    answering.customer_writes("Was kostet eine Reinigung?")
    answering.advance(minutes=1)
    assert (answering.run().status, answering.run().error_code) == (Run.Status.FAILED, "assistant_unavailable")
    assert answering.calls() == []


MARKDOWN = [
    ("**Preis:** 5 * 3 = 15", "*Preis:* 5 * 3 = 15"),
    ("***wichtig***", "*_wichtig_*"),
    ("# Titel", "*Titel*"),
    ("* Punkt", "* Punkt"),
    ("`**roh**`", "`**roh**`"),
    ("mein_datei_name", "mein_datei_name"),
    ("[AGB](https://example.com/agb)", "AGB: https://example.com/agb"),
]


@pytest.mark.parametrize(("written", "shown"), MARKDOWN)
def test_a_models_markdown_reaches_the_customer_as_whatsapps(
    answering: House, model_server: Any, written: str, shown: str
) -> None:
    """(traps A2)"""
    model_server.fault({}, {"answer": written}, times=1)
    answering.customer_writes("Was kostet das?")
    assert answering.screen() == [shown]


@pytest.mark.parametrize(
    "written", ['```json\n{"budget": 500}\n```', 'Gern! {"budget": 500}', '{"text":"```x```","budget":500}']
)
def test_json_in_an_answer_stays_text(answering: House, model_server: Any, written: str) -> None:
    """(traps A3) the reply step never cuts data out of an answer: what it gives is text; extracting comes later."""
    model_server.fault({}, {"answer": written}, times=1)
    answering.customer_writes("Wie hoch ist mein Budget?")
    reply = step(answering).output["reply"]
    assert isinstance(reply, str)
    assert '"budget"' in reply
    assert answering.screen() == [reply]
    assert Turn.objects.in_workspace(answering.workspace).get(role="assistant").content == reply


@pytest.mark.parametrize("fallback", [True, False])
def test_the_senders_assistant_never_sends_an_empty_text(
    house: House, assistant: Assistant, model_server: Any, fallback: bool
) -> None:
    """(traps A1) no flow wants the message; the fallback goes or nothing, and the team is told by name."""
    Sender.objects.in_workspace(house.workspace).update(assistant=assistant, ai_answers=True)
    if not fallback:
        Assistant.objects.in_workspace(house.workspace).update(fallback_text="")
    model_server.fault({}, {"answer": "   "}, times=None)
    house.customer_writes("Was kostet eine Reinigung?")
    house.advance(minutes=1)
    assert house.screen() == ([assistant.fallback_text] if fallback else [])
    assert "assistant_unavailable" in {notice.code for notice in house.notices()}
