"""Starting runs: one row, unique on flow and start key, in the transaction that stored what started it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from automations.engine.commits import ADVANCE_TASK, WAKE_MARGIN, announce_run
from automations.engine.loops import demand_calm
from automations.engine.plain import plain_output
from automations.errors import FlowNotStartable, RunLimitReached
from automations.models import Flow, FlowVersion, Run
from messaging.models import Chat, Contact, Conversation
from workspaces.queue import enqueue

# A guard against two bots that answer each other (traps.md A5).
RUNS_A_MINUTE = 20


def start_run(
    *,
    flow: Flow,
    version: FlowVersion,
    start_key: str,
    trigger_data: Mapping[str, Any],
    now: datetime,
    chat: Chat | None = None,
    contact: Contact | None = None,
    conversation: Conversation | None = None,
    started_by: str = "",
    mode: str = Run.Mode.LIVE,
    only_recipient: str = "",
    depth: int = 0,
) -> tuple[Run, bool]:
    """The run for this start key, and whether it is new. The same event twice starts one run.

    Raises FlowNotStartable (no program), InputTooLarge, RunLimitReached (the loop guard for a contact).
    """
    if version.program is None:
        raise FlowNotStartable(flow=flow.name)
    plain_data = plain_output(trigger_data)
    if contact is not None:
        _guard_against_loops(flow, contact, now=now)
    run = Run(
        workspace=flow.workspace,
        flow=flow,
        version=version,
        start_key=start_key,
        trigger=plain_data,
        status=Run.Status.QUEUED,
        cursor=version.program["start"] or "",
        wake_at=now + WAKE_MARGIN,
        mode=mode,
        only_recipient=only_recipient,
        contact=contact,
        chat=chat,
        conversation=conversation,
        leads=flow.leads,
        depth=depth,
        started_by=started_by,
        started_at=now,
    )
    try:
        with transaction.atomic():
            run.save()
            announce_run(run, now=now)
    except IntegrityError:
        existing = Run.objects.in_workspace(flow.workspace).filter(flow=flow, start_key=start_key).first()
        if existing is None:
            raise
        return existing, False
    enqueue(ADVANCE_TASK, run.pk)
    return run, True


def _guard_against_loops(flow: Flow, contact: Contact, *, now: datetime) -> None:
    recent = Run.objects.in_workspace(flow.workspace).filter(contact=contact, started_at__gt=now - timedelta(minutes=1))
    runs = recent.count()
    if runs >= RUNS_A_MINUTE:
        raise RunLimitReached(limit=RUNS_A_MINUTE, what="runs")
    if runs > 1:
        demand_calm(contact, now=now)
