"""The ASGI front door: live streams to one application, all else to the other, bodies counted on the way in."""

import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import sync_to_async
from asgiref.wsgi import WsgiToAsgi, WsgiToAsgiInstance

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_TOO_LARGE = json.dumps(
    {
        "type": "about:blank",
        "title": "The body is too large",
        "status": 413,
        "code": "body_too_large",
        "detail": "A request may carry 4 MB.",
    }
).encode()


# Read off the class's dictionary: there it stands with its decoration, whose `func` is the plain method.
_run_wsgi_app = vars(WsgiToAsgiInstance)["run_wsgi_app"].func


class BodyTooLarge(Exception):
    """More bytes came in than a request may carry."""


class ClientLeft(Exception):
    """The connection was closed before the body was complete."""


class OnThreads(WsgiToAsgi):
    """A WSGI application on a pool of threads that live on, so that database connections do too."""

    def __init__(self, wsgi_application: Callable[..., Any], *, threads: int) -> None:
        super().__init__(wsgi_application)  # type: ignore[no-untyped-call]
        pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="page")

        class Instance(WsgiToAsgiInstance):
            # asgiref's own runs every request of the process on one single thread.
            run_wsgi_app = sync_to_async(_run_wsgi_app, thread_sensitive=False, executor=pool)

        self._instance = Instance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        # The server's `send` is a native callable, which asgiref does not take for asynchronous.
        async def send_message(message: Message) -> None:
            await send(message)

        bridge = self._instance(self.wsgi_application, self.duplicate_header_limit)  # type: ignore[no-untyped-call]
        await bridge(scope, receive, send_message)


class FrontDoor:
    """Routes by path; refuses with 413 before the bridge would spool an endless body to disk."""

    def __init__(self, *, pages: Application, live: Application, max_body_bytes: int) -> None:
        self._pages = pages
        self._live = live
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of the server's: a request, or the lifespan."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        if scope["path"].startswith("/live/"):
            await self._live(scope, receive, send)
            return
        try:
            self._check_announced_length(scope)
            await self._pages(scope, self._counted(receive), send)
        except BodyTooLarge:
            await _refuse(send)
        except ClientLeft:
            return

    def _check_announced_length(self, scope: Scope) -> None:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._max_body_bytes:
                raise BodyTooLarge

    def _counted(self, receive: Receive) -> Receive:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise BodyTooLarge
            return message

        return counted


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(_TOO_LARGE)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": _TOO_LARGE})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
