"""What only grows is cut back: live changes, answers kept for calls, drafts of jobs. The clock calls it."""

from datetime import datetime, timedelta

from workspaces.models import Change, IdempotentCall, Workspace
from workspaces.services.bulk import sweep_drafts

CALLS_KEPT = timedelta(hours=24)
BATCH = 1_000


def sweep(now: datetime) -> int:
    """Delete changes older than an hour and idempotent calls older than a day, at most a batch of each a workspace.

    Returns how many rows went.
    """
    gone, changes_before = 0, now - timedelta(seconds=Change.KEPT_SECONDS)
    for workspace in Workspace.objects.all().iterator():
        changes = Change.objects.filter(workspace=workspace, created_at__lt=changes_before)
        gone += Change.objects.filter(pk__in=list(changes.values_list("pk", flat=True)[:BATCH])).delete()[0]
        calls = IdempotentCall.objects.in_workspace(workspace)
        old = calls.filter(created_at__lt=now - CALLS_KEPT).values_list("pk", flat=True)[:BATCH]
        gone += calls.filter(pk__in=list(old)).delete()[0]
    return gone + sweep_drafts(now)
