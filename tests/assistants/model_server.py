"""A server that speaks chat completions and misbehaves on order, over real HTTP."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Handler", dict[str, Any]], None]


class Handler(BaseHTTPRequestHandler):
    server: "ModelServer"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        act = self.server.note(self.path, dict(self.headers), body)
        try:
            act(self, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class ModelServer(ThreadingHTTPServer):
    """Answers "Antwort auf: <last message>", or what was planned for the next calls. `calls` is the journal."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: list[dict[str, Any]] = []
        self.planned: deque[Act] = deque()
        self.is_over = threading.Event()
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/v1"

    def plan(self, *acts: Act) -> None:
        """What the next calls get, one after the other; then it behaves again."""
        self.planned.extend(acts)

    def note(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Act:
        with self._lock:
            self.calls.append({"path": path, "headers": headers, "body": body, "at": time.monotonic()})
            return self.planned.popleft() if self.planned else says_what_it_heard

    @property
    def heard(self) -> list[str]:
        """The last message of each call."""
        return [call["body"]["messages"][-1]["content"] for call in self.calls]

    def messages(self, call: int = -1) -> list[dict[str, str]]:
        return self.calls[call]["body"]["messages"]


@contextmanager
def run_model_server() -> Iterator[ModelServer]:
    server = ModelServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def completion(content: object, *, usage: bool = True, **message: Any) -> bytes:
    answer: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "demo-large-2026",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content, **message}}
        ],
    }
    if usage:
        answer["usage"] = {"prompt_tokens": 70, "completion_tokens": 30, "total_tokens": 100}
    return json.dumps(answer).encode()


def says_what_it_heard(handler: Handler, body: dict[str, Any]) -> None:
    handler.reply(200, completion(f"Antwort auf: {body['messages'][-1]['content']}"))


def says(content: object, *, usage: bool = True, **message: Any) -> Act:
    return lambda handler, body: handler.reply(200, completion(content, usage=usage, **message))


def calls_a_tool() -> Act:
    tool = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    return says(None, tool_calls=[tool])


def fails(status: int, message: str = "no", **headers: str) -> Act:
    body = json.dumps({"error": {"message": message, "type": "x", "code": None}}).encode()
    return lambda handler, _body: handler.reply(status, body, {k.replace("_", "-"): v for k, v in headers.items()})


def sends(raw: bytes) -> Act:
    return lambda handler, _body: handler.reply(200, raw)


def hangs(handler: Handler, body: dict[str, Any]) -> None:
    handler.server.is_over.wait(30)


def drips(handler: Handler, body: dict[str, Any]) -> None:
    """One byte every tenth of a second: no read ever takes too long, all of them together do."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not handler.server.is_over.wait(0.1):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def hangs_up(handler: Handler, body: dict[str, Any]) -> None:
    handler.close_connection = True
    handler.connection.close()


def waits_for(event: threading.Event, entered: threading.Event | None = None) -> Act:
    def act(handler: Handler, body: dict[str, Any]) -> None:
        if entered is not None:
            entered.set()
        event.wait(20)
        says_what_it_heard(handler, body)

    return act
