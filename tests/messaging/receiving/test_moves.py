"""A customer changes the number: the contact goes along, and the old number is a stranger's from then on."""

from collections.abc import Callable
from typing import Any

import pytest

from messaging.models import Chat, Contact, ContactIdentity, Conversation, Message
from tests.messaging.receiving.conftest import NOON, envelope, person, text
from workspaces.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)
OLD, NEW = "436641234567", "436649999999"


def moved(*, id: str = "wamid.system", type: str = "user_changed_number", **more: Any) -> dict[str, Any]:
    """The system message; it has no contacts."""
    system = {"body": f"Eva changed from {OLD} to {NEW}", "type": type, "wa_id": NEW, "user_id": "AT.2", **more}
    told = {"from": OLD, "from_user_id": "AT.1", "id": id, "timestamp": str(int(NOON.timestamp())), "type": "system"}
    return envelope({"messages": [told | {"system": system}]})


def writes(receive: Callable[..., Any], wa_id: str, user_id: str, id: str) -> None:
    message = text(id=id, wa_id=wa_id, from_user_id=user_id)
    receive(envelope({"contacts": [person(wa_id, user_id=user_id)], "messages": [message]}))


def contacts() -> list[Contact]:
    return list(Contact.objects.across_workspaces().filter(merged_into=None).order_by("id"))


def test_the_contact_its_chat_and_conversation_go_along(receive: Callable[..., Any]) -> None:
    writes(receive, OLD, "AT.1", "wamid.1")
    (line,) = receive(moved())
    assert (line.outcome, line.reason) == ("stored", "contact_moved")
    writes(receive, NEW, "AT.2", "wamid.2")
    (contact,) = contacts()
    assert contact.phone == f"+{NEW}"
    assert Chat.objects.across_workspaces().get().address == NEW
    assert Conversation.objects.across_workspaces().count() == 1
    entry = AuditEntry.objects.across_workspaces().get(verb="contact.moved")
    assert entry.facts == {"before": f"+{OLD}", "after": f"+{NEW}"}


def test_the_thread_says_so_and_nobody_is_asked_to_answer_it(receive: Callable[..., Any]) -> None:
    writes(receive, OLD, "AT.1", "wamid.1")
    unread = Conversation.objects.across_workspaces().get().unread_count
    receive(moved())
    note = Message.objects.across_workspaces().get(kind="system")
    assert note.payload["moved"] == {"from": OLD, "to": NEW}
    assert note.routed_at is not None
    assert Conversation.objects.across_workspaces().get().unread_count == unread


def test_who_gets_the_old_number_one_day_is_somebody_else(receive: Callable[..., Any]) -> None:
    writes(receive, OLD, "AT.1", "wamid.1")
    receive(moved())
    writes(receive, OLD, "AT.77", "wamid.3")
    assert [contact.phone for contact in contacts()] == [f"+{NEW}", f"+{OLD}"]


def test_a_message_of_before_that_comes_late_still_finds_them(receive: Callable[..., Any]) -> None:
    """Its user id is theirs and nobody else's, ever."""
    writes(receive, OLD, "AT.1", "wamid.1")
    receive(moved())
    writes(receive, OLD, "AT.1", "wamid.late")
    (contact,) = contacts()
    assert contact.phone == f"+{NEW}"


def test_who_wrote_under_the_new_number_before_we_heard_is_the_same(receive: Callable[..., Any]) -> None:
    writes(receive, OLD, "AT.1", "wamid.1")
    writes(receive, NEW, "AT.2", "wamid.2")
    assert len(contacts()) == 2
    receive(moved())
    (contact,) = contacts()
    assert contact.phone == f"+{NEW}"
    assert Message.objects.across_workspaces().filter(chat__contact=contact).count() == 3


def test_told_twice_nothing_more_happens(receive: Callable[..., Any]) -> None:
    writes(receive, OLD, "AT.1", "wamid.1")
    receive(moved())
    (line,) = receive({**moved(), "delivery": 2})
    assert line.outcome == "duplicate"
    assert AuditEntry.objects.across_workspaces().filter(verb="contact.moved").count() == 1


def test_only_the_user_id_may_change(receive: Callable[..., Any]) -> None:
    writes(receive, OLD, "AT.1", "wamid.1")
    told = moved(type="user_changed_user_id")
    del told["entry"][0]["changes"][0]["value"]["messages"][0]["system"]["wa_id"]
    receive(told)
    (contact,) = contacts()
    assert contact.phone == f"+{OLD}"
    ids = ContactIdentity.objects.across_workspaces().filter(contact=contact, kind="user_id")
    assert set(ids.values_list("value", flat=True)) == {"AT.1", "AT.2"}


def test_of_somebody_unknown_nothing_is_made_up(receive: Callable[..., Any]) -> None:
    (line,) = receive(moved())
    assert (line.outcome, line.reason) == ("noted", "no_such_contact")
    assert contacts() == []


def test_a_changed_security_code_is_no_move(receive: Callable[..., Any]) -> None:
    writes(receive, OLD, "AT.1", "wamid.1")
    (line,) = receive(moved(type="customer_identity_changed"))
    assert line.outcome == "noted"
    assert contacts()[0].phone == f"+{OLD}"
