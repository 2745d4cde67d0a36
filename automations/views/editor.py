"""The flow's page: its draft as a picture, and the form of the card that the address names."""

import re
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from automations.actions.base import Action
from automations.actions.registry import all_actions
from automations.engine.compile import compile_version
from automations.forms.pages import FlowSettingsForm
from automations.models import Flow, Step
from automations.picture import (
    as_run_data,
    data_at_hand,
    draw,
    kind_of,
    lanes_of,
    name_fields,
    trigger_of,
    trigger_sentence,
)
from automations.services.editing import add_step, move_step, remove_step, rename_flow, set_trigger
from automations.statistics import runs_in_days, step_counts
from automations.triggers import base as triggers
from automations.triggers.registry import all_triggers
from automations.views.showing import REFUSED, show
from automations.views.step_forms import StepForms, field_rows, trigger_form
from workspaces.errors import BotenwerkError
from workspaces.permissions import requires
from workspaces.request import WorkspaceRequest
from workspaces.services.audit import record

TRIGGER = "trigger"
_KEY = re.compile(r"[-\w]{1,60}", re.ASCII)


@require_safe
@requires("workspace.read")
def flow_page(request: WorkspaceRequest, flow_id: UUID) -> HttpResponse:
    """The draft. `?step=` opens a card's form (`trigger` the trigger's), `?add` the step chooser, `?settings` more."""
    flow = fetch_flow(request, flow_id)
    return show_editor(request, flow, _panel(request, flow))


@require_POST
@requires("flow.edit")
def flow_settings(request: WorkspaceRequest, flow_id: UUID) -> HttpResponse:
    """Name, and how the flow stands to others."""
    flow = fetch_flow(request, flow_id)
    form = FlowSettingsForm(request.POST)
    if not form.is_valid():
        return show_editor(request, flow, {"panel": "settings", "form": form}, status=REFUSED)
    rename_flow(flow=flow, **form.cleaned_data, by=request.membership)
    messages.success(request, _("The flow is saved."))
    return HttpResponseRedirect(flow_address(flow))


@require_POST
@requires("flow.edit")
def trigger_save(request: WorkspaceRequest, flow_id: UUID) -> HttpResponse:
    """Type and settings of the trigger; what is wrong stands at its field, with all that was typed."""
    flow = fetch_flow(request, flow_id)
    type_name = request.POST.get("type", "")
    if triggers.find(type_name) is None:
        raise Http404
    form = trigger_form(flow.draft, type_name, data=request.POST)
    if not form.is_valid():
        return show_editor(request, flow, _trigger_panel(flow, type_name, form), status=REFUSED)
    set_trigger(flow=flow, type=type_name, config=form.cleaned_data, by=request.membership)
    messages.success(request, _("The trigger is saved in the draft."))
    return HttpResponseRedirect(flow_address(flow, TRIGGER))


@require_POST
@requires("flow.edit")
def step_add(request: WorkspaceRequest, flow_id: UUID) -> HttpResponse:
    """A step with its initial settings at the place of the “+”, then on to its form."""
    flow = fetch_flow(request, flow_id)
    kind = kind_of(request.POST.get("type", ""))
    if kind is None:
        raise Http404
    parent, lane, position = _place(flow, request.POST)
    step = add_step(flow=flow, type=kind.type, name="", parent=parent, lane=lane, position=position)
    record(request.membership, "flow.step_added", flow, step=step.key)
    return HttpResponseRedirect(flow_address(flow, step.key))


@require_POST
@requires("flow.edit")
def step_save(request: WorkspaceRequest, flow_id: UUID, key: str) -> HttpResponse:
    """All three forms of the panel at once; every mistake is shown, nothing that was typed is lost."""
    flow = fetch_flow(request, flow_id)
    step = _step(flow, key)
    forms = StepForms(step, data=request.POST)
    if not forms.are_valid():
        return show_editor(request, flow, _step_panel(flow, step, forms), status=REFUSED)
    forms.save()
    record(request.membership, "flow.step_changed", flow, step=step.key)
    messages.success(request, _("“%(step)s” is saved in the draft.") % {"step": _name(step)})
    return HttpResponseRedirect(flow_address(flow, step.key))


@require_POST
@requires("flow.edit")
def step_show(request: WorkspaceRequest, flow_id: UUID, key: str) -> HttpResponse:
    """The panel with what is typed, unsaved, and a row for each placeholder of the chosen template."""
    flow = fetch_flow(request, flow_id)
    step = _step(flow, key)
    response = show_editor(request, flow, _step_panel(flow, step, StepForms(step, typed=request.POST)))
    response.headers["HX-Push-Url"] = "false"
    return response


@require_POST
@requires("flow.edit")
def step_move(request: WorkspaceRequest, flow_id: UUID, key: str) -> HttpResponse:
    """One place up or down within its row."""
    flow = fetch_flow(request, flow_id)
    move_step(_step(flow, key), by=-1 if request.POST.get("to") == "up" else 1)
    return HttpResponseRedirect(flow_address(flow, key))


@require_POST
@requires("flow.edit")
def step_remove(request: WorkspaceRequest, flow_id: UUID, key: str) -> HttpResponse:
    """Asks first, with the step's name; what stands in its lanes goes with it."""
    flow = fetch_flow(request, flow_id)
    step = _step(flow, key)
    if request.POST.get("sure") != "1":
        inside = flow.draft.steps.filter(parent=step).count()
        return show_editor(request, flow, {"panel": "remove", "step": step, "name": _name(step), "inside": inside})
    name = _name(step)
    remove_step(step, by=request.membership)
    messages.success(request, _("“%(step)s” is removed.") % {"step": name})
    return HttpResponseRedirect(flow_address(flow))


