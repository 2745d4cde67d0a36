"""Runs: the list, and one run with each step's input, output, attempts and errors."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from automations.models import Run
from workspaces.permissions import requires
from workspaces.request import WorkspaceRequest

PAGE = 50


@require_safe
@requires("workspace.read")
def run_list(request: WorkspaceRequest) -> HttpResponse:
    """The newest runs."""
    runs = Run.objects.in_workspace(request.workspace).select_related("flow", "contact").order_by("-id")[:PAGE]
    return render(request, "automations/runs.html", {"runs": runs})


@require_safe
@requires("workspace.read")
def run_detail(request: WorkspaceRequest, run_id: UUID) -> HttpResponse:
    """One run, step by step."""
    runs = Run.objects.in_workspace(request.workspace).select_related("flow", "version", "contact")
    run = get_object_or_404(runs, public_id=run_id)
    return render(request, "automations/run.html", {"run": run, "step_runs": run.step_runs.order_by("id")})
