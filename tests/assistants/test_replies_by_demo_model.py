"""The same verb against the demo model, as `make run` has it: real HTTP, read off the model's journal."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.db import connections

from assistants.demo_model.testing import run_demo_model
from assistants.errors import AssistantUnavailable
from assistants.models import Assistant, Turn
from assistants.services.replies import generate_reply
from tests.assistants.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server():
    with run_demo_model() as running:
        yield running


@pytest.fixture
def demo(server, settings):
    server.reset()
    settings.MODEL_HOSTS_ALLOWED = [urlsplit(server.url).netloc]
    return server


@pytest.fixture
def empfang(workspace, demo) -> Assistant:
    return Assistant.objects.in_workspace(workspace).create(
        name="Empfang",
        endpoint=demo.url,
        model="demo-model",
        instructions="Sie sind der Empfang von {{firma}}. Wir haben Montag bis Freitag von 9 bis 17 Uhr geöffnet.",
        variables={"firma": "Müller Immobilien"},
        timeout_seconds=2,
    )


def ask(empfang, message="Wann haben Sie geöffnet?", *, key="k", **changes):
    who = {"customer_identifier": "+4915112345678", "now": NOW, **changes}
    return generate_reply(assistant=empfang, message=message, key=key, **who)


def test_it_answers_from_the_instructions(empfang):
    reply = ask(empfang)
    assert "9 bis 17 Uhr" in reply.text
    assert reply.usage.total_tokens > 0


@pytest.mark.parametrize("identifier", ["+4915112345678", "eva@example.com", "CRM-0815"])
def test_an_identifier_finds_its_thread_and_its_variables_reach_the_model(empfang, demo, identifier):
    first = ask(empfang, "Hallo", key="1", customer_identifier=identifier, variables={"customer_name": "Eva Berger"})
    second = ask(empfang, "Wann haben Sie geöffnet?", key="2", customer_identifier=identifier)
    assert first.thread == second.thread
    system, data, *said = demo.prompts()[-1]
    assert "Müller Immobilien" in system["content"]
    assert '"customer_name": "Eva Berger"' in data["content"]
    assert [message["content"] for message in said] == ["Hallo", first.text, "Wann haben Sie geöffnet?"]
    assert "Eva" in first.text


@pytest.mark.django_db(transaction=True)
def test_two_messages_at_once_are_answered_one_after_the_other(empfang, demo):
    demo.fault({}, {"delay_ms": 400})

    def call(message):
        try:
            return ask(empfang, message, key=message, wait_seconds=20)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(call, ["Eins", "Zwei"]))
    first, second = demo.prompts()
    assert len({reply.thread for reply in replies}) == 1
    assert [message["content"] for message in second[2:-1]] == [
        first[-1]["content"],
        next(reply.text for reply in replies if reply.turn.answers.content == first[-1]["content"]),
    ]


@pytest.mark.parametrize(
    ("effect", "kind", "calls"),
    [
        ({"error": 401}, "bad_key", 1),
        ({"error": 404}, "not_found", 1),
        ({"error": 408}, "timeout", 2),
        ({"error": 429, "retry_after": 0}, "rate_limited", 2),
        ({"error": 500}, "server", 2),
        ({"malformed": True}, "malformed", 2),
        ({"empty": True}, "empty", 2),
        ({"answer": "  \n"}, "empty", 2),
        ({"hang": True}, "timeout", 2),
        ({"close": True}, "unreachable", 2),
    ],
)
def test_a_model_that_is_down_is_tried_again_then_the_fallback_then_a_named_error(empfang, demo, effect, kind, calls):
    empfang.timeout_seconds = 1
    empfang.fallback_text = "Wir melden uns gleich."
    demo.fault({}, effect, times=None)
    reply = ask(empfang, key="with fallback")
    assert (reply.text, reply.is_fallback, reply.error_code) == (
        "Wir melden uns gleich.", True, "assistant_unavailable",
    )  # fmt: skip
    assert reply.turn.error_facts["kind"] == kind
    assert len(demo.journal()) == calls
    empfang.fallback_text = ""
    with pytest.raises(AssistantUnavailable):
        ask(empfang, key="without")
    assert Turn.objects.in_workspace(empfang.workspace).get(key="without").error_code == "assistant_unavailable"


def test_a_fault_that_passes_costs_one_more_try(empfang, demo):
    demo.fault({}, {"error": 500})
    assert "9 bis 17 Uhr" in ask(empfang).text
    assert [entry["status"] for entry in demo.journal()] == [500, 200]


def test_the_same_key_twice_is_one_call(empfang, demo):
    assert ask(empfang, key="k").turn == ask(empfang, key="k").turn
    assert len(demo.journal()) == 1
