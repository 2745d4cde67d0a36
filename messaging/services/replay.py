"""What processing stored bodies again would do: it is done, looked at, and taken back, so it is never a guess.

All of it happens in one transaction that is rolled back: nothing is committed, no task is handed over, nobody is
called (the outbox refuses to send inside a transaction). The bodies build on each other as they would for real.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from messaging.models import InboundLog, Message, Sender, Template, WebhookEvent
from messaging.services.webhook_processing import Result, addressed, deal_with
from messaging.webhooks.cloud_api import NotOurBody, parse
from messaging.webhooks.events import Item, TemplateUpdate
from workspaces.fields import EncryptedTextField
from workspaces.models import Workspace

Outcome = InboundLog.Outcome
# The decisions that were made about what starts, since the newest of them was this one: (the newest, their words).
Decisions = Callable[[Workspace, int | None], tuple[int, list[str]]]

_WRITE = re.compile(r'^(INSERT(?: OR \w+)? INTO|UPDATE) "(\w+)"')
# Machinery, and times that move with every look.
_SILENT_TABLES = frozenset({"workspaces_change", "workspaces_queuedtask", "messaging_pace"})
_SILENT_FIELDS = frozenset(
    {
        "id", "public_id", "created_at", "updated_at", "wake_at", "routed_at", "routing_attempts", "mailed_at",
        "last_check_at", "status_since",
    }
)  # fmt: skip

_decisions: list[Decisions] = []


@dataclass(frozen=True, kw_only=True)
class WouldBe:
    """What one item of a body would do, in words.

    `text` is what the customer says in it; `decisions` what the router decides; `adds` and `changes` the kinds of
    rows; `moves` what changes in rows that are there already, from and to.
    """

    kind: str
    outcome: str
    sender: str = ""
    reason: str = ""
    text: str = ""
    decisions: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()


@dataclass
class _Seen:
    """An item that was dealt with, before its transaction is taken back."""

    event: WebhookEvent
    item: Item
    sender: Sender | None
    result: Result
    added: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    decisions: list[str] = field(default_factory=list)
    after: dict[models.Model, dict[str, str]] = field(default_factory=dict)


def tell_decisions_by(decisions: Decisions) -> None:
    """Have this app say what its router decides about a message or an event. Called in AppConfig.ready."""
    _decisions.append(decisions)


def preview_replay(events: Sequence[WebhookEvent], *, now: datetime) -> dict[int, list[WouldBe]]:
    """By primary key of the event, what each of its items would do. Nothing of it stays."""
    seen: list[_Seen] = []
    unreadable: dict[int, list[WouldBe]] = {}
    with transaction.atomic():
        for event in events:
            try:
                items = parse(bytes(event.body))
            except NotOurBody as error:
                unreadable[event.pk] = [WouldBe(kind="body", outcome=Outcome.NOT_UNDERSTOOD, reason=str(error))]
                continue
            seen += [_dealt_with(event, item, sender, now) for item, sender in addressed(event, items)]
        transaction.set_rollback(True)
    told: dict[int, list[WouldBe]] = {event.pk: [] for event in events} | unreadable
    state = _as_they_are(seen)
    for one in seen:
        told[one.event.pk].append(_in_words(one, state))
    return told


def _dealt_with(event: WebhookEvent, item: Item, sender: Sender | None, now: datetime) -> _Seen:
    marks = [decisions(sender.workspace, None)[0] for decisions in _decisions] if sender else []
    with _writes() as (added, changed):
        result = deal_with(item, sender, now)
    seen = _Seen(event=event, item=item, sender=sender, result=result)
    if sender is None or result.outcome in (Outcome.FAILED, Outcome.DUPLICATE):
        return seen
    seen.added, seen.changed = added, changed - added
    for mark, decisions in zip(marks, _decisions, strict=True):
        seen.decisions += decisions(sender.workspace, mark)[1]
    seen.after = {row: _values(row) for row in _touched(item, sender, result)}
    return seen


@contextmanager
def _writes() -> Iterator[tuple[set[str], set[str]]]:
    """The kinds of rows that are added and changed meanwhile, read off the statements."""
    added: set[str] = set()
    changed: set[str] = set()
    names = {model._meta.db_table: str(model._meta.verbose_name) for model in apps.get_models()}

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        found = _WRITE.match(sql)
        if found and found[2] in names and found[2] not in _SILENT_TABLES:
            is_new = found[1].startswith("INSERT")
            if is_new or context["cursor"].rowcount > 0:
                (added if is_new else changed).add(names[found[2]])
        return answer

    with connection.execute_wrapper(note):
        yield added, changed


def _touched(item: Item, sender: Sender, result: Result) -> list[models.Model]:
    """The rows whose values are worth comparing, as they stand now."""
    rows: list[models.Model | None] = [Sender.objects.in_workspace(sender.workspace).get(pk=sender.pk)]
    if result.message is not None:
        messages = Message.objects.in_workspace(sender.workspace).select_related("chat__contact", "conversation")
        message = messages.get(pk=result.message.pk)
        rows += [message, message.chat, message.chat.contact, message.conversation]
    if isinstance(item, TemplateUpdate):
        templates = Template.objects.in_workspace(sender.workspace).filter(name=item.name)
        rows += [template for template in templates if template.language == item.language]
    return [row for row in rows if row is not None]


def _as_they_are(seen: Sequence[_Seen]) -> dict[models.Model, dict[str, str]]:
    """The values of all rows that were compared, as they stand after everything was taken back."""
    wanted: dict[tuple[type[models.Model], Workspace], set[int]] = {}
    for one in seen:
        for row in one.after:
            assert one.sender is not None
            wanted.setdefault((type(row), one.sender.workspace), set()).add(row.pk)
    found: dict[models.Model, dict[str, str]] = {}
    for (model, workspace), keys in wanted.items():
        rows: Any = model.objects  # type: ignore[attr-defined]
        found |= {row: _values(row) for row in rows.in_workspace(workspace).filter(pk__in=keys)}
    return found


def _in_words(one: _Seen, state: dict[models.Model, dict[str, str]]) -> WouldBe:
    moves = []
    for row, after in one.after.items():
        before = state.get(row)
        state[row] = after
        if before is None:
            continue
        moves += [_move(row, name, before[name], value) for name, value in after.items() if before[name] != value]
    said = getattr(one.item, "text", "")
    return WouldBe(
        kind=one.item.kind,
        outcome=one.result.outcome,
        sender=str(one.sender or ""),
        reason=one.result.reason,
        text=said[:200] if isinstance(said, str) else "",
        decisions=tuple(one.decisions),
        adds=tuple(sorted(one.added)),
        changes=tuple(sorted(one.changed)),
        moves=tuple(moves),
    )


def _values(row: models.Model) -> dict[str, str]:
    """What people may compare: no content, no secret, nothing that moves by itself."""
    return {
        each.name: _shown(row, each)
        for each in row._meta.concrete_fields
        if each.name not in _SILENT_FIELDS
        and not each.is_relation
        and not isinstance(each, models.JSONField | EncryptedTextField | models.UUIDField)
    }


def _shown(row: models.Model, column: Any) -> str:
    value = getattr(row, column.name)
    if value in (None, ""):
        return "–"
    if isinstance(value, datetime):
        return str(formats.date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT"))
    display = getattr(row, f"get_{column.name}_display", None)
    return str(display() if display else value)


def _move(row: models.Model, name: str, before: str, after: str) -> str:
    facts: Mapping[str, str] = {
        "thing": str(row._meta.verbose_name),
        "field": str(row._meta.get_field(name).verbose_name),  # type: ignore[union-attr]
        "before": before,
        "after": after,
    }
    return _("%(thing)s: %(field)s from %(before)s to %(after)s") % facts
