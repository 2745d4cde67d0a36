"""Makes the demo workspace, or brings it up to date; what people changed in it stays."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import override

from assistants.demo_model.testing import run_demo_model
from automations.demo.facts import demo_api_secret, demo_app_secret, demo_password, demo_token
from automations.demo.history import History
from automations.demo.things import (
    demo_assistant,
    demo_flows,
    demo_key,
    demo_people,
    demo_senders,
    register_on_emulator,
    templates_on_emulator,
)
from messaging.emulator.testing import run_emulator
from messaging.models import Message


class Command(BaseCommand):
    """manage.py demo_data"""

    help = "Makes the demo workspace (two emulated senders, templates, flows, an assistant, some days of history)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-history", action="store_true", help="Leave the last days empty.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Emulator and model run in this process meanwhile: the history is made by the real engine over HTTP."""
        now = timezone.now()
        owner = demo_people(demo_password())
        demo_key(owner, demo_api_secret())
        senders = demo_senders(owner, secret=demo_app_secret(), token=demo_token(), now=now)
        is_new = not Message.objects.in_workspace(owner.workspace).exists()
        folder = Path(settings.DATA_DIR) / "emulator"
        with run_emulator(folder) as emulator, run_demo_model() as model, override(owner.workspace.language):
            settings.PROVIDER_ADDRESSES = {**settings.PROVIDER_ADDRESSES, "emulator": emulator.url}
            settings.MODEL_HOSTS_ALLOWED = [*settings.MODEL_HOSTS_ALLOWED, model.url.split("/")[2]]
            register_on_emulator(emulator.client, senders, with_webhook=False)
            if is_new:
                templates_on_emulator(emulator.client)
            assistant = demo_assistant(owner)
            demo_flows(owner, senders, assistant, now=now)
            if is_new and not options["no_history"]:
                endpoint = assistant.endpoint
                type(assistant).objects.in_workspace(owner.workspace).update(endpoint=model.url)
                try:
                    History(owner.workspace, senders, emulator.client).play(now)
                finally:
                    type(assistant).objects.in_workspace(owner.workspace).update(endpoint=endpoint)
            register_on_emulator(emulator.client, senders, with_webhook=True)
        self.stdout.write("The demo workspace is ready.")
