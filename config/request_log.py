"""One line a request, and its id in every line that is written while it is answered."""

import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponseBase

log = structlog.get_logger(__name__)

HEADER = "X-Request-Id"
_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class RequestLogMiddleware:
    """Takes the proxy's request id, or makes one; gives it back in the answer. The query is never logged."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        request_id = given if _ID.fullmatch(given) else uuid4().hex
        # The thread has answered others before.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id)
        began_at = time.perf_counter()
        response = self.get_response(request)
        response.headers[HEADER] = request_id
        log.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - began_at) * 1000, 1),
        )
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """By now it is known whose workspace it is about."""
        workspace = getattr(request, "workspace", None)
        if workspace is not None:
            structlog.contextvars.bind_contextvars(workspace=workspace.slug)
