"""A workspace with a sender that speaks with a scripted server, and a customer who has written."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from messaging.models import Chat, Contact, Message, Sender, Template
from messaging.services.outbox import Origin
from tests.cast import make_workspace
from tests.messaging.sending.wire import Wire, serve
from workspaces.models import Workspace

NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
PHONE = "+4915112345678"


@pytest.fixture
def now() -> datetime:
    """Noon in Graz: no quiet hours."""
    return NOON


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
    return Workspace.objects.get(pk=make_workspace("praxis-graz").pk)


@pytest.fixture
def sender(workspace: Workspace, wire: Wire) -> Sender:
    """An online sender."""
    return Sender.objects.in_workspace(workspace).create(
        provider_number_id="1001",
        business_account_id="2001",
        phone="+43 316 1234",
        display_name="Praxis",
        status=Sender.Status.ONLINE,
        token="geheim-token-7",
    )


@pytest.fixture
def contact(workspace: Workspace) -> Contact:
    """Eva, who has a phone."""
    return Contact.objects.in_workspace(workspace).create(phone=PHONE, name="Eva Adler")


@pytest.fixture
def chat(workspace: Workspace, sender: Sender, contact: Contact) -> Chat:
    """Eva's chat with the sender; she wrote an hour ago."""
    return Chat.objects.in_workspace(workspace).create(
        contact=contact,
        sender=sender,
        address=PHONE.removeprefix("+"),
        last_inbound_at=NOON - timedelta(hours=1),
        window_expires_at=NOON + timedelta(hours=23),
    )


@pytest.fixture
def make_template(workspace: Workspace) -> Callable[..., Template]:
    """Makes approved templates of the sender's account."""

    def make(name: str = "termin", body: str = "Hallo {{1}}, bis {{2}}.", **fields: Any) -> Template:
        components = fields.pop("components", [{"type": "BODY", "text": body}])
        defaults = {"language": "de", "category": "utility", "status": "approved", "business_account_id": "2001"}
        rows = Template.objects.in_workspace(workspace)
        return rows.create(name=name, components=components, **{**defaults, **fields})

    return make


@pytest.fixture
def by_api() -> Origin:
    """An API call."""
    return Origin(kind=Message.Cause.API, id="key-1")


@pytest.fixture
def by_run() -> Origin:
    """A step of a run."""
    return Origin(kind=Message.Cause.RUN, id="run-1", label="Terminbestätigung")
