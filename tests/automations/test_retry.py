"""The product's strategy: wait a minute, try again, then log it, tell the team and take the failure lane."""

import pytest

from automations.models import Run, StepRun
from messaging.models import Message
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asking(house: House) -> House:
    """A flow that answers, with a failure lane that notes it."""
    house.flow(
        "message_received",
        [
            {
                "type": "send_text",
                "key": "antwort",
                "name": "Antworten",
                "config": {"text": "Guten Tag"},
                "on_failure": "lane",
                "lanes": {
                    "failure": [
                        {
                            "type": "set_variables",
                            "key": "notiz",
                            "config": {"values": {"why": "{{steps.antwort.error.code}}"}},
                        }
                    ]
                },
            }
        ],
    )
    return house


def attempts(house: House) -> list[tuple[int, str, str]]:
    rows = StepRun.objects.in_workspace(house.workspace).filter(step_key="antwort").order_by("attempt")
    return [(row.attempt, row.status, row.error_code) for row in rows]


def test_a_send_that_fails_once_goes_out_a_minute_later(asking: House) -> None:
    asking.emulator.fault({"path": "/messages"}, {"error": 131016}, times=1)
    asking.customer_writes("Hallo")
    assert asking.run().status == Run.Status.WAITING
    asking.advance(seconds=59)
    assert asking.sends() == []
    asking.advance(seconds=1)
    assert len(asking.sends()) == 1
    assert [status for _number, status, _code in attempts(asking)] == ["failed", "done"]
    assert asking.run().status == Run.Status.DONE


def test_a_send_that_fails_twice_is_logged_told_and_takes_the_failure_lane(asking: House) -> None:
    asking.emulator.fault({"path": "/messages"}, {"error": 131016}, times=2)
    asking.customer_writes("Hallo")
    asking.advance(minutes=1)
    assert [(number, status) for number, status, _code in attempts(asking)] == [(1, "failed"), (2, "failed")]
    assert len(asking.calls()) == 2
    assert asking.sends() == []
    (notice,) = [notice for notice in asking.notices() if notice.digest_key.startswith("run:")]
    assert notice.level == "failure"
    lane = StepRun.objects.in_workspace(asking.workspace).get(step_key="notiz")
    assert lane.output == {"why": attempts(asking)[1][2]}
    assert asking.run().status == Run.Status.DONE
    assert asking.run().error_step == "antwort"


def test_what_cannot_get_better_is_not_tried_again(asking: House) -> None:
    asking.emulator.fault({"path": "/messages"}, {"error": 131009}, times=1)
    asking.customer_writes("Hallo")
    assert [number for number, _status, _code in attempts(asking)] == [1]
    assert asking.run().status == Run.Status.DONE


def test_each_attempt_has_a_message_row_of_its_own(asking: House) -> None:
    asking.emulator.fault({"path": "/messages"}, {"error": 131016}, times=1)
    asking.customer_writes("Hallo")
    asking.advance(minutes=1)
    assert [message.status == Message.Status.FAILED for message in asking.messages()] == [True, False]
    assert asking.screen(EVA) == ["Guten Tag"]
