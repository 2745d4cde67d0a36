"""A cluster's guard: a process that was killed may have held a lock, so the cluster does not go on without it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import uuid

import pytest
from django.conf import settings
from django_q.conf import Conf

from config.queue.cluster import StrictSentinel, choose
from config.queue.embedded import EmbeddedBroker


def guard_in_a_fork(main_id: int, *, killed: bool) -> int:
    """The exit code of a guard that has just lost a worker, by a kill or by its own end; 0 means it goes on."""
    process_id = os.fork()
    if process_id == 0:
        code = 70
        try:
            context = multiprocessing.get_context("fork")
            event = context.Event()
            sentinel = StrictSentinel(event, event, uuid.uuid4(), EmbeddedBroker("fast"), 1, start=False)
            sentinel.parent_pid = main_id
            sentinel.spawn_worker = lambda: None
            worker = context.Process(target=time.sleep, args=(60 if killed else 0,))
            worker.timer = context.Value("f", -1)
            sentinel.pool.append(worker)
            worker.start()
            if killed:
                os.kill(worker.pid, signal.SIGKILL)
            worker.join()
            sentinel.reincarnate(worker)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1])


@pytest.fixture
def main_process():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait(5)


def test_a_killed_worker_ends_the_whole_cluster(main_process):
    assert guard_in_a_fork(main_process.pid, killed=True) == 1
    assert main_process.wait(5) == -signal.SIGKILL


def test_a_worker_that_ended_by_itself_is_replaced(main_process):
    assert guard_in_a_fork(main_process.pid, killed=False) == 0
    assert main_process.poll() is None


def test_a_cluster_takes_its_name_and_size_from_the_settings(monkeypatch):
    for name in ("CLUSTER_NAME", "WORKERS", "QUEUE_LIMIT"):
        monkeypatch.setattr(Conf, name, getattr(Conf, name))
    choose("bulk")
    assert Conf.CLUSTER_NAME == "bulk"
    assert Conf.WORKERS == Conf.QUEUE_LIMIT == settings.Q_CLUSTER["ALT_CLUSTERS"]["bulk"]["workers"]
    with pytest.raises(KeyError):
        choose("unknown")
