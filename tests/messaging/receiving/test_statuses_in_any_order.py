"""Statuses in every order and number: the message ends where the platform last meant it to, and every time is kept."""

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.models import Chat, Contact, Message, MessageStatus, Sender, WebhookEvent
from messaging.services.statuses import settle_status
from messaging.services.webhook_processing import process_event
from messaging.webhooks.cloud_api import sign
from tests.cast import make_workspace
from tests.messaging.receiving.conftest import NOON, SECRET, address, envelope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
FORWARD = ("sent", "delivered", "read", "played")
SECOND = {"sent": 1, "failed": 2, "delivered": 3, "read": 4, "played": 5}
# What the row is when the first status comes: the answer of the send may be late, or lost.
BEGINNINGS = st.sampled_from(["sending", "unknown", "accepted"])
COMING = st.lists(st.sampled_from(sorted(SECOND)), min_size=1, max_size=8)


@pytest.fixture(autouse=True)
def later(clock: Any) -> None:
    """After the last status: a time that has not come is taken for now."""
    clock.move_to(NOON + timedelta(minutes=1))


@pytest.fixture
def workspace(db: None) -> Workspace:
    """In the test's transaction: its many examples need not be emptied out."""
    return Workspace.objects.get(pk=make_workspace("praxis-graz").pk)


def meant(statuses: list[str], beginning: str) -> str:
    """Delivered, read and played are facts; failed is the last word only without them."""
    arrived = [status for status in FORWARD[1:] if status in statuses]
    if arrived:
        return arrived[-1]
    if "failed" in statuses:
        return "failed"
    return "sent" if "sent" in statuses else beginning


def test_the_state_is_what_the_platform_last_meant(sender: Sender, client: Client) -> None:
    contact = Contact.objects.create(workspace=sender.workspace, phone="+436641234567")
    chat = Chat.objects.create(workspace=sender.workspace, contact=contact, sender=sender)
    made = iter(range(10**9))

    @settings(max_examples=60, deadline=None, database=None)
    @given(coming=COMING, beginning=BEGINNINGS, cuts=st.sets(st.integers(0, 8), max_size=2), is_early=st.booleans())
    def run(coming: list[str], beginning: str, cuts: set[int], is_early: bool) -> None:
        wamid = f"wamid.{next(made)}"
        message = Message.objects.create(
            workspace=sender.workspace, sender=sender, chat=chat, direction="out", kind="text", body="Guten Tag",
            status=beginning, provider_id=wamid if beginning == "accepted" and not is_early else "",
            occurred_at=NOON,
        )  # fmt: skip
        # An accepted row whose id nobody has written yet is found by the id that we gave along.
        echoed = {} if message.provider_id else {"biz_opaque_callback_data": str(message.public_id)}
        for part in split(coming, cuts):
            deliver(client, sender, [told(status, wamid, **echoed) for status in part])
        message.refresh_from_db()
        assert message.status == meant(coming, beginning)
        assert message.provider_id == wamid
        assert bool(message.error_code) == (message.status == "failed")
        kept = MessageStatus.objects.in_workspace(sender.workspace).filter(message=message)
        assert {row.status: row.occurred_at for row in kept} == {
            status: NOON + timedelta(seconds=SECOND[status]) for status in coming
        }

    run()


def test_statuses_that_come_before_their_message_settle_it_when_it_is_there(sender: Sender, client: Client) -> None:
    contact = Contact.objects.create(workspace=sender.workspace, phone="+436641234567")
    chat = Chat.objects.create(workspace=sender.workspace, contact=contact, sender=sender)
    made = iter(range(10**9))

    @settings(max_examples=25, deadline=None, database=None)
    @given(coming=COMING)
    def run(coming: list[str]) -> None:
        wamid = f"wamid.early.{next(made)}"
        deliver(client, sender, [told(status, wamid) for status in coming])
        message = Message.objects.create(
            workspace=sender.workspace, sender=sender, chat=chat, direction="out", kind="text", body="Guten Tag",
            status="accepted", provider_id=wamid, occurred_at=NOON,
        )  # fmt: skip
        for kept in MessageStatus.objects.in_workspace(sender.workspace).filter(provider_id=wamid):
            assert settle_status(kept, now=timezone.now())
        message.refresh_from_db()
        assert message.status == meant(coming, "accepted")

    run()


def split(statuses: list[str], cuts: set[int]) -> list[list[str]]:
    """The statuses in one body or in several."""
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(statuses)), len(statuses)]
    return [statuses[start:end] for start, end in pairwise(edges)]


def told(status: str, wamid: str, **more: Any) -> dict[str, Any]:
    at = int((NOON + timedelta(seconds=SECOND[status])).timestamp())
    failure = {"errors": [{"code": 131026, "title": "x"}]} if status == "failed" else {}
    return {"id": wamid, "status": status, "timestamp": str(at), **failure, **more}


def deliver(client: Client, sender: Sender, statuses: list[Any]) -> None:
    count = WebhookEvent.objects.count()
    raw = json.dumps(envelope({"statuses": statuses}) | {"delivery": count}).encode()
    headers = {"x-hub-signature-256": sign(raw, SECRET)}
    assert client.post(address(sender), raw, content_type="application/json", headers=headers).status_code == 200
    process_event(WebhookEvent.objects.latest("id"), now=timezone.now())
