"""`manage.py emulator`: serve the WhatsApp Cloud API emulator until SIGTERM. It never opens our database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from messaging.emulator.app import Emulator
from messaging.emulator.deliveries import Delays
from workspaces.embedded_server import EmbeddedServer, run_until_signal


class Command(BaseCommand):
    """Serve the emulator."""

    help = "Serve the WhatsApp Cloud API emulator."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Address, files, default webhook and delays."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.PORT + 1)
        parser.add_argument("--data", type=Path, default=settings.DATA_DIR / "emulator")
        parser.add_argument("--webhook", help="address for numbers that have none of their own")
        parser.add_argument("--sent-ms", type=float, default=50)
        parser.add_argument("--delivered-ms", type=float, default=150)
        parser.add_argument("--retry-seconds", type=float, default=1.0)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT."""
        delays = Delays(options["sent_ms"], options["delivered_ms"], options["retry_seconds"], fetches_links=True)
        app = Emulator(options["data"], webhook=options["webhook"], delays=delays)
        server = EmbeddedServer(app, host=options["host"], port=options["port"])
        try:
            run_until_signal(server, lambda: self.stdout.write(f"Emulator at {server.url}"))
        except OSError as error:
            raise CommandError(f"{options['host']}:{options['port']}: {error.strerror or error}") from None
