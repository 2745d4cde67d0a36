"""AI replies by phone, e-mail or CRM id on the whole path: one answer at a time, and what happens without a model."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from assistants.models import Assistant, Thread, Turn
from automations.models import Flow, Run, StepRun, Wait
from automations.tasks import advance_run
from messaging.models import Sender
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ask(house: House, assistant: Assistant) -> Callable[..., Flow]:
    """A flow that has the assistant answer what another system asks for one of its customers."""

    def build(message: str = "{{trigger.question}}", lane: bool = False) -> Flow:
        config = {
            "assistant": str(assistant.public_id),
            "customer_identifier": "{{trigger.customer}}",
            "message": message,
            "variables": {
                "name": "{{trigger.name | default: 'unbekannt'}}",
                "rabatt": "{{trigger.discount | default: 0}}",
            },
        }
        failure = {"type": "set_variables", "key": "notiz", "config": {"values": {"why": "{{steps.ki.error.code}}"}}}
        more = {"on_failure": "lane", "lanes": {"failure": [failure]}} if lane else {}
        return house.flow(
            "api_event",
            [{"type": "ai_reply", "key": "ki", "name": "Antworten", "config": config, **more}],
            trigger_config={"event": "question", "sample": None},
        )

    return build


def steps(house: House, key: str = "ki") -> list[StepRun]:
    return list(StepRun.objects.in_workspace(house.workspace).filter(step_key=key).order_by("id"))


@pytest.mark.parametrize("identifier", ["+4915112345678", "eva@example.com", "CRM-0815"])
def test_the_thread_is_created_then_found_by_the_customers_identifier(
    house: House, ask: Callable[..., Flow], model_server: Any, identifier: str
) -> None:
    ask()
    house.event("question", customer=identifier, question="Ich heiße Eva.", name="Eva Novak", discount=15)
    house.event("question", customer=identifier, question="Was kostet eine Reinigung?")
    (thread,) = Thread.objects.in_workspace(house.workspace)
    assert thread.customer_identifier == identifier
    assert {step.output["thread_id"] for step in steps(house)} == {str(thread.public_id)}
    assert "95 Euro" in steps(house)[1].output["reply"]
    said = "\n".join(str(message["content"]) for message in model_server.prompts()[1])
    assert "Ich heiße Eva." in said
    assert thread.turns.count() == 4


def test_the_variables_reach_the_model_and_keep_their_type(
    house: House, ask: Callable[..., Flow], model_server: Any
) -> None:
    ask()
    house.event("question", customer="CRM-1", question="Hallo", name="Eva Novak", discount=15)
    system, *others = model_server.prompts()[0]
    told = "\n".join(str(message["content"]) for message in others)
    assert "Eva Novak" in told and "15" in told
    assert "Eva Novak" not in system["content"]
    assert Thread.objects.in_workspace(house.workspace).get().variables == {"name": "Eva Novak", "rabatt": 15}


def test_another_customer_has_a_thread_of_their_own(house: House, ask: Callable[..., Flow], model_server: Any) -> None:
    ask()
    house.event("question", customer="CRM-1", question="Ich heiße Eva.")
    house.event("question", customer="crm-1", question="Wie heiße ich?")
    assert Thread.objects.in_workspace(house.workspace).count() == 2
    assert "Eva" not in str(model_server.prompts()[1][1:])


def test_without_an_identifier_it_is_the_contacts_phone(house: House, assistant: Assistant) -> None:
    house.flow(
        "message_received",
        [
            {
                "type": "ai_reply",
                "key": "ki",
                "config": {"assistant": str(assistant.public_id), "message": "{{trigger.text}}"},
            }
        ],
    )
    house.customer_writes("Hallo")
    assert Thread.objects.in_workspace(house.workspace).get().customer_identifier == EVA


def at_once(*calls: Callable[[], Any]) -> None:
    """Run the calls in threads of their own, as two workers do."""

    def work(call: Callable[[], Any]) -> None:
        try:
            call()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
        # Who came first shall be first in the thread, too.
        thread.join(0.15)
    for thread in threads:
        thread.join(20)


def two_at_once(house: House, model_server: Any) -> None:
    """Two questions of one customer; while the model thinks about the first, a second worker takes the other."""
    model_server.fault({}, {"delay_ms": 600}, times=1)
    house.tell("question", customer="CRM-1", question="Eins")
    house.tell("question", customer="CRM-1", question="Zwei")
    house.take_tasks()
    first, second = house.runs()
    at_once(lambda: advance_run(first.pk), lambda: advance_run(second.pk))


def test_two_messages_at_once_are_answered_one_after_the_other(
    house: House, ask: Callable[..., Flow], model_server: Any
) -> None:
    ask()
    two_at_once(house, model_server)
    assert [run.status for run in house.runs()] == [Run.Status.DONE, Run.Status.WAITING]
    wait = Wait.objects.in_workspace(house.workspace).get(resolved_at=None)
    assert wait.kind == Wait.Kind.THREAD
    house.advance(seconds=3)
    assert [run.status for run in house.runs()] == [Run.Status.DONE, Run.Status.DONE]
    assert [prompt[-1]["content"] for prompt in model_server.prompts()] == ["Eins", "Zwei"]
    turns = Turn.objects.in_workspace(house.workspace).order_by("id")
    assert [turn.content for turn in turns.filter(role="customer")] == ["Eins", "Zwei"]
    assert [turn.answers.content for turn in turns.filter(role="assistant")] == ["Eins", "Zwei"]
    # Waiting for one's turn is no attempt used up.
    assert [(step.attempt, step.status) for step in steps(house)] == [(1, "done"), (1, "done")]


def test_a_text_with_the_time_in_it_stays_as_it_was_while_it_waits_for_its_turn(
    house: House, ask: Callable[..., Flow], model_server: Any
) -> None:
    """Rendered anew it would be another message under the same key, which the thread refuses."""
    ask("{{now | date: '%H:%M:%S'}} {{trigger.question}}")
    two_at_once(house, model_server)
    house.advance(seconds=3)
    assert [(run.status, run.error_code) for run in house.runs()] == [(Run.Status.DONE, "")] * 2
    assert [prompt[-1]["content"] for prompt in model_server.prompts()] == ["12:00:00 Eins", "12:00:00 Zwei"]
    assert [step.input["message"] for step in steps(house)] == ["12:00:00 Eins", "12:00:00 Zwei"]


def test_a_model_that_is_down_is_tried_again_then_the_fallback_stands_in(
    house: House, ask: Callable[..., Flow], assistant: Assistant, model_server: Any
) -> None:
    ask()
    model_server.fault({}, {"error": 500}, times=2)
    house.event("question", customer="CRM-1", question="Hallo")
    assert len(model_server.prompts()) == 2
    (step,) = steps(house)
    assert (step.status, step.notes) == ("done", ["assistant_unavailable"])
    assert (step.output["reply"], step.output["is_fallback"]) == (assistant.fallback_text, True)
    answer = Turn.objects.in_workspace(house.workspace).get(role="assistant")
    assert (answer.is_fallback, answer.error_code) == (True, "assistant_unavailable")
    assert [notice.code for notice in house.notices()] == ["assistant_unavailable"]
    assert house.run().status == Run.Status.DONE


def test_without_a_fallback_the_step_is_tried_a_minute_later(
    house: House, ask: Callable[..., Flow], model_server: Any
) -> None:
    ask()
    Assistant.objects.in_workspace(house.workspace).update(fallback_text="")
    model_server.fault({}, {"error": 500}, times=2)
    house.event("question", customer="CRM-1", question="Was kostet eine Reinigung?")
    assert house.run().status == Run.Status.WAITING
    house.advance(seconds=59)
    assert len(model_server.prompts()) == 2
    house.advance(seconds=1)
    assert house.run().status == Run.Status.DONE
    assert [(step.attempt, step.status) for step in steps(house)] == [(1, "failed"), (2, "done")]
    assert "95 Euro" in steps(house)[1].output["reply"]
    # One question and one answer in the thread: the second attempt has answered the first one's message.
    assert Turn.objects.in_workspace(house.workspace).count() == 2


def test_without_a_fallback_a_model_that_stays_down_is_a_named_error_after_the_retry(
    house: House, ask: Callable[..., Flow], model_server: Any
) -> None:
    ask(lane=True)
    Assistant.objects.in_workspace(house.workspace).update(fallback_text="")
    model_server.fault({}, {"error": 500}, times=None)
    house.event("question", customer="CRM-1", question="Hallo")
    house.advance(minutes=1)
    codes = [(step.attempt, step.status, step.error_code) for step in steps(house)]
    assert codes == [(1, "failed", "assistant_unavailable"), (2, "failed", "assistant_unavailable")]
    assert [(notice.code, notice.level) for notice in house.notices()] == [("assistant_unavailable", "failure")]
    assert [step.output for step in steps(house, "notiz")] == [{"why": "assistant_unavailable"}]
    assert (house.run().status, house.run().error_step) == (Run.Status.DONE, "ki")


def test_a_retry_says_the_text_of_its_own_time(house: House, ask: Callable[..., Flow], model_server: Any) -> None:
    ask("{{now | date: '%H:%M'}} {{trigger.question}}")
    Assistant.objects.in_workspace(house.workspace).update(fallback_text="")
    model_server.fault({}, {"error": 500}, times=2)
    house.event("question", customer="CRM-1", question="Hallo")
    house.advance(minutes=1)
    assert [step.input["message"] for step in steps(house)] == ["12:00 Hallo", "12:01 Hallo"]
    assert house.run().status == Run.Status.DONE


@pytest.fixture
def ai_answers(house: House, assistant: Assistant) -> Assistant:
    """The sender's own switch: what no flow wants is answered by the assistant."""
    Sender.objects.in_workspace(house.workspace).update(assistant=assistant, ai_answers=True)
    return assistant


