"""What django-q2 runs for automations: one line each that calls a service or the engine."""

from django.utils import timezone

from automations.engine.advance import advance
from automations.engine.waits import resolve_if_due
from automations.models import Run


def advance_run(run_id: int) -> None:
    """Resume the run if its wait is due, and execute its next steps. Late and doubled calls change nothing."""
    run = (
        Run.objects.across_workspaces().select_related("workspace", "contact", "conversation").filter(pk=run_id).first()
    )
    if run is not None:
        resolve_if_due(run, now=timezone.now())
        advance(run)
