"""The web server's process: Granian with our limits, and streams that end when it is told to stop."""

import os
import sys
from types import FrameType
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

from django.conf import settings
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from granian.server import MPServer

from config.supervisor.parent import kill_forks_with_their_parent
from workspaces.stopping import is_stopping, request_stop

# Below the supervisor's 8 s.
KILL_SECONDS = 5


class WebServer(MPServer):
    """Granian's main process; its workers see the stop in shared memory and end their streams."""

    def signal_handler_interrupt(self, signum: int, frame: FrameType | None) -> Any:
        """Stop: an open stream would hold the workers until the kill time-out."""
        request_stop()
        return super().signal_handler_interrupt(signum, frame)  # type: ignore[no-untyped-call]


def run_web(port: int | None = None) -> int:
    """Serve until SIGTERM; the exit code is 1 where it ended by itself."""
    kill_forks_with_their_parent()
    server = WebServer(
        "config.asgi:application",
        address=settings.WEB_HOST,
        port=port or settings.PORT,
        interface=Interfaces.ASGI,
        workers=settings.WEB_WORKERS,
        loop=Loops.asyncio,
        http=HTTPModes.http1,
        websockets=False,
        backpressure=settings.WEB_CONNECTIONS,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=KILL_SECONDS,
    )
    server.serve()
    return 0 if is_stopping() else 1


if __name__ == "__main__":
    django.setup()
    sys.exit(run_web())
