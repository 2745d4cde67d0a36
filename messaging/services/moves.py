"""A customer's new number or user id: the contact goes along, with chats, conversations and what runs for them.

The old number leaves the contact: WhatsApp gives it to somebody else one day, who is a stranger then.
"""

from datetime import datetime

from django.db import IntegrityError, transaction

from messaging.models import Chat, Contact, ContactIdentity, Message, Sender
from messaging.services.conversations import open_one
from messaging.services.merging import merge_contacts
from messaging.services.people import add_identities, find_known_contact, identities_of, lock_contact, storable_phone
from messaging.webhooks.events import IncompleteItem, Moved, Person
from workspaces.changes import announce
from workspaces.services.audit import record

Kind = ContactIdentity.Kind
KIND = "system"


def move_contact(*, sender: Sender, item: Moved, now: datetime) -> tuple[Contact | None, bool]:
    """Give the contact its new ids. Returns it, or None where we do not know who moved, and whether it was news.

    Somebody who wrote under the new number before we heard of it is the same person: the two are merged. Raises
    IncompleteItem where it is not said who moved or where to.
    """
    if not item.person.is_known or not item.new.is_known:
        raise IncompleteItem("nobody it could be about" if not item.person.is_known else "no new id")
    workspace, portfolio = sender.workspace, sender.business_account_id
    with transaction.atomic():
        contact = find_known_contact(workspace, item.person, portfolio=portfolio)
        other = find_known_contact(workspace, item.new, portfolio=portfolio)
        if contact is None:
            return other, False
        before = contact.phone
        if other is not None and other.pk != contact.pk:
            contact = merge_contacts(keep=contact, other=other, now=now)
        lock_contact(contact)
        contact.refresh_from_db()
        if not _give_new_ids(contact, item, portfolio):
            return contact, False
        _note(contact, sender, item, now=now)
        record("whatsapp", "contact.moved", contact, before=before, after=contact.phone)
        announce(workspace, f"contact:{contact.public_id}", now=now)
    return contact, True


def _give_new_ids(contact: Contact, item: Moved, portfolio: str) -> bool:
    """False where the contact has them already."""
    rows = ContactIdentity.objects.in_workspace(contact.workspace).filter(contact=contact)
    new = identities_of(None, item.new.wa_id, item.new.user_id, portfolio)
    known = set(rows.values_list("kind", "value"))
    moved_number = bool(item.new.wa_id) and item.new.wa_id != item.person.wa_id
    if all((one.kind, one.value) in known for one in new) and not _has_old_number(contact, item.person, moved_number):
        return False
    if moved_number:
        phone = storable_phone(item.new.wa_id)
        old = {item.person.wa_id, contact.phone or "", storable_phone(item.person.wa_id) or ""} - {""}
        old -= {item.new.wa_id, phone or ""}
        rows.filter(kind__in=(Kind.WHATSAPP_ID, Kind.PHONE), value__in=old).delete()
        if phone is not None:
            contact.phone = phone
            try:
                with transaction.atomic():
                    contact.save(update_fields=["phone"])
            except IntegrityError:
                contact.refresh_from_db()
    add_identities(contact, new)
    address = item.new.wa_id or item.new.user_id
    chats = Chat.objects.in_workspace(contact.workspace).filter(contact=contact).exclude(address="")
    if moved_number:
        chats.update(address=address, chosen_address="")
    else:
        chats.filter(address=item.person.user_id).update(address=address)
    return True


def _has_old_number(contact: Contact, was: Person, moved_number: bool) -> bool:
    return moved_number and bool(was.wa_id) and contact.phone == storable_phone(was.wa_id)


def _note(contact: Contact, sender: Sender, item: Moved, *, now: datetime) -> None:
    """A line in the thread, where there is a chat with this sender. It opens nothing and nobody routes it."""
    chat = Chat.objects.in_workspace(contact.workspace).filter(contact=contact, sender=sender).first()
    if chat is None or not item.message_id:
        return
    rows = Message.objects.in_workspace(contact.workspace)
    conversation = open_one(chat) or chat.conversations.order_by("-id").first()
    at = min(item.said_at or now, now)
    _line, was_created = rows.get_or_create(
        sender=sender,
        provider_id=item.message_id,
        defaults={
            "workspace": contact.workspace,
            "chat": chat,
            "conversation": conversation,
            "direction": Message.Direction.IN,
            "kind": KIND,
            "body": item.words,
            "payload": {"moved": {"from": item.person.wa_id, "to": item.new.wa_id}, "raw": item.raw},
            "status": Message.Status.RECEIVED,
            "occurred_at": at,
            "routed_at": now,
        },
    )
    if was_created and conversation is not None:
        announce(contact.workspace, f"conversation:{conversation.public_id}", now=now)
