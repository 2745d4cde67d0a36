"""The HTTP step on the whole path: nothing private is reached, nothing is read without end, umlauts stay whole."""

import gzip
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from automations.models import Run, StepRun
from tests.house import EVA, House
from workspaces import address_guard

pytestmark = pytest.mark.django_db(transaction=True)

Answer = Callable[[BaseHTTPRequestHandler], None]


class Shop(ThreadingHTTPServer):
    """A server whose answer is a function of the request; it remembers which paths were asked for."""

    daemon_threads = True
    answer: Answer

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.answer(self)

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


def says(body: bytes, status: int = 200, **headers: str) -> Answer:
    """An answer with this body; headers with _ for -."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def open_shop() -> Iterator[Callable[[Answer], Shop]]:
    """Starts servers that are stopped at the end."""
    shops: list[Shop] = []

    def start(answer: Answer) -> Shop:
        shop = Shop()
        shop.answer = answer
        threading.Thread(target=shop.serve_forever, args=(0.02,), daemon=True).start()
        shops.append(shop)
        return shop

    yield start
    for shop in shops:
        shop.shutdown()
        shop.server_close()


def asks(house: House, url: str, **config: Any) -> None:
    """A flow that asks this address and writes what it said to Eva; it has run once."""
    house.customer_writes("Hallo")
    house.flow(
        "api_event",
        [
            {
                "type": "http_request",
                "key": "shop",
                "config": {"method": "GET", "url": url, "body_kind": "none", "timeout_seconds": 5, **config},
            },
            {
                "type": "send_text",
                "config": {"sender": str(house.sender.public_id), "to": EVA, "text": "{{steps.shop.text}}"},
            },
        ],
        trigger_config={"event": "ask", "sample": None},
    )
    house.event("ask")


def step(house: House) -> StepRun:
    return StepRun.objects.in_workspace(house.workspace).filter(step_key="shop").latest("id")


def demand_private(house: House, *secrets: str) -> None:
    """Refused by name, and nothing of a body is shown anywhere in the run."""
    assert (house.run().status, house.run().error_code) == (Run.Status.FAILED, "http_failed")
    assert step(house).error_facts["reason"] == "private"
    for secret in secrets:
        assert secret not in str(step(house).output) + str(step(house).error_facts) + str(house.run().error_facts)
    assert house.calls() == []


@pytest.mark.parametrize("inside", ["http://169.254.169.254/", "http://127.0.0.1:{port}/geheim"])
def test_a_redirect_to_the_inside_is_refused(
    house: House, open_shop: Callable[[Answer], Shop], settings: Any, inside: str
) -> None:
    """(traps H1)"""
    private = open_shop(says(b"geheim-4711"))
    public = open_shop(says(b"", 302, location=inside.format(port=private.server_port)))
    settings.HTTP_STEP_HOSTS_ALLOWED = [public.place]
    asks(house, f"http://{public.place}/r")
    demand_private(house, "geheim-4711")
    assert (public.asked, private.asked) == (["/r"], [])


@pytest.mark.parametrize("host", ["[::ffff:10.0.0.1]", "2130706433", "127.0.0.1", "localhost", "0x7f.1"])
def test_every_spelling_of_a_private_address_is_refused(
    house: House, open_shop: Callable[[Answer], Shop], host: str
) -> None:
    """(traps H1)"""
    private = open_shop(says(b"geheim-4711"))
    asks(house, f"http://{host}:{private.server_port}/")
    demand_private(house, "geheim-4711")
    assert private.asked == []


def test_a_name_of_a_private_address_is_refused(
    house: House, open_shop: Callable[[Answer], Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """(traps H1) and one that changes between check and connect is asked for once only, so it cannot."""
    private = open_shop(says(b"geheim-4711"))
    answers = [["127.0.0.1"], ["8.8.8.8"]]
    monkeypatch.setattr(address_guard, "resolve", lambda _host, _port: answers.pop(0))
    asks(house, f"http://shop.example:{private.server_port}/")
    demand_private(house, "geheim-4711")
    assert (private.asked, answers) == ([], [["8.8.8.8"]])


def test_a_small_answer_that_unpacks_to_gigabytes_is_refused(
    house: House, open_shop: Callable[[Answer], Shop], settings: Any
) -> None:
    """(traps H2) the worker lives: the next run is served."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(400)) + packer.flush()
    shop = open_shop(says(bomb, content_encoding="gzip"))
    settings.HTTP_STEP_HOSTS_ALLOWED = [shop.place]
    asks(house, f"http://{shop.place}/")
    assert (house.run().error_code, step(house).error_facts["reason"]) == ("http_failed", "too_large")
    shop.answer = says(gzip.compress(b"klein"), content_encoding="gzip", content_type="text/plain")
    house.event("ask")
    assert house.runs()[-1].status == Run.Status.DONE
    assert house.screen() == ["klein"]


def test_an_endless_answer_is_cut_off(house: House, open_shop: Callable[[Answer], Shop], settings: Any) -> None:
    """(traps H2)"""

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                handler.connection.sendall(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        except OSError:
            handler.close_connection = True

    shop = open_shop(endless)
    settings.HTTP_STEP_HOSTS_ALLOWED = [shop.place]
    asks(house, f"http://{shop.place}/")
    assert (house.run().error_code, step(house).error_facts["reason"]) == ("http_failed", "too_large")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param("Grüße".encode("latin-1"), "text/plain; charset=iso-8859-1", id="latin-1, named"),
        pytest.param("Grüße".encode("latin-1"), "text/plain", id="latin-1, not named"),
        pytest.param("Grüße".encode(), "text/plain", id="UTF-8, not named"),
        pytest.param('"Grüße"'.encode("utf-8-sig"), "application/json", id="JSON with a byte order mark"),
    ],
)
def test_umlauts_reach_the_customer_whole(
    house: House, open_shop: Callable[[Answer], Shop], settings: Any, body: bytes, kind: str
) -> None:
    """(traps H3)"""
    shop = open_shop(says(body, content_type=kind))
    settings.HTTP_STEP_HOSTS_ALLOWED = [shop.place]
    asks(house, f"http://{shop.place}/")
    assert [shown.strip('"') for shown in house.screen()] == ["Grüße"]
    assert step(house).output["json"] == ("Grüße" if kind == "application/json" else None)
