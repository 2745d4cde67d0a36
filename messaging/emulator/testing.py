"""An emulator in a thread of the test's own process, so that time-machine moves its clock too."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from messaging.emulator.app import Emulator
from messaging.emulator.client import EmulatorClient
from messaging.emulator.deliveries import Delays
from workspaces.embedded_server import served_in_thread


@dataclass(slots=True)
class RunningEmulator:
    """Where it is (`url`, without a slash at its end), and its control calls."""

    url: str
    client: EmulatorClient


@contextlib.contextmanager
def run_emulator(
    folder: Path | None = None,
    *,
    port: int = 0,
    webhook: str | None = None,
    sent_ms: float = 50,
    delivered_ms: float = 150,
    retry_seconds: float = 1.0,
    fetches_links: bool = False,
) -> Iterator[RunningEmulator]:
    """Serve an emulator on a free port.

    `folder` None keeps all in memory; `webhook` is for numbers without their own.
    """
    app = Emulator(folder, webhook=webhook, delays=Delays(sent_ms, delivered_ms, retry_seconds, fetches_links))
    with served_in_thread(app, port=port) as server:
        client = EmulatorClient(server.url)
        try:
            yield RunningEmulator(server.url, client)
        finally:
            client.close()
