"""A sign of life from each cluster: a file that every task touches, and a task slipped in so that there is one.

django-q2 can hang for ever (a killed idle worker keeps the queue's read lock); the supervisor kills a cluster
whose file stands still for 30 s. A file, not a row: another machine's cluster must not speak for this one.
"""

import os
import threading
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import Failure
from django_q.signals import post_execute_in_worker, pre_execute
from django_q.signing import SignedPackage

INTERVAL_SECONDS = 5.0
FAILURES_KEPT = timedelta(days=7)
PRUNE_SECONDS = 3600.0


def heartbeat_file(cluster: str) -> Path:
    """The file that a cluster of this machine touches."""
    return Path(settings.DATA_DIR) / "run" / f"{cluster}.beat"


def touch(cluster: str) -> None:
    """Say that the cluster lives; a full disk must not stop a task."""
    path = heartbeat_file(cluster)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError:
        return


class Pulse:
    """Touches the cluster's file at the start and end of each task, and every 5 s between, up to `timeout`."""

    def __init__(self) -> None:
        self._process_id = 0
        self._busy_since: float | None = None

    def connect(self) -> None:
        """Listen to the tasks of this process and of the workers forked from it."""
        pre_execute.connect(self.on_start)
        post_execute_in_worker.connect(self.on_end)

    def on_start(self, **kwargs: Any) -> None:
        """A task is about to run in this worker."""
        self._busy_since = time.monotonic()
        touch(Conf.CLUSTER_NAME)
        if self._process_id != os.getpid():
            self._process_id = os.getpid()
            threading.Thread(target=self._keep_touching, name="pulse", daemon=True).start()

    def on_end(self, **kwargs: Any) -> None:
        """The task has ended, well or badly."""
        self._busy_since = None
        touch(Conf.CLUSTER_NAME)

    def _keep_touching(self) -> None:
        while True:
            time.sleep(INTERVAL_SECONDS)
            since = self._busy_since
            if since is not None and time.monotonic() - since < Conf.TIMEOUT:
                touch(Conf.CLUSTER_NAME)


class SlippedInBeats:
    """Heartbeat tasks that a broker's `dequeue` puts before whatever waits in its queue."""

    def __init__(self) -> None:
        self._due_at = 0.0

    def due(self) -> list[tuple[None, str]]:
        """One signed heartbeat task when 5 s have passed since the last one, or nothing."""
        if time.monotonic() < self._due_at:
            return []
        self._due_at = time.monotonic() + INTERVAL_SECONDS
        task = {
            "id": uuid.uuid4().hex,
            "name": "heartbeat",
            "func": f"{__name__}.beat",
            "args": (),
            "kwargs": {},
            "started": timezone.now(),
            "ack_failure": True,
        }
        return [(None, SignedPackage.dumps(task))]


_pruned_at = -PRUNE_SECONDS


def beat() -> None:
    """The heartbeat task: its start and end touch the file; once an hour it prunes failures that django-q2 keeps."""
    global _pruned_at
    if time.monotonic() - _pruned_at < PRUNE_SECONDS:
        return
    _pruned_at = time.monotonic()
    Failure.objects.filter(stopped__lt=timezone.now() - FAILURES_KEPT).delete()
