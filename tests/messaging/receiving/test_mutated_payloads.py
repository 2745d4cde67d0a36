"""Payloads with something wrong in them: never a 5xx, never a lost neighbour, nothing tried for ever.

More than two thousand mutated changes go the whole way, many in a body, each body with whole messages between them.
"""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.models import InboundLog, Message, Sender, WebhookEvent
from messaging.services.webhook_intake import digest_of
from messaging.services.webhook_processing import process_event
from messaging.webhooks.cloud_api import sign
from tests.cast import make_workspace
from tests.messaging.receiving.conftest import ACCOUNT, NUMBER, SECRET, address, person, text
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
PAYLOADS = [
    json.loads(path.read_text(encoding="utf-8")) for path in sorted((Path(__file__).parent / "payloads").glob("*.json"))
]
CHANGES = [payload["entry"][0]["changes"][0] for payload in PAYLOADS]
BODIES, IN_A_BODY = 90, 25
CUT = st.tuples(st.integers(0, 4000), st.binary(max_size=3))
# What stands where something else belongs.
JUNK: list[Any] = [
    None, True, 0, -1, 10**400, 1.5, float("inf"), "", "x", "\x00", "\ud83d", "1" * 5000, "AT." + "9" * 400,
    "2026-11-25", [], [None], {}, {"id": {"id": []}}, [[[[]]]], "‮⁠", "<script>", "%s{{x}}", "null", -(2**63),
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into a JSON value."""
    found = [path] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [place for key, part in inner for place in places(part, (*path, key))]


def mutated(change: Any, chance: random.Random) -> Any:
    """A copy of the change with one to three things wrong."""
    change = copy.deepcopy(change)
    for _ in range(chance.randint(1, 3)):
        if not (known := places(change)):
            break
        *way, last = chance.choice(known)
        holder = change
        for key in way:
            holder = holder[key]
        how = chance.choice(["drop", "junk", "junk", "junk", "double", "wrap", "rename"])
        if how == "drop":
            del holder[last]
        elif how == "junk":
            holder[last] = copy.deepcopy(chance.choice(JUNK))
        elif how == "double" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[last]))
        elif how == "rename" and isinstance(holder, dict):
            holder[f"{last}_"] = holder.pop(last)
        else:
            holder[last] = [holder[last]]
    return change


def whole(number: int) -> Any:
    """A message of a customer of its own, with nothing wrong in it."""
    metadata = {"display_phone_number": "43316555010", "phone_number_id": NUMBER}
    wa_id = f"43664{number:07}"
    message = text(id=f"wamid.ganz.{number}", wa_id=wa_id)
    return {"field": "messages", "value": {"metadata": metadata, "contacts": [person(wa_id)], "messages": [message]}}


def test_two_thousand_mutated_payloads_cost_no_neighbour(sender: Sender, client: Client) -> None:
    count = 0

    @settings(max_examples=BODIES, deadline=None, database=None)
    @given(seed=st.integers(0, 2**32))
    def run(seed: int) -> None:
        nonlocal count
        chance = random.Random(seed)
        first, last = whole(chance.randrange(10**7)), whole(chance.randrange(10**7))
        broken = [mutated(chance.choice(CHANGES), chance) for _ in range(IN_A_BODY)]
        count += len(broken)
        body = {"seed": seed, "entry": [{"id": ACCOUNT, "changes": [first, *broken, last]}]}
        raw = json.dumps(body).encode()
        assert deliver(client, sender, raw) == 200
        event = WebhookEvent.objects.get(digest=digest_of(raw))
        process_event(event, now=timezone.now())
        failed = InboundLog.objects.filter(event=event, outcome=InboundLog.Outcome.FAILED)
        assert [(line.kind, line.reason, line.detail, line.excerpt) for line in failed] == []
        assert event.processed_at is not None or set(event.error.split("\n")) == {"too_early"}
        ids = {change["value"]["messages"][0]["id"] for change in (first, last)}
        stored = Message.objects.across_workspaces().filter(provider_id__in=ids)
        assert {message.provider_id for message in stored} == ids

    run()
    assert count >= 2000


@settings(max_examples=400, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    payload=st.sampled_from(PAYLOADS), cuts=st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=3)), max_size=4)
)
def test_whatever_bytes_are_signed_there_is_an_answer_and_a_trace(
    sender: Sender, client: Client, payload: Any, cuts: list[tuple[int, bytes]]
) -> None:
    raw = json.dumps(payload).encode()
    for place, put in cuts:
        raw = raw[:place] + put + raw[place + len(put) + 1 :]
    status = deliver(client, sender, raw)
    if status == 200:
        assert WebhookEvent.objects.filter(body=raw).exists()
    else:
        assert (status, InboundLog.objects.latest("id").reason) == (400, "no_json")


@settings(max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(signature=st.text(max_size=80))
def test_no_made_up_signature_is_taken(sender: Sender, client: Client, signature: str) -> None:
    header = signature.encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "").replace("\x00", "")
    assert deliver(client, sender, json.dumps(PAYLOADS[0]).encode(), signature=header) == 403
    line = InboundLog.objects.latest("id")
    assert (line.outcome, line.reason) == ("refused", "bad_signature" if header else "no_signature")
    assert not WebhookEvent.objects.exists()


def deliver(client: Client, sender: Sender, raw: bytes, *, signature: str | None = None) -> int:
    headers = {"x-hub-signature-256": sign(raw, SECRET) if signature is None else signature}
    answer = client.post(address(sender), raw, content_type="application/json", headers=headers)
    status: int = answer.status_code
    return status


@pytest.fixture
def workspace(db: None) -> Workspace:
    """In the test's transaction: thousands of rows need not be emptied out."""
    return Workspace.objects.get(pk=make_workspace("praxis-graz").pk)
