"""What people and other systems do with runs: start, cancel, resume now, retry from the failed step."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction

from automations.engine.commits import ADVANCE_TASK, WAKE_MARGIN, announce_run, release_signals, the_line
from automations.engine.waits import resolve_wait
from automations.errors import FlowNotStartable, RunHasEnded
from automations.models import Flow, Run, StepRun, Wait
from automations.services.publishing import trial_version
from automations.services.starting import start_run
from messaging.errors import InvalidPhoneNumber
from messaging.models import Contact, Message
from messaging.phone import PhoneProblem, parse_e164
from messaging.services.outbox import cancel_queued
from workspaces.queue import enqueue
from workspaces.services.audit import Actor, actor_label, record


def start_manually(
    *,
    flow: Flow,
    data: Mapping[str, Any],
    key: str | None,
    by: Actor,
    now: datetime,
    mode: str = Run.Mode.LIVE,
    only_recipient: str = "",
) -> tuple[Run, bool]:
    """Start the published version with this input. The same key again gives the run that is there already.

    Raises FlowNotStartable (off, or nothing published), InputTooLarge, RunLimitReached.
    """
    if flow.published is None or not flow.is_on:
        raise FlowNotStartable(flow=flow.name)
    run, was_created = start_run(
        flow=flow,
        version=flow.published,
        start_key=f"manual:{key or uuid4()}",
        trigger_data=data,
        now=now,
        contact=_contact_of(flow, data),
        started_by=actor_label(by),
        mode=mode,
        only_recipient=only_recipient,
    )
    return run, was_created


def try_with_one_recipient(*, flow: Flow, data: Mapping[str, Any], recipient: str, by: Actor, now: datetime) -> Run:
    """Run the draft for real, with one person: the outbox lets nothing go to anyone else.

    Raises InvalidPhoneNumber, FlowInvalid (with all findings).
    """
    try:
        phone = parse_e164(recipient, region=flow.workspace.region)
    except PhoneProblem as problem:
        raise InvalidPhoneNumber.of(problem, field="recipient") from None
    version = trial_version(flow=flow, now=now)
    values = {**data, "customer_phone": phone}
    run, _was_created = start_run(
        flow=flow,
        version=version,
        start_key=f"test:{uuid4()}",
        trigger_data=values,
        now=now,
        contact=_contact_of(flow, values),
        started_by=actor_label(by),
        only_recipient=phone,
    )
    record(by, "flow.tested", flow, recipient=phone)
    return run


def cancel_run(*, run: Run, by: Actor, now: datetime) -> Run:
    """End the run here. What a worker has under way commits nothing any more, what waits for a slot does not go out.

    Raises RunHasEnded.
    """
    with transaction.atomic(), the_line(run):
        # Messages before the run, as everywhere.
        for message in _waiting_messages(run):
            cancel_queued(message, now=now)
        changed = (
            Run.objects.in_workspace(run.workspace)
            .filter(pk=run.pk)
            .exclude(status__in=Run.ENDED)
            .update(
                status=Run.Status.CANCELLED,
                lease_token=None,
                lease_until=None,
                wake_at=None,
                ended_at=now,
                updated_at=now,
            )
        )
        if not changed:
            raise RunHasEnded(status=_status_words(run))
        Wait.objects.in_workspace(run.workspace).filter(run=run, resolved_at=None).update(
            resolved_at=now, resolution="cancelled"
        )
        StepRun.objects.in_workspace(run.workspace).filter(
            run=run, status__in=(StepRun.Status.WAITING, StepRun.Status.STARTED)
        ).update(status=StepRun.Status.SKIPPED, ended_at=now)
        release_signals(run, now=now)
        run.refresh_from_db()
        announce_run(run, now=now)
        record(by, "run.cancelled", run)
    return run


def resume_now(*, run: Run, by: Actor, now: datetime) -> Run:
    """Let the wait be over now: a delay ends, a reply wait times out, a retry begins. Raises RunHasEnded."""
    with transaction.atomic(), the_line(run):
        wait = (
            Wait.objects.in_workspace(run.workspace)
            .select_related("run__workspace")
            .filter(run=run, resolved_at=None)
            .first()
        )
        if wait is None or not resolve_wait(wait, resolution="person", now=now):
            raise RunHasEnded(status=_status_words(run))
        record(by, "run.resumed", run)
    run.refresh_from_db()
    return run


def retry_run(*, run: Run, by: Actor, now: datetime) -> Run:
    """Go on from the step that failed, with a new attempt. Raises RunHasEnded where nothing has failed."""
    with transaction.atomic(), the_line(run):
        last = (
            StepRun.objects.in_workspace(run.workspace)
            .filter(run=run, step_key=run.error_step, status=StepRun.Status.FAILED)
            .order_by("-attempt")
            .first()
        )
        if run.status != Run.Status.FAILED or last is None:
            raise RunHasEnded(status=_status_words(run))
        changed = (
            Run.objects.in_workspace(run.workspace)
            .filter(pk=run.pk, status=Run.Status.FAILED)
            .update(
                status=Run.Status.QUEUED,
                cursor=last.step_key,
                iteration=last.iteration,
                attempt=last.attempt + 1,
                ended_at=None,
                wake_at=now + WAKE_MARGIN,
                error_code="",
                error_facts={},
                error_step="",
                crash_count=0,
                resumed_wait=None,
                updated_at=now,
            )
        )
        if not changed:
            raise RunHasEnded(status=_status_words(run))
        run.refresh_from_db()
        announce_run(run, now=now)
        record(by, "run.retried", run)
        enqueue(ADVANCE_TASK, run.pk)
    return run


def _waiting_messages(run: Run) -> list[Message]:
    rows = Message.objects.in_workspace(run.workspace).select_related("workspace")
    mine = rows.filter(cause_kind=Message.Cause.RUN, cause_id=str(run.public_id))
    return list(mine.filter(status=Message.Status.QUEUED).order_by("chat__contact_id", "pk"))


def _contact_of(flow: Flow, data: Mapping[str, Any]) -> Contact | None:
    phone = data.get("customer_phone")
    if not isinstance(phone, str):
        return None
    return Contact.objects.in_workspace(flow.workspace).filter(phone=phone).first()


def _status_words(run: Run) -> str:
    run.refresh_from_db(fields=["status"])
    return str(run.get_status_display())
