"""Two contacts that were one person all along: everything goes to the older, and it is written down."""

from datetime import timedelta

import pytest

from messaging.models import Chat, Contact, ContactIdentity, Conversation, Message, Sender
from messaging.services.conversations import open_conversation
from messaging.services.people import chat_for, find_or_create_contact
from tests.messaging.receiving.conftest import ACCOUNT, NOON
from workspaces.models import AuditEntry, Workspace

pytestmark = pytest.mark.django_db(transaction=True)


def wrote(contact: Contact, sender: Sender, id: str, *, hours_ago: int) -> Message:
    chat = chat_for(contact, sender, NOON)
    chat.window_expires_at = NOON - timedelta(hours=hours_ago) + timedelta(hours=24)
    chat.save()
    conversation, _opened = open_conversation(chat, Conversation.OpenedBy.CUSTOMER, NOON)
    return Message.objects.create(
        workspace=sender.workspace, sender=sender, chat=chat, conversation=conversation, direction="in", kind="text",
        body=id, provider_id=id, status="received", occurred_at=NOON - timedelta(hours=hours_ago), routed_at=NOON,
    )  # fmt: skip


def test_everything_of_the_younger_goes_to_the_older_and_is_written_down(workspace: Workspace, sender: Sender) -> None:
    imported, _new = find_or_create_contact(workspace=workspace, phone="+4915198765432", name="Eva Adler", now=NOON)
    hidden, _new = find_or_create_contact(
        workspace=workspace, phone=None, user_id="DE.7", portfolio=ACCOUNT, username="eva", now=NOON
    )
    old, young = wrote(imported, sender, "alt", hours_ago=20), wrote(hidden, sender, "neu", hours_ago=1)
    Contact.objects.in_workspace(workspace).filter(pk=hidden.pk).update(consent_marketing="opted_out", tags=["vip"])

    kept, is_new = find_or_create_contact(
        workspace=workspace, phone=None, wa_id="4915198765432", user_id="DE.7", portfolio=ACCOUNT, now=NOON
    )
    kept.refresh_from_db()
    assert (kept.pk, is_new) == (imported.pk, False)
    assert (kept.name, kept.username, kept.tags, kept.consent_marketing) == ("Eva Adler", "eva", ["vip"], "opted_out")
    chat = Chat.objects.in_workspace(workspace).get(contact=kept)
    assert chat.window_expires_at == NOON + timedelta(hours=23)
    assert {message.body for message in chat.messages.all()} == {"alt", "neu"}
    young.refresh_from_db()
    assert young.conversation == Conversation.objects.in_workspace(workspace).get(closed_at=None)
    assert old.conversation == young.conversation
    hidden.refresh_from_db()
    assert (hidden.merged_into, hidden.phone) == (kept, None)

    entry = AuditEntry.objects.in_workspace(workspace).get(verb="contact.merged")
    identity = ContactIdentity.objects.in_workspace(workspace).get(kind="user_id")
    assert entry.facts["moved"]["messaging.contactidentity.contact"] == [identity.pk]
    assert entry.facts["moved"]["messaging.message.chat"] == [young.pk]
    assert entry.facts["before"][str(hidden.public_id)]["tags"] == ["vip"]


def test_a_contact_that_wrote_under_a_user_id_gets_the_phone_when_it_shows(workspace: Workspace) -> None:
    hidden, _new = find_or_create_contact(workspace=workspace, phone=None, user_id="DE.7", portfolio=ACCOUNT, now=NOON)
    found, is_new = find_or_create_contact(
        workspace=workspace, phone=None, wa_id="4915198765432", user_id="DE.7", portfolio=ACCOUNT, now=NOON
    )
    assert (found.pk, is_new, found.phone) == (hidden.pk, False, "+4915198765432")


def test_the_same_user_id_in_another_portfolio_is_another_person(workspace: Workspace) -> None:
    one, _new = find_or_create_contact(workspace=workspace, phone=None, user_id="DE.7", portfolio="1", now=NOON)
    other, _new = find_or_create_contact(workspace=workspace, phone=None, user_id="DE.7", portfolio="2", now=NOON)
    assert one != other


@pytest.mark.parametrize("wa_id", ["123", "1" * 20, "keine-nummer"])
def test_an_id_that_is_no_phone_makes_a_contact_without_one(workspace: Workspace, wa_id: str) -> None:
    contact, is_new = find_or_create_contact(workspace=workspace, phone=None, wa_id=wa_id, now=NOON)
    assert (contact.phone, is_new) == (None, True)
    assert find_or_create_contact(workspace=workspace, phone=None, wa_id=wa_id, now=NOON) == (contact, False)


def test_a_number_in_the_other_spelling_finds_the_contact_that_wrote(workspace: Workspace) -> None:
    """(traps P2) the api names the Argentine number without its 9."""
    wrote_in, _new = find_or_create_contact(workspace=workspace, phone=None, wa_id="5491123456789", now=NOON)
    found, is_new = find_or_create_contact(workspace=workspace, phone="+541123456789", now=NOON)
    assert (found, is_new) == (wrote_in, False)
