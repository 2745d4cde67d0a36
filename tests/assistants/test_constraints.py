"""Each named constraint of this app, and the attempt to break it."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from assistants.models import Assistant, Thread, Turn
from workspaces.models import Workspace
from workspaces.scope import ForeignTenant, UnscopedQuery

pytestmark = pytest.mark.django_db


@pytest.fixture
def assistant(workspace: Workspace) -> Assistant:
    return make(workspace, name="Empfang")


def make(workspace: Workspace, **fields: Any) -> Assistant:
    address = {"endpoint": "https://api.example.com/v1", "model": "m", "instructions": "Antworten Sie."}
    return Assistant.objects.in_workspace(workspace).create(**{**address, **fields})


@pytest.fixture
def thread(assistant: Assistant) -> Thread:
    return assistant.threads.create(workspace=assistant.workspace, customer_identifier="+4915112345678")


def say(thread: Thread, role: str = "customer", status: str = "pending", **fields: Any) -> Turn:
    return thread.turns.create(workspace=thread.workspace, role=role, status=status, **{"content": "Hallo", **fields})


def refuses(constraint: str, act: Any) -> None:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        act()
    said = str(refusal.value)
    columns = {
        "assistant_name_stands_once": "assistants_assistant.name",
        "one_thread_a_customer": "assistants_thread.customer_identifier",
        "turn_key_is_used_once": "assistants_turn.key",
    }
    # SQLite names the columns of a unique constraint, PostgreSQL the constraint.
    assert constraint in said or columns.get(constraint, constraint) in said


def test_assistant_name_stands_once(workspace, assistant):
    refuses("assistant_name_stands_once", lambda: make(workspace, name="Empfang"))
    assert make(Workspace.objects.create(name="Fremd", slug="fremd"), name="Empfang")


@pytest.mark.parametrize("seconds", [0, 46])
def test_assistant_timeout_is_bounded(workspace, seconds):
    refuses("assistant_timeout_is_bounded", lambda: make(workspace, name="x", timeout_seconds=seconds))


def test_one_thread_a_customer(assistant, thread):
    refuses(
        "one_thread_a_customer",
        lambda: assistant.threads.create(workspace=assistant.workspace, customer_identifier="+4915112345678"),
    )


def test_thread_names_its_customer(assistant):
    refuses(
        "thread_names_its_customer",
        lambda: assistant.threads.create(workspace=assistant.workspace, customer_identifier=""),
    )


def test_turn_key_is_used_once(thread):
    say(thread, key="k")
    refuses("turn_key_is_used_once", lambda: say(thread, key="k"))
    assert say(thread, key="") and say(thread, key="")


def test_assistant_turn_answers_one(thread):
    question = say(thread)
    refuses("assistant_turn_answers_one", lambda: say(thread, "assistant", "said"))
    refuses("assistant_turn_answers_one", lambda: say(thread, answers=question))


def test_a_turn_is_answered_at_most_once(thread):
    question = say(thread)
    say(thread, "assistant", "said", answers=question)
    refuses("answers_id", lambda: say(thread, "assistant", "said", answers=question))


@pytest.mark.parametrize(("role", "status"), [("customer", "said"), ("assistant", "pending"), ("customer", "lost")])
def test_turn_state_fits_its_role(thread, role, status):
    answers = say(thread) if role == "assistant" else None
    refuses("turn_state_fits_its_role", lambda: say(thread, role, status, answers=answers))


def test_assistant_turn_says_something(thread):
    refuses("assistant_turn_says_something", lambda: say(thread, "assistant", "said", answers=say(thread), content=""))


def test_nothing_points_into_another_workspace(thread):
    stranger = Workspace.objects.create(name="Fremd", slug="fremd")
    with pytest.raises(ForeignTenant):
        thread.turns.create(workspace=stranger, role="customer", status="pending", content="Hallo")


@pytest.mark.parametrize("model", [Assistant, Thread, Turn])
def test_no_row_is_read_without_its_workspace(model):
    with pytest.raises(UnscopedQuery):
        list(model.objects.all())
