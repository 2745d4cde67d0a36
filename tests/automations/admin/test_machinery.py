"""The machinery for staff: leases and their holders, waits by their time, queue, clock and signs of life."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_q.tasks import async_task

from automations.models import Run, Wait
from config.health.staff import machinery, oldest_task
from config.queue.heartbeat import heartbeat_file, touch
from messaging.models import Chat
from tests.automations.admin.test_runs import DELAY, staff, start
from tests.house import House
from tests.staff import make_staff

__all__ = ["staff"]


def page(client: Client, name: str) -> str:
    return client.get(reverse(f"admin:{name}")).content.decode()


def link(run: Run) -> str:
    return reverse("admin:automations_run_change", args=[run.pk])


def hold(run: Run, until: Any) -> None:
    """As if a worker were at it."""
    Wait.objects.in_workspace(run.workspace).filter(run=run).update(resolved_at=run.started_at, resolution="timeout")
    Run.objects.in_workspace(run.workspace).filter(pk=run.pk).update(
        status="running", lease_token=uuid4(), lease_until=until, wake_at=until
    )


def test_a_lapsed_lease_stands_before_those_that_are_held(staff: Client, house: House) -> None:
    held, lapsed = start(house, DELAY), start(house, DELAY)
    hold(held, house.now + timedelta(seconds=20))
    hold(lapsed, house.now - timedelta(seconds=5))
    html = page(staff, "automations_run_leases")
    assert html.index(link(lapsed)) < html.index(link(held))
    assert "lapsed</span>" in html and "held</span>" in html
    held.refresh_from_db()
    assert str(held.lease_token) in html


def test_overdue_waits_stand_first_and_those_under_a_persons_hand_are_not_overdue(staff: Client, house: House) -> None:
    later, overdue, standing = start(house, DELAY), start(house, DELAY), start(house, DELAY)
    waits = Wait.objects.in_workspace(house.workspace)
    waits.filter(run=overdue).update(due_at=house.now - timedelta(minutes=2))
    waits.filter(run=standing).update(due_at=house.now - timedelta(minutes=1), stands_since=house.now)
    html = page(staff, "automations_wait_due")
    assert html.index(link(overdue)) < html.index(link(standing)) < html.index(link(later))
    assert html.count("overdue</span>") == 1
    assert "stands: a person has taken over" in html


@pytest.mark.parametrize("name", ["automations_run_leases", "automations_wait_due"])
def test_a_page_costs_the_same_however_many_rows_there_are(staff: Client, house: House, name: str) -> None:
    house.customer_writes("Hallo")
    chat = Chat.objects.in_workspace(house.workspace).get()

    def more() -> None:
        hold(start(house, DELAY), house.now + timedelta(seconds=20))
        run = start(house, DELAY)
        Wait.objects.in_workspace(house.workspace).filter(run=run).update(chat=chat)

    more()
    page(staff, name)
    one = cost(lambda: page(staff, name))
    for _number in range(3):
        more()
    assert cost(lambda: page(staff, name)) == one


def test_queue_and_clock_say_how_they_stand(staff: Client, house: House) -> None:
    run = start(house, DELAY)
    touch("fast")
    html = page(staff, "workspaces_queuedtask_machinery")
    assert "Fast queue: tasks that wait" in html
    assert "Fast cluster: last sign of life" in html
    assert "look into it" not in html
    Run.objects.in_workspace(house.workspace).filter(pk=run.pk).update(wake_at=house.now - timedelta(minutes=3))
    html = page(staff, "workspaces_queuedtask_machinery")
    assert "3 minutes" in html
    assert "Delays and reminders come late until it has caught up." in html


def test_the_oldest_task_of_a_queue_is_dated(house: House) -> None:
    house.take_tasks()
    assert oldest_task("bulk") is None
    began = house.now
    async_task("workspaces.tasks.work_on_bulk_job", 0, cluster="bulk")
    house.traveller.shift(timedelta(minutes=5))
    async_task("workspaces.tasks.work_on_bulk_job", 0, cluster="bulk")
    assert oldest_task("bulk") == began
    told = {str(part.label): part for part in machinery(house.now)}
    bulk = next(part for label, part in told.items() if label.startswith(("Bulk queue", "Massenschlange")))
    assert "5" in str(bulk.note)
    house.take_tasks()


def test_a_process_that_shows_no_life_is_named(house: House) -> None:
    touch("clock")
    silent_at = heartbeat_file("clock").stat().st_mtime
    house.traveller.move_to(silent_at + 90.5)
    silent = [part for part in machinery(house.now) if not part.is_well]
    assert any("90" in str(part.value) for part in silent)


def test_the_machinery_needs_the_permission_to_see_it(house: House) -> None:
    client = Client()
    client.force_login(make_staff("Nora"))
    for name in ("automations_run_leases", "automations_wait_due", "workspaces_queuedtask_machinery"):
        assert client.get(reverse(f"admin:{name}")).status_code == 403


def cost(do: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        do()
    return len(captured)
