"""The HTTP step: the answer becomes data, what is private is not called, and a lost answer is not repeated blindly."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest

from automations.models import Run, StepRun
from tests.house import House

pytestmark = pytest.mark.django_db(transaction=True)


class Crm(ThreadingHTTPServer):
    """A small CRM that answers as it is told, and remembers what it got."""

    answers: list[tuple[int, bytes, str]]
    got: list[dict[str, Any]]


class Handler(BaseHTTPRequestHandler):
    server: Crm

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.got.append(
            {
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": body.decode(),
            }
        )
        status, content, kind = (
            self.server.answers.pop(0) if self.server.answers else (200, b'{"id": 7}', "application/json")
        )
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


@pytest.fixture
def crm(settings: Any) -> Iterator[Crm]:
    server = Crm(("127.0.0.1", 0), Handler)
    server.answers, server.got = [], []
    settings.HTTP_STEP_HOSTS_ALLOWED = [f"127.0.0.1:{server.server_port}"]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def calls(house: House, crm: Crm, **config: Any) -> None:
    """A flow that hands the lead on."""
    settings = {
        "method": "POST",
        "url": f"http://127.0.0.1:{crm.server_port}/leads",
        "headers": {"Authorization": "Bearer geheim-7"},
        "body_kind": "fields",
        "payload": {"name": "{{trigger.name}}", "budget": "{{trigger.budget}}"},
        "timeout_seconds": 5,
    }
    house.flow(
        "api_event",
        [
            {"type": "http_request", "key": "crm", "config": {**settings, **config}},
            {"type": "set_variables", "key": "danach", "config": {"values": {"id": "{{steps.crm.json.id}}"}}},
        ],
        trigger_config={"event": "lead", "sample": None},
    )


def step(house: House, key: str = "crm") -> StepRun:
    return StepRun.objects.in_workspace(house.workspace).filter(step_key=key).latest("id")


def test_the_answer_is_data_for_the_next_steps(house: House, crm: Crm) -> None:
    calls(house, crm)
    house.event("lead", name="Grüße & Co", budget=1500)
    assert json.loads(crm.got[0]["body"]) == {"name": "Grüße & Co", "budget": 1500}
    assert crm.got[0]["headers"]["idempotency-key"].startswith(str(house.run().public_id))
    assert step(house, "danach").output == {"id": 7}


@pytest.mark.parametrize("extra", [rb'"Eva\u0000"', rb'"\ud83d"', b"NaN", b"-Infinity", b"[" * 200 + b"]" * 200])
def test_an_answer_that_no_database_keeps_whole_is_data_all_the_same(house: House, crm: Crm, extra: bytes) -> None:
    crm.answers = [(200, b'{"id": 7, "extra": ' + extra + b"}", "application/json")]
    calls(house, crm)
    house.event("lead", name="Eva", budget=1)
    assert house.run().status == Run.Status.DONE
    assert step(house, "danach").output == {"id": 7}


def test_credentials_are_sent_and_never_shown(house: House, crm: Crm) -> None:
    calls(house, crm)
    house.event("lead", name="Eva", budget=1)
    assert crm.got[0]["headers"]["authorization"] == "Bearer geheim-7"
    assert "geheim" not in json.dumps(step(house).input)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/x", "http://169.254.169.254/latest", "http://[::ffff:10.0.0.1]/", "http://2130706433/"],
)
def test_private_addresses_are_not_called(house: House, crm: Crm, url: str) -> None:
    calls(house, crm, url=url)
    house.event("lead", name="Eva", budget=1)
    assert (house.run().error_code, step(house).error_facts["reason"]) == ("http_failed", "private")


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (500, 1), (503, 2), (429, 2)])
def test_only_what_surely_did_nothing_is_tried_again(house: House, crm: Crm, status: int, attempts: int) -> None:
    crm.answers = [(status, b"{}", "application/json")] * 3
    calls(house, crm)
    house.event("lead", name="Eva", budget=1)
    house.advance(minutes=1)
    assert len(crm.got) == attempts
    assert house.run().error_code == "http_failed"


def test_a_call_that_may_be_repeated_is_tried_again_after_500(house: House, crm: Crm) -> None:
    crm.answers = [(500, b"{}", "application/json")]
    calls(house, crm, safe_to_repeat=True)
    house.event("lead", name="Eva", budget=1)
    house.advance(minutes=1)
    assert house.run().status == Run.Status.DONE
    keys = {got["headers"]["idempotency-key"] for got in crm.got}
    assert (len(crm.got), len(keys)) == (2, 1)


def test_an_answer_that_is_too_large_is_refused(house: House, crm: Crm) -> None:
    crm.answers = [(200, b"x" * 2_100_000, "text/plain")]
    calls(house, crm)
    house.event("lead", name="Eva", budget=1)
    assert step(house).error_facts["reason"] == "too_large"


@pytest.mark.parametrize(("method", "repeats"), [("POST", False), ("GET", True)])
def test_a_worker_that_died_in_the_call_repeats_only_what_does_no_harm(
    house: House, crm: Crm, method: str, repeats: bool
) -> None:
    calls(house, crm, method=method)
    house.tell("lead", name="Eva", budget=1)
    house.take_tasks()
    run = house.run()
    StepRun.objects.create(
        workspace=house.workspace, run=run, step_key="crm", attempt=1, status="started", started_at=house.now
    )
    Run.objects.in_workspace(house.workspace).filter(pk=run.pk).update(
        status="running", lease_token=uuid4(), lease_until=house.now, wake_at=house.now, crash_count=1
    )
    house.advance(seconds=1)
    assert len(crm.got) == (1 if repeats else 0)
    assert house.run().error_code == ("" if repeats else "http_failed")
