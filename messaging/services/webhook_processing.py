"""Processing a stored body: each item in a transaction of its own, a line in the inbound log for each.

A failing item does not lose its neighbours, and is tried again without repeating them: everything an item writes has
a unique key.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError, transaction
from django.db.models import QuerySet

from messaging.models import InboundLog, Sender, WebhookEvent
from messaging.phone import phone_candidates
from messaging.services.account_updates import meaning, update_account
from messaging.services.calls import record_call
from messaging.services.changes import record_change
from messaging.services.echoes import receive_echo
from messaging.services.moves import move_contact
from messaging.services.platform_updates import update_number, update_preference, update_template
from messaging.services.receiving import receive_message
from messaging.services.statuses import record_status
from messaging.services.webhook_intake import APP_ENDPOINT
from messaging.webhooks.cloud_api import NotOurBody, parse
from messaging.webhooks.events import (
    AccountUpdate,
    Broken,
    Call,
    Change,
    Echo,
    InboundMessage,
    IncompleteItem,
    Item,
    ItemTooEarly,
    Moved,
    Noted,
    NumberUpdate,
    Preference,
    StatusUpdate,
    TemplateUpdate,
)
from workspaces.services.audit import Actor, record

log = structlog.get_logger(__name__)
Outcome = InboundLog.Outcome

# While a body is worked off, the clock leaves it alone; a worker that dies loses it for so long.
BUSY_FOR = timedelta(seconds=60)
# What a worker has got at once is worked off before the clock would look: nothing has to be written for that.
IN_TIME = timedelta(seconds=4)
SMALL = 20_000
AGAIN = timedelta(seconds=5)
AGAIN_CEILING = timedelta(minutes=10)
ATTEMPTS = 12
EXCERPT_LENGTH = 600
TOO_EARLY = "too_early"
# Outcomes whose line is all there is to see of an item.
_SHOWN = (Outcome.NOTED, Outcome.NOT_UNDERSTOOD, Outcome.UNKNOWN_SENDER, Outcome.FAILED)


@dataclass(frozen=True)
class Result:
    """What became of an item."""

    outcome: str
    reason: str = ""
    detail: str = ""
    message: Any = None


def process_event(event: WebhookEvent, now: datetime) -> list[InboundLog]:
    """Work off every item of the body; returns the lines written. Failed items bring the event back later."""
    if event.wake_at is None or event.wake_at < now + IN_TIME or len(event.body) > SMALL:
        WebhookEvent.objects.filter(pk=event.pk, processed_at=None).update(wake_at=now + BUSY_FOR)
    try:
        items = parse(bytes(event.body))
    except NotOurBody as error:
        line = _write(event, None, Item(kind="body"), Result(Outcome.NOT_UNDERSTOOD, "no_json", str(error)), now)
        _finish(event, [], now)
        return [line]
    lines, failures = [], []
    for item, sender in addressed(event, items):
        result = deal_with(item, sender, now)
        lines.append(_write(event, sender, item, result, now))
        if result.outcome == Outcome.FAILED or result.reason == TOO_EARLY:
            failures.append(f"{result.reason}: {result.detail}")
    if not items:
        lines.append(_write(event, None, Item(kind="body"), Result(Outcome.NOTED, "no_items"), now))
    _finish(event, failures, now)
    return lines


def replay_event(event: WebhookEvent, *, by: Actor, now: datetime) -> list[InboundLog]:
    """Process a stored body again, by hand. What it did before it does not do twice."""
    lines = process_event(event, now)
    told = {sender.workspace_id: sender for sender in (event.sender, *(line.sender for line in lines)) if sender}
    for sender in told.values():
        record(by, "webhook_event.replayed", sender, event=str(event.public_id))
    return lines


def addressed(event: WebhookEvent, items: Iterable[Item]) -> Iterator[tuple[Item, Sender | None]]:
    """Each item with each sender that it is about; with None where nobody here is meant, or the body may not say so."""
    speaking = _Speaking(event)
    for item in items:
        for sender in speaking.of(item) or (None,):
            yield item, sender


class _Speaking:
    """Whom a body may speak for: found by phone number id or account only, never by the shown number (traps.md P3)."""

    def __init__(self, event: WebhookEvent) -> None:
        self.owner = event.sender
        self.is_of_app = event.endpoint == APP_ENDPOINT
        self.in_use = (
            Sender.objects.across_workspaces().select_related("workspace", "assistant").filter(retired_at=None)
        )
        self.known: dict[tuple[str, str], list[Sender]] = {}

    def of(self, item: Item) -> list[Sender]:
        """The senders that an item is about: one by its number id; by its account, one a workspace."""
        place = (item.number_id, item.account_id)
        if place not in self.known:
            self.known[place] = self._found(*place)
        found = self.known[place]
        if item.number_id:
            return found[:1]
        if isinstance(item, NumberUpdate):
            return [sender for sender in found if _is_about(item, sender, found)]
        if isinstance(item, AccountUpdate):
            return found
        return list({sender.workspace_id: sender for sender in reversed(found)}.values())

    def _found(self, number_id: str, account_id: str) -> list[Sender]:
        if number_id:
            return self._allowed(self.in_use.filter(provider_number_id=number_id))
        return self._allowed(self.in_use.filter(business_account_id=account_id).order_by("id")) if account_id else []

    def _allowed(self, senders: QuerySet[Sender]) -> list[Sender]:
        """A sender's secret speaks for senders of its workspace with the same one. The app's speaks for those without:
        who has a secret of their own has an address of their own.
        """
        if self.is_of_app:
            return [sender for sender in senders if not sender.app_secret]
        if self.owner is None:
            # The sender whose secret proved this body is gone, and what it may say with it.
            return []
        same = senders.filter(workspace=self.owner.workspace)
        return [sender for sender in same if sender.app_secret == self.owner.app_secret]


def _is_about(item: NumberUpdate, sender: Sender, of_account: list[Sender]) -> bool:
    """These updates name no number id. Without a shown number they are about every number of the account."""
    shown = phone_candidates(_digits(item.display_number))
    if not shown or (len(of_account) == 1 and not sender.phone):
        return True
    return bool({"+" + _digits(sender.phone)} & set(shown))


def _digits(phone: str) -> str:
    return "".join(character for character in phone if character in "0123456789")


def deal_with(item: Item, sender: Sender | None, now: datetime) -> Result:
    """Do what the item asks for, in a transaction of its own. A failure is a result. Raises OperationalError."""
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
    except IncompleteItem as error:
        return Result(Outcome.NOT_UNDERSTOOD, "incomplete", str(error))
    except ItemTooEarly as error:
        return Result(Outcome.NOTED, TOO_EARLY, str(error))
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


def _preference(item: Item, sender: Sender, now: datetime) -> Result:
    assert isinstance(item, Preference)
    is_news = update_preference(sender=sender, item=item, now=now)
    return Result(
        Outcome.STORED if is_news else Outcome.NOTED, "marketing_stop" if item.is_stop else "marketing_resume"
    )


def _echo(item: Item, sender: Sender, now: datetime) -> Result:
    assert isinstance(item, Echo)
    message, was_created = receive_echo(sender=sender, item=item, now=now)
    return Result(Outcome.STORED if was_created else Outcome.DUPLICATE, "echo", message=message)


def _change(item: Item, sender: Sender, now: datetime) -> Result:
    assert isinstance(item, Change)
    kept, was_created = record_change(sender=sender, item=item, now=now)
    if kept.message is None:
        return Result(Outcome.NO_SUCH_MESSAGE, "kept_for_later", kept.kind)
    return Result(Outcome.STORED if was_created else Outcome.DUPLICATE, message=kept.message)


def _moved(item: Item, sender: Sender, now: datetime) -> Result:
    assert isinstance(item, Moved)
    contact, was_news = move_contact(sender=sender, item=item, now=now)
    if contact is None:
        return Result(Outcome.NOTED, "no_such_contact")
    return Result(Outcome.STORED if was_news else Outcome.DUPLICATE, "contact_moved")


def _call(item: Item, sender: Sender, now: datetime) -> Result:
    assert isinstance(item, Call)
    message, was_news = record_call(sender=sender, item=item, now=now)
    return Result(Outcome.STORED if was_news else Outcome.DUPLICATE, item.event, item.result, message=message)


def _account(item: Item, sender: Sender, now: datetime) -> Result:
    assert isinstance(item, AccountUpdate)
    acted = update_account(sender=sender, item=item, now=now)
    return Result(Outcome.STORED if acted else Outcome.NOTED, (meaning(item) or item.event).lower(), item.detail)


def _note(item: Item, sender: Sender, now: datetime) -> Result:
    return Result(Outcome.NOTED, item.why if isinstance(item, Noted) else "not_handled")


_DEALERS: dict[type[Item], Callable[[Item, Sender, datetime], Result]] = {
    InboundMessage: _receive,
    Echo: _echo,
    Change: _change,
    Moved: _moved,
    Call: _call,
    AccountUpdate: _account,
    StatusUpdate: _status,
    TemplateUpdate: _template,
    NumberUpdate: _number,
    Preference: _preference,
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
        excerpt=_excerpt(item) if result.outcome in _SHOWN else "",
    )


def _excerpt(item: Item) -> str:
    return json.dumps(item.raw, cls=DjangoJSONEncoder, ensure_ascii=False)[:EXCERPT_LENGTH] if item.raw else ""


def _finish(event: WebhookEvent, failures: list[str], now: datetime) -> None:
    attempts = event.attempts + 1
    again = failures and attempts < ATTEMPTS
    changes = {
        "attempts": attempts,
        "error": "\n".join(failures)[:4000],
        "processed_at": None if failures else now,
        "wake_at": now + min(AGAIN * 2 ** min(attempts, 10), AGAIN_CEILING) if again else None,
    }
    WebhookEvent.objects.filter(pk=event.pk).update(**changes)
    for name, value in changes.items():
        setattr(event, name, value)
