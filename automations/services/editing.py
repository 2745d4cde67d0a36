"""Editing a draft: flows, the trigger, and steps in order and in lanes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.text import slugify

from automations.actions.registry import action
from automations.models import Flow, FlowVersion, Step
from automations.triggers.registry import trigger
from workspaces.changes import announce
from workspaces.models import Workspace
from workspaces.services.audit import Actor, record

KEY_LENGTH = 60


def create_flow(*, workspace: Workspace, name: str, by: Actor, now: datetime, leads: bool = True) -> Flow:
    """A flow with an empty draft, switched off."""
    with transaction.atomic():
        flow = Flow.objects.create(workspace=workspace, name=name, leads=leads, created_at=now)
        FlowVersion.objects.create(workspace=workspace, flow=flow, state=FlowVersion.State.DRAFT)
        record(by, "flow.created", flow)
        announce(workspace, "flows", now=now)
    return flow


def rename_flow(*, flow: Flow, name: str, leads: bool, priority: int, by: Actor) -> Flow:
    """Name, and how the flow stands to others."""
    flow.name, flow.leads, flow.priority = name, leads, priority
    flow.save(update_fields=["name", "leads", "priority"])
    record(by, "flow.changed", flow)
    return flow


def set_trigger(*, flow: Flow, type: str, config: Mapping[str, Any], by: Actor) -> FlowVersion:
    """What starts the flow. Raises NotARegisteredType."""
    trigger(type)
    draft = flow.draft
    draft.trigger_type = type
    draft.trigger_config = dict(config)
    draft.save(update_fields=["trigger_type", "trigger_config"])
    record(by, "flow.trigger_set", flow, type=type)
    return draft


def add_step(
    *,
    flow: Flow,
    type: str,
    name: str = "",
    config: Mapping[str, Any] | None = None,
    parent: Step | None = None,
    lane: str = "",
    position: int | None = None,
    on_failure: str = Step.OnFailure.STOP,
    retry: Mapping[str, Any] | None = None,
    key: str = "",
) -> Step:
    """A step at the position of its row (the trunk, or a lane of `parent`); the ones from there on move down.

    Without settings it gets the form's initial ones. Raises NotARegisteredType.
    """
    kind = action(type)
    draft = flow.draft
    with transaction.atomic():
        row = draft.steps.filter(parent=parent, lane=lane)
        if position is None:
            position = row.count()
        row.filter(position__gte=position).update(position=F("position") + 1)
        return Step.objects.create(
            workspace=flow.workspace,
            version=draft,
            key=key or free_key(draft, name or type),
            type=type,
            name=name,
            config=dict(config) if config is not None else initial_config(kind.form(workspace=flow.workspace)),
            parent=parent,
            lane=lane,
            position=position,
            on_failure=on_failure,
            retry=dict(retry or {}),
        )


def change_step(step: Step, **changes: Any) -> Step:
    """Change name, settings, failure rule, retry or on/off of a draft's step; its key stays."""
    for name, value in changes.items():
        setattr(step, name, value)
    step.save(update_fields=list(changes))
    return step


def move_step(step: Step, *, by: int) -> Step:
    """Up (-1) or down (+1) within its row; at the end it stays."""
    row = list(step.version.steps.filter(parent=step.parent, lane=step.lane).order_by("position", "id"))
    at = next(index for index, other in enumerate(row) if other.pk == step.pk)
    to = max(0, min(len(row) - 1, at + by))
    row.insert(to, row.pop(at))
    with transaction.atomic():
        for position, other in enumerate(row):
            if other.position != position:
                other.position = position
                other.save(update_fields=["position"])
    step.refresh_from_db()
    return step


def remove_step(step: Step, *, by: Actor) -> None:
    """Take the step, and what stands in its lanes, out of the draft."""
    with transaction.atomic():
        record(by, "flow.step_removed", step.version.flow, step=step.key)
        step.delete()


def free_key(draft: FlowVersion, name: str) -> str:
    """A key made from the name, free in this draft: letters, digits and _, as expressions need it."""
    base = slugify(_spelled_out(name)).replace("-", "_")[: KEY_LENGTH - 4] or "step"
    if base[0].isdigit():
        base = f"step_{base}"
    taken = set(draft.steps.values_list("key", flat=True))
    key, number = base, 2
    while key in taken:
        key, number = f"{base}_{number}", number + 1
    return key


def initial_config(form: Any) -> dict[str, Any]:
    """The settings a new step begins with."""
    return {name: field.initial for name, field in form.fields.items() if field.initial is not None}


def _spelled_out(name: str) -> str:
    for umlaut, spelled in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        name = name.replace(umlaut, spelled).replace(umlaut.upper(), spelled)
    return name
