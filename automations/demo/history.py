"""The demo's last days: customers write and call, and the real engine answers them, at the time it would have been."""

from datetime import datetime, timedelta

from automations.demo.cast import CALLS, TALKS, Call, Talk
from automations.engine.advance import advance
from automations.engine.clock import VirtualClock
from automations.engine.waits import resolve_if_due
from automations.models import Run
from automations.services.events import accept_event
from messaging.emulator.client import EmulatorClient
from messaging.models import AutomaticAnswer, Message, Sender
from messaging.services.assistant_answers import give_answer
from messaging.services.conversations import mark_read
from messaging.services.receiving import receive_message
from messaging.services.statuses import record_status
from messaging.webhooks.events import Content, InboundMessage, Person, StatusUpdate
from workspaces.models import Workspace


class History:
    """Plays the demo's past against the emulator, whose clock stands where the story is."""

    def __init__(self, workspace: Workspace, senders: list[Sender], client: EmulatorClient) -> None:
        self.workspace = workspace
        self.senders = senders
        self.client = client

    def play(self, now: datetime) -> None:
        """Everything that happened, in the order of time."""
        told: list[tuple[datetime, Talk | Call]] = [(_begin(one, now, self.workspace), one) for one in (*TALKS, *CALLS)]
        try:
            for begins_at, one in sorted(told, key=lambda pair: pair[0]):
                if isinstance(one, Talk):
                    self.talk(one, begins_at)
                else:
                    self.call(one, begins_at)
            self.catch_up(now - timedelta(minutes=1))
        finally:
            self.client.set_clock(None)

    def talk(self, talk: Talk, at: datetime) -> None:
        """One customer writes what they wrote; between two lines the house answers."""
        sender = self.senders[talk.number]
        for line in talk.lines:
            at += timedelta(minutes=line.minutes, seconds=17)
            self.catch_up(at - timedelta(seconds=1))
            self.client.set_clock(at)
            wamid = self.client.customer_writes(talk.phone, sender.provider_number_id, line.text, name=talk.name)
            received = receive_message(
                sender=sender,
                item=InboundMessage(
                    kind="text",
                    message_id=wamid,
                    person=Person(wa_id=talk.phone.removeprefix("+"), profile_name=talk.name),
                    content=Content(text=line.text),
                    sent_at=at,
                ),
                now=at,
            )
            self.work(at + timedelta(seconds=1))
            if talk.reads:
                self.customer_reads(talk, at + timedelta(seconds=40))
                if received.conversation is not None:
                    mark_read(received.conversation, now=at)

    def call(self, call: Call, at: datetime) -> None:
        """A call ends; five minutes later its template goes out."""
        self.catch_up(at)
        accept_event(
            workspace=self.workspace,
            name="call.ended",
            deduplication_id=f"demo-{at:%Y%m%d%H%M}",
            data={"customer_phone": call.phone, "customer_name": call.name, "agent_name": "Anna", **call.data},
            now=at,
        )
        self.work(at)
        self.work(at + timedelta(minutes=5))

    def catch_up(self, until: datetime) -> None:
        """What was due before `until`: delays that ended, replies that never came."""
        while True:
            due = (
                Run.objects.in_workspace(self.workspace)
                .filter(status=Run.Status.WAITING, wake_at__lte=until)
                .order_by("wake_at")
                .first()
            )
            if due is None or due.wake_at is None:
                return
            self.work(due.wake_at)

    def work(self, at: datetime) -> None:
        """Everything that is due at that time: runs, and answers of the assistant."""
        self.client.set_clock(at)
        clock = VirtualClock(at)
        for run in self._open_runs():
            resolve_if_due(run, now=at)
            advance(run, clock=clock)
        owed = AutomaticAnswer.objects.in_workspace(self.workspace).filter(status=AutomaticAnswer.Status.PENDING)
        for answer in owed.select_related(
            "message__sender__assistant__workspace", "message__chat__contact", "workspace"
        ):
            give_answer(answer, now=at)
        for message in self._sent():
            for status, seconds in (("sent", 1), ("delivered", 2)):
                self.status(message, status, at + timedelta(seconds=seconds))

    def customer_reads(self, talk: Talk, at: datetime) -> None:
        """The customer opens the chat."""
        sender = self.senders[talk.number]
        self.client.set_clock(at)
        for wamid in self.client.customer_reads(talk.phone, sender.provider_number_id):
            message = Message.objects.in_workspace(self.workspace).filter(sender=sender, provider_id=wamid).first()
            if message is not None:
                self.status(message, "read", at)

    def status(self, message: Message, status: str, at: datetime) -> None:
        """What the platform's webhook would have said."""
        item = StatusUpdate(kind="status", message_id=message.provider_id, status=status, occurred_at=at)
        record_status(sender=message.sender, item=item, now=at)

    def _open_runs(self) -> list[Run]:
        runs = Run.objects.in_workspace(self.workspace).select_related("workspace", "contact", "conversation")
        return list(runs.filter(status__in=(Run.Status.QUEUED, Run.Status.WAITING)).order_by("id"))

    def _sent(self) -> list[Message]:
        messages = Message.objects.in_workspace(self.workspace).select_related("sender__workspace")
        return list(messages.filter(direction=Message.Direction.OUT, status=Message.Status.ACCEPTED))


def _begin(one: Talk | Call, now: datetime, workspace: Workspace) -> datetime:
    """The instant in the workspace's zone; a negative hour counts back from now."""
    if one.hour < 0:
        return now + timedelta(hours=one.hour)
    day = now.astimezone(workspace.zone).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
        days=one.days_ago
    )
    return day + timedelta(hours=one.hour)
