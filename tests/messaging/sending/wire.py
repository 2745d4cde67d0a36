"""A server that answers what a test has written down: for answers that no well-behaved platform gives on demand."""

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CUT_OFF = object()


@dataclass
class Call:
    """One request as it came in."""

    method: str
    path: str
    body: Any
    token: str


@dataclass
class Wire:
    """Takes any request, keeps it, and gives the next answer in line; a send is accepted where none is left."""

    answers: deque[Any] = field(default_factory=deque)
    calls: list[Call] = field(default_factory=list)
    during_call: Any = None
    url: str = ""

    @property
    def sent(self) -> list[Any]:
        """The bodies of all sends."""
        return [call.body for call in self.calls if call.path.endswith("/messages")]

    def answer(self, status: int, body: Any = None, **headers: str) -> None:
        """Put an answer in line."""
        self.answers.append((status, body, headers))

    def refuse(self, code: int, *, status: int = 400, details: str = "because", **headers: str) -> None:
        """Put a refusal in the platform's envelope in line."""
        error = {"message": f"(#{code})", "code": code, "error_data": {"details": details}, "fbtrace_id": "A1"}
        self.answer(status, {"error": error}, **headers)

    def cut_off(self) -> None:
        """Read the next request and close the connection without an answer."""
        self.answers.append(CUT_OFF)


def serve(wire: Wire) -> ThreadingHTTPServer:
    """Start the server on a free port; `wire.url` is its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            wire.calls.append(Call(self.command, self.path, json.loads(raw) if raw else None, token))
            if wire.during_call is not None:
                wire.during_call(wire.calls[-1].body)
            accepted = {"messages": [{"id": f"wamid.{len(wire.calls)}"}], "contacts": []}
            answer = wire.answers.popleft() if wire.answers else (200, accepted, {})
            if answer is CUT_OFF:
                self.close_connection = True
                return
            status, body, headers = answer
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    wire.url = f"http://127.0.0.1:{server.server_port}"
    return server
