"""Parts of other apps' pages that show flows and runs: fetched by address, so that those apps need not know us."""

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from automations.models import Flow, Run, Step
from automations.picture import trigger_sentence
from automations.statistics import FlowFigures, flow_figures
from messaging.models import Contact, Template
from workspaces.permissions import requires
from workspaces.request import WorkspaceRequest

SHOWN = 5


@dataclass(frozen=True)
class SummaryLine:
    """One flow on Today."""

    flow: Flow
    sentence: str
    figures: FlowFigures


@require_safe
@requires("workspace.read")
def runs_summary(request: WorkspaceRequest) -> HttpResponse:
    """For Today: the flows of the last seven days, today's busiest first. Three queries, however many flows."""
    figures = flow_figures(request.workspace, now=timezone.now())
    recent = {pk: each for pk, each in figures.items() if each.runs}
    rows = Flow.objects.in_workspace(request.workspace).filter(pk__in=recent).select_related("published__workspace")
    busiest = sorted(rows, key=lambda flow: (-recent[flow.pk].today, -recent[flow.pk].runs, flow.name))[:SHOWN]
    lines = [
        SummaryLine(flow, trigger_sentence(flow.published) if flow.published else "", recent[flow.pk])
        for flow in busiest
    ]
    return render(request, "automations/_runs_summary.html", {"lines": lines})


@require_safe
@requires("workspace.read")
def contact_runs(request: WorkspaceRequest, contact_id: UUID) -> HttpResponse:
    """For the inbox: the newest runs of a contact."""
    contact = get_object_or_404(Contact.objects.in_workspace(request.workspace), public_id=contact_id)
    runs = Run.objects.in_workspace(request.workspace).select_related("flow").filter(contact=contact).order_by("-id")
    return render(request, "automations/_contact_runs.html", {"runs": runs[:SHOWN]})


@require_safe
@requires("workspace.read")
def template_usage(request: WorkspaceRequest, template_id: UUID) -> HttpResponse:
    """For a template: the flows whose draft or published version sends it."""
    template = get_object_or_404(Template.objects.in_workspace(request.workspace), public_id=template_id)
    steps = Step.objects.in_workspace(request.workspace).filter(
        type="send_template", config__template=template.name, version__state__in=("draft", "published")
    )
    flows = Flow.objects.in_workspace(request.workspace).filter(versions__steps__in=steps).distinct().order_by("name")
    return render(request, "automations/_template_usage.html", {"flows": flows})
