"""What goes wrong on the way to another system: by name, tried again only where nothing can have happened there."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from automations.models import Run, StepRun
from tests.automations.test_http_step import Crm, calls, crm, step
from tests.house import House

__all__ = ["crm"]

pytestmark = pytest.mark.django_db(transaction=True)

Behaviour = Callable[[socket.socket], None]


class Odd:
    """A server that does as it is told with each connection; `calls` counts those that brought a request."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour, self.calls, self.open = behaviour, 0, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.server_port: int = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self.socket.accept()
            except OSError:
                return
            if connection.recv(65536):
                self.calls += 1
            self.open.append(connection)
            self.behaviour(connection)


def hang(_connection: socket.socket) -> None:
    """Take the request and say nothing."""


def break_off(connection: socket.socket) -> None:
    """Take the request and hang up."""
    connection.close()


def break_off_within(connection: socket.socket) -> None:
    """Begin an answer that never ends as announced."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
    connection.close()


@pytest.fixture
def odd(settings: Any) -> Iterator[Callable[[Behaviour], Odd]]:
    opened: list[Odd] = []

    def start(behaviour: Behaviour) -> Odd:
        server = Odd(behaviour)
        opened.append(server)
        settings.HTTP_STEP_HOSTS_ALLOWED = [f"127.0.0.1:{server.server_port}"]
        return server

    yield start
    for server in opened:
        server.socket.close()
        for connection in server.open:
            connection.close()


def lead(house: House) -> Run:
    house.event("lead", name="Eva", budget=1)
    house.advance(minutes=1)
    return house.run()


@pytest.mark.parametrize(
    ("method", "behaviour", "reason", "attempts"),
    [
        ("POST", break_off, "answer_lost", 1),
        ("POST", break_off_within, "answer_lost", 1),
        ("POST", hang, "no_answer", 1),
        ("GET", break_off, "broke_off", 2),
        ("GET", break_off_within, "broke_off", 2),
        ("GET", hang, "no_answer", 2),
    ],
)
def test_a_lost_answer_is_asked_for_again_only_where_that_does_no_harm(
    house: House, odd: Callable[[Behaviour], Odd], method: str, behaviour: Behaviour, reason: str, attempts: int
) -> None:
    server = odd(behaviour)
    calls(house, server, method=method, timeout_seconds=1)  # type: ignore[arg-type]
    run = lead(house)
    assert (run.status, run.error_code, step(house).error_facts["reason"]) == (Run.Status.FAILED, "http_failed", reason)
    assert StepRun.objects.in_workspace(house.workspace).filter(step_key="crm").count() == attempts
    assert server.calls >= attempts if method == "GET" else server.calls == 1


def test_a_connection_never_made_did_nothing_and_is_tried_again(house: House, crm: Crm, settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings.HTTP_STEP_HOSTS_ALLOWED = [f"127.0.0.1:{port}"]
    calls(house, crm, url=f"http://127.0.0.1:{port}/leads")
    assert lead(house).status == Run.Status.FAILED
    assert step(house).error_facts["reason"] == "no_connection"
    assert StepRun.objects.in_workspace(house.workspace).filter(step_key="crm").count() == 2


@pytest.mark.parametrize(
    ("config", "kind", "sent"),
    [
        ({"body_kind": "form"}, "application/x-www-form-urlencoded", "name=Eva+%26+Co&budget="),
        ({"body_kind": "fields"}, "application/json", '{"name": "Eva & Co", "budget": null}'),
        ({"body_kind": "none"}, None, ""),
        ({"body_kind": "json", "body": '{"n": [1, "{{trigger.name}}"]}'}, "application/json", '{"n": [1, "Eva & Co"]}'),
    ],
)
def test_each_kind_of_body_goes_as_what_it_is(
    house: House, crm: Crm, config: dict[str, Any], kind: str | None, sent: str
) -> None:
    calls(house, crm, **config)
    house.event("lead", name="Eva & Co", budget=None)
    assert (crm.got[0]["headers"].get("content-type"), crm.got[0]["body"]) == (kind, sent)


def test_json_that_the_data_breaks_is_refused_before_the_call(house: House, crm: Crm) -> None:
    calls(house, crm, body_kind="json", body='{"name": "{{trigger.name}}"}')
    house.event("lead", name='Eva "die" Novak', budget=1)
    assert (crm.got, step(house).error_facts["reason"]) == ([], "bad_json")


def test_an_answer_that_is_no_json_is_text(house: House, crm: Crm) -> None:
    crm.answers = [(200, "Schön, ✓".encode(), "text/plain; charset=utf-8")]
    calls(house, crm)
    house.event("lead", name="Eva", budget=1)
    assert (step(house).output["text"], step(house).output["json"]) == ("Schön, ✓", None)
