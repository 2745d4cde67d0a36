"""POST /api/v1/assistants/{id}/replies, against a model over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from assistants.models import Assistant, Thread, Turn
from assistants.services import model_calls
from tests.api.conftest import client_of, demand_problem
from tests.assistants import model_server
from tests.assistants.model_server import ModelServer, run_model_server
from workspaces.models import Membership, Workspace

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def model(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setattr(model_calls, "PAUSE_SECONDS", {})
    with run_model_server() as server:
        settings.MODEL_HOSTS_ALLOWED = [server.host]
        yield server


@pytest.fixture
def assistant(workspace: Workspace, model: ModelServer) -> Assistant:
    return Assistant.objects.in_workspace(workspace).create(
        name="Empfang",
        endpoint=model.url,
        api_key="sk-canary",
        model="demo",
        instructions="Sie sind der Empfang. Kunde: {{name}}.",
    )


def ask(call: APIClient, assistant: Assistant, **changes: Any) -> Any:
    headers = changes.pop("headers", {})
    body = {"customer_identifier": "crm-4711", "message": "Haben Sie offen?", "variables": {"name": "Eva"}}
    address = f"/api/v1/assistants/{assistant.public_id}/replies"
    return call.post(address, {**body, **changes}, format="json", headers=headers)


def test_a_message_is_answered_in_the_thread_of_its_customer(
    call: APIClient, assistant: Assistant, model: ModelServer
) -> None:
    first, second = ask(call, assistant), ask(call, assistant, message="Und morgen?")
    assert first.status_code == 200
    body = first.json()
    assert body.keys() == {"reply", "thread", "turn", "usage", "hand_off", "is_fallback", "error", "created"}
    assert body["reply"]
    assert (body["is_fallback"], body["error"], body["created"]) == (False, None, True)
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    thread = Thread.objects.in_workspace(assistant.workspace).get()
    assert (thread.customer_identifier, str(thread.public_id)) == ("crm-4711", body["thread"])
    assert second.json()["thread"] == body["thread"]
    assert thread.turns.count() == 4
    assert str(Turn.objects.in_workspace(assistant.workspace).get(public_id=body["turn"]).content) == body["reply"]


def test_the_same_key_is_answered_from_what_is_there(call: APIClient, assistant: Assistant, model: ModelServer) -> None:
    headers = {"Idempotency-Key": "k1"}
    first, again = ask(call, assistant, headers=headers), ask(call, assistant, headers=headers)
    assert again.json() == {**first.json(), "created": False}
    assert len(model.calls) == 1


def test_a_model_that_is_down_is_a_named_error_and_the_same_key_may_try_again(
    call: APIClient, assistant: Assistant, model: ModelServer
) -> None:
    headers = {"Idempotency-Key": "k1"}
    model.plan(*[model_server.fails(500)] * 2)
    answer = ask(call, assistant, headers=headers)
    demand_problem(answer, 503, "assistant_unavailable")
    assert "canary" not in answer.content.decode()
    assert ask(call, assistant, headers=headers).status_code == 200
    turns = Turn.objects.in_workspace(assistant.workspace).filter(role=Turn.Role.CUSTOMER)
    assert turns.count() == 1


def test_a_fallback_says_that_it_is_one(call: APIClient, assistant: Assistant, model: ModelServer) -> None:
    Assistant.objects.in_workspace(assistant.workspace).update(fallback_text="Wir melden uns.")
    model.plan(*[model_server.fails(500)] * 2)
    body = ask(call, assistant).json()
    assert (body["reply"], body["is_fallback"], body["error"]) == ("Wir melden uns.", True, "assistant_unavailable")


def test_an_assistant_that_is_off_does_not_answer(call: APIClient, assistant: Assistant, model: ModelServer) -> None:
    Assistant.objects.in_workspace(assistant.workspace).update(is_on=False)
    demand_problem(ask(call, assistant), 409, "assistant_off")
    assert model.calls == []


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"customer_identifier": " "}, "customer_identifier_invalid", "customer_identifier"),
        ({"customer_identifier": 4711}, "invalid_input", "customer_identifier"),
        ({"customer_identifier": "x" * 256}, "customer_identifier_invalid", "customer_identifier"),
        ({"message": ""}, "invalid_input", "message"),
        ({"message": "x" * 20_000}, "customer_message_invalid", "message"),
        ({"variables": ["a"]}, "invalid_input", "variables"),
        ({"variables": {"a": "\x00"}}, "invalid_input", "variables"),
        ({"temperature": 2}, "invalid_input", "temperature"),
    ],
)
def test_wrong_input_is_named(
    call: APIClient, assistant: Assistant, changes: dict[str, Any], code: str, field: str
) -> None:
    body = demand_problem(ask(call, assistant, **changes), 422, code)
    assert [error["field"] for error in body["errors"]] == [field]


def test_a_stranger_has_no_such_assistant(stranger: APIClient, assistant: Assistant, model: ModelServer) -> None:
    demand_problem(ask(stranger, assistant), 404, "not_found")
    assert stranger.get("/api/v1/assistants").json()["results"] == []
    assert model.calls == []


def test_reading_is_not_asking(alice: Membership, assistant: Assistant) -> None:
    demand_problem(ask(client_of(alice, "assistants:read"), assistant), 403, "scope_missing")


def test_assistants_are_listed_without_key_and_address(call: APIClient, assistant: Assistant) -> None:
    answer = call.get("/api/v1/assistants")
    assert [row["name"] for row in answer.json()["results"]] == ["Empfang"]
    assert "canary" not in answer.content.decode()
    assert call.get(f"/api/v1/assistants/{assistant.public_id}").json() == answer.json()["results"][0]
