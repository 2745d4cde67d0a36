"""Failed runs retried in bulk: each from its failed step, and never one whose step may have got through."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from automations.models import Run
from automations.services.runs import start_manually
from messaging.models import Message, Sender
from tests.automations.admin.test_runs import staff
from tests.house import EVA, House
from tests.messaging.admin.test_inbound import outcomes, page_of, press
from tests.messaging.admin.test_senders import act
from tests.staff import make_staff
from workspaces.models import AuditEntry, BulkJob
from workspaces.services.bulk import bulk_kinds, draft_job, start_job, sweep_drafts, work_on_job

__all__ = ["staff"]


def fail(house: House, count: int = 1) -> list[Run]:
    """Runs that have failed because their sender was paused, which it is not any more."""
    house.template("termin", "Hallo {{1}}.")
    config = {"sender": str(house.sender.public_id), "template": "termin", "to": EVA, "variables": {"1": "Eva"}}
    flow = house.flow("manual", [{"type": "send_template", "name": "Gruß", "config": config, "retry": {"attempts": 1}}])
    Sender.objects.in_workspace(house.workspace).update(is_paused=True)
    for _number in range(count):
        start_manually(flow=flow, data={}, key=None, by=house.owner, now=house.now)
    house.settle()
    Sender.objects.in_workspace(house.workspace).update(is_paused=False)
    runs = house.runs()
    assert {run.error_code for run in runs} == {"sender_offline"}
    return runs


def test_failed_runs_of_one_error_are_retried_with_progress(staff: Client, house: House) -> None:
    runs = fail(house, 2)
    address = reverse("admin:automations_run_retry") + "?code=sender_offline"
    assert "Take these 2 rows" in staff.get(address).content.decode()
    staff.post(address)
    job = BulkJob.objects.get()
    assert "Goes on from the step “gruss”." in page_of(staff, job)
    press(staff, "start", job)
    house.advance(minutes=5)
    assert {run.status for run in house.runs()} == {"done"}
    assert house.screen() == ["Hallo Eva.", "Hallo Eva."]
    assert outcomes(job) == {run.pk: "done" for run in runs}
    assert AuditEntry.objects.in_workspace(house.workspace).filter(verb="run.retried").count() == 2


def test_a_run_whose_step_may_have_got_through_is_left_out(staff: Client, house: House) -> None:
    sure, unknown, by_hand, lost = fail(house, 4)
    message_of(house, unknown).update(error_code="delivery_unknown")
    failed = message_of(house, by_hand).get()
    Message.objects.in_workspace(house.workspace).create(
        sender=failed.sender, chat=failed.chat, direction="out", kind="text", status="accepted",
        occurred_at=house.now, idempotency_key=f"again:{failed.public_id}",
    )  # fmt: skip
    facts = {"method": "POST", "host": "crm.example", "reason": "no_answer"}
    Run.objects.in_workspace(house.workspace).filter(pk=lost.pk).update(error_code="http_failed", error_facts=facts)
    shown = act(staff, "retry", sure, unknown, by_hand, lost)
    job = BulkJob.objects.get()
    assert outcomes(job) == {
        sure.pk: "pending", unknown.pk: "left_out", by_hand.pk: "left_out", lost.pk: "left_out"
    }  # fmt: skip
    assert shown.count("may_have_arrived") == 2
    assert "sent_again_already" in shown
    press(staff, "start", job)
    house.settle()
    assert house.screen() == ["Hallo Eva."]


def test_a_call_that_may_be_made_twice_is_retried(house: House) -> None:
    (run,) = fail(house)
    facts = {"method": "GET", "host": "crm.example", "reason": "no_answer"}
    Run.objects.in_workspace(house.workspace).update(error_code="http_failed", error_facts=facts)
    assert bulk_kinds()["runs.retry"].sift(house.runs()) == {}
    run.refresh_from_db()
    assert run.status == "failed"


def test_a_worker_that_dies_between_two_rows_costs_nothing(house: House) -> None:
    """The lease lapses, the clock wakes the job, and what was done is not done twice."""
    runs = fail(house, 3)
    user = make_staff("Rita", is_superuser=True)
    kind = bulk_kinds()["runs.retry"]
    job = draft_job(kind, [run.pk for run in runs], by=user, now=house.now)
    start_job(job, by=user, now=house.now)
    house.take_tasks()
    assert BulkJob.objects.claim(job.pk, now=house.now, until=house.now)
    kind.act(kind.rows([runs[0].pk]).get(), BulkJob.objects.get(), house.now)
    house.advance(seconds=120)
    job.refresh_from_db()
    assert job.state == "done"
    assert outcomes(job)[runs[0].pk] == "left_out", "retried before the worker died, so it is not failed any more"
    assert len(house.screen()) == 3


def test_two_workers_share_no_job(house: House) -> None:
    runs = fail(house)
    user = make_staff("Rita", is_superuser=True)
    job = draft_job(bulk_kinds()["runs.retry"], [run.pk for run in runs], by=user, now=house.now)
    start_job(job, by=user, now=house.now)
    BulkJob.objects.filter(pk=job.pk).update(lease_until=house.now.replace(hour=13))
    work_on_job(job, clock=lambda: house.now)
    assert outcomes(job) == {runs[0].pk: "pending"}


def test_a_long_job_lets_others_in_between(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspaces.services.bulk.TURN_SECONDS", -1.0)
    runs = fail(house, 2)
    user = make_staff("Rita", is_superuser=True)
    job = draft_job(bulk_kinds()["runs.retry"], [run.pk for run in runs], by=user, now=house.now)
    start_job(job, by=user, now=house.now)
    house.take_tasks()
    work_on_job(job, clock=lambda: house.now)
    assert [*outcomes(job).values()].count("pending") == 1
    assert ("workspaces.tasks.work_on_bulk_job", (job.pk,)) in house.take_tasks()


def test_what_is_chosen_and_never_begun_is_forgotten(house: House) -> None:
    runs = fail(house)
    user = make_staff("Rita")
    draft_job(bulk_kinds()["runs.retry"], [run.pk for run in runs], by=user, now=house.now)
    assert sweep_drafts(house.now) == 0
    house.advance(hours=49)
    assert sweep_drafts(house.now) > 0
    assert BulkJob.objects.count() == 0


def test_a_job_asks_the_same_however_many_rows_it_takes(house: House, django_assert_num_queries: Any) -> None:
    runs = fail(house, 3)
    kind = bulk_kinds()["runs.retry"]
    rows = list(kind.rows([run.pk for run in runs]))
    with django_assert_num_queries(2):
        kind.sift(rows[:1])
    with django_assert_num_queries(2):
        kind.sift(rows)


def message_of(house: House, run: Run) -> Any:
    return Message.objects.in_workspace(house.workspace).filter(cause_id=str(run.public_id))
