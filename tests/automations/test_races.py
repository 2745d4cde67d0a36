"""Hundreds of rounds of what two workers may do in one instant: one wins, always, and nothing falls between.

Rounds go through the services that tasks call, with threads that have a connection each; the file database of SQLite
and PostgreSQL decide, nothing is patched.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection

from automations.engine.advance import advance
from automations.engine.waits import resolve_if_due
from automations.models import Flow, Run, Signal, StepRun, TriggerDecision, Wait
from automations.services.editing import add_step, create_flow, set_trigger
from automations.services.publishing import publish_flow, switch_flow
from automations.services.starting import start_run
from messaging.models import Chat, Contact, Message, Sender
from messaging.services.conversations import take_over
from messaging.services.receiving import receive_message
from messaging.tasks import process_webhook_event
from messaging.webhooks.cloud_api import parse
from tests.cast import join, make_user, make_workspace
from tests.house import NOON, House
from tests.thorough import times
from workspaces.models import Membership, Role, Workspace

# Rounds take what they take on a machine that does other things too.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
ROUNDS = times(500)
DAY = {"amount": 1, "unit": "days"}


@pytest.fixture
def now() -> Iterator[datetime]:
    with time_machine.travel(NOON, tick=False):
        yield NOON


@pytest.fixture
def owner(now: datetime) -> Membership:
    workspace = Workspace.objects.get(pk=make_workspace("praxis-graz", name="Praxis Graz").pk)
    return join(workspace, make_user("Alice"), Role.OWNER)


@pytest.fixture
def sender(owner: Membership) -> Sender:
    return Sender.objects.in_workspace(owner.workspace).create(
        provider_number_id="1", business_account_id="2", phone="+43316555010", status=Sender.Status.ONLINE, token="t"
    )


@pytest.fixture
def race() -> Iterator[Callable[..., list[Any]]]:
    """Lets calls loose in the same instant; gives what each returned."""
    with ThreadPoolExecutor(4) as pool:

        def run(*calls: Callable[[], Any]) -> list[Any]:
            start = threading.Barrier(len(calls))

            def one(call: Callable[[], Any]) -> Any:
                start.wait()
                return call()

            return [future.result() for future in [pool.submit(one, call) for call in calls]]

        yield run
        # Each thread's own connection would hold the test database open.
        list(pool.map(lambda _number: connection.close(), range(16)))


def flow_of(owner: Membership, trigger: str, config: dict[str, Any], steps: list[dict[str, Any]]) -> Flow:
    flow = create_flow(workspace=owner.workspace, name="Ablauf", by=owner, now=NOON)
    set_trigger(flow=flow, type=trigger, config=config, by=owner)
    for step in steps:
        add_step(flow=flow, **step)
    publish_flow(flow=flow, by=owner, now=NOON)
    flow.refresh_from_db()
    return switch_flow(flow=flow, is_on=True, by=owner, now=NOON)


def value(key: str) -> dict[str, Any]:
    return {"type": "set_variables", "key": key, "config": {"values": {"a": "1"}}}


def wait(key: str) -> dict[str, Any]:
    return {"type": "wait_for_reply", "key": key, "config": {"timeout": DAY, "after_timeout": "end"}}


def written(sender: Sender, phone: str, text: str, now: datetime, second: int = 0) -> Callable[[], Any]:
    """A customer's message as the webhook's worker stores it."""
    at = int(now.timestamp()) - 60 + second
    message = {"from": phone, "id": f"wamid.{uuid4()}", "timestamp": str(at), "type": "text", "text": {"body": text}}
    value = {"metadata": {"phone_number_id": "1"}, "messages": [message], "contacts": [{"wa_id": phone}]}
    body = {"entry": [{"id": "2", "changes": [{"field": "messages", "value": value}]}]}
    (item,) = parse(_json(body))
    return lambda: receive_message(sender=sender, item=item, now=now)


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def waiting_runs(owner: Membership, sender: Sender, flow: Flow, count: int, due_at: datetime) -> list[Run]:
    """Runs that wait, each for a customer of its own, as the engine leaves them."""
    workspace, version = owner.workspace, flow.published
    phones = [f"+43664{1_000_000 + number}" for number in range(count)]
    contacts = Contact.objects.in_workspace(workspace).bulk_create(
        Contact(workspace=workspace, phone=phone) for phone in phones
    )
    chats = Chat.objects.in_workspace(workspace).bulk_create(
        Chat(workspace=workspace, contact=contact, sender=sender) for contact in contacts
    )
    common = {"workspace": workspace, "flow": flow, "version": version, "status": Run.Status.WAITING}
    runs = Run.objects.in_workspace(workspace).bulk_create(
        Run(**common, cursor="antwort", start_key=str(chat.pk), chat=chat, contact=chat.contact,
            started_at=due_at, wake_at=due_at)
        for chat in chats
    )  # fmt: skip
    StepRun.objects.in_workspace(workspace).bulk_create(
        StepRun(workspace=workspace, run=run, step_key="antwort", status="waiting", started_at=due_at) for run in runs
    )
    Wait.objects.in_workspace(workspace).bulk_create(
        Wait(workspace=workspace, run=run, step_key="antwort", kind="reply", due_at=due_at, chat=run.chat)
        for run in runs
    )
    return runs


def work_off(workspace: Workspace) -> None:
    """Advance whatever is queued, as workers would."""
    while queued := list(Run.objects.in_workspace(workspace).filter(status=Run.Status.QUEUED)[:50]):
        for run in queued:
            advance(run)


def test_a_run_given_to_two_workers_is_advanced_by_one(
    owner: Membership, now: datetime, race: Callable[..., list[Any]]
) -> None:
    flow = flow_of(owner, "api_event", {"event": "go", "sample": None}, [value("eins"), value("zwei")])
    assert flow.published is not None
    for number in range(ROUNDS // 5):
        run, _new = start_run(flow=flow, version=flow.published, start_key=str(number), trigger_data={}, now=now)
        held = race(lambda run=run: advance(run), lambda run=run: advance(run))
        assert sorted(held) == [False, True]
        assert StepRun.objects.in_workspace(owner.workspace).filter(run=run).count() == 2
    assert not Run.objects.in_workspace(owner.workspace).exclude(status=Run.Status.DONE).exists()


@pytest.mark.parametrize("half", [1, 2])
def test_reply_and_time_out_in_the_same_instant_have_one_winner(
    owner: Membership, sender: Sender, now: datetime, race: Callable[..., list[Any]], half: int
) -> None:
    flow = flow_of(owner, "api_event", {"event": "go", "sample": None}, [wait("antwort")])
    for run in waiting_runs(owner, sender, flow, ROUNDS // 2, now):
        assert run.contact is not None and run.contact.phone is not None
        told = written(sender, run.contact.phone.removeprefix("+"), "Ja", now)
        received, timed_out = race(told, lambda run=run: resolve_if_due(run, now=now))
        resolution = Wait.objects.in_workspace(owner.workspace).get(run=run).resolution
        decision = TriggerDecision.objects.in_workspace(owner.workspace).get(message=received.message)
        expected = ("timeout", "kept") if timed_out else ("reply", "resumed")
        assert (resolution, decision.outcome) == expected
    work_off(owner.workspace)
    assert Run.objects.in_workspace(owner.workspace).filter(status=Run.Status.DONE).count() == ROUNDS // 2
    lanes = StepRun.objects.in_workspace(owner.workspace).values_list("lane", flat=True)
    resolved = Wait.objects.in_workspace(owner.workspace).values_list("resolution", flat=True)
    assert sorted(lanes) == sorted("timeout" if how == "timeout" else "" for how in resolved)
    assert not Signal.objects.in_workspace(owner.workspace).filter(consumed_at=None).exists()


@pytest.mark.parametrize("half", [1, 2])
def test_three_messages_within_a_second_start_one_run_and_the_others_have_their_place(
    owner: Membership, sender: Sender, now: datetime, race: Callable[..., list[Any]], half: int
) -> None:
    """The second reaches the run's wait, the third is routed anew when it has ended; none is lost or taken twice."""
    flow_of(owner, "message_received", {}, [value("eins"), wait("antwort")])
    rounds = ROUNDS // 2

    def work() -> None:
        for run in Run.objects.in_workspace(owner.workspace).filter(status=Run.Status.QUEUED):
            advance(run)

    for number in range(rounds):
        phone = f"43664{1_000_000 + number}"
        written(sender, phone, "eins", now, 1)()
        race(work, written(sender, phone, "zwei", now, 2), written(sender, phone, "drei", now, 3))
        work_off(owner.workspace)
    statuses: dict[int, list[str]] = {}
    for run in Run.objects.in_workspace(owner.workspace).order_by("contact_id", "id"):
        statuses.setdefault(run.contact_id or 0, []).append(run.status)
    # Two messages fill the first run; the third one starts the second, which waits.
    assert list(statuses.values()) == [["done", "waiting"]] * rounds
    answers = StepRun.objects.in_workspace(owner.workspace).filter(step_key="antwort", status="done")
    assert answers.count() == rounds
    routed = Message.objects.in_workspace(owner.workspace).filter(direction="in")
    assert (routed.count(), routed.filter(routed_at=None).count()) == (3 * rounds, 0)
    assert not Signal.objects.in_workspace(owner.workspace).filter(consumed_at=None).exists()


