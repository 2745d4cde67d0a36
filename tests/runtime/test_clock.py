"""How often the clock hands a row over that nobody deals with: ever more seldom, never not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from automations.services.clock import Patience, tick
from messaging.models import WebhookEvent
from workspaces.models import QueuedTask

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def handed_over(patience: Patience, *seconds: int) -> list[int]:
    return [second for second in seconds if patience.is_to_be_handed_over("task", 7, NOON + timedelta(seconds=second))]


def test_a_row_that_lies_is_handed_over_at_ever_longer_distances() -> None:
    found = handed_over(Patience(), *range(0, 400, 5))
    assert found == [0, 5, 15, 35, 60, 120, 180, 240, 300, 360]


def test_a_row_that_was_dealt_with_and_is_due_anew_is_handed_over_at_once() -> None:
    assert handed_over(Patience(), 0, 5, 10, 300, 305, 310) == [0, 5, 300, 305]


def test_rows_and_tasks_are_told_apart() -> None:
    patience = Patience()
    assert [patience.is_to_be_handed_over("task", row, NOON) for row in (1, 2)] == [True, True]
    assert patience.is_to_be_handed_over("other", 1, NOON)


def test_what_was_dealt_with_is_forgotten() -> None:
    patience = Patience()
    handed_over(patience, 0)
    patience.forget(NOON + timedelta(minutes=1))
    assert patience._seen == {}


@pytest.mark.django_db(transaction=True)
def test_an_hour_without_workers_leaves_tasks_and_not_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    WebhookEvent.objects.create(endpoint="app", digest="1", body=b"{}", received_at=NOON, wake_at=NOON)
    monkeypatch.setattr("django_q.conf.Conf.BROKER_CLASS", "config.queue.embedded.EmbeddedBroker")
    monkeypatch.setattr("automations.services.clock._patience", Patience())
    for second in range(0, 3600, 5):
        tick(NOON + timedelta(seconds=second))
    assert QueuedTask.objects.count() == 63