def test_a_sender_answers_by_its_assistant_in_the_thread_of_the_phone(
    house: House, ai_answers: Assistant, model_server: Any
) -> None:
    house.customer_writes("Ich heiße Eva.")
    house.customer_writes("Was kostet eine Reinigung?")
    assert len(house.screen()) == 2 and "95 Euro" in house.screen()[1]
    thread = Thread.objects.in_workspace(house.workspace).get()
    assert (thread.customer_identifier, thread.turns.count()) == (EVA, 4)
    assert "Ich heiße Eva." in str(model_server.prompts()[1])


def test_a_sender_without_its_model_says_the_fallback_and_tells_the_team(
    house: House, ai_answers: Assistant, model_server: Any
) -> None:
    model_server.fault({}, {"error": 500}, times=2)
    house.customer_writes("Hallo")
    assert house.screen() == [ai_answers.fallback_text]
    assert [notice.code for notice in house.notices()] == ["assistant_unavailable"]


def test_a_sender_without_model_and_fallback_tries_again_a_minute_later(
    house: House, ai_answers: Assistant, model_server: Any
) -> None:
    Assistant.objects.in_workspace(house.workspace).update(fallback_text="")
    model_server.fault({}, {"error": 500}, times=2)
    house.customer_writes("Was kostet eine Reinigung?")
    assert (house.screen(), house.notices()) == ([], [])
    house.advance(minutes=1)
    assert len(house.screen()) == 1 and "95 Euro" in house.screen()[0]


def test_a_sender_whose_model_stays_down_tells_the_team_after_the_retry(
    house: House, ai_answers: Assistant, model_server: Any
) -> None:
    Assistant.objects.in_workspace(house.workspace).update(fallback_text="")
    model_server.fault({}, {"error": 500}, times=None)
    house.customer_writes("Hallo")
    house.advance(minutes=1)
    assert house.calls() == []
    assert [(notice.code, notice.level) for notice in house.notices()] == [("assistant_unavailable", "failure")]
    house.advance(minutes=10)
    assert len(house.notices()) == 1
