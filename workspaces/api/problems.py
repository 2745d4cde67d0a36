"""Every error of the API as application/problem+json (RFC 9457), with our code, cause and cure."""

import math
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from workspaces.api.errors import (
    ApiKeyInvalid,
    BodyTooLarge,
    DatabaseAway,
    InvalidInput,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    NotJson,
    ScopeMissing,
    UnsupportedMediaType,
)
from workspaces.errors import BotenwerkError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
DATABASE_AWAY_SECONDS = 5

FieldProblem = dict[str, str]


class ProblemRenderer(JSONRenderer):
    """JSON under the media type of problems."""

    media_type = MEDIA_TYPE
    format = "problem"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """The answer to any error: DRF's EXCEPTION_HANDLER. What nobody foresaw is logged and answered as `internal`."""
    set_rollback()
    named, fields = _named(error, context.get("request"))
    if named is None:
        log.exception("api_call_failed", view=type(context.get("view")).__name__)
        # As Django itself does for a 500: error reporters listen to this, and its test client raises the error.
        got_request_exception.send(sender=None, request=getattr(context.get("request"), "_request", None))
        named = BotenwerkError()
    response = Response(problem(named, fields), status=named.http_status, headers=_headers(error, named))
    response.content_type = MEDIA_TYPE
    request = context.get("request")
    if request is not None:
        request.accepted_renderer = ProblemRenderer()
        request.accepted_media_type = MEDIA_TYPE
    return response


def problem(error: BotenwerkError, fields: list[FieldProblem] | None = None) -> dict[str, Any]:
    """The body of a problem answer, in the active language. `message` is the failed row's id, if any."""
    if fields is None:
        fields = [{"field": error.field, "code": error.code, "detail": error.cause_text()}] if error.field else []
    body: dict[str, Any] = {
        "type": f"urn:botenwerk:error:{error.code}",
        "title": error.title_text(),
        "status": error.http_status,
        "detail": error.cause_text(),
        "code": error.code,
        "cure": error.cure_text(),
        "errors": fields,
    }
    failed_row = getattr(error, "message", None)
    if failed_row is not None:
        body["message"] = str(failed_row.public_id)
    return body


@csrf_exempt
def not_found(request: HttpRequest) -> HttpResponseBase:
    """An address below /api/ that does not exist."""
    return JsonResponse(problem(NotFound()), status=404, content_type=MEDIA_TYPE)


def _named(error: Exception, request: Request | None) -> tuple[BotenwerkError | None, list[FieldProblem] | None]:
    match error:
        case BotenwerkError():
            return error, None
        case exceptions.ValidationError():
            return InvalidInput(), list(_fields(error.get_full_details()))
        case exceptions.ParseError():
            return NotJson(reason=str(error.detail)), None
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return ApiKeyInvalid(), None
        case Http404() | exceptions.NotFound():
            return NotFound(), None
        case exceptions.PermissionDenied() | PermissionDenied():
            return ScopeMissing(scope="?", key="?"), None
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed(method=request.method if request else "?"), None
        case exceptions.NotAcceptable():
            return NotAcceptable(), None
        case exceptions.UnsupportedMediaType():
            return UnsupportedMediaType(media_type=request.content_type if request else "?"), None
        case RequestDataTooBig():
            return BodyTooLarge(), None
        case OperationalError() | InterfaceError():
            log.error("api_database_away", error=type(error).__name__)
            return DatabaseAway(retry_after=DATABASE_AWAY_SECONDS), None
    return None, None


def _fields(details: Any, path: str = "") -> list[FieldProblem]:
    """DRF's nested details as a flat list; `variables.1` names a key inside a field."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        return [{"field": path, "code": str(details["code"]), "detail": str(details["message"])}]
    entries: list[tuple[str, Any]] = []
    if isinstance(details, dict):
        entries = [("" if key == "non_field_errors" else str(key), value) for key, value in details.items()]
    elif isinstance(details, list):
        leaf = all(isinstance(item, dict) and set(item) == {"message", "code"} for item in details)
        entries = [("" if leaf else str(index), item) for index, item in enumerate(details)]
    found: list[FieldProblem] = []
    for key, value in entries:
        found += _fields(value, ".".join(part for part in (path, key) if part))
    return found


def _headers(error: Exception, named: BotenwerkError) -> dict[str, str]:
    headers = {}
    if named.http_status == status.HTTP_401_UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    if named.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(named.retry_after)))
    return headers
