"""Events of other systems: stored once, then routed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from automations.models import Event, Run
from automations.services.routing import route_event
from automations.triggers.call_ended import EVENT as CALL_ENDED
from automations.triggers.call_ended import call_data
from workspaces.models import Workspace


@dataclass(frozen=True)
class AcceptedEvent:
    """The stored event, the runs it started, and whether it is new."""

    event: Event
    was_created: bool
    runs: list[Run] = field(default_factory=list)


def accept_event(
    *,
    workspace: Workspace,
    name: str,
    deduplication_id: str = "",
    data: Mapping[str, Any],
    source: str = "api",
    now: datetime,
) -> AcceptedEvent:
    """Store the event and start the flows that want it, in one transaction. The same id twice starts nothing more.

    `call.ended` is brought under our field names; its `call_id` is the deduplication id where none is given.
    """
    values = dict(data)
    if name == CALL_ENDED:
        values = call_data(values)
        deduplication_id = deduplication_id or values["call_id"] or ""
    with transaction.atomic():
        event, was_created = _stored(workspace, name, deduplication_id[:200], values, source, now)
        runs = route_event(event, now=now) if was_created else _runs_of(event)
    return AcceptedEvent(event, was_created, runs)


def _stored(
    workspace: Workspace, name: str, deduplication_id: str, data: dict[str, Any], source: str, now: datetime
) -> tuple[Event, bool]:
    event = Event(
        workspace=workspace,
        name=name,
        deduplication_id=deduplication_id,
        data=data,
        source=source,
        occurred_at=now,
        created_at=now,
    )
    try:
        with transaction.atomic():
            event.save()
    except IntegrityError:
        known = Event.objects.in_workspace(workspace).filter(name=name, deduplication_id=deduplication_id).first()
        if known is None:
            raise
        return known, False
    return event, True


def _runs_of(event: Event) -> list[Run]:
    return list(
        Run.objects.in_workspace(event.workspace)
        .select_related("flow")
        .filter(start_key=f"event:{event.public_id}")
        .order_by("id")
    )
