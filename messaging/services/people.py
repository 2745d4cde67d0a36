"""Who wrote: contacts by any id the platform knows them by, and their chats.

A person is looked up in ContactIdentity by user id, then WhatsApp id as received, then phone; every id that comes is
added. Hits on two contacts are merged into the older one. Two creators at once: insert, and on the unique violation
read again.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection, transaction

from messaging.models import Chat, Contact, ContactIdentity, Sender
from messaging.phone import canonical_phone, phone_candidates
from messaging.services.merging import merge_contacts
from messaging.webhooks.events import Person
from workspaces.models import Workspace

Kind = ContactIdentity.Kind
_E164 = re.compile(r"\+[0-9]{6,15}")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One id; `portfolio` is empty but for user ids."""

    kind: str
    value: str
    portfolio: str = ""


def find_or_create_contact(
    *,
    workspace: Workspace,
    phone: str | None,
    wa_id: str = "",
    user_id: str = "",
    portfolio: str = "",
    profile_name: str = "",
    username: str = "",
    name: str = "",
    now: datetime,
) -> tuple[Contact, bool]:
    """The contact behind these ids, and whether it is new. Raises ValueError where no id is given.

    `phone` is E.164 as a person or an API gave it; `wa_id` and `user_id` are as the platform sent them. A profile
    name fills `name` only while that is empty (traps.md W2).
    """
    given = identities_of(phone, wa_id, user_id, portfolio)
    if not given:
        raise ValueError("A contact needs an id.")
    shown_phone = phone or storable_phone(wa_id)
    with transaction.atomic():
        found = _found(workspace, given, phone, wa_id)
        was_created = not found
        contact = found[0] if found else None
        if contact is None:
            contact, was_created = _created(workspace, shown_phone, given, phone, wa_id)
        for other in found[1:]:
            contact = merge_contacts(keep=contact, other=other, now=now)
        contact.workspace = workspace
        if not was_created:
            add_identities(contact, given)
        _complete(contact, shown_phone, profile_name=profile_name, username=username, name=name)
    return contact, was_created


def lock_contact(contact: Contact) -> None:
    """Take the contact's lock: first in the order contact, chat, message, run, wait. (On SQLite IMMEDIATE does it.)"""
    if connection.features.has_select_for_update:
        rows = Contact.objects.in_workspace(contact.workspace).select_for_update().filter(pk=contact.pk)
        list(rows.values_list("pk"))


def find_known_contact(workspace: Workspace, person: Person, *, portfolio: str) -> Contact | None:
    """The contact behind the platform's ids, the oldest where they lead to several; None where there is none."""
    given = identities_of(None, person.wa_id, person.user_id, portfolio)
    found = _found(workspace, given, None, person.wa_id)
    return found[0] if found else None


def find_locked_contact(sender: Sender, person: Person, *, now: datetime) -> tuple[Contact, bool]:
    """Who the platform means, locked and as they are now, and whether they are new.

    Another process may have merged them into an older contact since the look-up: then that one is taken. Raises
    ValueError where no id is given.
    """
    while True:
        contact, is_new = find_or_create_contact(
            workspace=sender.workspace,
            phone=None,
            wa_id=person.wa_id,
            user_id=person.user_id,
            portfolio=sender.business_account_id,
            profile_name=person.profile_name,
            username=person.username,
            now=now,
        )
        if is_new:
            # Nobody else sees the row before this transaction is over.
            return contact, True
        contact = Contact.objects.in_workspace(sender.workspace).select_for_update().get(pk=contact.pk)
        contact.workspace = sender.workspace
        if contact.merged_into_id is None:
            return contact, is_new


def chat_for(contact: Contact, sender: Sender, now: datetime) -> Chat:
    """The chat of contact and sender, made where there is none."""
    chats = Chat.objects.in_workspace(contact.workspace)
    chat = chats.filter(contact=contact, sender=sender).first()
    if chat is None:
        try:
            with transaction.atomic():
                return Chat.objects.create(workspace=contact.workspace, contact=contact, sender=sender, created_at=now)
        except IntegrityError:
            chat = chats.get(contact=contact, sender=sender)
    chat.contact, chat.sender, chat.workspace = contact, sender, contact.workspace
    return chat


