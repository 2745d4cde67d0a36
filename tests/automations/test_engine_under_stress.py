"""What the engine does when it is interrupted, refused, or told something nobody foresaw."""

from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.db import connections

from automations.actions.set_variables import SetVariables
from automations.engine import advance as engine
from automations.engine.advance import advance
from automations.engine.clock import RealClock
from automations.engine.waits import resolve_wait
from automations.models import Run, StepRun, Wait
from automations.services.runs import cancel_run
from messaging.models import Contact
from messaging.services.consent import opt_out
from tests.house import EVA, House
from tests.traps.conftest import deliver
from tests.traps.test_http_step import Answer, Shop, open_shop, says

__all__ = ["deliver", "open_shop"]

pytestmark = pytest.mark.django_db(transaction=True)
TWO_STEPS = [
    {"type": "set_variables", "key": "eins", "config": {"values": {"a": "1"}}},
    {"type": "set_variables", "key": "zwei", "config": {"values": {"b": "2"}}},
]


def flow(house: House, steps: list[Any]) -> None:
    house.flow("api_event", steps, trigger_config={"event": "go", "sample": None})


def rows(house: House) -> list[tuple[str, str]]:
    found = StepRun.objects.in_workspace(house.workspace).order_by("id")
    return list(found.values_list("step_key", "status"))


def template_step(house: House, **config: Any) -> dict[str, Any]:
    settings = {
        "sender": str(house.sender.public_id),
        "template": "gruss",
        "language": "de",
        "to": EVA,
        "variables": {},
    }
    return {"type": "send_template", "key": "gruss", "config": {**settings, **config}}


# --- Interrupted -----------------------------------------------------------------------------------
def test_a_run_cancelled_while_its_call_is_out_commits_nothing_more(
    house: House, open_shop: Callable[[Answer], Shop], settings: Any
) -> None:
    def cancel_then_answer(handler: BaseHTTPRequestHandler) -> None:
        cancel_run(run=house.run(), by=house.owner, now=house.now)
        connections.close_all()
        says(b"ok")(handler)

    shop = open_shop(cancel_then_answer)
    settings.HTTP_STEP_HOSTS_ALLOWED = [shop.place]
    call = {"method": "GET", "url": f"http://{shop.place}/", "body_kind": "none", "timeout_seconds": 5}
    flow(house, [{"type": "http_request", "key": "ruf", "config": call}, *TWO_STEPS])
    house.event("go")
    assert house.run().status == Run.Status.CANCELLED
    assert [key for key, _status in rows(house)] == ["ruf"]
    assert "done" not in dict(rows(house)).values()


class CancellingClock(RealClock):
    """Real time; before the engine's nth look at it, a person cancels the run."""

    def __init__(self, house: House, before: int) -> None:
        self.house, self.left = house, before

    def now(self) -> datetime:
        self.left -= 1
        if self.left == 0:
            cancel_run(run=self.house.run(), by=self.house.owner, now=self.house.now)
        return super().now()


def test_a_run_cancelled_between_two_steps_sends_nothing(house: House) -> None:
    house.template("gruss", "Bis morgen.")
    flow(house, [TWO_STEPS[0], template_step(house)])
    house.tell("go")
    house.take_tasks()
    assert advance(house.run(), clock=CancellingClock(house, before=4))
    assert house.run().status == Run.Status.CANCELLED
    # What is only worked out is committed with the next step's beginning, which this one never saw.
    assert rows(house) == []
    assert house.calls() == []


def test_a_process_that_stops_puts_the_run_back_and_another_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow(house, TWO_STEPS)
    house.tell("go")
    house.take_tasks()
    looks = iter([False, True])
    monkeypatch.setattr(engine, "is_stopping", lambda: next(looks, False))
    advance(house.run())
    run = house.run()
    assert (run.status, run.cursor, run.lease_token, run.crash_count) == (Run.Status.QUEUED, "zwei", None, 0)
    assert rows(house) == [("eins", "done")]
    house.settle()
    assert house.run().status == Run.Status.DONE
    assert rows(house) == [("eins", "done"), ("zwei", "done")]


