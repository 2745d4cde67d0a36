"""Two contacts that turn out to be one person: the younger goes into the older, recorded so that it can be undone."""

from datetime import datetime

from django.db import transaction

from messaging.models import Chat, ConsentEvent, Contact, ContactIdentity, Conversation, Message
from workspaces.services.audit import record


def merge_contacts(*, keep: Contact, other: Contact, now: datetime) -> Contact:
    """Move everything of `other` to `keep` (the older) and leave `other` as an empty row that points there.

    The ids of the moved rows are kept in the audit entry `contact.merged`; that is what undoing starts from.
    """
    if other.pk < keep.pk:
        keep, other = other, keep
    workspace = keep.workspace
    with transaction.atomic():
        list(
            Contact.objects.in_workspace(workspace)
            .select_for_update()
            .filter(pk__in=(keep.pk, other.pk))
            .order_by("pk")
            .values_list("pk")
        )
        moved: dict[str, list[int]] = {}
        for model in (ContactIdentity, ConsentEvent):
            rows = model.objects.in_workspace(workspace).filter(contact=other)
            moved[model._meta.model_name or ""] = list(rows.values_list("pk", flat=True))
            rows.update(contact=keep)
        moved["chat"] = [_move_chat(chat, keep) for chat in Chat.objects.in_workspace(workspace).filter(contact=other)]
        before = {
            "phone": other.phone,
            "name": other.name,
            "tags": other.tags,
            "attributes": other.attributes,
        }
        phone = other.phone
        other.phone = None
        other.merged_into = keep
        other.save(update_fields=["phone", "merged_into"])
        keep.phone = keep.phone or phone
        keep.name = keep.name or other.name
        keep.profile_name = keep.profile_name or other.profile_name
        keep.tags = [*keep.tags, *(tag for tag in other.tags if tag not in keep.tags)]
        keep.attributes = {**other.attributes, **keep.attributes}
        for purpose in ("consent_service", "consent_marketing", "consent_ai"):
            # The stricter word holds: an opt-out of either half is an opt-out of the person.
            if getattr(other, purpose) == "opted_out" or getattr(keep, purpose) == "unknown":
                setattr(keep, purpose, getattr(other, purpose))
        keep.save()
        record("clock", "contact.merged", keep, other=str(other.public_id), moved=moved, before=before)
    return keep


def _move_chat(chat: Chat, keep: Contact) -> int:
    """The chat goes to `keep`; where that one has a chat with the sender already, what was said goes into it."""
    same = Chat.objects.in_workspace(keep.workspace).filter(contact=keep, sender=chat.sender).first()
    if same is None:
        chat.contact = keep
        chat.save(update_fields=["contact"])
        return chat.pk
    open_one = Conversation.objects.in_workspace(keep.workspace).filter(chat=same, closed_at=None).first()
    for conversation in Conversation.objects.in_workspace(keep.workspace).filter(chat=chat):
        if open_one is not None and conversation.closed_at is None:
            Message.objects.in_workspace(keep.workspace).filter(conversation=conversation).update(conversation=open_one)
            conversation.delete()
            continue
        conversation.chat = same
        conversation.save(update_fields=["chat"])
    Message.objects.in_workspace(keep.workspace).filter(chat=chat).update(chat=same)
    for field in ("window_expires_at", "last_inbound_at"):
        later = [value for value in (getattr(same, field), getattr(chat, field)) if value is not None]
        setattr(same, field, max(later) if later else None)
    same.address = chat.address or same.address
    same.save()
    return chat.pk