def identities_of(phone: str | None, wa_id: str, user_id: str, portfolio: str) -> list[Identity]:
    """The ids given, in the order of the look-up."""
    found = []
    if user_id:
        found.append(Identity(kind=Kind.USER_ID, value=user_id, portfolio=portfolio))
    if wa_id:
        found.append(Identity(kind=Kind.WHATSAPP_ID, value=wa_id))
    if phone:
        found.append(Identity(kind=Kind.PHONE, value=phone))
    return found


def _found(workspace: Workspace, given: list[Identity], phone: str | None, wa_id: str) -> list[Contact]:
    """Every contact that one of the ids leads to, the older first."""
    rows = ContactIdentity.objects.in_workspace(workspace).select_related("contact__workspace")
    contacts: dict[int, Contact] = {}
    for identity in given:
        match = rows.filter(kind=identity.kind, value=identity.value, portfolio=identity.portfolio).first()
        if match is not None:
            contacts[match.contact_id] = match.contact
    # A contact that was imported has a phone and no id yet; Mexico and Argentina write theirs in two ways (P1, P2).
    spellings = [*dict.fromkeys(spelling for one in (phone, wa_id) if one for spelling in phone_candidates(one))]
    if spellings:
        by_phone = Contact.objects.in_workspace(workspace).select_related("workspace").filter(phone__in=spellings)
        nearest = sorted(by_phone, key=lambda one: spellings.index(one.phone or ""))
        if not any(contact.pk in contacts for contact in nearest):
            contacts |= {contact.pk: contact for contact in nearest[:1]}
    return [contacts[key] for key in sorted(contacts)]


def _created(
    workspace: Workspace, shown_phone: str | None, given: list[Identity], phone: str | None, wa_id: str
) -> tuple[Contact, bool]:
    try:
        with transaction.atomic():
            contact = Contact.objects.create(workspace=workspace, phone=shown_phone)
            add_identities(contact, given, strict=True)
            return contact, True
    except IntegrityError:
        # Another process met the same person in the same moment.
        found = _found(workspace, given, phone, wa_id)
        if not found:
            raise
        return found[0], False


def add_identities(contact: Contact, given: list[Identity], *, strict: bool = False) -> None:
    """Add the ids that the contact has not yet. `strict` raises IntegrityError for one that is another's."""
    known = set()
    if not strict:
        rows = ContactIdentity.objects.in_workspace(contact.workspace).filter(contact=contact)
        known = set(rows.values_list("kind", "value", "portfolio"))
    for identity in given:
        if (identity.kind, identity.value, identity.portfolio) in known:
            continue
        row = ContactIdentity(
            workspace=contact.workspace,
            contact=contact,
            kind=identity.kind,
            value=identity.value,
            portfolio=identity.portfolio,
        )
        if strict:
            row.save()
            continue
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            # It is another contact's since the look-up; the next message merges the two.
            continue


def _complete(contact: Contact, shown_phone: str | None, *, profile_name: str, username: str, name: str) -> None:
    changed = []
    for field, value in (("profile_name", profile_name), ("username", username)):
        if value and getattr(contact, field) != value:
            setattr(contact, field, value)
            changed.append(field)
    # A profile may show only its number, or only signs; nobody is to be greeted by it.
    shown_name = profile_name if any(sign.isalpha() for sign in profile_name) else ""
    if not contact.name and (name or shown_name):
        contact.name = name or shown_name
        changed.append("name")
    if contact.phone is None and shown_phone and not _phone_is_taken(contact, shown_phone):
        contact.phone = shown_phone
        changed.append("phone")
    if changed:
        contact.save(update_fields=changed)


def _phone_is_taken(contact: Contact, phone: str) -> bool:
    return Contact.objects.in_workspace(contact.workspace).filter(phone=phone).exists()


def storable_phone(wa_id: str) -> str | None:
    """The phone behind a WhatsApp id, or None where the column could not hold it."""
    phone = canonical_phone(wa_id) if wa_id else None
    return phone if phone is not None and _E164.fullmatch(phone) else None
