"""Waiting for every run to end; what only ten minutes would settle is brought forward."""

import time
from collections import Counter
from datetime import timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from automations.models import Run
from messaging.models import Message, WebhookEvent
from tests.chaos.installation import Installation
from tests.house import House

# The emulator tells of a delivery after 150 ms.
SURELY_LOST_AFTER = timedelta(seconds=20)
OPEN = ("queued", "sending", "unknown")


def wait_until_all_ended(house: House, place: Installation, *, count: int, seconds: float) -> float:
    """Wait for `count` ended runs, no open message and no open webhook; the seconds it took (or all of them)."""
    began_at = time.monotonic()
    while time.monotonic() - began_at < seconds:
        place.mind()
        try:
            is_told = not place.emulator.is_busy() and not WebhookEvent.objects.filter(processed_at=None).exists()
            if is_told and _all_ended(house, count):
                break
            if is_told:
                bring_forward(house)
        except DatabaseError:
            connection.close()
        time.sleep(0.5)
    return time.monotonic() - began_at


def bring_forward(house: House) -> int:
    """Let the ten minutes be over for answers lost together with all their statuses. Call it when all is told."""
    now = timezone.now()
    lost = Message.objects.in_workspace(house.workspace).filter(
        status=Message.Status.UNKNOWN, updated_at__lt=now - SURELY_LOST_AFTER, wake_at__gt=now + timedelta(seconds=60)
    )
    return lost.update(wake_at=now)


def states(house: House) -> Counter[str]:
    """How many runs are in which state."""
    return Counter(Run.objects.in_workspace(house.workspace).values_list("status", flat=True))


def _all_ended(house: House, count: int) -> bool:
    ended = Run.objects.in_workspace(house.workspace).filter(status__in=Run.ENDED).count()
    open_messages = Message.objects.in_workspace(house.workspace).filter(status__in=OPEN).exists()
    return ended >= count and not open_messages
