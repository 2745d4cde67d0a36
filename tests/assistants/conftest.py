"""The cast: a workspace with one assistant, whose model is a server of the test's own."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from assistants.models import Assistant
from assistants.services import model_calls
from assistants.services.replies import Reply, generate_reply
from tests.assistants.model_server import ModelServer, run_model_server
from workspaces.models import Workspace

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@pytest.fixture
def model(settings: Any) -> Iterator[ModelServer]:
    with run_model_server() as server:
        settings.MODEL_HOSTS_ALLOWED = [server.host]
        yield server


@pytest.fixture
def workspace() -> Workspace:
    return Workspace.objects.create(name="Müller Immobilien", slug="mueller")


def new_assistant(workspace: Workspace, model: ModelServer, **fields: Any) -> Assistant:
    defaults = {
        "name": "Empfang",
        "endpoint": model.url,
        "api_key": "sk-canary-4711",
        "model": "demo-large",
        "instructions": "Sie sind der Empfang von {{firma}}. Öffnungszeiten: Mo bis Fr 9 bis 17 Uhr.",
        "variables": {"firma": "Müller Immobilien"},
        "timeout_seconds": 5,
    }
    return Assistant.objects.in_workspace(workspace).create(**{**defaults, **fields})


@pytest.fixture
def assistant(workspace: Workspace, model: ModelServer) -> Assistant:
    return new_assistant(workspace, model)


@pytest.fixture
def ask(assistant: Assistant) -> Callable[..., Reply]:
    """Asks the assistant as Eva; each call is a new message unless a key is given."""
    count = iter(range(1, 1000))

    def ask(message: str = "Haben Sie heute offen?", **changes: Any) -> Reply:
        arguments: dict[str, Any] = {
            "assistant": assistant,
            "customer_identifier": "+4915112345678",
            "message": message,
            "key": f"run-1:ask:{next(count)}",
            "now": NOW,
        }
        return generate_reply(**{**arguments, **changes})

    return ask


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause before a second try is measured by one test and skipped by the others."""
    monkeypatch.setattr(model_calls, "PAUSE_SECONDS", {})
