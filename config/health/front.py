"""`/healthz`, `/readyz` and `/metrics`, answered before sessions, redirects to HTTPS and the check of host names.

A probe asks by the machine's address, in plain HTTP; and with the database away there is no session to read.
"""

import hmac
import ipaddress
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone

from config.health import probes
from config.health.metrics import metrics_text

log = structlog.get_logger(__name__)

CLOCK_LAG_SECONDS = 30.0
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


class HealthMiddleware:
    """Stands first in MIDDLEWARE."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._answers = {"/healthz": _alive, "/readyz": _ready, "/metrics": _metrics}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self._answers.get(request.path_info)
        if answer is None:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        response = answer(request)
        response.headers["Cache-Control"] = "no-store"
        return response


def _alive(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked, or a database that is away would have it restarted."""
    return HttpResponse("ok\n", content_type="text/plain")


def _ready(request: HttpRequest) -> HttpResponse:
    """Whether this process should get requests, with each part's word. 503 while one of them is not well."""
    checks: dict[str, dict[str, Any]] = {"database": _check(_database)}
    if checks["database"]["ok"]:
        checks["migrations"] = _check(_migrations)
        checks["clock"] = _check(_clock)
    checks["broker"] = _check(_broker)
    is_ready = all(check["ok"] for check in checks.values())
    body = {"status": "ready" if is_ready else "not ready", "checks": checks}
    return JsonResponse(body, status=200 if is_ready else 503)


def _metrics(request: HttpRequest) -> HttpResponse:
    if not may_read_metrics(request):
        return HttpResponse("METRICS_TOKEN, or from this machine\n", status=403, content_type="text/plain")
    try:
        return HttpResponse(metrics_text(timezone.now()), content_type=METRICS_TYPE)
    except (DatabaseError, InterfaceError) as error:
        log.warning("metrics_database_away", error=type(error).__name__)
        connection.close()
        return HttpResponse("database away\n", status=503, content_type="text/plain")


def may_read_metrics(request: HttpRequest) -> bool:
    """With the token where one is set; else only straight from this machine, not through a proxy on it."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    if any(name in request.META for name in _FORWARDED) or settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _check(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A part's word; one that cannot be asked is not well. Only the kind of error is told: anybody may ask."""
    try:
        return {"ok": True, **look()}
    except Exception as error:
        if isinstance(error, DatabaseError | InterfaceError):
            connection.close()
        return {"ok": False, "error": type(error).__name__}


def _database() -> dict[str, Any]:
    probes.database_answers()
    return {}


def _migrations() -> dict[str, Any]:
    missing = probes.missing_migrations()
    return {"ok": not missing, "missing": len(missing)}


def _clock() -> dict[str, Any]:
    lag = probes.clock_lag(timezone.now()).total_seconds()
    return {"ok": lag <= CLOCK_LAG_SECONDS, "lag_seconds": round(lag, 1)}


def _broker() -> dict[str, Any]:
    return {"waiting": {queue: probes.queue_depth(queue) for queue in probes.QUEUES}}
