"""Leases, crashes and lost tasks: the run table is the truth."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from automations.engine.advance import advance
from automations.engine.commits import hold_lease
from automations.engine.held import HeldRun, LeaseLost
from automations.models import Run, StepRun
from automations.tasks import advance_run
from messaging.models import Message
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def greeting(house: House) -> House:
    """A flow that notes something, then greets; the run is queued, nobody has worked on it."""
    house.customer_writes("Hallo")
    house.flow(
        "api_event",
        [
            {"type": "set_variables", "key": "notiz", "config": {"values": {"a": "1"}}},
            {
                "type": "send_text",
                "key": "gruss",
                "config": {"sender": str(house.sender.public_id), "to": EVA, "text": "Guten Tag"},
            },
        ],
        trigger_config={"event": "greet", "sample": None},
    )
    house.tell("greet")
    house.take_tasks()
    return house


def claim(house: House, run: Run) -> bool:
    """What a worker does first; this one then dies."""
    runs = Run.objects.in_workspace(house.workspace)
    until = house.now + timedelta(seconds=25)
    return runs.claim_lease(run.pk, token=uuid4(), now=house.now, until=until, at_once=24)


def test_two_workers_given_the_same_run_one_advances(greeting: House) -> None:
    def work(_number: int) -> bool:
        try:
            return advance(greeting.run())
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == [False, False, False, True]
    assert greeting.screen() == ["Guten Tag"]


def test_a_lost_task_costs_seconds_only(greeting: House) -> None:
    greeting.advance(seconds=6)
    assert greeting.run().status == Run.Status.DONE
    assert greeting.screen() == ["Guten Tag"]


def test_a_dead_workers_run_is_rescued_when_its_lease_has_lapsed(greeting: House) -> None:
    assert claim(greeting, greeting.run())
    greeting.advance(seconds=20)
    assert greeting.run().status == Run.Status.RUNNING
    greeting.advance(seconds=10)
    assert greeting.run().status == Run.Status.DONE


def test_a_step_that_died_between_acceptance_and_commit_sends_once(greeting: House) -> None:
    """The row is `accepted`, the step is not committed: the rescued step finds the row and calls nobody."""
    advance(greeting.run())
    run = greeting.run()
    StepRun.objects.in_workspace(greeting.workspace).filter(run=run, step_key="gruss").update(status="started")
    Run.objects.in_workspace(greeting.workspace).filter(pk=run.pk).update(
        status="running",
        cursor="gruss",
        ended_at=None,
        lease_token=uuid4(),
        lease_until=greeting.now - timedelta(seconds=1),
        wake_at=greeting.now,
    )
    greeting.settle()
    assert greeting.run().status == Run.Status.DONE
    assert len(greeting.calls()) == 1
    assert Message.objects.in_workspace(greeting.workspace).filter(direction="out").count() == 1


def test_a_step_that_kills_its_worker_is_stopped_at_its_third_crash(greeting: House) -> None:
    for _crash in range(3):
        assert claim(greeting, greeting.run())
        greeting.traveller.shift(60)
    greeting.settle()
    run = greeting.run()
    assert (run.status, run.error_code) == (Run.Status.FAILED, "step_crashed")
    assert [notice.code for notice in greeting.notices()] == ["step_crashed"]
    assert greeting.sends() == []


def test_a_workspace_has_its_share_of_runs_at_once(greeting: House, settings: Any) -> None:
    """What is over it is looked at a second later; a holder that has died takes no share."""
    settings.RUNS_AT_ONCE = 1
    greeting.tell("greet")
    greeting.take_tasks()
    first, second = greeting.runs()
    assert claim(greeting, first)
    advance_run(second.pk)
    second.refresh_from_db()
    assert (second.status, second.wake_at) == (Run.Status.QUEUED, greeting.now + timedelta(seconds=1))
    greeting.traveller.shift(26)
    advance_run(second.pk)
    second.refresh_from_db()
    assert second.status == Run.Status.DONE


def test_a_holder_that_wakes_up_late_commits_nothing(greeting: House) -> None:
    run = greeting.run()
    with pytest.raises(LeaseLost):
        hold_lease(HeldRun(run, uuid4()), until=greeting.now + timedelta(minutes=1))
    assert greeting.run().status == Run.Status.QUEUED


def test_a_run_has_a_thousand_steps_at_most(greeting: House) -> None:
    Run.objects.in_workspace(greeting.workspace).update(steps_taken=1000)
    greeting.advance(seconds=6)
    assert greeting.run().error_code == "run_limit_reached"
    assert greeting.sends() == []


def test_data_of_a_run_is_plain_and_stays_what_it_was(house: House) -> None:
    house.flow(
        "api_event",
        [
            {"type": "set_variables", "key": "a", "config": {"values": {"t": "{{now}}", "n": "{{trigger.n}}"}}},
            {"type": "set_variables", "key": "b", "config": {"values": {"day": "{{steps.a.t | date: '%d.%m.%Y'}}"}}},
        ],
        trigger_config={"event": "time", "sample": None},
    )
    house.event("time", n=[1, 2])
    outputs = {row.step_key: row.output for row in house.run().step_runs.all()}
    assert outputs["a"]["t"].startswith("2026-11-25T12:00:00")
    assert (outputs["a"]["n"], outputs["b"]) == ([1, 2], {"day": "25.11.2026"})


def test_more_data_than_a_run_carries_is_refused_by_name(house: House) -> None:
    house.flow(
        "api_event",
        [
            {
                "type": "set_variables",
                "key": "viel",
                "config": {"values": dict.fromkeys(("a", "b", "c"), "{{trigger.text}}")},
            }
        ],
        trigger_config={"event": "much", "sample": None},
    )
    house.event("much", text="x" * 100_000)
    assert house.run().error_code == "data_too_large"
