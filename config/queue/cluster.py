"""A django-q2 cluster's main process; `python -m config.queue fast` runs it, or the supervisor forks it."""

import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing import Process
from types import FrameType
from typing import Any, cast

from django.conf import settings
from django_q import cluster as django_q_cluster
from django_q.cluster import Cluster, Sentinel
from django_q.conf import Conf, logger
from django_q.signals import pre_execute

from config.queue.heartbeat import Pulse
from config.queue.task_log import TaskLog
from config.supervisor.naming import name_process
from config.supervisor.parent import kill_forks_with_their_parent
from workspaces.crew import open_crew
from workspaces.stopping import is_stopping, request_stop

LOOK_SECONDS = 0.2
# The supervisor kills after 8 s.
STOP_SECONDS = 9


class _Named:
    """What the next fork is for."""

    target = ""

    def name_fork(self) -> None:
        if self.target:
            name_process(f"{Conf.CLUSTER_NAME}:{self.target}")


_named = _Named()
# Kept here: signals refer to their receivers weakly.
pulse = Pulse()
task_log = TaskLog()


class StoppableCluster(Cluster):
    """django-q2's cluster; the signal that stops it is also seen by the workers' running tasks."""

    def sig_handler(self, signum: int, frame: FrameType | None) -> None:
        """Ask running tasks to come to an end between two steps, then stop as django-q2 does."""
        request_stop()
        if self.sentinel is None:
            sys.exit(0)
        # Nobody may be there to kill one that hangs in its stop: its supervisor was killed. Its forks die with it.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(STOP_SECONDS)
        super().sig_handler(signum, frame)


class StrictSentinel(Sentinel):
    """django-q2's guard; where one of its processes was killed, the whole cluster is started anew.

    The dead one may have held the lock of a queue that the others share: they would wait for it until the heartbeat
    is missed, 30 s (an idle worker: 1 of 3 tries; a monitor: nothing is acknowledged any more).
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # The guard's whole life is inside this call.
        name_process(f"{Conf.CLUSTER_NAME}:sentinel")
        super().__init__(*arguments, **options)

    def spawn_process(self, target: Callable[..., None], *arguments: Any) -> Process:
        """Start a worker, the pusher or the monitor, under its name."""
        _named.target = target.__name__
        return super().spawn_process(target, *arguments)

    def reincarnate(self, process: Process) -> None:
        """Replace a process that ended by itself; end the cluster after one that was killed."""
        if process.exitcode is not None and process.exitcode < 0:
            logger.critical("%s was killed by signal %s: starting the cluster anew", process.name, -process.exitcode)
            os.kill(self.parent_pid, signal.SIGKILL)
            os._exit(1)
        super().reincarnate(process)


def choose(name: str) -> None:
    """Make this process the cluster of that name; raises KeyError for one that settings do not know.

    django-q2 reads `Q_CLUSTER_NAME` when it is imported, which a fork of a loaded process comes too late for.
    """
    chosen = cast("dict[str, dict[str, int]]", settings.Q_CLUSTER["ALT_CLUSTERS"])[name]
    Conf.CLUSTER_NAME = name
    Conf.WORKERS = chosen["workers"]
    Conf.QUEUE_LIMIT = chosen["queue_limit"]


def _have_a_crew(**_: object) -> None:
    open_crew()


def run_cluster(name: str) -> int:
    """Run the cluster until SIGTERM; the exit code is 1 where it ended by itself."""
    choose(name)
    pulse.connect()
    pre_execute.connect(_have_a_crew)
    task_log.connect()
    # A killed main process or sentinel must not leave workers behind that go on executing.
    kill_forks_with_their_parent()
    os.register_at_fork(after_in_child=_named.name_fork)
    django_q_cluster.Sentinel = StrictSentinel
    cluster = StoppableCluster()
    cluster.start()
    # Only the main process gets SIGTERM, so wait where a signal handler may run.
    while cluster.sentinel.is_alive():
        time.sleep(LOOK_SECONDS)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return 0 if is_stopping() else 1
