"""Publishing: the draft is frozen as the version that new runs use, and a new draft goes on from there."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from automations.engine.compile import Compiled, compile_version
from automations.errors import FlowInvalid, FlowNotStartable
from automations.findings import Finding
from automations.models import Flow, FlowVersion, Step
from workspaces.changes import announce
from workspaces.models import Membership
from workspaces.services.audit import Actor, record


def check_draft(flow: Flow) -> list[Finding]:
    """Everything the validator has to say about the draft."""
    return compile_version(flow.draft).findings


def publish_flow(*, flow: Flow, by: Actor, note: str = "", now: datetime) -> FlowVersion:
    """Freeze the draft as the version new runs use. Raises FlowInvalid with every finding, not the first."""
    with transaction.atomic():
        flow = Flow.objects.in_workspace(flow.workspace).select_for_update().get(pk=flow.pk)
        draft = flow.draft
        compiled = _compiled(draft)
        versions = FlowVersion.objects.in_workspace(flow.workspace).filter(flow=flow)
        versions.filter(state=FlowVersion.State.PUBLISHED).update(state=FlowVersion.State.ARCHIVED)
        draft.state = FlowVersion.State.PUBLISHED
        draft.number = (versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
        draft.program = compiled.program.as_json()
        draft.note = note
        draft.published_at = now
        draft.published_by = by if isinstance(by, Membership) else None
        draft.save()
        _copy(draft, state=FlowVersion.State.DRAFT)
        flow.published = draft
        flow.save(update_fields=["published"])
        record(by, "flow.published", flow, version=draft.number)
        announce(flow.workspace, "flows", now=now)
    return draft


def trial_version(*, flow: Flow, now: datetime) -> FlowVersion:
    """The draft, frozen for one test run. Raises FlowInvalid."""
    with transaction.atomic():
        draft = flow.draft
        compiled = _compiled(draft)
        trial = _copy(draft, state=FlowVersion.State.TRIAL, program=compiled.program.as_json())
        trial.published_at = now
        trial.save()
    return trial


def switch_flow(*, flow: Flow, is_on: bool, by: Actor, now: datetime) -> Flow:
    """Switch the flow on or off; runs under way go on. Raises FlowNotStartable where nothing is published."""
    if is_on and flow.published is None:
        raise FlowNotStartable(flow=flow.name)
    with transaction.atomic():
        flow.is_on = is_on
        flow.save(update_fields=["is_on"])
        record(by, "flow.switched_on" if is_on else "flow.switched_off", flow)
        announce(flow.workspace, "flows", now=now)
    return flow


def _compiled(draft: FlowVersion) -> Compiled:
    compiled = compile_version(draft)
    if compiled.errors:
        raise FlowInvalid.with_findings(compiled.findings)
    return compiled


def _copy(version: FlowVersion, *, state: str, program: dict[str, object] | None = None) -> FlowVersion:
    """A version with the same trigger and steps; keys stay, so expressions go on to point at them."""
    copy = FlowVersion.objects.create(
        workspace=version.workspace,
        flow=version.flow,
        state=state,
        program=program,
        trigger_type=version.trigger_type,
        trigger_config=version.trigger_config,
    )
    copies: dict[int, Step] = {}
    pending = list(version.steps.order_by("id"))
    while pending:
        for step in list(pending):
            if step.parent_id is not None and step.parent_id not in copies:
                continue
            pending.remove(step)
            old_id = step.pk
            copies[old_id] = Step.objects.create(
                workspace=version.workspace,
                version=copy,
                key=step.key,
                type=step.type,
                name=step.name,
                note=step.note,
                is_on=step.is_on,
                parent=copies[step.parent_id] if step.parent_id else None,
                lane=step.lane,
                position=step.position,
                config=step.config,
                retry=step.retry,
                on_failure=step.on_failure,
            )
    return copy
