"""A worker's crew: threads that do tasks which mostly wait for somebody else, each with a database connection.

The platform answers in a few hundred milliseconds; a worker that waited for each answer in turn would send three
messages a second where one number may send 80. Outside of a worker there is no crew, and all is done at once.
"""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.conf import settings
from django.db import close_old_connections

from workspaces.stopping import is_stopping

logger = logging.getLogger(__name__)

Task = Callable[[int], None]

_crew: "Crew | None" = None
_local_tasks: dict[str, Task] = {}


class Crew:
    """As many threads as there are seats; who finds none waits for one, or goes away."""

    def __init__(self, seats: int) -> None:
        self.process_id = os.getpid()
        self._free = threading.BoundedSemaphore(seats)
        self._threads = ThreadPoolExecutor(seats, thread_name_prefix="crew")

    def take(self, task: Task, row_id: int, *, waits: bool) -> bool:
        """Have a thread do the task. False if no seat was free and `waits` is not wished."""
        if not self._free.acquire(blocking=waits):
            return False
        try:
            self._threads.submit(self._do, task, row_id)
        except RuntimeError:
            # The interpreter is shutting down; the clock finds the row.
            self._free.release()
            return False
        return True

    def _do(self, task: Task, row_id: int) -> None:
        # A thread has done others before.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(task=task.__name__, row=row_id)
        try:
            close_old_connections()
            task(row_id)
        except Exception:
            logger.exception("%s(%s) failed", task.__name__, row_id)
        finally:
            close_old_connections()
            self._free.release()


def open_crew() -> None:
    """Called in a worker before each of its tasks: from the first one on it has a crew."""
    global _crew
    if _crew is None or _crew.process_id != os.getpid():
        _crew = Crew(settings.CREW_SEATS)


def do_by_crew(name: str, task: Task) -> None:
    """Have `enqueue(name, ...)` in a worker go to its own crew where a seat is free. Called in AppConfig.ready."""
    _local_tasks[name] = task


def give_to_crew(name: str, row_id: int) -> bool:
    """Hand a task that was just enqueued to this worker's own crew, past the queue; False where that cannot be."""
    task = _local_tasks.get(name)
    if task is None or not _is_open():
        return False
    return _crew is not None and _crew.take(task, row_id, waits=False)


def do_in_crew(task: Task, row_id: int) -> None:
    """Do a task that came off the queue: by a thread of the crew, waiting for a seat; without a crew at once, here."""
    if not _is_open() or _crew is None or not _crew.take(task, row_id, waits=True):
        task(row_id)


def _is_open() -> bool:
    return _crew is not None and _crew.process_id == os.getpid() and not is_stopping()
