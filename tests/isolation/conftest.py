"""The town, with a platform that is away."""

from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from tests.isolation.town import Town
from tests.staff import NOON


@pytest.fixture
def town(db: None, settings: Any) -> Any:
    # Nobody listens there: what calls the platform finds it away at once.
    settings.EMULATOR_URL = "http://127.0.0.1:9"
    settings.PROVIDER_ADDRESSES = {"emulator": settings.EMULATOR_URL}
    cache.clear()
    with time_machine.travel(NOON, tick=False):
        yield Town()
