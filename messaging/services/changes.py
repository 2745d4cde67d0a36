"""Reactions, edits and revocations: kept once, and what the message shows worked out from all of them.

Deliveries come late, doubled and out of order; the platform's time decides. None of them starts a flow, answers a
wait or moves the window (traps.md W7, W8, W9).
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from assistants.services.forgetting import forget_turns
from messaging.events import MessageAltered
from messaging.models import Conversation, MediaFile, Message, MessageChange, Sender
from messaging.services.conversations import preview_of
from messaging.services.media import keep_media
from messaging.services.people import lock_contact
from messaging.webhooks.events import Change, IncompleteItem
from workspaces.changes import announce
from workspaces.events import demand_heard, publish

Kind, By = MessageChange.Kind, MessageChange.By
# A webhook may come up to seven days late, and so may the message that a change is about.
SWEPT_FOR = timedelta(days=7)
LOOK_AGAIN = timedelta(seconds=5)
LOOK_CEILING = timedelta(hours=1)


def record_change(*, sender: Sender, item: Change, now: datetime) -> tuple[MessageChange, bool]:
    """Keep a change once and show it at its message. Returns the row and whether it is new.

    Raises IncompleteItem for an item without an id of its own or without a message that it is about.
    """
    if not item.change_id or not item.target_id:
        raise IncompleteItem("no id" if not item.change_id else "no message it is about")
    row = MessageChange(
        workspace=sender.workspace,
        sender=sender,
        provider_id=item.change_id,
        target_provider_id=item.target_id,
        kind=item.kind,
        by=By.BUSINESS if item.is_ours else By.CUSTOMER,
        content={"emoji": item.emoji, "text": item.content.text, "media": item.content.media},
        # As the platform says, even where its clock is ahead of ours: this only orders them.
        occurred_at=item.said_at or now,
        created_at=now,
    )
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        rows = MessageChange.objects.in_workspace(sender.workspace).select_related("message")
        return rows.get(sender=sender, provider_id=item.change_id), False
    settle_change(row, now=now)
    return row, True


def settle_change(change: MessageChange, *, now: datetime) -> bool:
    """Find the message of a change and show it there; if there is none yet, look again later. True if found."""
    rows = MessageChange.objects.in_workspace(change.workspace).filter(pk=change.pk)
    message = _message_of(change)
    if message is None:
        age = now - change.created_at
        wait = min(max(LOOK_AGAIN, age), LOOK_CEILING)
        rows.update(wake_at=now + wait if age < SWEPT_FOR else None)
        return False
    with transaction.atomic():
        lock_contact(message.chat.contact)
        if rows.filter(message=None).update(message=message, wake_at=None):
            change.message = message
            _show(message, now=now)
            if change.kind == Kind.REVOKE:
                _forget(message, now=now)
            if change.kind != Kind.REACTION:
                demand_heard(publish(MessageAltered(message=message, kind=change.kind, now=now)))
    return True


def settle_changes_of(message: Message, *, now: datetime) -> bool:
    """Show what was said about a message before it came; True if anything was, and the row is no longer as given.

    Call it under the contact's lock, before the message is routed.
    """
    changes = MessageChange.objects.in_workspace(message.workspace)
    waiting = changes.filter(sender=message.sender, target_provider_id=message.provider_id, message=None)
    allowed = [change.pk for change in waiting if _may_be_about(change, message)]
    if not allowed or not changes.filter(pk__in=allowed).update(message=message, wake_at=None):
        return False
    _show(message, now=now)
    return True


def _message_of(change: MessageChange) -> Message | None:
    rows = Message.objects.in_workspace(change.workspace).select_related(
        "sender__workspace", "chat__contact__workspace", "conversation", "workspace"
    )
    found = rows.filter(sender=change.sender, provider_id=change.target_provider_id).first()
    return found if found is not None and _may_be_about(change, found) else None


def _may_be_about(change: MessageChange, message: Message) -> bool:
    """Everybody may react to anything; edited and deleted are only one's own messages."""
    if change.kind == Kind.REACTION:
        return True
    is_own = message.direction == (Message.Direction.OUT if change.by == By.BUSINESS else Message.Direction.IN)
    return is_own


def _show(message: Message, *, now: datetime) -> None:
    """Bring the row to what its changes say, whatever order they came in."""
    row = Message.objects.in_workspace(message.workspace).select_for_update().get(pk=message.pk)
    changes = list(
        MessageChange.objects.in_workspace(message.workspace).filter(message=message).order_by("occurred_at", "id")
    )
    payload = dict(row.payload)
    payload["reactions"] = _reactions(changes)
    edits = [change for change in changes if change.kind == Kind.EDIT]
    if edits or any(change.kind == Kind.REVOKE for change in changes):
        payload.setdefault("original", {"text": row.body, "at": row.occurred_at.isoformat()})
    body = row.body
    if edits:
        said = [{"text": edit.content.get("text") or "", "at": edit.occurred_at.isoformat()} for edit in edits]
        payload["versions"] = [payload["original"], *said]
        body = said[-1]["text"]
        _take_over_media(row, payload, edits[-1].content.get("media"), now=now)
    revoked = next((change for change in changes if change.kind == Kind.REVOKE), None)
    if revoked is not None:
        payload["revoked_at"], body = revoked.occurred_at.isoformat(), ""
    row.payload, row.body = payload, body
    row.save(update_fields=["payload", "body"])
    message.payload, message.body = payload, body
    _tell(message, now=now)


def _forget(message: Message, *, now: datetime) -> None:
    """No assistant is told any more what was deleted."""
    contact = message.chat.contact
    forget_turns(
        workspace=message.workspace,
        customer_identifiers=[one for one in (contact.phone, str(contact.public_id)) if one],
        texts=message.earlier_texts,
        key=f"message:{message.public_id}",
        since=message.occurred_at,
        now=now,
    )


def _reactions(changes: list[MessageChange]) -> dict[str, str]:
    """The last word of each side; one that was taken back is gone."""
    last = {change.by: str(change.content.get("emoji") or "") for change in changes if change.kind == Kind.REACTION}
    return {by: emoji for by, emoji in last.items() if emoji}


def _take_over_media(message: Message, payload: dict[str, Any], media: Any, *, now: datetime) -> None:
    """An edited caption comes with its picture, perhaps under a new id."""
    if not isinstance(media, dict) or not media.get("id"):
        return
    files = MediaFile.objects.in_workspace(message.workspace).filter(message=message)
    known = files.filter(platform_id=media["id"]).first() or keep_media(message, media, now=now)
    payload["media"] = media | {"file": str(known.public_id)}


def _tell(message: Message, *, now: datetime) -> None:
    conversation = message.conversation
    if conversation is None:
        return
    # The list shows what was said last: not what it was before.
    Conversation.objects.in_workspace(message.workspace).filter(
        pk=conversation.pk, last_message_at=message.occurred_at
    ).update(last_message_text=preview_of(message), updated_at=now)
    announce(message.workspace, f"conversation:{conversation.public_id}", now=now)
    announce(message.workspace, "conversations", now=now)
