"""How often a key may call: GCRA, one timestamp a key, moved by one conditional UPDATE."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from workspaces.api.errors import TooManyCalls
from workspaces.models import ApiKey

CALLS_A_MINUTE = 600
BURST = 100
INTERVAL = timedelta(minutes=1) / CALLS_A_MINUTE
TOLERANCE = INTERVAL * BURST
TRIES = 5


@dataclass(frozen=True)
class Allowance:
    """What is left of a key's burst, and in how many seconds all of it is there again."""

    remaining: int
    reset_seconds: int


class KeyRateLimit(BaseThrottle):
    """600 calls a minute a key, 100 of them at once. Raises TooManyCalls; notes the allowance on the request."""

    def allow_request(self, request: Request, view: object) -> bool:
        if isinstance(request.auth, ApiKey):
            request._request.allowance = take(request.auth, now=timezone.now())  # type: ignore[attr-defined]
        return True


def take(key: ApiKey, *, now: datetime) -> Allowance:
    """Count one call. Raises TooManyCalls with the seconds until the next one is allowed."""
    paced_until = key.paced_until
    keys = ApiKey.objects.in_workspace(key.workspace)
    for _ in range(TRIES):
        start = max(paced_until or now, now)
        if start + INTERVAL - now > TOLERANCE:
            break
        # Names the value it has seen: of two calls at once, one counts after the other.
        if keys.filter(pk=key.pk, paced_until=paced_until).update(paced_until=start + INTERVAL):
            return _allowance(start + INTERVAL, now)
        paced_until = keys.values_list("paced_until", flat=True).get(pk=key.pk)
    wait = (paced_until or now) + INTERVAL - TOLERANCE - now
    raise TooManyCalls(limit=CALLS_A_MINUTE, retry_after=max(wait.total_seconds(), 1.0))


def add_headers(response: Response, request: Request) -> None:
    """RateLimit-Limit, -Remaining and -Reset (seconds), as far as the call was counted."""
    allowance: Allowance | None = getattr(request._request, "allowance", None)
    if allowance is not None:
        response["RateLimit-Limit"] = str(BURST)
        response["RateLimit-Remaining"] = str(allowance.remaining)
        response["RateLimit-Reset"] = str(allowance.reset_seconds)


def _allowance(paced_until: datetime, now: datetime) -> Allowance:
    used = paced_until - now
    return Allowance(remaining=max(0, int((TOLERANCE - used) / INTERVAL)), reset_seconds=int(used.total_seconds()) + 1)
