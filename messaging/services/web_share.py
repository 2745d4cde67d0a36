"""How many sends may hold a web thread at once: half of them, or a slow platform would stop pages and webhooks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from django.conf import settings

from messaging.models import Message

# Who calls in the request of a page or of the API; runs and the clock have workers of their own.
_IN_REQUEST = (Message.Cause.API, Message.Cause.PERSON, Message.Cause.STAFF)


@lru_cache(maxsize=4)
def _seats(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)


@contextmanager
def web_seat(cause: str) -> Iterator[bool]:
    """Whether the send may go now, in this request. Never waits; whatever is no request always may."""
    if cause not in _IN_REQUEST:
        yield True
        return
    seats = _seats(max(1, settings.WEB_THREADS // 2))
    is_free = seats.acquire(blocking=False)
    try:
        yield is_free
    finally:
        if is_free:
            seats.release()
