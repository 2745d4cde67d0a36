"""A small HTTP/1.1 server for the emulator and the demo model, in a process of its own or in a thread of a test.

Granian carries our pages; it cannot do what these two must: drop a connection without an answer, and live in a thread
of a process that ends at any moment (its embedded server panics there).
"""

import asyncio
import contextlib
import json
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

logger = logging.getLogger(__name__)

HEAD_BYTES = 64 * 1024
BODY_BYTES = 110 * 1024 * 1024  # The platform takes documents of 100 MB.
JSON = "application/json"


@dataclass(slots=True)
class Request:
    """One request as it came; header names are lower case, the last of equal query names wins."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None where it is empty. Raises ValueError."""
        return json.loads(self.body) if self.body.strip() else None


@dataclass(slots=True)
class Answer:
    """What goes back. `stream` is sent chunked instead of `body`; `fate` "hang" or "close": no answer at all."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None
    fate: str = ""


def json_answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, {"content-type": JSON, **(headers or {})})


class App(Protocol):
    """What is served. `start` and `stop` run in the server's loop."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def __call__(self, request: Request) -> Answer: ...


class BadRequest(Exception):
    """Bytes that are no HTTP/1.1 request."""


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request of a connection, None at its end. Raises BadRequest."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest from None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _read_body(reader, headers)
    url = urlsplit(parts[1])
    return Request(parts[0].upper(), unquote(url.path), dict(parse_qsl(url.query, True)), headers, body)


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    try:
        if "chunked" not in headers.get("transfer-encoding", "").lower():
            length = int(headers.get("content-length") or 0)
            if not 0 <= length <= BODY_BYTES:
                raise BadRequest
            return await reader.readexactly(length) if length else b""
        chunks = []
        while size := int((await reader.readline()).split(b";")[0], 16):
            chunks.append(await reader.readexactly(size))
            await reader.readexactly(2)
        while (await reader.readline()).strip():
            pass  # trailers
        return b"".join(chunks)
    except ValueError:
        raise BadRequest from None


class EmbeddedServer:
    """Serves an app on an address. `serve` runs in a loop of the caller's, until `stop` is called from any thread."""

    def __init__(self, app: App, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.app, self.host, self.port = app, host, port
        self.loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._connections: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return f"http://{self.host}:{self.port}"

    async def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Start the app, listen, call `ready`, and return after `stop`. Raises OSError where the port is taken."""
        self.loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connection, self.host, self.port, backlog=1024, limit=HEAD_BYTES)
        self.port = server.sockets[0].getsockname()[1]
        await self.app.start()
        try:
            ready()
            await self._stopping.wait()
        finally:
            server.close()
            for _ in range(3):  # A connection just accepted has its task only some turns of the loop later.
                await asyncio.sleep(0)
            for task in list(self._connections):
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await self.app.stop()
            await asyncio.sleep(0)  # Closed transports let go of their sockets in the loop's next turn.

    def stop(self) -> None:
        """End `serve`; open connections are cut."""
        if self.loop is not None and self._stopping is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._stopping.set)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False ends the connection."""
        try:
            request = await read_request(reader, writer)
        except BadRequest:
            await _write(writer, Answer(400, b"Bad request"), keep=False, head_only=False)
            return False
        if request is None:
            return False
        try:
            answer = await self.app(request)
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            answer = Answer(500, b"Internal server error")
        if answer.fate == "hang":
            await reader.read(-1)  # until the client gives up
        if answer.fate:
            return False
        keep = request.headers.get("connection", "").lower() != "close"
        await _write(writer, answer, keep=keep, head_only=request.method == "HEAD")
        return keep


async def _write(writer: asyncio.StreamWriter, answer: Answer, *, keep: bool, head_only: bool) -> None:
    phrase = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else ""
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in answer.headers.items())]
    lines.append("transfer-encoding: chunked" if answer.stream else f"content-length: {len(answer.body)}")
    lines.append(f"connection: {'keep-alive' if keep else 'close'}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if answer.stream is None:
        writer.write(head if head_only else head + answer.body)
    else:
        writer.write(head)
        async for chunk in answer.stream:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    await writer.drain()


def run_until_signal(server: EmbeddedServer, ready: Callable[[], None]) -> None:
    """Serve in this thread until SIGTERM or SIGINT."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        await server.serve(ready)

    asyncio.run(main())


@contextlib.contextmanager
def served_in_thread(app: App, *, port: int = 0) -> Iterator[EmbeddedServer]:
    """Serve an app from a thread of this process, so that a test's moved clock moves its time too."""
    server, started, failure = EmbeddedServer(app, port=port), threading.Event(), []

    def run() -> None:
        try:
            asyncio.run(server.serve(started.set))
        except BaseException as error:
            failure.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run, name="embedded-server", daemon=True)
    thread.start()
    started.wait(10)
    if failure:
        raise failure[0]
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
