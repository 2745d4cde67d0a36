"""The whole house, with a member of staff at the admin."""

import pytest
from django.test import Client

from tests.automations.conftest import clock, emulator_server, house
from tests.house import House
from tests.staff import make_staff

__all__ = ["clock", "emulator_server", "house"]


@pytest.fixture
def staff(house: House, client: Client) -> Client:
    client.force_login(make_staff("Rita", is_superuser=True, language="en"))
    return client
