"""The queue is a hint: handed over after the commit, first in first out, at most once, never in a commit's way."""

import threading
import time

import pytest
from django.conf import settings
from django.db import connection, transaction
from django_q.conf import Conf
from django_q.signing import SignedPackage
from django_q.tasks import async_task
from redis.exceptions import ConnectionError

from config.queue import redis as redis_queue
from config.queue.embedded import EmbeddedBroker
from config.queue.heartbeat import Pulse, heartbeat_file
from config.queue.redis import RedisBroker
from config.supervisor import table
from workspaces import alive
from workspaces.alive import sign_of_life
from workspaces.models import QueuedTask
from workspaces.queue import enqueue

TASK = "tests.runtime.test_queue.noted"
HEARTBEAT = "config.queue.heartbeat.beat"


@pytest.fixture(autouse=True)
def on_the_embedded_broker(monkeypatch, tmp_path):
    """Also where the suite runs with REDIS_URL; pipes and heartbeat files of its own."""
    monkeypatch.setattr(Conf, "BROKER_CLASS", "config.queue.embedded.EmbeddedBroker")
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)


def taken(tasks: list) -> list[tuple[str, tuple]]:
    packages = [SignedPackage.loads(payload) for _, payload in tasks]
    return [(package["func"], package["args"]) for package in packages if package["func"] != HEARTBEAT]


@pytest.mark.django_db(transaction=True)
def test_a_task_is_queued_when_its_transaction_is_committed():
    with transaction.atomic():
        enqueue(TASK, 7)
        assert not QueuedTask.objects.exists()
    assert QueuedTask.objects.get().queue == "fast"


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_queues_nothing():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue(TASK, 7)
        raise ZeroDivisionError
    assert not QueuedTask.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_tasks_carry_the_path_and_the_id_and_come_out_in_order():
    for row_id in range(3):
        enqueue(TASK, row_id, queue="bulk")
    assert taken(EmbeddedBroker("fast").dequeue()) == []
    assert taken(EmbeddedBroker("bulk").dequeue()) == [(TASK, (0,)), (TASK, (1,)), (TASK, (2,))]


@pytest.mark.django_db(transaction=True)
def test_a_task_is_taken_once():
    enqueue(TASK, 7)
    assert taken(EmbeddedBroker("fast").dequeue()) == [(TASK, (7,))]
    assert not QueuedTask.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_full_queue_is_taken_in_batches_of_ten():
    for row_id in range(12):
        enqueue(TASK, row_id)
    broker = EmbeddedBroker("fast")
    assert [len(taken(broker.dequeue())), len(taken(broker.dequeue()))] == [10, 2]


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_comes_before_what_waits_and_then_not_for_five_seconds():
    enqueue(TASK, 7)
    broker = EmbeddedBroker("fast")
    assert [SignedPackage.loads(payload)["func"] for _, payload in broker.dequeue()] == [HEARTBEAT, TASK]
    enqueue(TASK, 8)
    assert [SignedPackage.loads(payload)["func"] for _, payload in broker.dequeue()] == [TASK]


@pytest.mark.django_db(transaction=True)
def test_a_waiting_cluster_is_woken_within_milliseconds():
    broker = EmbeddedBroker("fast")
    broker.dequeue()
    broker.dequeue()
    started_at: list[float] = []

    def enqueue_soon() -> None:
        time.sleep(0.2)
        enqueue(TASK, 7)
        started_at.append(time.perf_counter())
        connection.close()

    thread = threading.Thread(target=enqueue_soon)
    thread.start()
    tasks = taken(broker.dequeue())
    woken_at = time.perf_counter()
    thread.join()
    assert tasks == [(TASK, (7,))]
    # The net under the wake-up is a poll each second.
    assert woken_at - started_at[0] < 0.2


