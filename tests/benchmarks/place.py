"""An installation to be measured: processes under the supervisor, the light platform, one sender, one flow."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from automations.services.editing import add_step, create_flow, set_trigger
from automations.services.publishing import publish_flow, switch_flow
from messaging.models import Sender
from tests.cast import join, make_user, make_workspace
from tests.house import ACCOUNT_ID, NUMBER_ID, SECRET, TOKEN
from workspaces.models import Membership, Role, Workspace

ROOT = Path(__file__).parents[2]
NAMES = ("web", "fast", "bulk", "clock")
READY_SECONDS = 60.0
ASKS = {"left": "{{trigger.text}}", "operator": "contains", "right": "appointment"}


class Place:
    """Starts and ends the processes, and knows what they use."""

    def __init__(self, folder: Path, *, waits: bool = False, has_platform: bool = True) -> None:
        self.folder = folder
        self._ours: subprocess.Popen[bytes] | None = None
        self._platform: subprocess.Popen[bytes] | None = None
        call_command("migrate", verbosity=0)
        call_command("createcachetable")
        self.sender = _sender() or _found(waits=waits)
        connection.close()
        if has_platform:
            port = self.platform.rsplit(":", 1)[1]
            self._platform = self._run("platform", ["-m", "tests.benchmarks.platform", port])
            wait_for(f"{self.platform}/delay/0")

    platform = property(lambda self: settings.EMULATOR_URL)
    webhook = property(lambda self: f"{settings.PUBLIC_URL}/webhooks/whatsapp/{self.sender.public_id}/")

    def start(self) -> None:
        """Start ours, and wait until the pages answer and the clusters have taken their first task."""
        self._ours = self._run("processes", ["-m", "config.supervisor", *NAMES])
        wait_for(f"{settings.PUBLIC_URL}/healthz")
        time.sleep(1.0)

    def stop(self) -> None:
        """End all."""
        if self._ours is not None and self._ours.poll() is None:
            self._ours.send_signal(signal.SIGTERM)
            self._ours.wait(30)
        if self._platform is not None:
            self._platform.terminate()
            self._platform.wait(10)

    @property
    def root(self) -> int:
        """The supervisor's process id."""
        assert self._ours is not None
        return self._ours.pid

    def cpu_seconds(self) -> float:
        """What our processes have used since they began; with children that have ended."""
        stats = [stat for process_id in tree_of(self.root) if (stat := _stat(process_id)) is not None]
        return sum(sum(int(value) for value in stat[11:15]) for stat in stats) / os.sysconf("SC_CLK_TCK")

    def ask_platform(self, path: str) -> Any:
        """A call to the platform's controls."""
        with urlopen(f"{self.platform}{path}", timeout=10) as answer:
            return json.load(answer)

    def _run(self, log: str, arguments: list[str]) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{log}.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, stdout=output, stderr=output, start_new_session=True
            )


def tree_of(root: int) -> Iterator[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))) is not None:
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    waiting = [root]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += children.get(found, [])


def _sender() -> Sender | None:
    workspace = Workspace.objects.filter(slug="bench").first()
    return Sender.objects.in_workspace(workspace).get() if workspace is not None else None


def _found(*, waits: bool) -> Sender:
    workspace = Workspace.objects.get(pk=make_workspace("bench", name="Bench").pk)
    owner = join(workspace, make_user("Alice"), Role.OWNER)
    sender = Sender.objects.in_workspace(workspace).create(
        address_key="emulator",
        provider_number_id=NUMBER_ID,
        business_account_id=ACCOUNT_ID,
        phone="+15550783881",
        status=Sender.Status.ONLINE,
        status_since=timezone.now(),
        # What a number of a large business may send: what is measured is ours, not the platform's limit.
        throughput=1000,
        token=TOKEN,
        app_secret=SECRET,
        verify_token="verify",
    )
    # Nobody is asked whether the number is online.
    Sender.objects.in_workspace(workspace).update(wake_at=None)
    _flow(owner, waits=waits)
    return sender


def _flow(owner: Membership, *, waits: bool) -> None:
    flow = create_flow(workspace=owner.workspace, name="Bench", by=owner, now=timezone.now())
    set_trigger(flow=flow, type="message_received", config={}, by=owner)
    if waits:
        pause = {"mode": "for", "duration": {"amount": 1, "unit": "seconds"}}
        add_step(flow=flow, type="delay", config=pause)
    lanes = [{"key": "slots", "label": "slots", "match": "all", "conditions": [ASKS]}]
    branch = add_step(flow=flow, type="branch", config={"lanes": lanes})
    add_step(flow=flow, type="send_text", config={"text": "slots"}, parent=branch, lane="slots")
    add_step(flow=flow, type="send_text", config={"text": "greeting"}, parent=branch, lane="else")
    publish_flow(flow=flow, by=owner, now=timezone.now())
    flow.refresh_from_db()
    switch_flow(flow=flow, is_on=True, by=owner, now=timezone.now())


def _stat(process_id: int) -> list[str] | None:
    """The fields of /proc/ID/stat behind the name."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None


def wait_for(address: str) -> None:
    """Until somebody answers there; raises TimeoutError."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"{address} does not answer")
