"""The whole house in one process: web, worker loop, clock and emulator as threads, and a time that is moved.

Nothing is patched out: messages go over HTTP to the emulator, webhooks come back signed, tasks lie on the queue.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import time_machine
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.signing import SignedPackage

from assistants.models import Assistant
from automations.models import Flow, Run
from automations.services.clock import tick
from automations.services.editing import add_step, create_flow, set_trigger
from automations.services.events import accept_event
from automations.services.publishing import publish_flow, switch_flow
from messaging.emulator.client import EmulatorClient
from messaging.models import Chat, Message, Pace, Sender, Template
from messaging.services.pacing import pair_bucket
from workspaces.models import Membership, Notification, QueuedTask, Workspace

NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
EVA = "+436641234567"
NUMBER_ID = "100200300"
ACCOUNT_ID = "900800700"
SECRET = "app-secret-of-the-test"
TOKEN = "token-of-the-test"
CALM_SECONDS = 0.12
LAST_WORDS_SECONDS = 1.0


@dataclass
class House:
    """A workspace with a connected sender, and what tests do with it."""

    workspace: Workspace
    owner: Membership
    sender: Sender
    emulator: EmulatorClient
    traveller: time_machine.Traveller
    assistant: Assistant | None = None
    journal_start: int = 0
    dropped: list[str] = field(default_factory=list)

    # --- time ------------------------------------------------------------------------------------
    @property
    def now(self) -> datetime:
        """The house's time."""
        return timezone.now()

    def advance(self, **delta: float) -> None:
        """Move the time on, then let everything that is due happen."""
        self.traveller.shift(timedelta(**delta))
        self.settle()

    def settle(self) -> None:
        """Work until nothing is due, queued or on the wire."""
        calm_since = time.monotonic()
        while time.monotonic() - calm_since < CALM_SECONDS:
            if tick(timezone.now()) + self.work():
                calm_since = time.monotonic()
            else:
                time.sleep(0.02)

    def leave(self) -> None:
        """Let the emulator tell what it still has to, as far as it is listened to; then it forgets all."""
        deadline = time.monotonic() + LAST_WORDS_SECONDS
        while self.emulator.is_busy() and time.monotonic() < deadline:
            time.sleep(0.005)
        self.emulator.reset()

    def work(self) -> int:
        """Run what lies on the queue, as a worker would; returns how many tasks."""
        tasks = self.take_tasks()
        for name, arguments in tasks:
            module, function = name.rsplit(".", 1)
            getattr(import_module(module), function)(*arguments)
        return len(tasks)

    def take_tasks(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Take what lies on the queues without doing it: what a worker that dies has in its hands."""
        packages = [SignedPackage.loads(payload) for payload in (*_taken_from_table(), *_taken_from_redis())]
        return [(package["func"], tuple(package["args"])) for package in packages]

    # --- customers -------------------------------------------------------------------------------
    def customer_writes(self, text: str, phone: str = EVA, **more: Any) -> str:
        """A customer writes, and the house has dealt with it."""
        wamid = self.emulator.customer_writes(phone, self.sender.provider_number_id, text, **more)
        self.wait_for_webhook(wamid)
        self.settle()
        return wamid

    def wait_for_webhook(self, *texts: str) -> None:
        """Wait until the emulator's webhook that holds these texts was acknowledged."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for entry in reversed(self.emulator.webhooks(self.journal_start)):
                told = json.dumps(entry["body"])
                if entry["status"] == 200 and all(text in told for text in texts):
                    return
            time.sleep(0.01)
        raise AssertionError(f"no acknowledged webhook with {texts}")

    def statuses_of(self, message: Message, *statuses: str) -> Message:
        """Wait for the webhooks of these statuses, and give the message as it stands then."""
        for status in statuses:
            self.wait_for_webhook(message.provider_id, f'"status": "{status}"')
        self.settle()
        message.refresh_from_db()
        return message

    def event(self, event: str, /, **data: Any) -> None:
        """Another system tells us of something, and the house has dealt with it."""
        self.tell(event, **data)
        self.settle()

    def tell(self, event: str, /, **data: Any) -> None:
        """Another system tells us of something; nobody has dealt with it yet."""
        accept_event(workspace=self.workspace, name=event, data=data, now=self.now)

    def set_sender(self, **changes: Any) -> None:
        """Change our copy of the sender."""
        Sender.objects.in_workspace(self.workspace).filter(pk=self.sender.pk).update(**changes)
        self.sender.refresh_from_db()

    def set_template_status(self, name: str, status: str) -> None:
        """Change our copy of a template, as a webhook of the platform would."""
        Template.objects.in_workspace(self.workspace).filter(name=name).update(status=status)

    def use_up_the_pair_rate(self, *, hours: float, phone: str = EVA) -> None:
        """So much was written to this customer that the next slot is that far away."""
        chat = Chat.objects.in_workspace(self.workspace).get(contact__phone=phone)
        bucket = pair_bucket(chat)
        Pace.objects.in_workspace(self.workspace).update_or_create(
            key=bucket.key,
            defaults={"workspace": self.workspace, "next_at": self.now + timedelta(hours=hours) + bucket.tolerance},
        )

    def screen(self, phone: str = EVA) -> list[str]:
        """The texts on the customer's screen that came from us."""
        shown = self.emulator.customer_screen(phone, self.sender.provider_number_id)
        return [message["text"] for message in shown if message["from"] == "business"]

    def sends(self) -> list[dict[str, Any]]:
        """The messages that the platform has accepted, off its journal."""
        return self.emulator.sends(self.journal_start)

    def calls(self) -> list[dict[str, Any]]:
        """Every send call that reached the platform, accepted or not."""
        entries = self.emulator.journal(self.journal_start)
        return [entry for entry in entries if entry["kind"] == "call" and entry["path"].endswith("/messages")]

    # --- things ----------------------------------------------------------------------------------
    def template(
        self,
        name: str = "termin",
        body: str = "Hallo {{1}}, Ihr Termin mit {{2}} am {{3}} wurde bestätigt. Ort: {{4}} Danke.",
        *,
        language: str = "de",
        status: str = "APPROVED",
        category: str = "UTILITY",
        parameter_format: str = "POSITIONAL",
        components: list[dict[str, Any]] | None = None,
    ) -> Template:
        """A template on the platform and, synced, here."""
        content = components or [{"type": "BODY", "text": body}]
        stored = self.emulator.add_template(
            waba_id=ACCOUNT_ID,
            name=name,
            language=language,
            status=status,
            category=category,
            parameter_format=parameter_format,
            components=content,
        )
        return Template.objects.in_workspace(self.workspace).create(
            business_account_id=ACCOUNT_ID,
            platform_id=str(stored["id"]),
            name=name,
            language=language,
            status=status.lower(),
            category=category.lower(),
            parameter_format=parameter_format.lower(),
            components=content,
        )

    def flow(
        self,
        trigger: str,
        steps: list[Mapping[str, Any]],
        *,
        trigger_config: Mapping[str, Any] | None = None,
        name: str = "Ablauf",
        leads: bool = True,
        priority: int = 0,
    ) -> Flow:
        """A published flow that is on. Steps: dicts of add_step's arguments, with `lanes` of further steps."""
        flow = create_flow(workspace=self.workspace, name=name, by=self.owner, now=self.now, leads=leads)
        flow.priority = priority
        flow.save(update_fields=["priority"])
        set_trigger(flow=flow, type=trigger, config=trigger_config or {}, by=self.owner)
        self.add_steps(flow, steps)
        publish_flow(flow=flow, by=self.owner, now=self.now)
        flow.refresh_from_db()
        return switch_flow(flow=flow, is_on=True, by=self.owner, now=self.now)

    def add_steps(self, flow: Flow, steps: list[Mapping[str, Any]], parent: Any = None, lane: str = "") -> None:
        """Append steps to a row of the draft."""
        for planned in steps:
            arguments = {name: value for name, value in planned.items() if name != "lanes"}
            step = add_step(flow=flow, parent=parent, lane=lane, **arguments)
            for lane_key, inner in planned.get("lanes", {}).items():
                self.add_steps(flow, inner, parent=step, lane=lane_key)

    def messages(self) -> list[Message]:
        """Our messages, oldest first."""
        rows = Message.objects.in_workspace(self.workspace).filter(direction=Message.Direction.OUT)
        return list(rows.select_related("chat__contact").order_by("id"))

    def notices(self) -> list[Notification]:
        """What the team was told, oldest first."""
        return list(Notification.objects.in_workspace(self.workspace).order_by("id"))

    def runs(self) -> list[Run]:
        """Every run, oldest first."""
        return list(Run.objects.in_workspace(self.workspace).select_related("flow").order_by("id"))

    def run(self) -> Run:
        """The only run."""
        (run,) = self.runs()
        return run


def _taken_from_table() -> list[str]:
    with transaction.atomic():
        rows = list(QueuedTask.objects.order_by("id").values_list("id", "payload"))
        QueuedTask.objects.filter(pk__in=[pk for pk, _payload in rows]).delete()
    return [payload for _pk, payload in rows]


def _taken_from_redis() -> Iterator[bytes]:
    if not settings.REDIS_URL:
        return
    for queue in ("fast", "bulk"):
        broker = get_broker(queue)
        while (payload := broker.connection.lpop(broker.list_key)) is not None:
            yield payload
