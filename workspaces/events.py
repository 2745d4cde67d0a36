"""Domain events: a typed in-process registry, so that lower apps need not know who listens.

Publishing happens inside the transaction that stored the fact. A subscriber that fails falls back to its own
savepoint and not further; the publisher gets the failures and decides what becomes of the fact.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from django.db import transaction

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class DomainEvent:
    """Something that has happened, in the past tense. Subclasses add the rows it is about."""


E = TypeVar("E", bound=DomainEvent)

_subscribers: dict[type[DomainEvent], list[Callable[[Any], None]]] = {}


@dataclass(frozen=True)
class SubscriberFailed:
    """Who failed, and how."""

    subscriber: str
    error: Exception


def subscribe(event_type: type[E], handler: Callable[[E], None]) -> None:
    """Have `handler` called for each event of exactly this type. Called in AppConfig.ready; twice counts once."""
    handlers = _subscribers.setdefault(event_type, [])
    if handler not in handlers:
        handlers.append(handler)


def publish(event: DomainEvent) -> list[SubscriberFailed]:
    """Tell every subscriber, each in a savepoint of its own. Returns those that failed; raises nothing."""
    failures = []
    for handler in _subscribers.get(type(event), []):
        try:
            with transaction.atomic():
                handler(event)
        except Exception as error:
            log.exception("subscriber_failed", domain_event=type(event).__name__, subscriber=handler.__qualname__)
            failures.append(SubscriberFailed(handler.__qualname__, error))
    return failures


def demand_heard(failures: list[SubscriberFailed]) -> None:
    """Raises what the first subscriber failed with, for a fact that is to come again rather than go unheard."""
    for failure in failures:
        raise failure.error
