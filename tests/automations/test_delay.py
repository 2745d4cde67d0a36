"""Delay until a date of the run's data: in the workspace's zone, as people write it; what is past goes straight on."""

from datetime import UTC, datetime
from typing import Any

import pytest

from automations.models import Run, StepRun, Wait
from tests.house import House
from workspaces.errors import stored_error

pytestmark = pytest.mark.django_db(transaction=True)


def waits_until(house: House, value: Any, expression: str = "{{trigger.at}}") -> None:
    """A flow that waits until a value of its event, started with it."""
    step = {"type": "delay", "key": "pause", "config": {"mode": "until", "until": expression}}
    house.flow("api_event", [step], trigger_config={"event": "appointment", "sample": None})
    house.event("appointment", at=value)


def step(house: House) -> StepRun:
    return StepRun.objects.in_workspace(house.workspace).get(step_key="pause")


@pytest.mark.parametrize(
    ("written", "due"),
    [
        ("2026-12-24T18:00:00+01:00", datetime(2026, 12, 24, 17, 0, tzinfo=UTC)),
        ("2026-12-24T17:00:00Z", datetime(2026, 12, 24, 17, 0, tzinfo=UTC)),
        # Without a zone it is the workspace's: Vienna, an hour ahead in winter, two in summer.
        ("2026-12-24T18:00:00", datetime(2026, 12, 24, 17, 0, tzinfo=UTC)),
        ("2027-07-01 09:30", datetime(2027, 7, 1, 7, 30, tzinfo=UTC)),
        ("24.12.2026 18:00", datetime(2026, 12, 24, 17, 0, tzinfo=UTC)),
        ("24.12.2026", datetime(2026, 12, 23, 23, 0, tzinfo=UTC)),
        ("2026-12-24", datetime(2026, 12, 23, 23, 0, tzinfo=UTC)),
    ],
)
def test_a_date_of_the_data_is_waited_for(house: House, written: str, due: datetime) -> None:
    waits_until(house, written)
    assert Wait.objects.in_workspace(house.workspace).get().due_at == due
    house.traveller.move_to(due)
    house.settle()
    assert house.run().status == Run.Status.DONE
    assert step(house).output == {"waited_until": due.isoformat()}


def test_a_date_that_is_past_goes_straight_on_and_says_so(house: House) -> None:
    waits_until(house, "2026-11-25T11:59:59+01:00")
    assert (house.run().status, step(house).notes) == (Run.Status.DONE, ["already_past"])


def test_this_very_instant_is_not_waited_for(house: House) -> None:
    waits_until(house, house.now.isoformat())
    assert house.run().status == Run.Status.DONE


@pytest.mark.parametrize("written", ["next Tuesday", "31.02.2027", "24:61", True])
def test_what_is_no_date_fails_the_step_by_name(house: House, written: Any) -> None:
    waits_until(house, written)
    run = house.run()
    assert (run.status, run.error_code) == (Run.Status.FAILED, "expression_invalid")
    assert run.error_facts["reason"] == "not_a_date"
    assert str(written) in stored_error(run.error_code, run.error_facts).cause_text()
