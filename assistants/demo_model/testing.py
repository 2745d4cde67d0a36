"""A demo model in a thread of the test's own process."""

import contextlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from assistants.demo_model.app import DemoModel
from workspaces.embedded_server import served_in_thread


@dataclass(slots=True)
class RunningDemoModel:
    """Where it is (`url` ends in /v1, as a client's base address), and its control calls."""

    url: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One control call below `/_emulator/`; the answer's JSON. Raises ValueError where it is refused."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            connection.request(method, f"/_emulator/{path}", json.dumps(body).encode() if body is not None else None)
            answer = connection.getresponse()
            found = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status >= 400:
            raise ValueError(found["error"])
        return found

    def fault(self, match: dict[str, str] | None, effect: dict[str, Any], times: int | None = 1) -> dict[str, Any]:
        """Order a fault: error (401, 404, 408, 429, 500), retry_after, http, malformed, empty, answer, hang, close,
        delay_ms; match by path, model, text, stream. `times` None is until `reset`.
        """
        return self.call("POST", "faults", {"match": match or {}, "effect": effect, "times": times})

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        """Completions asked for, with their bodies as received, in order."""
        return self.call("GET", f"journal?since={since}")["entries"]

    def prompts(self) -> list[list[dict[str, Any]]]:
        """The messages of each request."""
        return [entry["body"]["messages"] for entry in self.journal() if entry["status"] != 400]

    def reset(self) -> None:
        """Forget faults and journal."""
        self.call("POST", "reset")


@contextlib.contextmanager
def run_demo_model(*, port: int = 0) -> Iterator[RunningDemoModel]:
    """Serve a demo model on a free port."""
    with served_in_thread(DemoModel(), port=port) as server:
        yield RunningDemoModel(f"{server.url}/v1")
