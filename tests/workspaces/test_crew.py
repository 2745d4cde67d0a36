"""A worker's crew does side by side what waits for somebody else; outside of a worker there is none."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from workspaces import crew
from workspaces.queue import enqueue

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 5


@pytest.fixture
def three_seats(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is a worker with three threads."""
    settings.CREW_SEATS = 3
    monkeypatch.setattr(crew, "_crew", None)
    monkeypatch.setattr(crew, "_local_tasks", {})
    crew.open_crew()
    yield
    assert crew._crew is not None
    crew._crew._threads.shutdown()


class Meeting:
    """A task that is through only when so many are at it at once."""

    def __init__(self, together: int) -> None:
        self.barrier, self.done = threading.Barrier(together + 1), []
        self.lock = threading.Lock()

    def __call__(self, row_id: int) -> None:
        self.barrier.wait(SECONDS)
        with self.lock:
            self.done.append((row_id, threading.current_thread().name))
        connection.close()

    __name__ = "meeting"


def test_tasks_are_done_side_by_side(three_seats: None) -> None:
    meeting = Meeting(together=3)
    for row_id in (1, 2, 3):
        crew.do_in_crew(meeting, row_id)
    meeting.barrier.wait(SECONDS)
    assert crew._crew is not None
    crew._crew._threads.shutdown()
    assert sorted(row_id for row_id, _thread in meeting.done) == [1, 2, 3]
    assert len({thread for _row_id, thread in meeting.done}) == 3


def test_what_a_worker_enqueues_itself_goes_past_the_queue_while_seats_are_free(three_seats: None) -> None:
    meeting = Meeting(together=3)
    crew.do_by_crew("automations.tasks.advance_run", meeting)
    assert [crew.give_to_crew("automations.tasks.advance_run", row_id) for row_id in (1, 2, 3, 4)] == [
        True,
        True,
        True,
        False,
    ]
    meeting.barrier.wait(SECONDS)


def test_other_tasks_go_onto_the_queue(three_seats: None) -> None:
    assert not crew.give_to_crew("messaging.tasks.wake_message", 1)


def test_a_task_that_fails_gives_its_seat_back(three_seats: None) -> None:
    def breaks(row_id: int) -> None:
        connection.close()
        raise ZeroDivisionError

    for row_id in range(10):
        crew.do_in_crew(breaks, row_id)


def test_without_a_crew_it_is_done_at_once_and_here() -> None:
    done: list[int] = []
    crew.do_in_crew(done.append, 7)
    assert done == [7]
    crew.do_by_crew("some.task", done.append)
    enqueue("some.task", 8)
    assert done == [7]
