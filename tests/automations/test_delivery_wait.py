"""A step that waits until its message has arrived: on with the run when it has, or the failure lane with its cause."""

from typing import Any

import pytest

from automations.models import Run, StepRun
from automations.services.runs import resume_now
from messaging.models import Message
from messaging.providers.cloud_api import CloudApi
from messaging.services.progress import advance_message
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)


def flow(house: House, **config: Any) -> None:
    """Answers, waits for the arrival, and notes what came of it; a failure has a lane of its own."""
    note = {"values": {"arrived": "{{steps.antwort.delivered}}", "state": "{{steps.antwort.status}}"}}
    house.flow(
        "message_received",
        [
            {
                "type": "send_text",
                "key": "antwort",
                "config": {"text": "Guten Tag", "wait_for_delivery": True, **config},
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
            },
            {"type": "set_variables", "key": "danach", "config": note},
        ],
    )


def output(house: House, key: str) -> Any:
    row = StepRun.objects.in_workspace(house.workspace).filter(step_key=key).order_by("attempt").last()
    return row.output if row else None


def message(house: House) -> Message:
    return house.messages()[-1]


def test_the_run_goes_on_when_the_message_has_arrived(house: House) -> None:
    house.emulator.patch_customer(EVA, phone_off=True)
    flow(house)
    house.customer_writes("Hallo")
    house.statuses_of(message(house), "sent")
    assert (message(house).status, house.run().status) == (Message.Status.SENT, Run.Status.WAITING)
    house.emulator.patch_customer(EVA, phone_off=False)
    house.statuses_of(message(house), "delivered")
    assert house.run().status == Run.Status.DONE
    assert output(house, "danach") == {"arrived": True, "state": "delivered"}
    assert house.screen() == ["Guten Tag"]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (131026, "recipient_not_on_whatsapp"),
        (131049, "withheld_by_whatsapp"),
        (131042, "spend_or_payment_problem"),
        (130472, "withheld_by_whatsapp"),
    ],
)
def test_a_failure_that_comes_later_takes_the_failure_lane_with_its_name(house: House, code: int, name: str) -> None:
    house.emulator.fault({"path": "/messages"}, {"fail_status": code})
    flow(house)
    house.customer_writes("Hallo")
    house.statuses_of(message(house), "failed")
    assert (message(house).status, message(house).error_code) == (Message.Status.FAILED, name)
    assert output(house, "notiz") == {"why": name}
    assert (house.run().status, house.run().error_code) == (Run.Status.DONE, name)
    assert output(house, "danach") is None
    assert len(house.calls()) == 1


def test_a_file_the_platform_could_not_use_is_tried_once_more_as_a_new_message(house: House) -> None:
    """(traps U1) Retryable by the step's policy: the first is surely not there."""
    house.emulator.fault({"path": "/messages"}, {"fail_status": 131053})
    flow(house)
    house.customer_writes("Hallo")
    house.statuses_of(message(house), "failed")
    house.advance(minutes=1)
    house.statuses_of(message(house), "delivered")
    assert [each.status for each in house.messages()] == ["failed", "delivered"]
    assert house.run().status == Run.Status.DONE
    assert output(house, "danach")["arrived"] is True


def test_the_platforms_word_on_the_window_is_asked_once_more_and_no_template_goes(house: House) -> None:
    """(traps Z1)"""
    house.emulator.fault({"path": "/messages"}, {"fail_status": 131047}, times=2)
    flow(house)
    house.customer_writes("Hallo")
    house.statuses_of(message(house), "failed")
    first = message(house)
    assert first.chat.is_window_open(house.now)
    assert (first.error_code, first.error_facts["window_expires_at"] is not None) == ("outside_window", True)
    house.advance(seconds=30)
    house.statuses_of(message(house), "failed")
    house.advance(hours=1)
    assert [each.error_code for each in house.messages()] == ["outside_window", "outside_window"]
    assert output(house, "notiz") == {"why": "outside_window"}
    assert len(house.calls()) == 2


def test_a_phone_that_stays_off_holds_the_run_no_longer_than_allowed(house: House) -> None:
    house.emulator.patch_customer(EVA, phone_off=True)
    flow(house, delivery_timeout={"amount": 30, "unit": "minutes"})
    house.customer_writes("Hallo")
    house.statuses_of(message(house), "sent")
    house.advance(minutes=29)
    assert house.run().status == Run.Status.WAITING
    house.advance(minutes=1)
    assert house.run().status == Run.Status.DONE
    assert output(house, "danach") == {"arrived": False, "state": "sent"}


def test_a_person_sends_the_run_on(house: House) -> None:
    house.emulator.patch_customer(EVA, phone_off=True)
    flow(house)
    house.customer_writes("Hallo")
    house.statuses_of(message(house), "sent")
    resume_now(run=house.run(), by=house.owner, now=house.now)
    house.settle()
    assert output(house, "danach") == {"arrived": False, "state": "sent"}


def test_what_arrives_before_the_run_waits_is_not_missed(house: House) -> None:
    """The status comes between the call and the commit that would suspend the run."""
    flow(house)
    plain = CloudApi.send

    def arrives_at_once(self: Any, sender: Any, outbound: Any) -> Any:
        accepted = plain(self, sender, outbound)
        row = Message.objects.in_workspace(house.workspace).get(public_id=outbound.callback_data)
        advance_message(row, "delivered", now=house.now, provider_id=accepted.provider_id)
        return accepted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CloudApi, "send", arrives_at_once)
        house.customer_writes("Hallo")
    assert house.run().status == Run.Status.DONE
    assert output(house, "danach")["arrived"] is True


def test_without_the_option_a_late_failure_is_noted_at_the_step_and_told(house: House) -> None:
    house.emulator.fault({"path": "/messages"}, {"fail_status": 131026})
    house.flow("message_received", [{"type": "send_text", "key": "antwort", "config": {"text": "Guten Tag"}}])
    house.customer_writes("Hallo")
    house.statuses_of(message(house), "failed")
    row = StepRun.objects.in_workspace(house.workspace).get(step_key="antwort")
    assert (row.status, row.notes) == (StepRun.Status.DONE, ["recipient_not_on_whatsapp"])
    (notice,) = [each for each in house.notices() if each.digest_key.startswith("not_arrived:")]
    assert notice.code == "recipient_not_on_whatsapp"
    assert str(house.run().public_id) in notice.link
