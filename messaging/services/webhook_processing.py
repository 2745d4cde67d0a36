"""Processing a stored body: each item in a transaction of its own, a line in the inbound log for each.

A failing item does not lose its neighbours, and is tried again without repeating them: everything an item writes has
a unique key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import OperationalError, transaction
from django.db.models import QuerySet

from messaging.models import InboundLog, Sender, WebhookEvent
from messaging.services.platform_updates import update_number, update_template
from messaging.services.receiving import receive_message
from messaging.services.statuses import record_status
from messaging.webhooks.cloud_api import NotOurBody, parse
from messaging.webhooks.events import (
    Broken,
    InboundMessage,
    Item,
    Noted,
    NumberUpdate,
    StatusUpdate,
    TemplateUpdate,
)
from workspaces.services.audit import Actor, record

log = structlog.get_logger(__name__)
Outcome = InboundLog.Outcome

AGAIN = timedelta(seconds=5)
AGAIN_CEILING = timedelta(minutes=10)
ATTEMPTS = 12


@dataclass(frozen=True)
class Result:
    """What became of an item."""

    outcome: str
    reason: str = ""
    detail: str = ""
    message: Any = None


def process_event(event: WebhookEvent, now: datetime) -> list[InboundLog]:
    """Work off every item of the body; returns the lines written. Failed items bring the event back later."""
    try:
        items = parse(bytes(event.body))
    except NotOurBody as error:
        _write(event, None, Item(kind="body"), Result(Outcome.NOT_UNDERSTOOD, "no_json", str(error)), now)
        _finish(event, [], now)
        return []
    lines, failures = [], []
    senders = _Speaking(event)
    for item in items:
        for sender in senders.of(item) or [None]:
            result = _dealt_with(item, sender, now)
            lines.append(_write(event, sender, item, result, now))
            if result.outcome == Outcome.FAILED:
                failures.append(result.detail)
    if not items:
        lines.append(_write(event, None, Item(kind="body"), Result(Outcome.NOTED, "no_items"), now))
    _finish(event, failures, now)
    return lines


def replay_event(event: WebhookEvent, *, by: Actor, now: datetime) -> list[InboundLog]:
    """Process a stored body again, by hand. What it did before it does not do twice."""
    lines = process_event(event, now)
    if event.sender is not None:
        record(by, "webhook_event.replayed", event.sender, event=str(event.public_id))
    return lines


class _Speaking:
    """Whom a body may speak for: found by phone number id or account only, never by the shown number (traps.md P3)."""

    def __init__(self, event: WebhookEvent) -> None:
        self.owner = event.sender
        self.in_use = (
            Sender.objects.across_workspaces().select_related("workspace", "assistant").filter(retired_at=None)
        )

    def of(self, item: Item) -> list[Sender]:
        """The senders that an item is about: one by its number id; by its account, one a workspace."""
        if item.number_id:
            return self._allowed(self.in_use.filter(provider_number_id=item.number_id))[:1]
        found = self._allowed(self.in_use.filter(business_account_id=item.account_id).order_by("id"))
        if isinstance(item, NumberUpdate):
            return [sender for sender in found if _shows(sender, item)] or found
        return list({sender.workspace_id: sender for sender in reversed(found)}.values())

    def _allowed(self, senders: QuerySet[Sender]) -> list[Sender]:
        """A sender's secret speaks for senders of its workspace with the same one. The app's speaks for those without:
        who has a secret of their own has an address of their own.
        """
        if self.owner is None:
            return [sender for sender in senders if not sender.app_secret]
        same = senders.filter(workspace=self.owner.workspace)
        return [sender for sender in same if sender.app_secret == self.owner.app_secret]


def _shows(sender: Sender, item: NumberUpdate) -> bool:
    digits = "".join(character for character in item.display_number if character.isdigit())
    return bool(digits) and digits == "".join(character for character in sender.phone if character.isdigit())


def _dealt_with(item: Item, sender: Sender | None, now: datetime) -> Result:
    if isinstance(item, Broken):
        return Result(Outcome.NOT_UNDERSTOOD, "broken_item", item.problem)
    if sender is None:
        return Result(Outcome.UNKNOWN_SENDER, "unknown_number", item.number_id or item.account_id)
    deal = _DEALERS.get(type(item), _note)
    try:
        with transaction.atomic():
            return deal(item, sender, now)
    except OperationalError:
        # The database is away or locked: the whole event comes again.
        raise
    except ValueError as error:
        return Result(Outcome.NOT_UNDERSTOOD, "incomplete", str(error)[:500])
    except Exception as error:
        log.exception("webhook_item_failed", kind=item.kind)
        return Result(Outcome.FAILED, type(error).__name__, str(error)[:500])


def _receive(item: Item, sender: Sender, now: datetime) -> Result:
    assert isinstance(item, InboundMessage)
    received = receive_message(sender=sender, item=item, now=now)
    outcome = Outcome.STORED if received.was_created else Outcome.DUPLICATE
    return Result(outcome, message=received.message)


def _status(item: Item, sender: Sender, now: datetime) -> Result:
    assert isinstance(item, StatusUpdate)
    kept, was_created = record_status(sender=sender, item=item, now=now)
    if kept.message is None:
        return Result(Outcome.NO_SUCH_MESSAGE, "kept_for_later", item.status)
    return Result(Outcome.STORED if was_created else Outcome.DUPLICATE, item.status, message=kept.message)


def _template(item: Item, sender: Sender, now: datetime) -> Result:
    assert isinstance(item, TemplateUpdate)
    template = update_template(workspace=sender.workspace, item=item, now=now)
    if template is None:
        return Result(Outcome.NOTED, "no_such_template", f"{item.name} ({item.language})")
    return Result(Outcome.STORED, item.status or item.quality or item.category, str(template))


def _number(item: Item, sender: Sender, now: datetime) -> Result:
    assert isinstance(item, NumberUpdate)
    update_number(sender=sender, item=item, now=now)
    return Result(Outcome.STORED, item.event.lower())


def _note(item: Item, sender: Sender, now: datetime) -> Result:
    return Result(Outcome.NOTED, item.why if isinstance(item, Noted) else "not_handled")


_DEALERS: dict[type[Item], Callable[[Item, Sender, datetime], Result]] = {
    InboundMessage: _receive,
    StatusUpdate: _status,
    TemplateUpdate: _template,
    NumberUpdate: _number,
}


def _write(event: WebhookEvent, sender: Sender | None, item: Item, result: Result, now: datetime) -> InboundLog:
    return InboundLog.objects.create(
        workspace=sender.workspace if sender else None,
        sender=sender,
        event=event,
        message=result.message,
        at=now,
        kind=item.kind[:60],
        outcome=result.outcome,
        reason=result.reason[:60],
        detail=result.detail,
        excerpt=str(item.raw)[:600] if result.outcome in (Outcome.NOTED, Outcome.NOT_UNDERSTOOD) else "",
    )


def _finish(event: WebhookEvent, failures: list[str], now: datetime) -> None:
    attempts = event.attempts + 1
    again = failures and attempts < ATTEMPTS
    WebhookEvent.objects.filter(pk=event.pk).update(
        attempts=attempts,
        error="\n".join(failures)[:4000],
        processed_at=None if failures else now,
        wake_at=now + min(AGAIN * 2 ** min(attempts, 10), AGAIN_CEILING) if again else None,
    )
    event.refresh_from_db(fields=["attempts", "error", "processed_at", "wake_at"])
