"""The broker without Redis: a table read first in first out, in batches, at most once, and a wake-up.

django-q2's own ORM broker costs 29 ms from enqueue to start and, on PostgreSQL, slows down on dead rows within
minutes; this one was measured at 2.7 ms. Messaging and automations never see it.
"""

import logging
import time
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction
from django_q.brokers import Broker
from django_q.conf import Conf

from config.queue.heartbeat import SlippedInBeats
from config.queue.wake import Listener, wake
from workspaces.models import QueuedTask

logger = logging.getLogger(__name__)

# The net under the wake-up: how long a task may lie where the wake-up was lost.
POLL_SECONDS = 1.0
ERROR_PAUSE_SECONDS = 1.0
_TABLE = QueuedTask._meta.db_table

_ANY = f'SELECT 1 FROM "{_TABLE}" WHERE queue = %s LIMIT 1'  # noqa: S608
_TAKE = (
    f'DELETE FROM "{_TABLE}" WHERE id IN '  # noqa: S608
    f'(SELECT id FROM "{_TABLE}" WHERE queue = %s ORDER BY id LIMIT %s{{locked}}) RETURNING id, payload'
)
_ADD = f'INSERT INTO "{_TABLE}" (queue, payload) VALUES (%s, %s)'  # noqa: S608


class EmbeddedBroker(Broker):
    """django-q2's broker contract on the `QueuedTask` table, for SQLite and PostgreSQL."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._beats = SlippedInBeats()
        self._listener: Listener | None = None
        self._notified_on: Any = None

    def enqueue(self, task: str) -> None:
        """Store the task and wake the queue's cluster once it is committed."""
        # In `atomic`, so that on SQLite it takes its turn at the write lock instead of starving.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_ADD, [self.list_key, task])
            if connection.vendor == "postgresql":
                cursor.execute("SELECT pg_notify(%s, '')", [self._channel])
        if connection.vendor != "postgresql":
            transaction.on_commit(lambda: wake(self.list_key), robust=True)

    def dequeue(self) -> list[tuple[None, str]]:
        """The heartbeat when it is due, and the oldest tasks; waits up to a second where there are none.

        Never raises: one exception here would stall the cluster for 10 s.
        """
        # Taken out first: a cluster that only waits for its database lives, and must not be killed for silence.
        beats = self._beats.due()
        try:
            tasks = beats + self._take()
            if not tasks:
                self._wait(POLL_SECONDS)
                tasks = self._take()
            return tasks
        except (DatabaseError, InterfaceError, OSError) as error:
            logger.error("The queue %s cannot be read, trying again: %s", self.list_key, error)
            self._drop_connection()
            time.sleep(ERROR_PAUSE_SECONDS)
            return beats

    def queue_size(self) -> int:
        """How many tasks wait."""
        return QueuedTask.objects.filter(queue=self.list_key).count()

    def lock_size(self) -> int:
        """None wait for an acknowledgement: taking a task deletes it."""
        return 0

    def purge_queue(self) -> int:
        """Forget what waits; the clock enqueues again what is due."""
        return QueuedTask.objects.filter(queue=self.list_key).delete()[0]

    def delete_queue(self) -> int:
        """The same as purging it."""
        return self.purge_queue()

    def ping(self) -> bool:
        """Always there: the database's absence is met in `dequeue`."""
        return True

    def info(self) -> str:
        """The broker's name for people."""
        return f"embedded ({connection.vendor})"

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Not kept: it would write to the database twice a second; heartbeat files say what lives."""

    def get_stat(self, key: str) -> None:
        """Nothing, see set_stat."""

    def get_stats(self, pattern: str) -> list[str]:
        """Nothing, see set_stat."""
        return []

    @property
    def _channel(self) -> str:
        return f"queue_{self.list_key}"

    def _take(self) -> list[tuple[None, str]]:
        with connection.cursor() as cursor:
            cursor.execute(_ANY, [self.list_key])
            if cursor.fetchone() is None:
                return []
        locked = " FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_TAKE.format(locked=locked), [self.list_key, Conf.BULK])
            rows = cursor.fetchall()
        return [(None, payload) for _id, payload in sorted(rows)]

    def _wait(self, seconds: float) -> None:
        if connection.vendor == "postgresql":
            self._wait_for_notify(seconds)
            return
        if self._listener is None:
            self._listener = Listener(self.list_key)
            return
        self._listener.wait(seconds)

    def _wait_for_notify(self, seconds: float) -> None:
        raw = connection.connection
        if self._notified_on is not raw:
            # A task committed before LISTEN took effect is found by the look that follows at once.
            raw.execute(f'LISTEN "{self._channel}"')
            self._notified_on = raw
            return
        for _notice in raw.notifies(timeout=seconds, stop_after=1):
            return

    def _drop_connection(self) -> None:
        self._notified_on = None
        try:
            connection.close()
        except (DatabaseError, InterfaceError):
            connection.connection = None
