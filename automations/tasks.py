"""What django-q2 runs for automations: one line each that calls a service or the engine."""

from django.utils import timezone

from automations.engine.advance import advance_by_id
from automations.models import Run
from workspaces.crew import do_in_crew


def advance_run(run_id: int) -> None:
    """Have the worker's crew advance a run. Late and doubled calls change nothing."""
    do_in_crew(advance_now, run_id)


def advance_now(run_id: int) -> None:
    """Resume the run if its wait is due, and execute its next steps."""
    advance_by_id(Run.objects.across_workspaces(), run_id, now=timezone.now())
