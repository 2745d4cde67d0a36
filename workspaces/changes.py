"""Telling live pages that something changed, in the transaction that changed it."""

from datetime import datetime

from workspaces.models import Change, Workspace


def announce(workspace: Workspace, *topics: str, now: datetime) -> None:
    """Append a Change a topic: `conversation:<public id>`, `run:<public id>`, or a list: `conversations`, `runs`."""
    Change.objects.bulk_create(Change(workspace=workspace, topic=topic, created_at=now) for topic in topics)
