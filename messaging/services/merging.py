"""Two contacts that turn out to be one person: the younger goes into the older, recorded so that it can be undone."""

from datetime import datetime
from typing import Any

from django.db import models, transaction

from messaging.models import Chat, Consent, Contact, Conversation, Purpose
from workspaces.scope import TenantRow
from workspaces.services.audit import record

Moved = dict[str, list[int]]
_FILLED = ("name", "profile_name", "username", "language")
_KEPT = ("phone", "tags", "attributes", *_FILLED, *(f"consent_{purpose}" for purpose in Purpose.values))


def merge_contacts(*, keep: Contact, other: Contact, now: datetime) -> Contact:
    """Move everything of `other` to `keep` (the older) and leave `other` as an empty row that points there.

    Rows of other apps (runs, waits) move too, whatever points at the contact. The audit entry `contact.merged` holds
    the ids of the moved rows and both contacts as they were: what undoing starts from.
    """
    if other.pk < keep.pk:
        keep, other = other, keep
    workspace = keep.workspace
    with transaction.atomic():
        both = Contact.objects.in_workspace(workspace).select_for_update().filter(pk__in=(keep.pk, other.pk))
        list(both.order_by("pk").values_list("pk"))
        keep.refresh_from_db()
        other.refresh_from_db()
        before = {str(one.public_id): {name: getattr(one, name) for name in _KEPT} for one in (keep, other)}
        moved: Moved = {}
        for chat in list(Chat.objects.in_workspace(workspace).filter(contact=other)):
            _move_chat(chat, keep, moved, now)
        _point_at(other, keep, moved, except_for=Chat)
        _take_over_fields(keep, other)
        record("clock", "contact.merged", keep, other=str(other.public_id), moved=moved, before=before)
    return keep


def _take_over_fields(keep: Contact, other: Contact) -> None:
    phone, other.phone, other.merged_into = other.phone, None, keep
    other.save(update_fields=["phone", "merged_into"])
    keep.phone = keep.phone or phone
    for field in _FILLED:
        setattr(keep, field, getattr(keep, field) or getattr(other, field))
    keep.tags = [*keep.tags, *(tag for tag in other.tags if tag not in keep.tags)]
    keep.attributes = {**other.attributes, **keep.attributes}
    for purpose in Purpose.values:
        column = f"consent_{purpose}"
        # The stricter word holds: an opt-out of either half is an opt-out of the person.
        if getattr(other, column) == Consent.OPTED_OUT or getattr(keep, column) == Consent.UNKNOWN:
            setattr(keep, column, getattr(other, column))
    keep.save()


def _move_chat(chat: Chat, keep: Contact, moved: Moved, now: datetime) -> None:
    """The chat goes to `keep`; where that one has a chat with the sender already, what was said goes into it."""
    moved.setdefault("messaging.chat.contact", []).append(chat.pk)
    same = Chat.objects.in_workspace(keep.workspace).filter(contact=keep, sender_id=chat.sender_id).first()
    if same is None:
        Chat.objects.in_workspace(keep.workspace).filter(pk=chat.pk).update(contact=keep, updated_at=now)
        return
    conversations = Conversation.objects.in_workspace(keep.workspace)
    open_one = conversations.filter(chat=same, closed_at=None).first()
    if open_one is not None:
        for double in conversations.filter(chat=chat, closed_at=None):
            # At most one is open a chat: what is under way goes on in the one that stays open.
            _point_at(double, open_one, moved)
            conversations.filter(pk=double.pk).update(
                closed_at=now, closed_by=Conversation.ClosedBy.QUIET, wake_at=None, taken_over_until=None
            )
    _point_at(chat, same, moved)
    for field in ("window_expires_at", "last_inbound_at", "marketing_stopped_at"):
        times = [time for time in (getattr(same, field), getattr(chat, field)) if time is not None]
        setattr(same, field, max(times) if times else None)
    same.address = same.address or chat.address
    same.chosen_address = same.chosen_address or chat.chosen_address
    same.save()


def _point_at(old: TenantRow, new: TenantRow, moved: Moved, *, except_for: type[models.Model] | None = None) -> None:
    """Whatever has a foreign key to `old` gets it to `new`."""
    for relation in old._meta.related_objects:
        model: Any = relation.related_model
        if model is except_for:
            continue
        rows = model.objects.in_workspace(new.workspace).filter(**{relation.field.name: old})
        ids = list(rows.values_list("pk", flat=True))
        if ids:
            model.objects.in_workspace(new.workspace).filter(pk__in=ids).update(**{relation.field.name: new})
            moved.setdefault(f"{model._meta.label_lower}.{relation.field.name}", []).extend(ids)
