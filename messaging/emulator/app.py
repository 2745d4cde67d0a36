"""The emulator put together: what is served, with its faults and its journal."""

import asyncio
from pathlib import Path
from typing import Any

from messaging.emulator.clock import Clock
from messaging.emulator.control import Control
from messaging.emulator.customers import Customers
from messaging.emulator.deliveries import Delays, Deliveries
from messaging.emulator.media import Media
from messaging.emulator.platform import Platform
from messaging.emulator.refusals import Refusal
from messaging.emulator.sending import STATUS_FAULTS, Sending
from messaging.emulator.store import Store
from messaging.emulator.template_api import TemplateApi
from messaging.emulator.webhooks import WebhookSender
from messaging.emulator.world import World
from workspaces.embedded_faults import Faults
from workspaces.embedded_server import Answer, Request, json_answer

CALL_EFFECTS = ("error", "http", "delay_ms", "accept_then_hang", "accept_then_close", *STATUS_FAULTS)
EFFECTS = frozenset({*CALL_EFFECTS, "double_webhook", "batch_webhook", "bad_signature"})
MATCHES = frozenset({"path", "to", "type", "method", "template", "status"})


class Emulator:
    """An `App` for the embedded server. `folder` None keeps all in memory."""

    def __init__(self, folder: Path | None, *, webhook: str | None = None, delays: Delays | None = None) -> None:
        delays = delays or Delays()
        self.store = Store(folder)
        self.clock = Clock(self.store)
        self.world = World(self.store)
        self.faults = Faults(matches=MATCHES, effects=EFFECTS)
        self.webhooks = WebhookSender(self.store, self.clock, self.faults, self.world.numbers.get, delays.retry_seconds)
        self.webhooks.default_url = webhook
        self.deliveries = Deliveries(self.world, self.store, self.clock, self.webhooks, delays)
        self.sending = Sending(self.world, self.store, self.clock, self.deliveries)
        self.templates = TemplateApi(self.world, self.clock, self.webhooks)
        media = Media(self.world, self.clock)
        self.platform = Platform(self.world, self.clock, self.sending, self.templates, media)
        customers = Customers(self.world, self.store, self.clock, self.webhooks, self.deliveries, self.sending, media)
        self.control = Control(
            self.world,
            self.store,
            self.clock,
            self.faults,
            self.webhooks,
            customers,
            self.templates,
            self.deliveries,
            self._reset,
        )

    async def start(self) -> None:
        """Go on where the last process stopped."""
        self.store.later = asyncio.get_running_loop().call_soon
        self.webhooks.resume()
        self.deliveries.resume()

    async def stop(self) -> None:
        """Close the file; what is under way goes on at the next start."""
        self.deliveries.stop()
        await self.webhooks.stop()
        self.store.close()

    def _reset(self, keep: frozenset[str]) -> None:
        self.deliveries.stop()
        self.webhooks.clear()
        self.faults.clear()
        self.sending.clear()
        self.templates.clear()
        self.platform.clear()
        self.world.clear(keep)
        self.clock.set(None)

    async def __call__(self, request: Request) -> Answer:
        if request.path.startswith("/_emulator/"):
            return await self.control.answer(request)
        at = self.clock.now()
        faults = self.faults.take(_facts(request), *CALL_EFFECTS) if self.faults.open else {}
        if faults.get("delay_ms"):
            await asyncio.sleep(float(faults["delay_ms"]) / 1000)
        answer, data = await self._platform_call(request, faults)
        answer.fate = next((fate for fate in ("hang", "close") if f"accept_then_{fate}" in faults), "")
        self._log(request, at, answer, data, faults)
        return answer

    async def _platform_call(self, request: Request, faults: dict[str, Any]) -> tuple[Answer, Any]:
        """The answer, and its body as data for the journal."""
        if "http" in faults:
            answer = _http_fault(faults["http"])
            return answer, answer.body.decode("utf-8", "replace")
        try:
            if "error" in faults:
                raise _error_fault(faults["error"])
            data = await self.platform.answer(request, faults)
        except Refusal as refusal:
            data = refusal.envelope()
            return json_answer(data, refusal.status), data
        if isinstance(data, Answer):
            return data, f"{len(data.body)} bytes"
        return json_answer(data), data

    def _log(self, request: Request, at: float, answer: Answer, data: Any, faults: dict[str, Any]) -> None:
        entry: dict[str, Any] = {
            "method": request.method,
            "path": request.path,
            "query": {name: value for name, value in request.query.items() if name != "access_token"},
            "body": _journal_body(request),
            "status": answer.status,
            "answer": data,
        }
        if faults:
            entry["fault"] = faults
        self.store.log(at, "call", entry)


def _facts(request: Request) -> dict[str, str]:
    """What a fault can match."""
    facts = {"path": request.path, "method": request.method}
    try:
        body = request.json() if request.method == "POST" else None
    except ValueError:
        return facts
    if isinstance(body, dict):
        facts["to"] = str(body.get("to") or body.get("recipient") or "")
        facts["type"] = "read" if "status" in body else str(body.get("type") or "text")
        template = body.get("template")
        facts["template"] = str(template.get("name", "")) if isinstance(template, dict) else ""
    return facts


def _error_fault(effect: Any) -> Refusal:
    if isinstance(effect, dict):
        refusal = Refusal(
            int(effect["code"]),
            str(effect.get("details", "")),
            subcode=effect.get("subcode"),
            status=effect.get("status"),
        )
        if "error_data" in effect:
            refusal.error_data = effect["error_data"]
        return refusal
    return Refusal(int(effect))


def _http_fault(effect: Any) -> Answer:
    if isinstance(effect, int):
        effect = {"status": effect}
    body, headers = effect.get("body", ""), dict(effect.get("headers") or {})
    if not isinstance(body, str):
        return json_answer(body, int(effect.get("status", 500)), headers)
    return Answer(int(effect.get("status", 500)), body.encode(), {"content-type": "text/html"} | headers)


def _journal_body(request: Request) -> Any:
    if not request.body:
        return None
    if request.headers.get("content-type", "").startswith("multipart/"):
        return f"{len(request.body)} bytes"
    try:
        return request.json()
    except ValueError:
        return request.body[:2000].decode("utf-8", "replace")
