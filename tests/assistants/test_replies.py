"""Generate reply: threads by external identifier, context variables, history, keys, hand-off, and the answer's form."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from assistants.errors import (
    AssistantOff,
    ContextVariablesInvalid,
    CustomerIdentifierInvalid,
    CustomerMessageInvalid,
    ReplyKeyReused,
)
from assistants.events import ReplyGenerated
from assistants.models import Thread, Turn
from assistants.services.replies import generate_reply
from assistants.services.threads import thread_history
from tests.assistants.conftest import NOW, new_assistant
from tests.assistants.model_server import says
from workspaces import events
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("identifier", ["+4915112345678", "eva@example.com", "CRM-0815/7", "Straße 7 ✓"])
def test_the_thread_is_found_or_created_by_an_external_identifier(ask, workspace, identifier):
    first = ask("Hallo", customer_identifier=f"  {identifier} ")
    again = ask("Und morgen?", customer_identifier=identifier)
    assert first.thread == again.thread
    assert again.thread.customer_identifier == identifier
    assert Thread.objects.in_workspace(workspace).count() == 1


def test_identifiers_are_compared_byte_for_byte(ask):
    assert ask(customer_identifier="Eva@example.com").thread != ask(customer_identifier="eva@example.com").thread


def test_another_assistant_and_another_workspace_have_threads_of_their_own(ask, workspace, model):
    second = new_assistant(workspace, model, name="Verkauf")
    stranger = new_assistant(Workspace.objects.create(name="Fremd", slug="fremd"), model)
    threads = {ask().thread.pk, ask(assistant=second).thread.pk, ask(assistant=stranger).thread.pk}
    assert len(threads) == 3


def test_the_answer_comes_with_its_rows_and_tokens(ask, model):
    reply = ask("Hallo")
    assert reply.text == "Antwort auf: Hallo"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (70, 30, 100)
    assert (reply.is_fallback, reply.error_code, reply.hand_off) == (False, "", False)
    assert reply.turn.answers.content == "Hallo"
    assert reply.turn.model == "demo-large-2026"
    assert reply.turn.latency_ms is not None
    assert [turn.content for turn in thread_history(reply.thread)] == ["Hallo", "Antwort auf: Hallo"]
    assert model.calls[0]["path"] == "/v1/chat/completions"
    assert model.calls[0]["headers"]["Authorization"] == "Bearer sk-canary-4711"
    assert (model.calls[0]["body"]["model"], model.calls[0]["body"]["temperature"]) == ("demo-large", 0.3)


def test_tokens_are_estimated_where_the_endpoint_counts_none(ask, model):
    model.plan(says("Ja, bis 17 Uhr.", usage=False))
    usage = ask().usage
    assert usage.prompt_tokens > 100
    assert usage.completion_tokens == 5


def test_variables_reach_the_model_and_stay_with_the_thread(ask, model):
    ask(variables={"name": "Eva", "budget": Decimal("350000.50"), "since": NOW})
    ask("Und morgen?", variables={"name": "Eva Berger"})
    data = model.messages()[1]
    assert data["role"] == "user"
    assert '"name": "Eva Berger"' in data["content"]
    assert '"budget": "350000.50"' in data["content"]
    assert '"since": "2026-11-25T09:00:00Z"' in data["content"]


def test_the_model_remembers_the_last_turns_in_order(ask, model, assistant):
    assistant.history_length = 3
    for text in ("Eins", "Zwei", "Drei"):
        ask(text)
    said = [(message["role"], message["content"]) for message in model.messages()[2:]]
    assert said == [("user", "Zwei"), ("assistant", "Antwort auf: Zwei"), ("user", "Drei")]


def test_an_assistant_that_remembers_nothing_hears_the_message_alone(ask, model, assistant):
    assistant.history_length = 0
    ask("Eins")
    ask("Zwei")
    assert [message["content"] for message in model.messages()[2:]] == ["Zwei"]


def test_the_same_key_twice_is_one_call(ask, model):
    first = ask("Hallo", key="abc")
    second = ask("Hallo", key="abc", now=NOW + timedelta(days=3))
    assert second == first
    assert len(model.calls) == 1


def test_a_key_that_comes_with_another_text_is_refused(ask, model):
    ask("Hallo", key="abc")
    with pytest.raises(ReplyKeyReused):
        ask("Tschüss", key="abc")
    assert len(model.calls) == 1


def test_a_message_without_a_key_is_refused(ask, model):
    with pytest.raises(ValueError):
        ask(key="")
    assert model.calls == []


def test_an_answer_in_markdown_becomes_whatsapps(ask, model):
    model.plan(says("**Preis:** 15 Euro"))
    assert ask().text == "*Preis:* 15 Euro"


@pytest.mark.parametrize("identifier", ["", "   ", "x" * 256, "eva\nadmin", "eva\x00"])
def test_an_identifier_that_names_nobody_is_refused(ask, model, identifier):
    with pytest.raises(CustomerIdentifierInvalid) as refusal:
        ask(customer_identifier=identifier)
    assert (refusal.value.http_status, refusal.value.field) == (422, "customer_identifier")
    assert model.calls == []


def test_255_characters_are_an_identifier(ask):
    assert ask(customer_identifier="ä" * 255).thread.customer_identifier == "ä" * 255


@pytest.mark.parametrize("message", ["", " \n", "\x00", "x" * 16_385])
def test_a_message_that_cannot_be_answered_is_refused(ask, model, message):
    with pytest.raises(CustomerMessageInvalid) as refusal:
        ask(message)
    assert refusal.value.http_status == 422
    assert model.calls == []


@pytest.mark.parametrize("variables", [{"big": "x" * 40_000}, {"odd": object()}, {"n": float("nan")}, {3: "number"}])
def test_variables_that_json_cannot_hold_are_refused(ask, model, variables):
    with pytest.raises(ContextVariablesInvalid):
        ask(variables=variables)
    assert model.calls == []


def test_characters_that_no_database_holds_are_taken_out(ask, model):
    ask("Hal\x00lo \ud83d", variables={"name": "E\x00va \udc00"})
    assert model.heard == ["Hallo ?"]
    assert '"name": "Eva ?"' in model.messages()[1]["content"]


def test_an_assistant_that_is_off_answers_nothing_new(ask, model, assistant):
    answered = ask("Hallo", key="abc")
    assistant.is_on = False
    with pytest.raises(AssistantOff):
        ask("Noch da?")
    assert ask("Hallo", key="abc") == answered
    assert len(model.calls) == 1


def test_a_customer_who_wants_a_person_is_noticed_and_still_answered(ask):
    reply = ask("Ich möchte mit einem Mitarbeiter sprechen")
    assert reply.hand_off
    assert reply.text
    assert reply.turn.answers.wants_hand_off


def test_the_house_is_told_in_the_commit_that_stores_the_answer(ask, monkeypatch):
    heard: list[ReplyGenerated] = []
    monkeypatch.setitem(events._subscribers, ReplyGenerated, [heard.append])
    reply = ask("Hallo")
    ask("Hallo", key=reply.turn.answers.key)
    assert [(event.question.content, event.answer) for event in heard] == [("Hallo", reply.turn)]


def test_a_thread_that_was_answered_is_free(ask):
    thread = ask().thread
    thread.refresh_from_db()
    assert (thread.lease_token, thread.lease_until) == (None, None)


def test_it_refuses_to_run_inside_a_transaction(transactional_db, workspace, model):
    assistant = new_assistant(workspace, model)
    with pytest.raises(RuntimeError), transaction.atomic():
        generate_reply(assistant=assistant, customer_identifier="1", message="Hallo", key="k", now=NOW)
    assert model.calls == []
    assert not Turn.objects.in_workspace(workspace).exists()
