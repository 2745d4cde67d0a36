"""Pages of one step of a draft: chosen, set up by its action's own form, moved and removed. No script is needed."""

from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from automations.actions.base import Action, NotARegisteredType
from automations.actions.registry import action, all_actions
from automations.admin.forms import FailureForm, StepSettingsForm
from automations.models import Flow, Step
from automations.picture import data_at_hand, lanes_of, template_of, with_placeholders
from automations.services.editing import add_step, change_step, initial_config, move_step, remove_step
from automations.services.publishing import check_draft
from workspaces.admin.base import TenantAdmin
from workspaces.admin.pages import REFUSED, draw, fetch_row
from workspaces.services.audit import Actor, record

TEMPLATE = "admin/automations/flow/step.html"


def flow_address(flow: Flow, step: Step | None = None) -> str:
    """The flow's page, at the step's card."""
    address = reverse("admin:automations_flow_change", args=[flow.pk])
    return f"{address}#step-{step.pk}" if step else address


def add_step_view(page: TenantAdmin, request: HttpRequest, flow_id: int) -> HttpResponse:
    """First the type is chosen (?type=), then its form is filled in; ?parent, ?lane and ?position say where."""
    flow = fetch_row(page, request, flow_id)
    parent, lane, position = _place(flow, request)
    type_name = request.GET.get("type", "")
    if not type_name:
        where = {name: request.GET[name] for name in ("parent", "lane", "position") if name in request.GET}
        types = [(kind, "?" + urlencode({**where, "type": kind.type})) for kind in all_actions()]
        context = {"types": types, "flow": flow, "lane": lane, "parent": parent}
        return draw(
            page, request, "admin/automations/flow/types.html", title=_("Add a step"), row=flow, context=context
        )
    kind = _kind(type_name)
    start = initial_config(kind.form(workspace=flow.workspace))
    parts = _Parts(kind, flow, request, config=start, retry={}, initial={"on_failure": Step.OnFailure.STOP})
    if request.method == "POST" and parts.are_valid():
        step = add_step(
            flow=flow,
            type=kind.type,
            name=parts.general.cleaned_data["name"],
            config=parts.config.cleaned_data,
            parent=parent,
            lane=lane,
            position=position,
            on_failure=parts.failure.cleaned_data["on_failure"],
            retry=parts.failure.retry(),
        )
        change_step(step, note=parts.general.cleaned_data["note"], is_on=parts.general.cleaned_data["is_on"])
        record(cast(Actor, request.user), "flow.step_added", flow, step=step.key)
        return _saved(page, request, flow, step)
    return _draw(page, request, flow, None, kind, parts)


def edit_step_view(page: TenantAdmin, request: HttpRequest, flow_id: int, step_id: int) -> HttpResponse:
    """The step's settings; what is wrong is shown at its field and nothing that was typed is lost."""
    flow = fetch_row(page, request, flow_id)
    step = _step(flow, step_id)
    kind = _kind(step.type)
    parts = _Parts(
        kind,
        flow,
        request,
        config=with_placeholders(step.config, template_of(step.type, step.config, flow.workspace)),
        retry=step.retry,
        initial={"name": step.name, "note": step.note, "is_on": step.is_on, "on_failure": step.on_failure},
    )
    if request.method == "POST" and parts.are_valid():
        general = parts.general.cleaned_data
        change_step(
            step,
            name=general["name"],
            note=general["note"],
            is_on=general["is_on"],
            config=parts.config.cleaned_data,
            on_failure=parts.failure.cleaned_data["on_failure"],
            retry=parts.failure.retry(),
        )
        record(cast(Actor, request.user), "flow.step_changed", flow, step=step.key)
        return _saved(page, request, flow, step)
    return _draw(page, request, flow, step, kind, parts)


def move_step_view(page: TenantAdmin, request: HttpRequest, flow_id: int, step_id: int) -> HttpResponse:
    """One place up or down within its row."""
    return require_POST(_move)(request, page, flow_id, step_id)


