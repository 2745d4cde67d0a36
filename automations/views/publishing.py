"""Publishing, trying with one recipient, starting by hand, and the versions there have been."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from automations.engine.program import Program
from automations.errors import FlowInvalid
from automations.forms.pages import InputForm, PublishForm, TryForm
from automations.models import Flow, FlowVersion, Run
from automations.picture import draw, trigger_of, trigger_sample, trigger_sentence
from automations.services.publishing import publish_flow
from automations.services.runs import start_manually, try_with_one_recipient
from automations.triggers.base import Source
from automations.views.editor import fetch_flow, flow_address, show_editor
from automations.views.showing import REFUSED, show
from workspaces.errors import BotenwerkError
from workspaces.permissions import requires
from workspaces.request import WorkspaceRequest

PHONE = "customer_phone"


@require_http_methods(["GET", "HEAD", "POST"])
@requires("flow.publish")
def flow_publish(request: WorkspaceRequest, flow_id: UUID) -> HttpResponse:
    """All findings and a note; errors keep the draft from being published, warnings do not."""
    flow = fetch_flow(request, flow_id)
    form = PublishForm(request.POST if request.method == "POST" else None)
    panel = {"panel": "publish", "publish_form": form}
    if not form.is_valid():
        return show_editor(request, flow, panel, status=REFUSED if form.errors else 200)
    try:
        version = publish_flow(flow=flow, by=request.membership, note=form.cleaned_data["note"], now=timezone.now())
    except BotenwerkError as error:
        return show_editor(request, flow, panel, error=error, status=REFUSED)
    messages.success(request, _("Version %(number)s is published; new runs use it.") % {"number": version.number})
    return HttpResponseRedirect(flow_address(flow))


@require_http_methods(["GET", "HEAD", "POST"])
@requires("flow.test")
def flow_try(request: WorkspaceRequest, flow_id: UUID) -> HttpResponse:
    """Run the draft for real with one recipient, then on to its run."""
    flow = fetch_flow(request, flow_id)
    sample = trigger_sample(flow.draft)
    form = TryForm(
        request.POST if request.method == "POST" else None,
        sample={name: value for name, value in sample.items() if name != PHONE},
    )
    error: BotenwerkError | None = None
    if form.is_valid():
        try:
            run = try_with_one_recipient(
                flow=flow,
                data=form.data_given(),
                recipient=form.cleaned_data["recipient"],
                by=request.membership,
                now=timezone.now(),
            )
            messages.success(request, _("The test run has begun."))
            return HttpResponseRedirect(_run_address(run))
        except FlowInvalid as refused:
            error = refused
        except BotenwerkError as refused:
            # What is wrong with the number is said at the number.
            form.add_error("recipient" if refused.field == "recipient" else None, refused.for_person())
    panel = {"panel": "try", "try_form": form}
    return show_editor(request, flow, panel, error=error, status=REFUSED if error or form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("flow.start")
def flow_start(request: WorkspaceRequest, flow_id: UUID) -> HttpResponse:
    """The form of a flow that is started by hand. Raises Http404 for any other."""
    flow = fetch_flow(request, flow_id)
    version = flow.published
    known = trigger_of(version) if version is not None else None
    if version is None or known is None or known.source is not Source.MANUAL:
        raise Http404
    form = InputForm(request.POST if request.method == "POST" else None, sample=trigger_sample(version))
    error: BotenwerkError | None = None
    if form.is_valid():
        try:
            run, _created = start_manually(
                flow=flow,
                data=form.data_given(),
                key=request.POST.get("key") or None,
                by=request.membership,
                now=timezone.now(),
            )
            messages.success(request, _("The run has begun."))
            return HttpResponseRedirect(_run_address(run))
        except BotenwerkError as refused:
            error = refused
    context = {"flow": flow, "form": form, "error": error}
    return show(request, "flow_start", context, status=REFUSED if error or form.errors else 200)


@require_safe
@requires("workspace.read")
def flow_versions(request: WorkspaceRequest, flow_id: UUID) -> HttpResponse:
    """What was published, newest first."""
    flow = fetch_flow(request, flow_id)
    return show(request, "versions", {"flow": flow, "versions": _published(flow)})


@require_safe
@requires("workspace.read")
def flow_version(request: WorkspaceRequest, flow_id: UUID, number: int) -> HttpResponse:
    """One version as it was published; it never changes."""
    flow = fetch_flow(request, flow_id)
    version = get_object_or_404(_published(flow).select_related("workspace"), number=number)
    nodes = Program.of(version.program).nodes if version.program else {}
    context = {
        "flow": flow,
        "version": version,
        "trigger": trigger_of(version),
        "trigger_sentence": trigger_sentence(version),
        "tree": draw(version, numbers={key: node.number for key, node in nodes.items()}),
    }
    return show(request, "version", context)


def _published(flow: Flow) -> Any:
    rows = FlowVersion.objects.in_workspace(flow.workspace).filter(flow=flow, number__isnull=False)
    return rows.select_related("published_by__user").order_by("-number")


def _run_address(run: Run) -> str:
    return reverse("run", args=[run.workspace.slug, run.public_id])
