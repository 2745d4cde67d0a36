"""Whatever a call carries, the emulator answers: a refusal in its own words, never a broken server."""

import asyncio
import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from messaging.emulator.app import Emulator
from workspaces.embedded_server import Answer, Request

from .conftest import EVA, NUMBER, TOKEN, WABA

ODD = [None, "", 0, -1, 1.5, True, [], {}, [1], ["a"], [[]], {"a": 1}, "x" * 5000, "\ud800", float("nan"), 10**30]
TO_EVA = {"messaging_product": "whatsapp", "to": EVA, "context": {"message_id": "wamid.x"}}
BUTTON = {"type": "reply", "reply": {"id": "1", "title": "Ja"}}
ROWS = [{"id": "1", "title": "a", "description": "d"}]
COMPONENTS = [
    {"type": "header", "parameters": [{"type": "document", "document": {"link": "https://a.at", "filename": "f"}}]},
    {"type": "body", "parameters": [{"type": "text", "text": "a"}, {"type": "currency", "currency": {"code": "EUR"}}]},
    {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "x"}]},
]
SENT = [
    TO_EVA | {"type": "text", "text": {"body": "Hallo", "preview_url": True}},
    TO_EVA | {"type": "image", "image": {"link": "https://a.at/b.png", "caption": "c"}},
    TO_EVA | {"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}},
    TO_EVA | {"type": "location", "location": {"latitude": "1", "longitude": 2, "name": "n"}},
    TO_EVA | {"type": "contacts", "contacts": [{"name": {"formatted_name": "a"}, "phones": [{"phone": "1"}]}]},
    TO_EVA
    | {
        "type": "interactive",
        "interactive": {"type": "button", "body": {"text": "b"}, "action": {"buttons": [BUTTON]}},
    },
    TO_EVA
    | {
        "type": "interactive",
        "interactive": {
            "type": "list",
            "header": {"type": "text", "text": "h"},
            "body": {"text": "b"},
            "action": {"button": "o", "sections": [{"title": "t", "rows": ROWS}]},
        },
    },
    TO_EVA | {"type": "template", "template": {"name": "a", "language": {"code": "de"}, "components": COMPONENTS}},
    {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x", "typing_indicator": {"type": "text"}},
]
CREATED = {
    "name": "neu",
    "language": "de",
    "category": "UTILITY",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "An {{1}}", "example": {"header_text": ["a"]}},
        {"type": "BODY", "text": "Guten Tag {{1}} wir freuen uns auf Sie", "example": {"body_text": [["a"]]}},
        {"type": "FOOTER", "text": "f"},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "u", "url": "https://a.at/{{1}}", "example": ["x"]}]},
    ],
}
WRITTEN = [
    {"to": NUMBER, "type": kind, "text": "t", "context": "wamid.x", "referral": {"source_id": "1"}, "payload": "p"}
    for kind in ("text", "button", "list_reply", "image", "contacts", "order", "nfm_reply", "edit", "call", "echo")
]
CALLS = [
    *(("POST", f"/v26.0/{NUMBER}/messages", body) for body in SENT),
    ("POST", f"/v26.0/{WABA}/message_templates", CREATED),
    *(("POST", f"/_emulator/customers/{EVA}/messages", body) for body in WRITTEN),
    ("PATCH", f"/_emulator/customers/{EVA}", {"blocked": False, "user_id": "DE.1", "number": EVA, "username": "e"}),
    ("PUT", "/_emulator/numbers/7", {"waba_id": "9", "phone": "+4915112345670", "allowed": None}),
    ("PUT", "/_emulator/templates", {"waba_id": "9", "name": "x", "language": "de", "components": []}),
    ("POST", f"/_emulator/customers/{EVA}/read", {"to": NUMBER, "plays": True}),
    ("POST", f"/_emulator/accounts/{WABA}/updates", {"event": "X"}),
    ("POST", "/_emulator/clock", {"now": "2026-11-25T12:00:00Z"}),
]
PLACE = {"waba_id": WABA, "phone": "+4915112345678", "token": TOKEN, "throughput": 100_000}
SHOWN = [
    {"type": "HEADER", "format": "DOCUMENT"},
    {"type": "BODY", "text": "x {{1}} y {{2}} z"},
    {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "a", "url": "https://a.at/{{1}}"}]},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all parts of a body."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(value[key], (*path, key))


def mutated(body: Any, chance: random.Random) -> Any:
    """The body with one part gone or odd."""
    body = copy.deepcopy(body)
    *path, last = chance.choice(list(places(body)))
    holder = body
    for key in path:
        holder = holder[key]
    if isinstance(holder, dict) and chance.random() < 0.2:
        del holder[last]
    else:
        holder[last] = copy.deepcopy(chance.choice(ODD))
    return body


@pytest.mark.parametrize("seed", range(4))
def test_no_body_breaks_the_emulator(seed):
    chance, statuses = random.Random(seed), set()

    async def call(app: Emulator, method: str, path: str, body: Any) -> Answer:
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        return await app(Request(method, path, {}, headers, json.dumps(body).encode()))

    async def run() -> None:
        app = Emulator(None)
        await app.start()
        await call(app, "PUT", f"/_emulator/numbers/{NUMBER}", PLACE)
        template = {"waba_id": WABA, "name": "a", "language": "de", "components": SHOWN}
        await call(app, "PUT", "/_emulator/templates", template)
        for _ in range(500):
            method, path, body = chance.choice(CALLS)
            answer = await call(app, method, path, mutated(body, chance))
            statuses.add(answer.status)
            assert json.loads(answer.body)
            await asyncio.sleep(0)
        await app.stop()

    asyncio.run(run())
    assert statuses <= {200, 400, 404}
    assert {200, 400} <= statuses
