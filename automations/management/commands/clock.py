"""The clock process: a small loop that wakes what is due. Several may run."""

import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection
from django.utils import timezone

from automations.services.clock import tick
from workspaces.alive import sign_of_life
from workspaces.services.retention import sweep
from workspaces.stopping import is_stopping, stop_on_signals

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.25
SWEEP_SECONDS = 60.0
PAUSE_AFTER_ERROR = 2.0


class Command(BaseCommand):
    """manage.py clock"""

    help = "Wakes runs, messages, events and checks whose time has come."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="One tick, then end.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Tick until told to stop; a database that is away is waited for."""
        stop_on_signals()
        swept = 0.0
        while not is_stopping():
            pause = TICK_SECONDS
            try:
                tick(timezone.now())
                if time.monotonic() - swept > SWEEP_SECONDS:
                    swept = time.monotonic()
                    sweep(timezone.now())
            except DatabaseError as error:
                log.warning("clock_database_away", error=str(error))
                connection.close()
                pause = PAUSE_AFTER_ERROR
            if options["once"]:
                return
            sign_of_life()
            time.sleep(pause)
