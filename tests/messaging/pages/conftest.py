"""A workspace with one sender, its people by role, and what pages show: conversations and messages of any number."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from messaging.models import Chat, Contact, Conversation, Message, Sender, Template
from tests.cast import join, make_user, make_workspace
from tests.messaging.sending.wire import Wire, serve
from workspaces.models import Membership, Role, Workspace

NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
BASE = "/w/praxis-graz"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Noon in Graz; stands still until it is moved."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def wire(settings: Any) -> Iterator[Wire]:
    """The platform, as the test has it."""
    wire = Wire()
    server = serve(wire)
    settings.PROVIDER_ADDRESSES = {"cloud_api": wire.url}
    yield wire
    server.shutdown()
    server.server_close()


@pytest.fixture
def workspace(transactional_db: None) -> Workspace:
    """Praxis Graz, as it is read from the database."""
    return Workspace.objects.get(pk=make_workspace("praxis-graz", name="Praxis Graz").pk)


@pytest.fixture
def alice(workspace: Workspace) -> Membership:
    """Alice owns it."""
    return join(workspace, make_user("Alice"), Role.OWNER)


@pytest.fixture
def browser(client: Client, alice: Membership) -> Client:
    """Alice's browser."""
    client.force_login(alice.user)
    return client


@pytest.fixture
def sender(workspace: Workspace) -> Sender:
    """An online sender."""
    return Sender.objects.in_workspace(workspace).create(
        provider_number_id="1001",
        business_account_id="2001",
        phone="+43316123456",
        display_name="Praxis",
        status=Sender.Status.ONLINE,
        token="geheim-token-7",
        verify_token="pruef-wort",
    )


@pytest.fixture
def converse(workspace: Workspace, sender: Sender) -> Callable[..., Conversation]:
    """Makes a conversation in which the customer wrote `hours_ago`."""

    def make(number: int = 0, *, hours_ago: float = 1, text: str = "Guten Tag", **fields: Any) -> Conversation:
        wrote_at = NOON - timedelta(hours=hours_ago)
        phone = f"+43664123{number:04}"
        contact = Contact.objects.in_workspace(workspace).create(phone=phone, name=f"Kundin {number}")
        chat = Chat.objects.in_workspace(workspace).create(
            contact=contact,
            sender=sender,
            address=phone.removeprefix("+"),
            last_inbound_at=wrote_at,
            window_expires_at=wrote_at + timedelta(hours=24),
        )
        given = {"unread_count": 1, "has_inbound": True, "last_message_direction": "in"} | fields
        conversation = Conversation.objects.in_workspace(workspace).create(
            chat=chat,
            opened_at=wrote_at,
            opened_by="customer",
            last_message_at=wrote_at,
            last_message_text=text,
            **given,
        )
        say(conversation, text, at=wrote_at)
        return conversation

    return make


def say(conversation: Conversation, text: str, *, at: datetime = NOON, is_out: bool = False, **fields: Any) -> Message:
    """One message of a conversation."""
    defaults: dict[str, Any] = {"kind": "text", "status": "delivered" if is_out else "received"}
    return Message.objects.in_workspace(conversation.workspace).create(
        sender=conversation.chat.sender,
        chat=conversation.chat,
        conversation=conversation,
        direction="out" if is_out else "in",
        body=text,
        occurred_at=at,
        **(defaults | fields),
    )


@pytest.fixture
def template(workspace: Workspace, sender: Sender) -> Template:
    """An approved template with two values."""
    return Template.objects.in_workspace(workspace).create(
        business_account_id="2001",
        name="termin",
        language="de",
        category="utility",
        status="approved",
        components=[
            {"type": "BODY", "text": "Hallo {{1}}, bis {{2}}.", "example": {"body_text": [["Eva", "Montag"]]}},
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Bestätigen"}]},
        ],
    )


@pytest.fixture
def as_role(workspace: Workspace) -> Callable[[str], Client]:
    """A browser of a member with this role; "stranger" is a member of nothing."""

    def log_in(role: str) -> Client:
        user = make_user(f"{role.title()}")
        if role != "stranger":
            join(workspace, user, Role(role))
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def count_queries(browser: Client) -> Callable[[str], int]:
    """How many queries a page takes; fetched once before, so that only the page itself is counted."""

    def count(address: str) -> int:
        browser.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    return count
