"""Starting runs: one row, unique on flow and start key, in the transaction that stored what started it."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from automations.engine.commits import ADVANCE_TASK, WAKE_MARGIN, announce_run
from automations.errors import FlowNotStartable, InputTooLarge, RunLimitReached
from automations.models import Flow, FlowVersion, Run
from messaging.models import Chat, Contact, Conversation
from workspaces.queue import enqueue

CONTEXT_LIMIT = 256 * 1024
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
    size = len(json.dumps(trigger_data))
    if size > CONTEXT_LIMIT:
        raise InputTooLarge(kilobytes=size // 1024, limit=CONTEXT_LIMIT // 1024)
    if contact is not None:
        _guard_against_loops(flow, contact, now=now)
    run = Run(
        workspace=flow.workspace,
        flow=flow,
        version=version,
        start_key=start_key,
        trigger=dict(trigger_data),
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
    if recent.count() >= RUNS_A_MINUTE:
        raise RunLimitReached(limit=RUNS_A_MINUTE, what="runs")
