"""The supervisor's rules, with real processes: restart, whole groups, silence, the stop within 10 s."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.supervisor.child import Child, Program

ROOT = Path(__file__).parents[2]
# Each writes a line into its file, so that a test knows who lives.
NOTE = "import os, sys, time, signal, pathlib\nwith open({file!r}, 'a') as f: f.write(f'{{os.getpid()}}\\n')\n"
SLEEP = NOTE + "time.sleep(60)\n"


class Running:
    """A supervisor in a process of its own, and what it has printed."""

    def __init__(self, specs: list[dict], log: Path) -> None:
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.runtime.supervised", json.dumps(specs)],
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    def stop(self) -> float:
        """SIGTERM to the supervisor alone; how many seconds it took to end."""
        began_at = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(15) == 0
        return time.monotonic() - began_at


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*specs: dict) -> Running:
        started.append(Running(list(specs), tmp_path / "log"))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(15)


def until(condition: Callable[[], object], seconds: float = 8) -> object:
    """The condition's value as soon as it is true; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def ids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def lives(process_id: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def script(file: Path, source: str = SLEEP) -> str:
    return source.format(file=str(file))


def test_a_killed_process_is_started_again(supervise, tmp_path):
    pids = tmp_path / "pids"
    supervise({"name": "web", "source": script(pids)})
    first = until(lambda: ids(pids))[0]
    os.kill(first, signal.SIGKILL)
    assert until(lambda: ids(pids)[1:])[0] != first


def test_a_process_that_ends_by_itself_without_an_error_is_started_again(supervise, tmp_path):
    pids = tmp_path / "pids"
    supervise({"name": "web", "source": script(pids, NOTE)})
    until(lambda: len(ids(pids)) >= 2)


def test_what_a_dead_process_had_started_is_killed_before_the_restart(supervise, tmp_path):
    pids = tmp_path / "pids"
    source = NOTE + "if os.fork() == 0:\n open({file!r} + '-child', 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
    supervise({"name": "fast", "source": script(pids, source)})
    orphan = until(lambda: ids(tmp_path / "pids-child"))[0]
    os.kill(ids(pids)[0], signal.SIGKILL)
    until(lambda: len(ids(pids)) >= 2)
    assert not lives(orphan)


def test_a_silent_process_is_killed_and_started_again(supervise, tmp_path):
    pids, beat = tmp_path / "pids", tmp_path / "beat"
    source = NOTE + f"pathlib.Path({str(beat)!r}).touch()\ntime.sleep(60)\n"
    running = supervise(
        {"name": "fast", "source": script(pids, source), "heartbeat": str(beat), "silence_seconds": 0.8}
    )
    until(lambda: len(ids(pids)) >= 2)
    assert "supervisor | fast has been silent" in running.log.read_text()


def test_a_process_with_a_heartbeat_is_left_alone(supervise, tmp_path):
    pids, beat = tmp_path / "pids", tmp_path / "beat"
    source = NOTE + f"while True: pathlib.Path({str(beat)!r}).touch(); time.sleep(0.1)\n"
    supervise({"name": "fast", "source": script(pids, source), "heartbeat": str(beat), "silence_seconds": 0.8})
    until(lambda: ids(pids))
    time.sleep(2)
    assert len(ids(pids)) == 1


def test_a_stop_reaches_the_main_process_alone_and_ends_all(supervise, tmp_path):
    pids, told = tmp_path / "pids", tmp_path / "told"
    source = (
        "import os, time, signal\n"
        f"note = lambda name: open({str(told)!r}, 'a').write(name)\n"
        "child = os.fork()\n"
        "name = 'main ' if child else 'child '\n"
        "signal.signal(signal.SIGTERM, lambda *a: (note(name), os._exit(0)))\n"
        f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        "time.sleep(60)\n"
    )
    running = supervise({"name": "fast", "source": source.replace("{{", "{").replace("}}", "}")})
    until(lambda: len(ids(pids)) == 2)
    assert running.stop() < 4
    assert told.read_text() == "main "
    assert not any(lives(process_id) for process_id in ids(pids))


@pytest.mark.slow
def test_what_does_not_stop_is_killed_so_that_all_is_over_in_ten_seconds(supervise, tmp_path):
    deaf, last = tmp_path / "deaf", tmp_path / "last"
    ignore = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEP
    running = supervise(
        {"name": "deaf", "source": script(deaf, ignore)},
        {"name": "last", "source": script(last, ignore), "serves_others": True},
    )
    until(lambda: ids(deaf) and ids(last))
    assert running.stop() < 10
    assert not any(lives(process_id) for process_id in ids(deaf) + ids(last))


def test_children_stop_when_the_supervisor_itself_is_killed(supervise, tmp_path):
    pids = tmp_path / "pids"
    running = supervise({"name": "web", "source": script(pids)})
    child = until(lambda: ids(pids))[0]
    running.process.kill()
    running.process.wait(5)
    until(lambda: not lives(child))


@pytest.mark.skipif(sys.platform != "linux", reason="names are Linux's")
def test_a_process_carries_its_name(tmp_path):
    """(`ps -o comm`; a program of its own gives itself another.)"""
    seen = tmp_path / "seen"
    child = Child(Program("fast", main=lambda: seen.write_text(Path("/proc/self/comm").read_text()) and 0))
    child.start(close_in_child=[])
    os.waitpid(child.process_id, 0)
    os.close(child.output)
    assert seen.read_text() == "fast\n"


def test_lines_carry_the_name_of_their_process(supervise, tmp_path):
    running = supervise({"name": "web", "source": "print('Hallo'); import time; time.sleep(60)"})
    until(lambda: "web        | Hallo\n" in running.log.read_text())


def test_it_is_ready_when_every_process_answers(supervise, tmp_path):
    waiting, serving = tmp_path / "waiting", "http://127.0.0.1:18298/"
    source = (
        f"import pathlib, time\nwhile not pathlib.Path({str(waiting)!r}).exists(): time.sleep(0.05)\n"
        "import http.server\nhttp.server.test(http.server.SimpleHTTPRequestHandler, port=18298, bind='127.0.0.1')\n"
    )
    running = supervise({"name": "web", "source": source, "address": serving})
    time.sleep(1)
    assert "ready" not in running.log.read_text()
    waiting.touch()
    until(lambda: "ready" in running.log.read_text())


def test_what_the_others_call_answers_before_they_are_started(supervise, tmp_path):
    waiting, pids = tmp_path / "waiting", tmp_path / "pids"
    source = (
        f"import pathlib, time\nwhile not pathlib.Path({str(waiting)!r}).exists(): time.sleep(0.05)\n"
        "import http.server\nhttp.server.test(http.server.SimpleHTTPRequestHandler, port=18297, bind='127.0.0.1')\n"
    )
    supervise(
        {"name": "web", "source": script(pids)},
        {"name": "emulator", "source": source, "address": "http://127.0.0.1:18297/", "serves_others": True},
    )
    time.sleep(1)
    assert not pids.exists()
    waiting.touch()
    until(lambda: ids(pids))
