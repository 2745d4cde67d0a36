"""The whole house as a fixture."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from assistants.demo_model.testing import run_demo_model
from assistants.models import Assistant
from messaging.emulator.testing import run_emulator
from messaging.models import Sender
from tests.cast import join, make_user, make_workspace
from tests.house import ACCOUNT_ID, NOON, NUMBER_ID, SECRET, TOKEN, House
from workspaces.models import Role, Workspace


@pytest.fixture(scope="session")
def emulator_server() -> Iterator[Any]:
    """One emulator for the session; each test starts with an empty one."""
    with run_emulator(sent_ms=1, delivered_ms=2, retry_seconds=0.05) as server:
        yield server


@pytest.fixture(scope="session")
def model_server() -> Iterator[Any]:
    """One demo model for the session."""
    with run_demo_model() as server:
        yield server


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon in Graz; stands still until it is moved."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def house(
    transactional_db: None, live_server: Any, emulator_server: Any, clock: time_machine.Traveller, settings: Any
) -> Iterator[House]:
    """A workspace with one sender that is online, connected to the emulator."""
    settings.PROVIDER_ADDRESSES = {"cloud_api": emulator_server.url}
    workspace = Workspace.objects.get(pk=make_workspace("praxis-graz", name="Praxis Graz").pk)
    owner = join(workspace, make_user("Alice"), Role.OWNER)
    sender = Sender.objects.in_workspace(workspace).create(
        provider_number_id=NUMBER_ID,
        business_account_id=ACCOUNT_ID,
        phone="+43316555010",
        display_name="Praxis Graz",
        status=Sender.Status.ONLINE,
        token=TOKEN,
        app_secret=SECRET,
        verify_token="verify",
    )
    emulator_server.client.reset()
    emulator_server.client.register_number(
        NUMBER_ID,
        waba_id=ACCOUNT_ID,
        phone="+43316555010",
        name="Praxis Graz",
        app_secret=SECRET,
        token=TOKEN,
        verify_token="verify",
        webhook=f"{live_server.url}/webhooks/whatsapp/{sender.public_id}/",
    )
    house = House(workspace=workspace, owner=owner, sender=sender, emulator=emulator_server.client, traveller=clock)
    yield house
    house.leave()


@pytest.fixture
def assistant(house: House, model_server: Any, settings: Any) -> Assistant:
    """An assistant over the demo model."""
    host = model_server.url.split("://", 1)[1].split("/", 1)[0]
    settings.MODEL_HOSTS_ALLOWED = [host]
    model_server.reset()
    return Assistant.objects.in_workspace(house.workspace).create(
        name="Empfang",
        endpoint=model_server.url,
        model="demo",
        instructions="Wir sind die Praxis Graz. Geöffnet ist von 8 bis 12 Uhr. Eine Reinigung kostet 95 Euro.",
        fallback_text="Im Moment kann ich das nicht beantworten. Wir melden uns.",
    )
