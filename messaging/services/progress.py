"""How a message moves: only forward, by one UPDATE that names the state it expects.

Send answers and status webhooks come late, doubled and out of order; both settle a row through here.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from messaging.errors import DeliveryUnknown
from messaging.events import MessageStatusChanged
from messaging.models import Contact, Message
from messaging.services.unknown_notices import close_if_dealt_with
from workspaces.changes import announce
from workspaces.errors import BotenwerkError
from workspaces.events import publish

_Status = Message.Status

RANK: dict[str, int] = {
    _Status.QUEUED: 0,
    _Status.SENDING: 1,
    _Status.UNKNOWN: 2,
    _Status.ACCEPTED: 3,
    _Status.SENT: 4,
    _Status.DELIVERED: 5,
    _Status.READ: 6,
    _Status.PLAYED: 7,
}


def can_move(previous: str, to: str, *, error_code: str = "", because: str = "") -> bool:
    """Whether a message may go from one state to the other.

    `error_code` is the row's, if it has failed; `because` is the error's that it is to fail with.
    `failed` wins over all below delivered and never over delivered, read and played, whichever came first. Our own
    delivery_unknown gives way to any word of the platform, said before or after. Only what is queued can be cancelled.
    """
    if previous == _Status.FAILED:
        if error_code == DeliveryUnknown.code:
            return to == _Status.FAILED or RANK.get(to, -1) >= RANK[_Status.ACCEPTED]
        return RANK.get(to, -1) >= RANK[_Status.DELIVERED]
    if previous not in RANK:
        return False
    if to == _Status.CANCELLED:
        return previous == _Status.QUEUED
    if to == _Status.FAILED:
        limit = _Status.ACCEPTED if because == DeliveryUnknown.code else _Status.DELIVERED
        return RANK[previous] < RANK[limit]
    return to in RANK and RANK[to] > RANK[previous]


def advance_message(
    message: Message,
    to: str,
    *,
    now: datetime,
    error: BotenwerkError | None = None,
    provider_id: str = "",
    wake_at: datetime | None = None,
) -> bool:
    """Move a message forward. True for the one caller who moved it; anything else changes nothing and is no error.

    Locks contact and message (in this order), publishes MessageStatusChanged in the same transaction and tells the
    live pages. `error` goes with `failed`. The platform's id is kept even where a status has overtaken its answer.
    `wake_at` is when the clock looks at the row again; it is cleared by every move. The row given is only read for its
    key and workspace, and not changed.
    """
    workspace = message.workspace
    rows = Message.objects.in_workspace(workspace).filter(pk=message.pk)
    contacts = Contact.objects.in_workspace(workspace).filter(chats__messages=message.pk)
    with transaction.atomic():
        if connection.features.has_select_for_update:
            list(contacts.select_for_update(of=("self",)).values_list("pk"))
        message = (
            rows.select_related("sender", "chat__contact", "conversation", "workspace")
            .select_for_update(of=("self",))
            .get()
        )
        is_news = bool(provider_id) and not message.provider_id
        previous, code = message.status, message.error_code
        if not can_move(previous, to, error_code=code, because=error.code if error else ""):
            if is_news:
                _update_with_id(rows, provider_id, {})
            return False
        changes = _changes(message, to, now, error, wake_at)
        same = rows.filter(status=previous)
        if (_update_with_id(same, provider_id, changes) if is_news else same.update(**changes)) != 1:
            return False
        for name, value in changes.items():
            setattr(message, name, value)
        if is_news:
            message.provider_id = provider_id
        if previous == _Status.FAILED and code == DeliveryUnknown.code:
            close_if_dealt_with(message, now=now)
        if message.conversation is not None:
            announce(workspace, f"conversation:{message.conversation.public_id}", now=now)
        publish(MessageStatusChanged(message=message, previous=previous, now=now))
    return True


def _changes(
    message: Message, to: str, now: datetime, error: BotenwerkError | None, wake_at: datetime | None
) -> dict[str, Any]:
    failure = error if to == _Status.FAILED else None
    changes: dict[str, Any] = {
        "status": to,
        "wake_at": wake_at,
        "updated_at": now,
        "error_code": failure.code if failure else "",
        "error_facts": failure.facts if failure else {},
    }
    if to == _Status.FAILED and failure is None:
        changes["error_code"] = BotenwerkError.code
    if message.accepted_at is None and RANK.get(to, -1) >= RANK[_Status.ACCEPTED]:
        changes["accepted_at"] = now
    return changes


def _update_with_id(rows: QuerySet[Message], provider_id: str, changes: dict[str, Any]) -> int:
    """An echo of this very message may hold the id already (traps.md W10); then the row goes on without it."""
    try:
        with transaction.atomic():
            return rows.update(provider_id=provider_id, **changes)
    except IntegrityError:
        return rows.update(**changes) if changes else 0