def test_a_wait_is_resolved_once(house: House) -> None:
    flow(house, [{"type": "delay", "config": {"mode": "for", "duration": {"amount": 1, "unit": "hours"}}}])
    house.event("go")
    wait = Wait.objects.in_workspace(house.workspace).select_related("run__workspace").get()
    assert resolve_wait(wait, resolution="timeout", now=house.now)
    assert not resolve_wait(wait, resolution="person", now=house.now)
    wait.refresh_from_db()
    assert wait.resolution == "timeout"


# --- Refused ---------------------------------------------------------------------------------------
def test_a_fault_nobody_foresaw_is_an_internal_error_without_its_words(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any) -> Any:
        raise ZeroDivisionError("geheim-4711")

    monkeypatch.setattr(SetVariables, "run", broken)
    flow(house, TWO_STEPS)
    house.event("go")
    run = house.run()
    assert (run.status, run.error_code, run.error_facts) == (
        Run.Status.FAILED,
        "internal",
        {"detail": "ZeroDivisionError"},
    )
    assert [notice.code for notice in house.notices()] == ["internal"]


def test_a_service_that_says_when_to_come_again_is_asked_then(house: House, assistant: Any, model_server: Any) -> None:
    """Its own wish wins over the policy's minute."""
    type(assistant).objects.in_workspace(house.workspace).update(fallback_text="")
    model_server.fault({}, {"error": 429, "retry_after": 90}, times=1)
    config = {"assistant": str(assistant.public_id), "customer_identifier": "CRM-1", "message": "Hallo"}
    flow(house, [{"type": "ai_reply", "key": "ki", "config": config}])
    house.event("go")
    assert house.run().wake_at == house.now + timedelta(seconds=90)
    house.advance(seconds=90)
    assert house.run().status == Run.Status.DONE


def test_a_customers_wish_ends_the_run_and_alarms_nobody(house: House) -> None:
    contact = Contact.objects.in_workspace(house.workspace).create(phone=EVA)
    opt_out(contact, source="message", evidence="STOP", now=house.now)
    house.template("gruss", "Nur heute.", category="MARKETING")
    flow(house, [template_step(house)])
    house.event("go")
    assert (house.run().status, house.run().error_code) == (Run.Status.CANCELLED, "recipient_opted_out")
    assert house.notices() == []


# --- An answer that was lost -------------------------------------------------------------------------
def test_a_run_stands_still_while_nobody_knows_whether_its_message_went_out(house: House) -> None:
    house.template("gruss", "Bis morgen.")
    house.emulator.fault({"path": "/messages"}, {"http": 502}, times=1)
    flow(house, [template_step(house), TWO_STEPS[0]])
    house.event("go")
    run = house.run()
    assert (run.status, run.chat.contact.phone) == (Run.Status.WAITING, EVA)
    assert Wait.objects.in_workspace(house.workspace).get(resolved_at=None).kind == Wait.Kind.DELIVERY
    house.advance(minutes=9)
    assert house.run().status == Run.Status.WAITING
    house.advance(minutes=2)
    assert (house.run().status, house.run().error_code) == (Run.Status.FAILED, "delivery_unknown")
    assert len(house.calls()) == 1


def test_news_of_the_message_lets_the_run_go_on(house: House, deliver: Callable[..., Any]) -> None:
    house.template("gruss", "Bis morgen.")
    house.emulator.fault({"path": "/messages"}, {"http": 502}, times=1)
    flow(house, [template_step(house), TWO_STEPS[0]])
    house.event("go")
    (message,) = house.messages()
    status = {
        "id": "wamid.doch",
        "status": "delivered",
        "timestamp": str(int(house.now.timestamp())),
        "recipient_id": EVA.removeprefix("+"),
        "biz_opaque_callback_data": str(message.public_id),
    }
    deliver({"statuses": [status]})
    assert house.run().status == Run.Status.DONE
    assert rows(house) == [("gruss", "done"), ("eins", "done")]
    assert len(house.calls()) == 1
