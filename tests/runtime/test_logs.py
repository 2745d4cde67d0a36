"""What is written about the work: ids, and never a text, a token or a phone number in full."""

import io
import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.db import IntegrityError, OperationalError
from django.test import Client
from django_q.signals import post_execute_in_worker, pre_execute

from automations.actions.set_variables import SetVariables
from automations.models import Run
from automations.services import routing
from config.logs import formatter, masked, told, told_traceback
from config.queue.task_log import TaskLog
from config.request_log import RequestLogMiddleware
from messaging.errors import OutsideWindow
from messaging.models import Message
from tests.automations.conftest import clock, emulator_server, house
from tests.house import EVA, House
from workspaces.models import QueuedTask

__all__ = ["clock", "emulator_server", "house"]

TEXT = "Mein-Befund-ist-da"
TOKEN = "EAAgeheimestoken4711"
NUMBER = "+436641234567"
PLANTED = (TEXT, TOKEN, NUMBER, NUMBER[1:], "6641234567")


class Lines:
    """What production would have written."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> dict[str, Any]:
        return next(line for line in self.all if line["event"] == event)

    def leaks(self) -> list[str]:
        return [planted for planted in PLANTED if planted in self.text]


@pytest.fixture
def lines() -> Iterator[Lines]:
    found, root = Lines(), logging.getLogger()
    handler = logging.StreamHandler(found.stream)
    handler.setFormatter(formatter(as_json=True))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    structlog.contextvars.clear_contextvars()
    yield found
    root.removeHandler(handler)
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()


# --- A line ----------------------------------------------------------------------------------------
def test_a_line_is_json_with_time_level_logger_and_ids(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(request="r-1", workspace="praxis", run="0198f3c2", message="0198f3c3"):
        structlog.get_logger("engine").warning("lease_lost", step="gruss")
    line = lines.of("lease_lost")
    assert {"level": "warning", "logger": "engine", "step": "gruss", "request": "r-1"}.items() <= line.items()
    assert {"workspace": "praxis", "run": "0198f3c2", "message": "0198f3c3"}.items() <= line.items()
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_look_the_same(lines: Lines) -> None:
    logging.getLogger("library").error("Could not reach %s", "redis:6379")
    assert lines.of("Could not reach redis:6379")["logger"] == "library"


@pytest.mark.parametrize("key", ["text", "body", "token", "authorization", "phone", "to", "payload"])
def test_what_is_named_private_is_not_kept(lines: Lines, key: str) -> None:
    structlog.get_logger().info("sent", **{key: TEXT})
    assert lines.of("sent")[key] == "[removed]"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"to {NUMBER} now", "to …567 now"),
        ("436641234567", "…567"),
        ("+43 664 123 45 67", "… 67"),
        (f"Bearer {TOKEN}", "[removed]"),
        (f"?access_token={TOKEN}", "?access_token=[removed]"),
        ("wamid.HBgMNDM2NjQxMjM0NTY3FQIAERgS", "[removed]"),
        ("0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e17", "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e17"),
        ("127.0.0.1:51007", "127.0.0.1:51007"),
        ("2026-11-25T11:00:00", "2026-11-25T11:00:00"),
    ],
)
def test_numbers_and_tokens_are_masked_wherever_they_stand(said: str, kept: str) -> None:
    assert masked(said) == kept


def test_a_phone_number_as_a_number_is_masked(lines: Lines) -> None:
    structlog.get_logger().info("seen", contact=436641234567, count=42)
    assert (lines.of("seen")["contact"], lines.of("seen")["count"]) == ("…567", 42)


# --- Exceptions ------------------------------------------------------------------------------------
def test_an_exception_is_told_by_kind_and_place_without_its_words(lines: Lines) -> None:
    try:
        raise IntegrityError(f"DETAIL: Failing row contains ({TEXT}, {NUMBER}, {TOKEN})")
    except IntegrityError:
        structlog.get_logger().exception("not_stored")
        logging.getLogger("library").exception("Not stored")
    assert lines.leaks() == []
    assert lines.of("not_stored")["error"] == lines.of("Not stored")["error"] == "IntegrityError"
    assert lines.of("not_stored")["frames"][-1].endswith(
        "test_an_exception_is_told_by_kind_and_place_without_its_words"
    )


def test_the_machines_own_words_are_kept() -> None:
    assert told(OperationalError("connection refused")) == "OperationalError: connection refused"
    assert told(OutsideWindow(last_inbound_at=None)) == "OutsideWindow (outside_window)"
    assert told(ValueError(TEXT)) == "ValueError"


def test_a_failed_tasks_result_keeps_the_calls_and_no_words() -> None:
    try:
        raise ValueError(f"{TEXT}\n{NUMBER}")
    except ValueError as error:
        kept = told_traceback(f"{error} : {traceback.format_exc()}")
    assert kept.splitlines()[0] == "ValueError"
    assert "test_a_failed_tasks_result" in kept
    assert not [planted for planted in PLANTED if planted in kept]


def test_a_workers_lines_carry_the_task_and_its_row(lines: Lines) -> None:
    tasks = TaskLog()
    tasks.connect()
    task: dict[str, Any] = {"func": "automations.tasks.advance_run", "args": (7,), "success": False}
    pre_execute.send(sender="django_q", func=None, task=task)
    structlog.get_logger().info("at_work")
    task["result"] = f"{TEXT} : Traceback\nValueError: {TEXT}"
    post_execute_in_worker.send(sender="django_q", func=None, task=task)
    assert (lines.of("at_work")["task"], lines.of("at_work")["row"]) == ("advance_run", 7)
    assert task["result"] == "ValueError"


# --- Requests --------------------------------------------------------------------------------------
def test_a_request_has_a_line_and_its_id_goes_back(lines: Lines, client: Client, db: None) -> None:
    answer = client.get(f"/accounts/login/?next={NUMBER}&token={TOKEN}", headers={"x-request-id": "proxy-0815-42"})
    line = lines.of("request")
    assert answer.headers["X-Request-Id"] == line["request"] == "proxy-0815-42"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/accounts/login/", 200)
    assert lines.leaks() == []


def test_a_request_id_that_is_none_is_replaced(client: Client, db: None) -> None:
    answer = client.get("/accounts/login/", headers={"x-request-id": 'x"}\n{"event": "forged'})
    assert answer.headers["X-Request-Id"].isalnum()


def test_an_error_page_shows_nothing_of_the_error(
    lines: Lines, rf: Any, monkeypatch: Any, client: Client, db: None
) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError(f"{TEXT} {TOKEN} {NUMBER}")

    monkeypatch.setattr(RequestLogMiddleware, "process_view", broken)
    client.raise_request_exception = False
    answer = client.get("/accounts/login/")
    assert answer.status_code == 500
    assert not [planted for planted in PLANTED if planted in answer.content.decode()]
    assert lines.leaks() == []


# --- The whole path --------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_message_that_cannot_be_routed_is_named_in_the_line(
    house: House, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError(f"{TEXT} {NUMBER}")

    monkeypatch.setattr(routing, "message_data", broken)
    house.customer_writes(TEXT)
    message = Message.objects.in_workspace(house.workspace).get()
    line = lines.of("subscriber_failed")
    assert (line["message"], line["workspace"]) == (str(message.public_id), house.workspace.slug)
    assert lines.leaks() == []


@pytest.mark.django_db(transaction=True)
def test_a_conversation_and_a_fault_in_it_leave_nothing_private_behind(
    house: House, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError(f"{TEXT} {TOKEN} {NUMBER}")

    house.set_sender(token=TOKEN)
    house.emulator.register_number(house.sender.provider_number_id, token=TOKEN)
    house.flow(
        "message_received",
        [
            {"type": "send_text", "key": "echo", "config": {"text": "{{trigger.text}}"}},
            {"type": "set_variables", "key": "kaputt", "config": {"values": {"a": "1"}}},
        ],
    )
    monkeypatch.setattr(SetVariables, "run", broken)
    house.customer_writes(TEXT, phone=EVA)
    assert house.screen() == [TEXT]
    run = house.run()
    assert (run.status, lines.of("step_failed_inside")["run"]) == (Run.Status.FAILED, str(run.public_id))
    request = lines.of("request")
    assert (request["path"], request["status"]) == (f"/webhooks/whatsapp/{house.sender.public_id}/", 200)
    assert lines.leaks() == []
    kept = [str(run.error_facts), *(str(notice.facts) for notice in house.notices())]
    kept += QueuedTask.objects.values_list("payload", flat=True)
    assert not [planted for planted in PLANTED for text in kept if planted in text]
