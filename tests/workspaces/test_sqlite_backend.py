"""The SQLite backend: settings that survive a power cut, and one fair line of writers across processes."""

import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connections, transaction

from workspaces.snapshot import snapshot

ALIAS = "file"


@pytest.fixture
def database(tmp_path: Path, django_db_blocker: pytest.FixtureRequest) -> Iterator[Path]:
    """A file database of its own with one table, reachable by the alias `file` from every thread."""
    path = tmp_path / "test.sqlite3"
    settings = connections.configure_settings(
        {"default": connections.settings["default"], ALIAS: {"ENGINE": "workspaces.sqlite", "NAME": str(path)}}
    )
    connections.settings[ALIAS] = settings[ALIAS]
    with django_db_blocker.unblock():
        write("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
        yield path
        connections[ALIAS].close()
    del connections[ALIAS]
    del connections.settings[ALIAS]


def write(sql: str = "INSERT INTO note (text) VALUES ('x')") -> None:
    with transaction.atomic(using=ALIAS):
        connections[ALIAS].cursor().execute(sql)


def read(sql: str = "SELECT count(*) FROM note") -> object:
    return connections[ALIAS].cursor().execute(sql).fetchone()[0]


def is_locked(database: Path) -> bool:
    with database.with_name(database.name + "-writer").open("a") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def in_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connections[ALIAS].close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def fork(work: Callable[[], None]) -> int:
    process_id = os.fork()
    if process_id == 0:
        try:
            work()
        finally:
            os._exit(0)
    return process_id


def sleep_holding_the_lock(ready: int) -> None:
    connections[ALIAS].connection = None  # As Django demands: a connection is not used on both sides of a fork.
    with transaction.atomic(using=ALIAS):
        connections[ALIAS].cursor().execute("INSERT INTO note (text) VALUES ('lost')")
        os.write(ready, b"!")
        time.sleep(60)


def test_commits_survive_a_power_cut_and_writers_wait_20_seconds(database):
    assert read("PRAGMA journal_mode") == "wal"
    assert read("PRAGMA synchronous") == 2
    assert read("PRAGMA foreign_keys") == 1
    assert read("PRAGMA busy_timeout") == 20_000


def test_a_transaction_holds_the_lock_to_its_end_through_nested_ones(database):
    with transaction.atomic(using=ALIAS):
        write()
        assert is_locked(database)
        with pytest.raises(ZeroDivisionError), transaction.atomic(using=ALIAS):
            write()
            raise ZeroDivisionError
        assert is_locked(database)
    assert not is_locked(database)
    assert read() == 1


def test_a_rolled_back_transaction_lets_the_next_writer_in(database):
    with pytest.raises(ZeroDivisionError), transaction.atomic(using=ALIAS):
        write()
        raise ZeroDivisionError
    assert not is_locked(database)
    assert read() == 0


def test_a_commit_that_fails_keeps_the_lock_until_the_rollback(database):
    write("CREATE TABLE part (note INTEGER REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(Exception, match="FOREIGN KEY"):
        write("INSERT INTO part (note) VALUES (4711)")
    assert not is_locked(database)
    write()
    assert read() == 1


def test_a_closed_connection_lets_the_next_writer_in(database):
    connections[ALIAS].ensure_connection()
    connections[ALIAS].set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    assert is_locked(database)
    connections[ALIAS].close()
    assert not is_locked(database)


def test_reads_and_single_statements_outside_a_transaction_take_no_lock(database):
    with database.with_name(database.name + "-writer").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert read() == 0
        connections[ALIAS].cursor().execute("INSERT INTO note (text) VALUES ('x')")
    assert read() == 1


def test_threads_take_turns_and_none_is_refused(database):
    threads = [in_thread(lambda: [write() for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.join(30)
    assert read() == 100


def test_a_thread_waits_while_another_transaction_is_open(database):
    with transaction.atomic(using=ALIAS):
        write()
        other = in_thread(write)
        other.join(0.2)
        assert other.is_alive()
    other.join(10)
    assert read() == 2


def test_a_process_killed_while_holding_the_lock_leaves_neither_lock_nor_row(database):
    ready, told = os.pipe()
    process_id = fork(lambda: sleep_holding_the_lock(told))
    assert os.read(ready, 1) == b"!"
    assert is_locked(database)
    os.kill(process_id, signal.SIGKILL)
    os.waitpid(process_id, 0)
    assert not is_locked(database)
    write()
    assert read() == 1


def test_a_forked_child_does_not_keep_a_dead_parents_lock(database):
    ready, told = os.pipe()

    def hold_then_fork() -> None:
        connections[ALIAS].connection = None
        with transaction.atomic(using=ALIAS):
            connections[ALIAS].cursor().execute("INSERT INTO note (text) VALUES ('lost')")
            child = fork(lambda: time.sleep(60))
            os.write(told, child.to_bytes(4, "big"))
            time.sleep(60)

    process_id = fork(hold_then_fork)
    child_id = int.from_bytes(os.read(ready, 4), "big")
    try:
        os.kill(process_id, signal.SIGKILL)
        os.waitpid(process_id, 0)
        os.kill(child_id, 0)
        assert not is_locked(database)
    finally:
        os.kill(child_id, signal.SIGKILL)


def test_a_forked_child_does_not_give_up_its_parents_lock(database):
    with transaction.atomic(using=ALIAS):
        write()
        os.waitpid(fork(lambda: None), 0)
        assert is_locked(database)


def test_a_database_in_memory_has_no_lock(database):
    connections.settings["memory"] = {**connections.settings[ALIAS], "NAME": ":memory:"}
    with transaction.atomic(using="memory"):
        assert connections["memory"].write_lock is None
    del connections["memory"]
    del connections.settings["memory"]


def test_a_snapshot_does_not_see_what_is_written_meanwhile_and_stops_nobody(database):
    write()
    with snapshot(ALIAS):
        assert read() == 1
        other = in_thread(write)
        other.join(10)
        assert not other.is_alive()
        assert read() == 1
    assert read() == 2


def test_a_snapshot_refuses_to_write(database):
    with pytest.raises(OperationalError, match="readonly"), snapshot(ALIAS):
        connections[ALIAS].cursor().execute("INSERT INTO note (text) VALUES ('x')")
    write()
    assert read() == 1


def test_a_snapshot_inside_a_transaction_leaves_it_as_it_is(database):
    with transaction.atomic(using=ALIAS), snapshot(ALIAS):
        write()
    assert read() == 1
