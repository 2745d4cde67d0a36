"""`Idempotency-Key`: the same call twice acts once and is answered alike.

The key is taken by an insert that commits before anything happens. An answer of success is kept with it; a named
error gives the key free again, because it has acted on nothing and the caller repairs and repeats. What nobody
foresaw may have acted: the key then stays taken for two minutes, and the next one goes on with what is there.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from uuid import uuid4

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from workspaces.api.authentication import key_of
from workspaces.api.errors import CallInFlight, IdempotencyKeyReused
from workspaces.errors import BotenwerkError
from workspaces.models import ApiKey, IdempotentCall

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST_KEY = 200
# Longer than any call may take (a model's whole turn: 45 s): whoever began it has died.
ABANDONED_AFTER = timedelta(minutes=2)

REFUSALS = (BotenwerkError, exceptions.APIException, Http404, PermissionDenied)

Handler = Callable[..., Response]


def acts_once(handler: Handler) -> Handler:
    """Decorate a POST that acts. Without the header it runs as it is; its body's `created` is false on a replay."""

    @wraps(handler)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        given = _given_key(request)
        if given is None:
            return handler(view, request, *args, **kwargs)
        call, is_ours = _begin(key_of(request), given, _digest(request), timezone.now())
        if not is_ours:
            return _replay(call)
        request._request.idempotent_call = call  # type: ignore[attr-defined]
        try:
            response = handler(view, request, *args, **kwargs)
        except REFUSALS:
            _release(call)
            raise
        _keep(call, response)
        return response

    once.takes_idempotency_key = True  # type: ignore[attr-defined]
    return once


def action_key(request: Request) -> str:
    """What a service gets as its key: the same for each repetition of a call, also after an error."""
    given = _given_key(request)
    return f"api:{key_of(request).public_id}:{given}" if given else f"api:{uuid4()}"


def attempt_key(request: Request) -> str:
    """A service's key where an error ends the matter and the repeated call is a new attempt.

    Still the same for a call whose process died: so the second finds what the first has begun.
    """
    call: IdempotentCall | None = getattr(request._request, "idempotent_call", None)
    return f"api:{call.public_id if call else uuid4()}"


def _given_key(request: Request) -> str | None:
    given = request.headers.get(HEADER)
    if given is None:
        return None
    if not given or len(given) > LONGEST_KEY or not given.isprintable():
        problem = _("One to %(most)s printable characters are wanted.") % {"most": LONGEST_KEY}
        raise exceptions.ValidationError({HEADER: problem})
    return given


def _digest(request: Request) -> str:
    call = b"\0".join([(request.method or "").encode(), request.path.encode(), request._request.body])
    return hashlib.sha256(call).hexdigest()


def _begin(api_key: ApiKey, given: str, digest: str, now: datetime) -> tuple[IdempotentCall, bool]:
    """The call's row, and whether this request is the one that carries it out."""
    calls = IdempotentCall.objects.in_workspace(api_key.workspace).filter(api_key=api_key, key=given)
    try:
        with transaction.atomic():
            row = IdempotentCall(workspace=api_key.workspace, api_key=api_key, key=given, request_digest=digest)
            row.created_at = now
            row.save()
            return row, True
    except IntegrityError:
        known = calls.first()
    if known is None:
        raise CallInFlight(retry_after=1)
    if known.request_digest != digest:
        raise IdempotencyKeyReused(field=HEADER)
    if known.status is not None:
        return known, False
    taken = calls.filter(pk=known.pk, status=None, created_at__lt=now - ABANDONED_AFTER, created_at=known.created_at)
    if taken.update(created_at=now):
        return known, True
    raise CallInFlight(retry_after=2)


def _keep(call: IdempotentCall, response: Response) -> None:
    if not 200 <= response.status_code < 300:
        _release(call)
        return
    call.status = response.status_code
    call.body = _as_json(response.data)
    call.save(update_fields=["status", "body"])


def _release(call: IdempotentCall) -> None:
    IdempotentCall.objects.in_workspace(call.workspace).filter(pk=call.pk, status=None).delete()


def _replay(call: IdempotentCall) -> Response:
    body = call.body
    if isinstance(body, dict) and "created" in body:
        body = {**body, "created": False}
    return Response(body, status=call.status, headers={REPLAYED: "true"})


def _as_json(data: Any) -> Any:
    return json.loads(json.dumps(data, cls=JSONEncoder))
