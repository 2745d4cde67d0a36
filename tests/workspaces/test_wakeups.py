"""Due rows are claimed once, and come again when their task was lost."""

from datetime import UTC, datetime, timedelta

from workspaces.ids import uuid7
from workspaces.models import Notification, Workspace
from workspaces.wakeups import Wakeup, claim_due, register_wakeup, wakeups

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WAKEUP = Wakeup(Notification, "workspaces.tasks.send_notification_mail")


def notice(workspace: Workspace, key: str, *, due_in: timedelta | None) -> Notification:
    return Notification.objects.in_workspace(workspace).create(
        code="x", title="T", digest_key=key, wake_at=None if due_in is None else NOON + due_in
    )


def test_what_is_due_is_claimed_in_the_order_of_its_time(workspace: Workspace) -> None:
    late = notice(workspace, "1", due_in=timedelta(seconds=-1))
    early = notice(workspace, "2", due_in=timedelta(seconds=-9))
    exactly = notice(workspace, "3", due_in=timedelta(0))
    notice(workspace, "4", due_in=timedelta(seconds=1))
    notice(workspace, "5", due_in=None)
    assert claim_due(WAKEUP, now=NOON) == [early.pk, late.pk, exactly.pk]


def test_a_claimed_row_comes_again_only_after_five_seconds(workspace: Workspace) -> None:
    row = notice(workspace, "1", due_in=timedelta(0))
    assert claim_due(WAKEUP, now=NOON) == [row.pk]
    assert claim_due(WAKEUP, now=NOON + timedelta(seconds=4.9)) == []
    assert claim_due(WAKEUP, now=NOON + timedelta(seconds=5)) == [row.pk]


def test_a_long_queue_is_claimed_in_batches(workspace: Workspace) -> None:
    for number in range(5):
        notice(workspace, str(number), due_in=timedelta(seconds=number - 10))
    assert [len(claim_due(WAKEUP, now=NOON, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


def test_looking_without_anything_due_writes_nothing(workspace: Workspace, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        assert claim_due(WAKEUP, now=NOON) == []


def test_registering_again_replaces() -> None:
    before = list(wakeups())
    register_wakeup(Notification, "workspaces.tasks.send_notification_mail")
    assert list(wakeups()) == before


def test_public_ids_sort_by_time_and_differ() -> None:
    ids = [uuid7() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert all(one.version == 7 and one.variant == "specified in RFC 4122" for one in ids)
    milliseconds = [one.int >> 80 for one in ids]
    assert milliseconds == sorted(milliseconds)
