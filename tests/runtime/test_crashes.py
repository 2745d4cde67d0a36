"""Workers that die and tasks that are lost: the rows are the truth, so both cost seconds and nothing else."""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from automations.actions.set_variables import SetVariables
from automations.engine.advance import advance
from automations.models import Run, StepRun
from automations.services.clock import tick
from automations.tasks import advance_now
from tests.automations.conftest import clock, emulator_server, house
from tests.house import House

__all__ = ["clock", "emulator_server", "house"]

pytestmark = pytest.mark.django_db(transaction=True)

FLOW = [
    {"type": "send_text", "key": "frage", "config": {"text": "Passt Ihnen Freitag?"}},
    {"type": "delay", "key": "pause", "config": {"mode": "for", "duration": {"amount": 30, "unit": "seconds"}}},
    {"type": "wait_for_reply", "key": "antwort", "config": {"timeout": {"amount": 1, "unit": "hours"}}},
    {"type": "send_text", "key": "dank", "config": {"text": "Danke: {{steps.antwort.reply}}"}},
]


def in_a_worker(work: Callable[[], Any]) -> int:
    """Do it in a process of its own, as a worker would; how that ended (a signal is negative)."""
    connections.close_all()
    process_id = os.fork()
    if process_id == 0:
        code = 70
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1])


def die(*_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def set_variables_flow(house: House, *between: dict[str, Any]) -> None:
    house.flow(
        "api_event",
        [
            {"type": "set_variables", "key": "eins", "config": {"values": {"a": "1"}}},
            *between,
            {"type": "set_variables", "key": "zwei", "config": {"values": {"b": "2"}}},
        ],
        trigger_config={"event": "go", "sample": None},
    )
    house.tell("go")
    house.take_tasks()


def test_the_run_of_a_dead_worker_is_taken_up_when_its_lease_is_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables_flow(house)
    with monkeypatch.context() as dying:
        dying.setattr(SetVariables, "run", die)
        assert in_a_worker(lambda: advance(house.run())) == -signal.SIGKILL
    assert house.run().status == Run.Status.RUNNING
    house.settle()
    assert house.run().status == Run.Status.RUNNING
    house.advance(seconds=60)
    assert house.run().status == Run.Status.DONE


def test_a_step_that_kills_its_worker_is_stopped_at_its_third_crash_and_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables_flow(house)
    monkeypatch.setattr(SetVariables, "run", die)
    deaths = 0
    while in_a_worker(lambda: advance(house.run())) == -signal.SIGKILL:
        deaths += 1
        house.traveller.shift(timedelta(seconds=61))
    run = house.run()
    assert deaths == 3
    assert (run.status, run.error_code, run.error_step) == (Run.Status.FAILED, "step_crashed", "eins")
    assert [notice.code for notice in house.notices()] == ["step_crashed"]
    assert StepRun.objects.in_workspace(house.workspace).get().error_code == "step_crashed"


def test_the_leases_of_those_who_died_together_end_apart(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or one step that kills its worker would take all that were beside it along, three times out of three."""
    set_variables_flow(house)
    for number in range(9):
        house.tell("go", number=number)
    house.take_tasks()
    monkeypatch.setattr(SetVariables, "run", die)
    ends = {}
    for time in ("first", "second"):
        for run in house.runs():
            assert in_a_worker(lambda run=run: advance(run)) == -signal.SIGKILL
        leases = [run.lease_until - house.now for run in house.runs()]
        ends[time] = (max(leases) - min(leases)).total_seconds()
        house.traveller.shift(timedelta(seconds=61))
    assert len(house.runs()) == 10
    assert 0.5 < ends["first"] <= 5
    assert ends["second"] > 3


def test_deaths_before_a_wait_do_not_count_after_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    pause = {"type": "delay", "key": "pause", "config": {"mode": "for", "duration": {"amount": 1, "unit": "seconds"}}}
    set_variables_flow(house, pause)
    for _part in ("before", "after"):
        for _death in range(2):
            with monkeypatch.context() as dying:
                dying.setattr(SetVariables, "run", die)
                assert in_a_worker(lambda: advance_now(house.run().pk)) == -signal.SIGKILL
            house.traveller.shift(timedelta(seconds=61))
        advance_now(house.run().pk)
        house.traveller.shift(timedelta(seconds=2))
    assert house.run().status == Run.Status.DONE


def test_every_task_may_be_lost_once_and_the_clock_brings_it_again(house: House) -> None:
    """The broker is emptied after each enqueue: what was put on it the first time is never done."""
    house.flow("message_received", FLOW)
    lost: set[tuple[str, tuple[Any, ...]]] = set()
    wamid = house.emulator.customer_writes("+436641234567", house.sender.provider_number_id, "Hallo")
    house.wait_for_webhook(wamid)
    has_answered = False
    for _second in range(240):
        tick(timezone.now())
        for task in house.take_tasks():
            if task not in lost:
                lost.add(task)
                continue
            lost.discard(task)
            module, function = task[0].rsplit(".", 1)
            getattr(import_module(module), function)(*task[1])
        if house.runs() and house.run().status == Run.Status.DONE:
            break
        step = StepRun.objects.in_workspace(house.workspace).filter(step_key="antwort", status="waiting")
        if not has_answered and step.exists():
            wamid = house.emulator.customer_writes("+436641234567", house.sender.provider_number_id, "Ja")
            house.wait_for_webhook(wamid)
            has_answered = True
        house.traveller.shift(timedelta(seconds=1))
    assert house.run().status == Run.Status.DONE
    assert house.screen() == ["Passt Ihnen Freitag?", "Danke: Ja"]
