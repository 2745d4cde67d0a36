"""Changes are kept an hour, answers of repeated calls a day."""

from datetime import UTC, datetime, timedelta

from tests.cast import make_key
from workspaces.changes import announce
from workspaces.models import Change, IdempotentCall, Membership, Workspace
from workspaces.services.retention import sweep

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def test_what_is_old_goes_and_what_is_young_stays(alice: Membership, workspace: Workspace) -> None:
    key, _secret = make_key(alice)
    calls = IdempotentCall.objects.in_workspace(workspace)
    for name, age in (("old", timedelta(hours=25)), ("young", timedelta(hours=23))):
        calls.create(api_key=key, key=name, request_digest="x", created_at=NOON - age)
    announce(workspace, "old", now=NOON - timedelta(minutes=61))
    announce(workspace, "young", now=NOON - timedelta(minutes=59))
    assert sweep(NOON) == 2
    assert [call.key for call in calls.all()] == ["young"]
    assert [change.topic for change in Change.objects.all()] == ["young"]
    assert sweep(NOON) == 0
