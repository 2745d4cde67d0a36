"""Sends webhooks as the platform does: signed over the raw bytes, retried until a 2xx, in order where nothing failed.

Order holds within a lane (a number and a customer, or a business account); lanes go side by side, or one slow
conversation would hold up a campaign. A webhook that failed leaves its lane and comes again later.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from messaging.emulator.clock import Clock
from messaging.emulator.records import Number
from messaging.emulator.store import Store
from workspaces.embedded_faults import Faults

logger = logging.getLogger(__name__)

PARALLEL = 16
TIMEOUT_SECONDS = 20.0
RETRY_FACTOR, RETRY_CEILING_SECONDS = 2.0, 600.0
GIVE_UP_SECONDS = 7 * 24 * 60 * 60  # by the emulator's clock, as the platform does
ANSWER_BYTES = 64 * 1024
GATHER_SECONDS = 0.3


def raw(payload: Mapping[str, Any]) -> bytes:
    """The bytes as Meta writes them: letters beyond ASCII and slashes escaped."""
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()


def signature(secret: str, body: bytes) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Connections:
    """Kept-alive HTTP/1.1 connections to the webhooks' hosts. Raises OSError, TimeoutError or ValueError."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int, bool], list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = {}

    async def call(self, method: str, url: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """One request; status and the start of its answer."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        place = (parts.hostname or "", parts.port or (443 if secure else 80), secure)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"{method} {target} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        data = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while idle := self._idle.get(place):
                stream = idle.pop()
                # A kept connection may have been closed by the other side: then, and only before an answer, a new one.
                if stream[0].at_eof() or stream[1].is_closing():
                    stream[1].close()
                    continue
                try:
                    return await self._exchange(place, stream, data)
                except (asyncio.IncompleteReadError, ConnectionError):
                    break
            stream = await asyncio.open_connection(place[0], place[1], ssl=secure or None)
            try:
                return await self._exchange(place, stream, data)
            except asyncio.IncompleteReadError:
                raise ConnectionError("closed without an answer") from None

    async def _exchange(
        self,
        place: tuple[str, int, bool],
        stream: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        data: bytes,
    ) -> tuple[int, bytes]:
        reader, writer = stream
        try:
            writer.write(data)
            status, keep, body = await _read_answer(reader)
        except BaseException:
            writer.close()
            raise
        if keep:
            self._idle.setdefault(place, []).append(stream)
        else:
            writer.close()
        return status, body[:ANSWER_BYTES]

    def close(self) -> None:
        """Let all connections go."""
        for idle in self._idle.values():
            for _, writer in idle:
                writer.close()
        self._idle.clear()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bool, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ")[1])
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    keep = headers.get("connection", "").lower() != "close" and head[0].startswith("HTTP/1.1")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readline()
        return status, keep, body
    if "content-length" in headers:
        return status, keep, await reader.readexactly(int(headers["content-length"]))
    if status in (204, 304):
        return status, keep, b""
    return status, False, await reader.read(ANSWER_BYTES)


class WebhookSender:
    """The way out to our webhook. `number_of` finds the number whose webhook and secret a payload goes by."""

    def __init__(
        self, store: Store, clock: Clock, faults: Faults, number_of: Callable[[str], Number | None], retry: float
    ) -> None:
        self.store, self.clock, self.faults, self.number_of, self.retry = store, clock, faults, number_of, retry
        self.default_url: str | None = None
        self.connections = Connections()
        self._lanes: dict[tuple[str, str], deque[dict[str, Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathered: list[dict[str, Any]] = []
        self._slots = asyncio.Semaphore(PARALLEL)

    def send(self, number_id: str, lane: str, payload: dict[str, Any], facts: dict[str, str]) -> None:
        """Queue a webhook; returns at once. `facts` are what faults match: to, type."""
        effects = self.faults.take(facts, "double_webhook", "batch_webhook")
        for _ in range(2 if "double_webhook" in effects else 1):
            item = {"number_id": number_id, "lane": lane, "payload": payload, "facts": facts, "since": self.clock.now()}
            item |= {"attempt": 1, "pending": self.store.keep_pending(item)}
            if "batch_webhook" in effects:
                self._gather(item, int(effects["batch_webhook"]))
            else:
                self._queue(item)

    def _gather(self, item: dict[str, Any], size: int) -> None:
        """Hold webhooks until there are `size`, or nothing has come for a while; then they go in one body."""
        if not self._gathered:
            self._start(self._send_gathered_later())
        self._gathered.append(item)
        if len(self._gathered) >= size:
            self._send_gathered()

    async def _send_gathered_later(self) -> None:
        held = 0
        while len(self._gathered) > held:
            held = len(self._gathered)
            await asyncio.sleep(GATHER_SECONDS)
        self._send_gathered()

    def _send_gathered(self) -> None:
        """One body a number: an entry for each webhook, as the platform sends batches to one address."""
        gathered, self._gathered = self._gathered, []
        for number_id in dict.fromkeys(item["number_id"] for item in gathered):
            items = [item for item in gathered if item["number_id"] == number_id]
            entries = [entry for item in items for entry in item["payload"]["entry"]]
            for item in items:
                self.store.drop_pending(item["pending"])
            one = {name: value for name, value in items[0].items() if name != "pending"} | {
                "payload": items[0]["payload"] | {"entry": entries}
            }
            self._queue(one | {"pending": self.store.keep_pending(one)})

    def resume(self) -> None:
        """Queue what was not taken before the last stop."""
        for pending, item in self.store.pending():
            self._queue(item | {"attempt": 1, "pending": pending})

    def _queue(self, item: dict[str, Any]) -> None:
        key = (item["number_id"], item["lane"])
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append(item)
            return
        self._lanes[key] = deque([item])
        self._start(self._run_lane(key))

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_lane(self, key: tuple[str, str]) -> None:
        lane = self._lanes[key]
        while lane:
            item = lane.popleft()
            async with self._slots:
                taken = await self._post(item)
            if not taken:
                self._start(self._again(item))
        self._lanes.pop(key, None)

    async def _again(self, item: dict[str, Any]) -> None:
        wait = min(self.retry * RETRY_FACTOR ** (item["attempt"] - 1), RETRY_CEILING_SECONDS)
        await asyncio.sleep(wait)
        self._queue(item | {"attempt": item["attempt"] + 1})

    async def _post(self, item: dict[str, Any]) -> bool:
        """One attempt, with its line in the journal. True where nothing more is to be done."""
        number = self.number_of(item["number_id"])
        url = (number.webhook or self.default_url) if number and number.subscribed else None
        entry = {"number_id": item["number_id"], "url": url, "body": item["payload"], "attempt": item["attempt"]}
        if number is None or url is None:
            self._done(item, entry | {"status": None, "answer": None, "note": "no webhook is registered"})
            return True
        body = raw(item["payload"])
        secret = number.app_secret
        if self.faults.take(item["facts"], "bad_signature"):
            secret += "-wrong"
        headers = {
            "content-type": "application/json",
            "user-agent": "facebookexternalua",
            "x-hub-signature-256": signature(secret, body),
        }
        entry["signature"] = headers["x-hub-signature-256"]
        try:
            status, answer = await self.connections.call("POST", url, headers, body)
        except (OSError, TimeoutError, ValueError, IndexError, EOFError, asyncio.LimitOverrunError) as error:
            note = f"{type(error).__name__}: {error}"
            return self._failed(item, entry | {"status": None, "answer": None, "note": note})
        entry |= {"status": status, "answer": answer[:2000].decode("utf-8", "replace")}
        if 200 <= status < 300:
            self._done(item, entry)
            return True
        return self._failed(item, entry)

    def _failed(self, item: dict[str, Any], entry: dict[str, Any]) -> bool:
        """To be tried again, unless it has been for too long. True where nothing more is to be done."""
        if self.clock.now() - item.get("since", self.clock.now()) > GIVE_UP_SECONDS:
            self._done(item, entry | {"note": "given up after seven days"})
            return True
        self.store.log(self.clock.now(), "webhook", entry)
        return False

    def _done(self, item: dict[str, Any], entry: dict[str, Any]) -> None:
        self.store.drop_pending(item["pending"])
        self.store.log(self.clock.now(), "webhook", entry)

    def open_count(self) -> int:
        """Webhooks queued or under way."""
        return len(self.store.pending())

    def clear(self) -> None:
        """Drop all that is queued; the store is cleared beside this."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._lanes.clear()
        self._gathered.clear()

    async def stop(self) -> None:
        """End all work; what was not taken stays in the file."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        self._lanes.clear()
        self.connections.close()
