"""Statuses of our messages: each kept once, settled forward, and swept for a week while their message is unknown."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from messaging.models import Message, MessageStatus, Sender
from messaging.services.progress import RANK, advance_message
from messaging.services.refusals import act_on_code, explain_code
from messaging.webhooks.events import IncompleteItem, StatusUpdate

# Inbound statuses may come up to seven days late, and so may the message row they belong to be settled.
SWEPT_FOR = timedelta(days=7)
LOOK_AGAIN = timedelta(seconds=5)
LOOK_CEILING = timedelta(hours=1)


def record_status(*, sender: Sender, item: StatusUpdate, now: datetime) -> tuple[MessageStatus, bool]:
    """Keep the status once and move its message. Returns the row and whether it is new.

    Raises IncompleteItem for an item without a message id or a status.
    """
    if not item.message_id or not item.status:
        raise IncompleteItem("no id" if not item.message_id else "no status")
    kept, was_created = _kept(sender, item, now)
    if kept.message_id is None:
        settle_status(kept, now=now)
    return kept, was_created


def settle_status(kept: MessageStatus, *, now: datetime) -> bool:
    """Find the message of a kept status and move it; if there is none yet, look again later. True if found."""
    message = _message_of(kept)
    rows = MessageStatus.objects.in_workspace(kept.workspace).filter(pk=kept.pk)
    if message is None:
        age = now - kept.created_at
        wait = min(max(LOOK_AGAIN, age), LOOK_CEILING)
        rows.update(wake_at=now + wait if age < SWEPT_FOR else None)
        return False
    with transaction.atomic():
        rows.update(message=message, wake_at=None)
        kept.message = message
        _move(message, kept, now=now)
        if kept.pricing.get("category"):
            Message.objects.in_workspace(kept.workspace).filter(pk=message.pk).update(
                price_category=str(kept.pricing["category"])[:40]
            )
    return True


def _kept(sender: Sender, item: StatusUpdate, now: datetime) -> tuple[MessageStatus, bool]:
    row = MessageStatus(
        workspace=sender.workspace,
        sender=sender,
        provider_id=item.message_id[:200],
        callback_data=item.callback_data,
        status=item.status[:20],
        occurred_at=min(item.occurred_at or now, now),
        error_facts={"platform_code": item.platform_error, "detail": item.error_detail} if item.platform_error else {},
        pricing=item.pricing,
        created_at=now,
    )
    try:
        with transaction.atomic():
            row.save()
        return row, True
    except IntegrityError:
        known = MessageStatus.objects.in_workspace(sender.workspace).get(
            sender=sender, provider_id=row.provider_id, status=row.status
        )
        if row.callback_data and not known.callback_data:
            known.callback_data = row.callback_data
            known.save(update_fields=["callback_data"])
        return known, False


def _message_of(kept: MessageStatus) -> Message | None:
    """By the platform's id; else by our own id, which the platform echoes (traps.md W4)."""
    rows = Message.objects.in_workspace(kept.workspace).select_related(
        "sender__workspace", "chat__contact", "conversation", "workspace"
    )
    outbound = rows.filter(sender=kept.sender, direction=Message.Direction.OUT)
    found = outbound.filter(provider_id=kept.provider_id).first()
    if found is None and kept.callback_data:
        try:
            found = outbound.filter(public_id=UUID(kept.callback_data)).first()
        except ValueError:
            found = None
    return found


def _move(message: Message, kept: MessageStatus, *, now: datetime) -> None:
    if kept.status == "failed":
        code = int(kept.error_facts.get("platform_code") or 0)
        error = explain_code(code, str(kept.error_facts.get("detail") or ""), message, now=now)
        kept.error_code = error.code
        MessageStatus.objects.in_workspace(kept.workspace).filter(pk=kept.pk).update(error_code=error.code)
        if advance_message(message, Message.Status.FAILED, now=now, error=error, provider_id=kept.provider_id):
            act_on_code(code, message, now=now)
    elif kept.status in RANK and RANK[kept.status] > RANK[Message.Status.ACCEPTED]:
        advance_message(message, kept.status, now=now, provider_id=kept.provider_id)
