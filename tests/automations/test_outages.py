"""Answers that are lost, a platform that is away, slots that are short: the whole house, counted at the emulator."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from automations.models import Run, StepRun, Wait
from automations.services.runs import cancel_run
from messaging.models import Message, Sender
from messaging.providers.cloud_api import CloudApi
from messaging.services.breaker import breaker_of
from messaging.webhooks.cloud_api import sign
from tests.house import EVA, SECRET, House
from tests.messaging.receiving.conftest import envelope
from workspaces.http import provider_client

pytestmark = pytest.mark.django_db(transaction=True)

ANSWER = {"type": "send_text", "key": "antwort", "config": {"text": "Guten Tag"}}


class WorkerKilled(BaseException):
    """What no handler catches."""


def customers(count: int) -> list[str]:
    return [f"+43664100{number:04}" for number in range(count)]


def write_all(house: House, phones: list[str]) -> None:
    """Everybody writes; the house deals with it afterwards."""
    for phone in phones:
        wamid = house.emulator.customer_writes(phone, house.sender.provider_number_id, "Hallo")
        house.wait_for_webhook(wamid)
    house.settle()


def texts_of(house: House, phones: list[str]) -> list[list[str]]:
    return [house.screen(phone) for phone in phones]


def attempts(house: House) -> list[int]:
    rows = StepRun.objects.in_workspace(house.workspace).filter(step_key="antwort")
    return sorted(rows.values_list("attempt", flat=True))


class TestAnAnswerLostAfterAcceptance:
    """The customer has the message; the row ends right by its status, and is held where there is none."""

    @pytest.fixture
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A client that waits half a second for an answer that never comes; the ten of the real one cost a test ten."""
        plain = CloudApi._call

        def call(*args: Any, **kwargs: Any) -> Any:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("messaging.providers.cloud_api.provider_client", lambda: _Hasty(self.client))
                return plain(*args, **kwargs)

        self.client = provider_client()
        monkeypatch.setattr(CloudApi, "_call", call)

    @pytest.mark.parametrize("fault", ["accept_then_close", "accept_then_hang"])
    def test_its_status_settles_it(self, house: House, impatient: None, fault: str) -> None:
        house.flow("message_received", [ANSWER])
        house.emulator.fault({"path": "/messages"}, {fault: True})
        house.customer_writes("Hallo")
        message = house.messages()[0]
        self.wait_for(house, message, "delivered")
        assert (message.status, bool(message.provider_id)) == (Message.Status.DELIVERED, True)
        assert house.run().status == Run.Status.DONE
        house.advance(minutes=15)
        assert house.screen() == ["Guten Tag"]
        assert len(house.calls()) == 1
        assert house.notices() == []

    @pytest.mark.parametrize("fault", ["accept_then_close", "accept_then_hang"])
    def test_without_a_status_it_is_held_and_the_team_told(self, house: House, impatient: None, fault: str) -> None:
        house.flow("message_received", [ANSWER])
        house.emulator.fault({"path": "/messages"}, {fault: True, "drop_status": True})
        house.customer_writes("Hallo")
        message = house.messages()[0]
        assert message.status == Message.Status.UNKNOWN
        assert house.run().status == Run.Status.WAITING
        house.advance(minutes=9, seconds=59)
        assert self.fresh(message).status == Message.Status.UNKNOWN
        house.advance(seconds=1)
        assert (self.fresh(message).status, message.error_code) == (Message.Status.FAILED, "delivery_unknown")
        assert (house.run().status, house.run().error_code) == (Run.Status.FAILED, "delivery_unknown")
        notice = next(each for each in house.notices() if each.digest_key.startswith("delivery_unknown:"))
        assert str(message.public_id) in notice.link
        assert len(house.calls()) == 1
        assert house.screen() == ["Guten Tag"]

    def test_a_status_that_comes_after_the_ten_minutes_has_the_last_word(self, house: House, client: Client) -> None:
        house.flow("message_received", [ANSWER])
        house.emulator.fault({"path": "/messages"}, {"accept_then_close": True, "drop_status": True})
        house.customer_writes("Hallo")
        message = house.messages()[0]
        house.advance(minutes=10)
        assert self.fresh(message).error_code == "delivery_unknown"
        at = int(house.now.timestamp())
        status = {
            "id": "wamid.LATE",
            "status": "delivered",
            "timestamp": str(at),
            "recipient_id": EVA.removeprefix("+"),
        }
        body = envelope({"statuses": [{**status, "biz_opaque_callback_data": str(message.public_id)}]})
        raw = json.dumps(body).encode()
        address = f"/webhooks/whatsapp/{house.sender.public_id}/"
        signature = {"x-hub-signature-256": sign(raw, SECRET)}
        assert client.post(address, raw, content_type="application/json", headers=signature).status_code == 200
        house.settle()
        assert (self.fresh(message).status, message.error_code) == (Message.Status.DELIVERED, "")
        row = StepRun.objects.in_workspace(house.workspace).get(step_key="antwort")
        assert row.notes == ["arrived_after_all"]
        notice = next(each for each in house.notices() if each.digest_key.startswith("delivery_unknown:"))
        assert notice.solved_at is not None

    def test_a_worker_killed_between_acceptance_and_commit(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        house.flow("message_received", [ANSWER])
        plain = CloudApi.send

        def accepted_then_killed(self: Any, sender: Any, outbound: Any) -> Any:
            monkeypatch.setattr(CloudApi, "send", plain)
            plain(self, sender, outbound)
            raise WorkerKilled

        monkeypatch.setattr(CloudApi, "send", accepted_then_killed)
        with pytest.raises(WorkerKilled):
            house.customer_writes("Hallo")
        message = house.messages()[0]
        self.wait_for(house, message, "delivered")
        house.advance(minutes=2)
        assert house.run().status == Run.Status.DONE
        assert house.screen() == ["Guten Tag"]
        assert len(house.calls()) == 1

    def test_a_worker_killed_there_and_no_status_either(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        house.flow("message_received", [ANSWER])
        house.emulator.fault({"path": "/messages"}, {"drop_status": True})
        plain = CloudApi.send

        def accepted_then_killed(self: Any, sender: Any, outbound: Any) -> Any:
            monkeypatch.setattr(CloudApi, "send", plain)
            plain(self, sender, outbound)
            raise WorkerKilled

        monkeypatch.setattr(CloudApi, "send", accepted_then_killed)
        with pytest.raises(WorkerKilled):
            house.customer_writes("Hallo")
        message = house.messages()[0]
        for _minute in range(13):
            house.advance(minutes=1)
        assert (self.fresh(message).status, message.error_code) == (Message.Status.FAILED, "delivery_unknown")
        assert house.run().error_code == "delivery_unknown"
        assert len(house.calls()) == 1

    def test_a_person_sends_it_again_with_one_click(self, house: House, client: Client) -> None:
        house.flow("message_received", [ANSWER])
        # Cut off before the platform took it: the customer has nothing.
        house.emulator.fault({"path": "/messages"}, {"http": 504})
        house.customer_writes("Hallo")
        house.advance(minutes=10)
        message = house.messages()[0]
        assert message.error_code == "delivery_unknown"
        client.force_login(house.owner.user)
        again = f"/w/praxis-graz/inbox/{message.conversation.public_id}/again/{message.public_id}/"
        for page in (again.split("again/")[0], f"/w/praxis-graz/runs/{house.run().public_id}/"):
            assert again in client.get(page).content.decode()
        assert client.post(again).status_code == 302
        assert client.post(again).status_code == 302
        assert house.messages()[0].status == Message.Status.FAILED
        assert house.screen() == ["Guten Tag"]

    def test_a_sender_may_send_it_again_by_itself(self, house: House) -> None:
        house.set_sender(unknown_policy=Sender.UnknownPolicy.RESEND)
        house.flow("message_received", [ANSWER])
        house.emulator.fault({"path": "/messages"}, {"http": 502})
        house.customer_writes("Hallo")
        house.advance(minutes=10)
        message = house.statuses_of(house.messages()[0], "delivered")
        assert message.status == Message.Status.DELIVERED
        assert house.run().status == Run.Status.DONE
        assert house.screen() == ["Guten Tag"]

    def fresh(self, message: Message) -> Message:
        message.refresh_from_db()
        return message

    def wait_for(self, house: House, message: Message, status: str) -> None:
        """The platform's id is not known to the row: wait for the status that carries our own."""
        house.wait_for_webhook(str(message.public_id), f'"status": "{status}"')
        house.settle()
        message.refresh_from_db()


class _Hasty:
    """The provider's client with half a second of patience."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def request(self, *args: Any, **kwargs: Any) -> Any:
        return self.client.request(*args, **kwargs, timeout=0.5)


@pytest.mark.parametrize(("status", "is_clear"), [(429, True), (500, True), (503, True), (502, False), (504, False)])
def test_which_answers_without_a_body_are_clear(house: House, status: int, is_clear: bool) -> None:
    """Clear: surely not sent, so it is tried again. Not clear: nobody knows, so it waits for news."""
    house.flow("message_received", [ANSWER])
    house.emulator.fault({"path": "/messages"}, {"http": status})
    house.customer_writes("Hallo")
    wait = Wait.objects.in_workspace(house.workspace).get(resolved_at=None)
    assert (wait.kind == Wait.Kind.DELIVERY) is not is_clear
    house.advance(minutes=1)
    assert len(house.sends()) == int(is_clear)


class TestAnOutage:
    """The platform answers 500 for two minutes while customers write."""

    def test_nothing_is_lost_or_doubled_no_run_fails_and_later_tries_use_no_attempt(self, house: House) -> None:
        house.flow("message_received", [ANSWER])
        house.emulator.fault({"path": "/messages"}, {"http": 500}, times=None)
        first, later = customers(24)[:12], customers(24)[12:]
        write_all(house, first)
        assert breaker_of(house.sender).is_open
        assert any(each.code == "whatsapp_unavailable" and each.solved_at is None for each in house.notices())
        for step in range(12):
            if step == 3:
                write_all(house, later)
            house.advance(seconds=10)
        calls_while_away = len(house.calls())
        assert all(run.status == Run.Status.WAITING for run in house.runs())
        house.emulator.clear_faults()
        for _step in range(6):
            house.advance(seconds=15)
        assert [run.status for run in house.runs()] == [Run.Status.DONE] * 24
        assert texts_of(house, first + later) == [["Guten Tag"]] * 24
        assert len(house.sends()) == 24
        # The first five opened the breaker with one attempt each; all others had only their first.
        assert attempts(house) == [1] * 24 + [2] * 5
        # After these five the platform was left in peace: one probe at a time.
        assert calls_while_away <= 5 + 6
        assert all(each.solved_at is not None for each in house.notices())

    def test_all_that_waited_goes_when_it_answers_again_at_the_numbers_pace(self, house: House) -> None:
        house.set_sender(throughput=20)
        house.flow("message_received", [ANSWER])
        house.emulator.fault({"path": "/messages"}, {"http": 503}, times=None)
        phones = customers(20)
        write_all(house, phones)
        house.advance(seconds=5)
        house.emulator.clear_faults()
        house.advance(seconds=10)
        assert not breaker_of(house.sender).is_open
        # Fifteen waited for the platform; a tenth of a second's worth may go in one moment.
        assert 1 <= len(house.sends()) <= 4
        for _step in range(20):
            house.advance(seconds=0.1)
        assert len(house.sends()) == 15
        for seconds in (45, 5, 0.5, 0.5):
            house.advance(seconds=seconds)
        assert len(house.sends()) == 20
        assert [entry["status"] for entry in house.calls()].count(200) == 20
        assert not [entry for entry in house.calls() if entry["status"] == 400]

    def test_a_run_that_waits_shows_what_it_waits_for(self, house: House, client: Client) -> None:
        house.flow("message_received", [ANSWER])
        house.emulator.fault({"path": "/messages"}, {"http": 503}, times=None)
        write_all(house, customers(6))
        held = [each for each in house.messages() if each.status == Message.Status.QUEUED]
        assert [(each.waits_for, each.waits_until) for each in held] == [("breaker", house.now + timedelta(seconds=5))]
        client.force_login(house.owner.user)
        page = client.get(f"/w/praxis-graz/runs/{held[0].cause_id}/").content.decode()
        assert "12:00:05" in page


class TestSlots:
    def test_a_run_waits_for_the_recipients_slot_and_shows_it(self, house: House, client: Client) -> None:
        house.flow("message_received", [ANSWER])
        house.customer_writes("Hallo")
        house.use_up_the_pair_rate(hours=0.5)
        house.customer_writes("Noch da?")
        message = house.messages()[-1]
        assert (message.status, message.waits_for) == (Message.Status.QUEUED, "pair")
        assert message.waits_until == house.now + timedelta(minutes=30)
        house.advance(minutes=30)
        assert len(house.sends()) == 2

    def test_a_cancelled_run_takes_its_waiting_message_back(self, house: House) -> None:
        house.flow("message_received", [ANSWER])
        house.customer_writes("Hallo")
        house.use_up_the_pair_rate(hours=0.5)
        house.customer_writes("Noch da?")
        cancel_run(run=house.runs()[-1], by=house.owner, now=house.now)
        assert house.messages()[-1].status == Message.Status.CANCELLED
        house.advance(hours=1)
        assert len(house.sends()) == 1

    def test_beyond_the_steps_own_deadline_it_is_an_error(self, house: House) -> None:
        patience = {"amount": 20, "unit": "minutes"}
        house.flow("message_received", [{**ANSWER, "config": {"text": "Guten Tag", "slot_timeout": patience}}])
        house.emulator.customer_writes(EVA, house.sender.provider_number_id, "Hallo")
        house.settle()
        house.use_up_the_pair_rate(hours=0.5)
        house.customer_writes("Noch da?")
        assert house.runs()[-1].error_code == "rate_limited"

    def test_patience_is_counted_from_the_first_try(self, house: House) -> None:
        """A platform that asks for patience again and again does not hold a run for ever."""
        house.flow("message_received", [ANSWER])
        house.emulator.fault({"path": "/messages"}, {"error": 80007}, times=None)
        house.customer_writes("Hallo")
        for _step in range(7):
            house.advance(minutes=10)
        assert (house.run().status, house.run().error_code) == (Run.Status.FAILED, "rate_limited")
        assert attempts(house) == [1]
        assert house.sends() == []

    @pytest.mark.parametrize("code", [130429, 131056, 80007])
    def test_the_platforms_rate_errors_put_off_and_use_no_attempt(self, house: House, code: int) -> None:
        house.flow("message_received", [ANSWER])
        house.emulator.fault({"path": "/messages"}, {"error": code}, times=2)
        house.customer_writes("Hallo")
        assert house.run().status == Run.Status.WAITING
        for _step in range(4):
            house.advance(minutes=1)
        assert house.run().status == Run.Status.DONE
        assert attempts(house) == [1]
        assert house.screen() == ["Guten Tag"]
