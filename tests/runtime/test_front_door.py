"""The front door: pages on threads, streams apart, and no body past 4 MB."""

import asyncio
import json
import threading
from typing import Any

from config.frontdoor import FrontDoor, OnThreads

MAX = 1000


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Thread", threading.current_thread().name)])
    return [environ["PATH_INFO"].encode() + b":" + str(len(body)).encode()]


async def live(scope: dict, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"live"})


def ask(path: str, *chunks: bytes, length: int | None = None, leaves: bool = False) -> list[dict]:
    """What the front door sends for one request, whose body comes in these chunks."""
    door = FrontDoor(pages=OnThreads(echo, threads=2), live=live, max_body_bytes=MAX)
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.disconnect"} if leaves else {"type": "http.request", "body": b""})
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    sent: list[dict] = []

    async def receive() -> dict:
        return messages.pop(0)

    async def send(message: dict) -> None:
        sent.append(message)

    asyncio.run(door({**scope, "http_version": "1.1"}, receive, send))
    return sent


def body(sent: list[dict]) -> bytes:
    return b"".join(message.get("body", b"") for message in sent)


def test_pages_run_on_the_pool_with_their_whole_body():
    sent = ask("/w/demo/", b"a" * 600, b"b" * 400)
    assert sent[0]["status"] == 200
    assert body(sent) == b"/w/demo/:1000"
    assert dict(sent[0]["headers"])[b"x-thread"].startswith(b"page")


def test_live_streams_go_to_the_asynchronous_application():
    assert body(ask("/live/demo/")) == b"live"


def test_an_announced_length_past_the_limit_is_refused_unread():
    sent = ask("/webhooks/", length=MAX + 1)
    assert sent[0]["status"] == 413
    assert json.loads(body(sent))["code"] == "body_too_large"


def test_a_body_that_grows_past_the_limit_is_refused():
    sent = ask("/webhooks/", b"a" * 600, b"b" * 401)
    assert sent[0]["status"] == 413


def test_a_body_that_stops_in_the_middle_is_answered_by_nobody():
    assert ask("/webhooks/", b"a" * 600, leaves=True) == []