# --- The page ------------------------------------------------------------------------------------


def fetch_flow(request: WorkspaceRequest, flow_id: UUID) -> Flow:
    """The workspace's flow of this id. Raises Http404."""
    flows = Flow.objects.in_workspace(request.workspace).select_related("workspace", "published")
    return get_object_or_404(flows, public_id=flow_id)


def flow_address(flow: Flow, step: str = "") -> str:
    """The flow's page, with this card open."""
    address = reverse("flow", args=[flow.workspace.slug, flow.public_id])
    return f"{address}?{urlencode({'step': step})}" if step else address


def show_editor(
    request: WorkspaceRequest,
    flow: Flow,
    panel: dict[str, Any],
    *,
    error: BotenwerkError | None = None,
    status: int = 200,
) -> HttpResponse:
    """Canvas and panel. Compiles the draft once: findings, numbers and what is new come from it."""
    draft = flow.draft
    compiled = compile_version(draft)
    now = timezone.now()
    steps = list(draft.steps.all())
    names = {step.key: _name(step) for step in steps}
    kinds = {"": trigger_of(draft), **{step.key: kind_of(step.type) for step in steps}}
    findings = name_fields(compiled.findings, kinds)
    chosen = panel.get("chosen", "")
    about = [finding for finding in compiled.findings if finding.step == ("" if chosen == TRIGGER else chosen)]
    form = panel["forms"].config if "forms" in panel else panel.get("form")
    rows, others = field_rows(form, about if chosen else [])
    context = {
        "flow": flow,
        "flow_url": flow_address(flow),
        "draft": draft,
        "trigger": trigger_of(draft),
        "trigger_sentence": trigger_sentence(draft),
        "trigger_findings": [finding for finding in findings if finding.field and not finding.step],
        "tree": draw(
            draft,
            numbers={key: node.number for key, node in compiled.program.nodes.items()},
            findings=findings,
            counts=step_counts(flow, now=now),
        ),
        "runs_in_days": runs_in_days(flow, now=now),
        "findings": [(finding, names.get(finding.step, "")) for finding in findings],
        "error_count": len(compiled.errors),
        "is_new": _is_new(flow, draft, compiled.program.as_json()),
        "rows": rows,
        "panel_findings": others,
        "chosen": "",
        "error": error,
        **panel,
    }
    return show(request, "flow", context, part="_editor", status=status)


def _is_new(flow: Flow, draft: Any, program: dict[str, Any]) -> bool:
    """Whether the draft says something else than what new runs use."""
    published = flow.published
    return published is None or (
        (published.trigger_type, published.trigger_config, published.program)
        != (draft.trigger_type, draft.trigger_config, program)
    )


# --- The panel -----------------------------------------------------------------------------------


def _panel(request: WorkspaceRequest, flow: Flow) -> dict[str, Any]:
    asked = request.GET
    if "add" in asked:
        return _chooser(flow, asked)
    if "settings" in asked:
        initial = {"name": flow.name, "leads": flow.leads, "priority": flow.priority}
        return {"panel": "settings", "form": FlowSettingsForm(initial=initial)}
    chosen = asked.get("step", "")
    if chosen == TRIGGER:
        type_name = asked.get("type", flow.draft.trigger_type)
        if triggers.find(type_name) is None:
            return {"panel": "triggers", "chosen": TRIGGER, "types": all_triggers()}
        return _trigger_panel(flow, type_name, trigger_form(flow.draft, type_name))
    if chosen:
        step = _step(flow, chosen)
        return _step_panel(flow, step, StepForms(step))
    return {"panel": ""}


def _chooser(flow: Flow, asked: Any) -> dict[str, Any]:
    parent, lane, position = _place(flow, asked)
    groups: dict[Any, list[Action]] = {}
    for kind in all_actions():
        groups.setdefault(kind.group, []).append(kind)
    place = {"parent": parent.key if parent else "", "lane": lane, "position": position}
    return {"panel": "chooser", "groups": list(groups.items()), "place": place, "after": parent}


def _trigger_panel(flow: Flow, type_name: str, form: Any) -> dict[str, Any]:
    known = triggers.find(type_name)
    return {"panel": "trigger", "chosen": TRIGGER, "kind": known, "form": form, "name": flow.name}


def _step_panel(flow: Flow, step: Step, forms: StepForms) -> dict[str, Any]:
    sources = data_at_hand(flow.draft, step)
    return {
        "panel": "step",
        "chosen": step.key,
        "step": step,
        "name": _name(step),
        "kind": kind_of(step.type),
        "forms": forms,
        "sources": sources,
        "preview": forms.preview({**as_run_data(sources), "now": timezone.now()}),
    }


def _place(flow: Flow, given: Any) -> tuple[Step | None, str, int | None]:
    """Parent, lane and position of a new step. Raises Http404 for a lane that its parent does not have."""
    lane, position = given.get("lane", ""), given.get("position", "")
    parent = _step(flow, given["parent"]) if given.get("parent") else None
    known = {each.key for each in lanes_of(parent)} if parent else {""}
    if lane not in known:
        raise Http404
    return parent, lane, int(position) if position.isdecimal() and len(position) < 6 else None


def _step(flow: Flow, key: str) -> Step:
    """A step of this flow's draft. Raises Http404."""
    if not _KEY.fullmatch(key):
        raise Http404
    return get_object_or_404(flow.draft.steps.select_related("version__flow", "parent", "workspace"), key=key)


def _name(step: Step) -> str:
    kind = kind_of(step.type)
    return step.name or str(kind.label if kind else step.type)
