"""The cast: Praxis Huber with one number, Eva who writes to it, and a webhook that remembers what it got."""

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from messaging.emulator.testing import run_emulator
from workspaces.embedded_server import Answer, Request, served_in_thread

NUMBER, WABA, TOKEN, SECRET = "106540352242922", "102290129340398", "token-huber", "secret-huber"
EVA = "+436641234567"
BODY = [{"type": "BODY", "text": "Hallo {{1}}, {{2}} wartet."}]


@dataclass
class Post:
    method: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes

    @property
    def payload(self) -> Any:
        return json.loads(self.raw)

    @property
    def value(self) -> Any:
        return json.loads(self.raw)["entry"][0]["changes"][0]["value"]

    @property
    def field(self) -> str:
        return json.loads(self.raw)["entry"][0]["changes"][0]["field"]


@dataclass
class Webhook:
    """Takes what the emulator posts; `answers` are given in turn, then 200."""

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    verify_token: str = "open-sesame"
    arrived: threading.Condition = field(default_factory=threading.Condition)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def __call__(self, request: Request) -> Answer:
        if request.method == "GET":
            good = request.query.get("hub.verify_token") == self.verify_token
            return Answer(200, request.query["hub.challenge"].encode()) if good else Answer(403)
        with self.arrived:
            self.posts.append(Post(request.method, request.query, request.headers, request.body))
            self.arrived.notify_all()
        return self.answers.pop(0) if self.answers else Answer(200)

    def wait(self, count: int) -> list[Post]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.posts) >= count, 5), f"{len(self.posts)} of {count}"
        return self.posts

    def statuses(self, count: int) -> list[dict[str, Any]]:
        """The statuses so far, once there are `count`."""

        def so_far() -> list[dict[str, Any]]:
            return [one for post in self.posts for one in post.value.get("statuses", [])]

        with self.arrived:
            assert self.arrived.wait_for(lambda: len(so_far()) >= count, 5), so_far()
            return so_far()


@dataclass
class Platform:
    """The emulator as our provider sees it."""

    url: str
    token: str = TOKEN

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        return self.raw(method, f"/v26.0/{path}", body, **headers)

    def raw(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        sent = {"authorization": f"Bearer {self.token}", "content-type": "application/json"} | headers
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        try:
            connection.request(method, path, data, {k: v for k, v in sent.items() if v})
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(raw)
        except ValueError:
            return answer.status, raw.decode()

    def send(self, **message: Any) -> tuple[int, Any]:
        body = {"messaging_product": "whatsapp", "to": EVA} | message
        return self.call("POST", f"{NUMBER}/messages", {key: value for key, value in body.items() if value is not None})

    def text(self, body: Any = "Guten Tag", **more: Any) -> tuple[int, Any]:
        return self.send(type="text", text={"body": body}, **more)

    def template(self, *components: Any, name: str = "termin", language: str = "de", **more: Any) -> tuple[int, Any]:
        template = {"name": name, "language": {"code": language}, "components": list(components)}
        return self.send(type="template", template=template, **more)


def body_of(*values: str, **named: str) -> dict[str, Any]:
    parameters = [{"type": "text", "text": value} for value in values]
    parameters += [{"type": "text", "parameter_name": name, "text": value} for name, value in named.items()]
    return {"type": "body", "parameters": parameters}


def code_of(answer: tuple[int, Any]) -> int:
    """The code of a refusal in the platform's whole envelope."""
    error = answer[1]["error"]
    assert answer[0] >= 400
    assert error["type"] == "OAuthException"
    assert error["fbtrace_id"]
    assert error["error_data"]["details"]
    return error["code"]


def eventually(check: Any) -> Any:
    """What `check` gives as soon as it is true; the emulator's own threads are awaited, no clock is."""
    end = time.monotonic() + 5
    while not (found := check()):
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.005)
    return found


@pytest.fixture(scope="module")
def running():
    with run_emulator(sent_ms=2, delivered_ms=6, retry_seconds=0.05) as running:
        yield running


@pytest.fixture
def webhook():
    hook = Webhook()
    with served_in_thread(hook) as server:
        hook.url = f"{server.url}/webhooks/whatsapp/"
        yield hook


@pytest.fixture
def emulator(running, webhook):
    running.client.reset()
    running.client.register_number(
        NUMBER,
        waba_id=WABA,
        phone="+49 151 12345678",
        name="Praxis Huber",
        app_secret=SECRET,
        token=TOKEN,
        webhook=webhook.url,
        verify_token=webhook.verify_token,
    )
    running.client.add_template(waba_id=WABA, name="termin", language="de", components=BODY)
    return running.client


@pytest.fixture
def platform(running, emulator):
    return Platform(running.url)
