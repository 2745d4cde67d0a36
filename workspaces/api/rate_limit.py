"""How often a key may call: GCRA, one timestamp a key, moved by one conditional UPDATE."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet
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
    row = ApiKey.objects.in_workspace(key.workspace).filter(pk=key.pk)
    # Of two calls at once the database counts both: each UPDATE names the state it expects and adds to what is there.
    if _add(row, now) or _begin(row, now) or _add(row, now):
        return _allowance(max(key.paced_until or now, now) + INTERVAL, now)
    paced_until = row.values_list("paced_until", flat=True).get() or now
    wait = paced_until + INTERVAL - TOLERANCE - now
    raise TooManyCalls(limit=CALLS_A_MINUTE, retry_after=max(wait.total_seconds(), 1.0))


def _add(row: QuerySet[ApiKey], now: datetime) -> bool:
    """One more within the burst."""
    busy = row.filter(paced_until__gt=now, paced_until__lte=now + TOLERANCE - INTERVAL)
    return busy.update(paced_until=F("paced_until") + INTERVAL) == 1


def _begin(row: QuerySet[ApiKey], now: datetime) -> bool:
    """The first one after a pause."""
    idle = row.filter(Q(paced_until=None) | Q(paced_until__lte=now))
    return idle.update(paced_until=now + INTERVAL) == 1


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