@pytest.mark.parametrize("texts", [3])
def test_after_a_person_has_taken_over_nothing_automatic_is_said(
    house: House, race: Callable[..., list[Any]], texts: int
) -> None:
    """What was on its way already goes; no row is made `sending` after the take-over."""
    steps = [{"type": "send_text", "key": f"text{number}", "config": {"text": str(number)}} for number in range(texts)]
    house.flow("message_received", steps)
    said: list[int] = []
    for number in range(40):
        # Past the second's share of the number's throughput.
        house.traveller.shift(timedelta(seconds=1))
        phone = f"43664{1_000_000 + number}"
        message = written_to(house, phone)
        run = Run.objects.in_workspace(house.workspace).select_related("workspace").latest("id")

        def take(message: Message = message, wait_for: int = number % (texts + 1)) -> int:
            ours = Message.objects.in_workspace(house.workspace).filter(chat=message.chat, direction="out")
            until = time.monotonic() + 5
            while ours.filter(status="accepted").count() < wait_for and time.monotonic() < until:
                time.sleep(0.001)
            take_over(message.conversation, by=house.owner, until=house.now + timedelta(hours=1), now=house.now)
            return ours.exclude(status="failed").count()

        spoken, _held = race(take, lambda run=run: advance(run))
        ours = Message.objects.in_workspace(house.workspace).filter(chat=message.chat, direction="out")
        assert ours.exclude(status="failed").count() == spoken
        run.refresh_from_db()
        assert run.status == ("done" if spoken == texts else "cancelled")
        said.append(spoken)
    assert min(said) < texts


def written_to(house: House, phone: str) -> Message:
    """A customer's message that is stored and has started its run, which nobody has advanced yet."""
    wamid = house.emulator.customer_writes(phone, house.sender.provider_number_id, "Hallo")
    house.wait_for_webhook(wamid)
    for name, (row_id,) in house.take_tasks():
        if name == "messaging.tasks.process_webhook_event":
            process_webhook_event(row_id)
    house.take_tasks()
    rows = Message.objects.in_workspace(house.workspace).select_related("conversation", "chat")
    return rows.get(provider_id=wamid)