@pytest.mark.django_db(transaction=True)
def test_a_broker_without_its_table_keeps_the_cluster_alive(monkeypatch):
    monkeypatch.setattr("config.queue.embedded._ANY", "SELECT 1 FROM gone WHERE queue = %s")
    monkeypatch.setattr("config.queue.embedded.ERROR_PAUSE_SECONDS", 0)
    broker = EmbeddedBroker("fast")
    # The heartbeat comes all the same: who waits for a database is not to be killed for silence.
    assert [SignedPackage.loads(payload)["func"] for _, payload in broker.dequeue()] == [HEARTBEAT]
    assert broker.dequeue() == []


@pytest.fixture
def redis_away(monkeypatch):
    monkeypatch.setattr(Conf, "BROKER_CLASS", "config.queue.redis.RedisBroker")
    monkeypatch.setattr(Conf, "REDIS", "redis://127.0.0.1:18299/0")
    monkeypatch.setattr(redis_queue, "ERROR_PAUSE_SECONDS", 0)
    redis_queue.client.cache_clear()
    yield
    redis_queue.client.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_neither_fails_nor_delays_the_commit(redis_away, caplog):
    began_at = time.perf_counter()
    with transaction.atomic():
        QueuedTask.objects.create(queue="other", payload="the row of the transaction")
        enqueue(TASK, 7)
    assert QueuedTask.objects.filter(queue="other").exists()
    assert time.perf_counter() - began_at < 1
    assert "Could not enqueue" in caplog.text


def test_a_redis_that_was_away_a_moment_ago_is_not_asked_for_a_second(redis_away, monkeypatch):
    """Each request would wait for its time-outs otherwise; what it wants to enqueue is found by the clock."""
    monkeypatch.setattr(redis_queue, "_away_until", 0.0)
    monkeypatch.setattr(redis_queue, "ERROR_PAUSE_SECONDS", 1.0)
    asked = []
    monkeypatch.setattr(
        redis_queue.Redis, "enqueue", lambda self, task: asked.append(task) or (_ for _ in ()).throw(ConnectionError())
    )
    for _ in range(3):
        with pytest.raises(ConnectionError):
            RedisBroker("fast").enqueue("task")
    assert asked == ["task"]
    monkeypatch.setattr(redis_queue, "_away_until", time.monotonic())
    with pytest.raises(ConnectionError):
        RedisBroker("fast").enqueue("task")
    assert len(asked) == 2


@pytest.mark.django_db
def test_a_cluster_whose_redis_is_away_goes_on_asking(redis_away):
    broker = RedisBroker("fast")
    assert broker.ping()
    assert [SignedPackage.loads(payload)["func"] for _, payload in broker.dequeue()] == [HEARTBEAT]
    assert broker.dequeue() == []


def test_each_task_touches_its_clusters_file_at_its_start_and_end(monkeypatch):
    monkeypatch.setattr(Conf, "CLUSTER_NAME", "bulk")
    pulse = Pulse()
    assert not heartbeat_file("bulk").exists()
    pulse.on_start()
    assert heartbeat_file("bulk").exists()
    heartbeat_file("bulk").unlink()
    pulse.on_end()
    assert heartbeat_file("bulk").exists()


@pytest.mark.django_db
@pytest.mark.skipif(not settings.REDIS_URL, reason="runs where REDIS_URL is set")
def test_redis_hands_tasks_out_once_and_in_order(monkeypatch):
    monkeypatch.setattr(Conf, "BROKER_CLASS", "config.queue.redis.RedisBroker")
    broker = RedisBroker("fast")
    broker.purge_queue()
    async_task(TASK, 1, cluster="fast")
    async_task(TASK, 2, cluster="fast")
    assert [taken(broker.dequeue()), taken(broker.dequeue()), taken(broker.dequeue())] == [
        [(TASK, (1,))],
        [(TASK, (2,))],
        [],
    ]


def test_the_clock_touches_its_file_at_every_turn(monkeypatch, tmp_path):
    monkeypatch.setattr(table, "call_command", lambda name: sign_of_life())
    monkeypatch.setattr(alive, "_listeners", [])
    table._run_clock()
    assert heartbeat_file("clock").exists()
    assert next(one for one in table.programs(["clock"])).heartbeat == heartbeat_file("clock")