def remove_step_view(page: TenantAdmin, request: HttpRequest, flow_id: int, step_id: int) -> HttpResponse:
    """Asked first: what stands in its lanes goes with it."""
    flow = fetch_row(page, request, flow_id)
    step = _step(flow, step_id)
    if request.method == "POST":
        name = str(step)
        remove_step(step, by=cast(Actor, request.user))
        page.message_user(request, _("“%(step)s” is removed.") % {"step": name}, messages.SUCCESS)
        return HttpResponseRedirect(flow_address(flow))
    inside = flow.draft.steps.filter(parent=step).count()
    context = {"flow": flow, "step": step, "inside": inside}
    title = _("Remove “%(step)s”?") % {"step": step}
    return draw(page, request, "admin/automations/flow/remove.html", title=title, row=flow, context=context)


class _Parts:
    """The three forms of a step's page: what every step has, the action's own settings, and failing."""

    def __init__(
        self,
        kind: Action,
        flow: Flow,
        request: HttpRequest,
        *,
        config: dict[str, Any],
        retry: dict[str, Any],
        initial: dict[str, Any],
    ) -> None:
        data = request.POST if request.method == "POST" else None
        self.general = StepSettingsForm(data, initial=initial)
        self.config: forms.Form = kind.form(
            data, workspace=flow.workspace, prefix="config", auto_id="id_%s", initial=config
        )
        self.failure = FailureForm(data, default=kind.default_retry, initial={**initial, **retry})

    def are_valid(self) -> bool:
        """All three are asked, so that every mistake is shown at once."""
        invalid = [form for form in (self.general, self.config, self.failure) if not form.is_valid()]
        return not invalid

    @property
    def has_errors(self) -> bool:
        return any(form.errors for form in (self.general, self.config, self.failure))


def _draw(
    page: TenantAdmin, request: HttpRequest, flow: Flow, step: Step | None, kind: Action, parts: _Parts
) -> HttpResponse:
    draft = flow.draft
    context = {
        "flow": flow,
        "step": step,
        "kind": kind,
        "parts": parts,
        "findings": [finding for finding in check_draft(flow) if step is not None and finding.step == step.key],
        "data": [(datum.expression, datum.sample) for source in data_at_hand(draft, step) for datum in source.data],
    }
    title = str(step) if step else _("Add: %(type)s") % {"type": kind.label}
    status = REFUSED if parts.has_errors else 200
    return draw(page, request, TEMPLATE, title=title, row=flow, context=context, status=status)


def _saved(page: TenantAdmin, request: HttpRequest, flow: Flow, step: Step) -> HttpResponse:
    page.message_user(request, _("“%(step)s” is saved in the draft.") % {"step": step}, messages.SUCCESS)
    if "_continue" in request.POST:
        return HttpResponseRedirect(reverse("admin:automations_flow_step", args=[flow.pk, step.pk]))
    return HttpResponseRedirect(flow_address(flow, step))


def _move(request: HttpRequest, page: TenantAdmin, flow_id: int, step_id: int) -> HttpResponse:
    flow = fetch_row(page, request, flow_id)
    step = move_step(_step(flow, step_id), by=-1 if request.POST.get("to") == "up" else 1)
    return HttpResponseRedirect(flow_address(flow, step))


def _place(flow: Flow, request: HttpRequest) -> tuple[Step | None, str, int | None]:
    """Parent, lane and position of a new step. Raises Http404 for a lane that its parent does not have."""
    position = request.GET.get("position", "")
    lane = request.GET.get("lane", "")
    parent = _step(flow, request.GET["parent"]) if request.GET.get("parent") else None
    known = {known.key for known in lanes_of(parent)} if parent else {""}
    if lane not in known:
        raise Http404
    return parent, lane, int(position) if position.isdigit() else None


def _step(flow: Flow, step_id: Any) -> Step:
    """A step of this flow's draft. Raises Http404."""
    rows = flow.draft.steps.select_related("version__flow", "parent", "workspace")
    found = rows.filter(pk=step_id).first() if str(step_id).isdigit() else None
    if found is None:
        raise Http404
    return found


def _kind(type_name: str) -> Action:
    try:
        return action(type_name)
    except NotARegisteredType as error:
        raise Http404 from error
