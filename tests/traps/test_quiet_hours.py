"""Quiet hours hold marketing back by the workspace's own clock, over midnight too.

Cases and right outcomes: the field's traps under "Window and time".
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.house import EVA, House
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db(transaction=True)

VIENNA = ZoneInfo("Europe/Vienna")
WINTER, SUMMER = (2026, 12, 1), (2027, 7, 1)


def offers(house: House, quiet_from: time, quiet_until: time, *, category: str = "MARKETING") -> None:
    """A flow that answers an event with a template."""
    Workspace.objects.filter(pk=house.workspace.pk).update(quiet_from=quiet_from, quiet_until=quiet_until)
    house.template("angebot", "Hallo, unser Angebot.", category=category)
    config = {
        "sender": str(house.sender.public_id),
        "template": "angebot",
        "language": "de",
        "to": EVA,
        "variables": {},
    }
    house.flow(
        "api_event", [{"type": "send_template", "config": config}], trigger_config={"event": "x", "sample": None}
    )


def local(day: tuple[int, int, int], hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(*day, hour, minute, second, tzinfo=VIENNA)


@pytest.mark.parametrize("day", [WINTER, SUMMER])
@pytest.mark.parametrize(
    ("quiet", "at", "ends"),
    [
        ((time(21), time(8)), (22, 30), (32, 0)),
        ((time(21), time(8)), (7, 59), (8, 0)),
        ((time(12), time(14, 30)), (12, 0), (14, 30)),
    ],
)
def test_marketing_waits_until_the_quiet_hours_end_and_goes_on_the_stroke(
    house: House, day: tuple[int, int, int], quiet: tuple[time, time], at: tuple[int, int], ends: tuple[int, int]
) -> None:
    """(traps Z6) 21:00 to 8:00 in Vienna, winter and summer; the same with a window inside of a day."""
    offers(house, *quiet)
    house.traveller.move_to(local(day, *at))
    house.event("x")
    end = local(day, 0) + timedelta(hours=ends[0], minutes=ends[1])
    house.traveller.move_to(end - timedelta(seconds=1))
    house.settle()
    assert house.calls() == []
    house.traveller.move_to(end)
    house.settle()
    assert house.screen() == ["Hallo, unser Angebot."]


@pytest.mark.parametrize("at", [(8, 0), (20, 59), (12, 0)])
def test_outside_of_them_nothing_waits(house: House, at: tuple[int, int]) -> None:
    """(traps Z6)"""
    offers(house, time(21), time(8))
    house.traveller.move_to(local(WINTER, *at))
    house.event("x")
    assert house.screen() == ["Hallo, unser Angebot."]


def test_what_is_no_marketing_goes_at_night(house: House) -> None:
    """(traps Z6) a reminder is no offer."""
    offers(house, time(21), time(8), category="UTILITY")
    house.traveller.move_to(local(WINTER, 23))
    house.event("x")
    assert house.screen() == ["Hallo, unser Angebot."]
