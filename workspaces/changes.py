"""Telling live pages that something changed, in the transaction that changed it."""

from datetime import datetime

from workspaces.models import Change, Workspace


def announce(workspace: Workspace, topic: str, *, now: datetime) -> None:
    """Append a Change; topics are `conversation:<public id>`, `run:<public id>`, or a list: `conversations`, `runs`."""
    Change.objects.create(workspace=workspace, topic=topic, created_at=now)
