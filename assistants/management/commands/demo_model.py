"""`manage.py demo_model`: serve the demo model until SIGTERM. It never opens our database."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from assistants.demo_model.app import DemoModel
from workspaces.embedded_server import EmbeddedServer, run_until_signal


class Command(BaseCommand):
    """Serve the demo model."""

    help = "Serve the OpenAI-compatible demo model."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The address."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.PORT + 2)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT."""
        server = EmbeddedServer(DemoModel(), host=options["host"], port=options["port"])
        try:
            run_until_signal(server, lambda: self.stdout.write(f"Demo model at {server.url}/v1"))
        except OSError as error:
            raise CommandError(f"{options['host']}:{options['port']}: {error.strerror or error}") from None
