"""Statuses in every order and number: the message's state is what the platform last meant, and every time is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.models import Chat, Message, MessageStatus
from messaging.providers.cloud_codes import error_of
from messaging.services.progress import RANK, advance_message
from messaging.services.rescue import wake_outbound
from messaging.services.statuses import record_status, settle_status
from messaging.webhooks.events import StatusUpdate
from tests.thorough import times

TEN_MINUTES = timedelta(minutes=10)
CODES = (131026, 131047, 131049)


@dataclass(frozen=True)
class Said:
    """A status webhook: by the platform's id alone, or with ours, which it echoes."""

    status: str
    with_ours: bool
    code: int = 0


said = st.one_of(
    st.builds(Said, st.sampled_from(["sent", "delivered", "read", "played"]), st.booleans()),
    st.builds(Said, st.just("failed"), st.booleans(), st.sampled_from(CODES)),
)
# What happens on our side meanwhile: the answer of the call, its loss, and the end of the ten minutes.
ours = st.sampled_from(["answer", "lost", "ten minutes over"])


@pytest.fixture
def sending(chat: Chat, now: datetime) -> Callable[[], Message]:
    """A message whose call is under way."""

    def make() -> Message:
        return Message.objects.in_workspace(chat.workspace).create(
            sender=chat.sender, chat=chat, direction="out", kind="text", body="Hallo", status="sending",
            occurred_at=now, payload={"terms": TERMS}, wake_at=now + timedelta(minutes=1),
        )  # fmt: skip

    return make


TERMS = {
    "slots": "suspend",
    "deadline": "2026-11-25T12:00:00+00:00",
    "may_speak_into_take_over": False,
    "reserved": {},
    "pushed": 0,
    "resends": 0,
}
numbers = count(1)


@settings(max_examples=times(250), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happened=st.lists(st.one_of(said, said, ours), max_size=9))
def test_the_state_is_what_the_platform_last_meant(sending, happened, now):
    message, wamid = sending(), f"wamid.{next(numbers)}"
    first: dict[str, tuple[datetime, int]] = {}
    at = now
    for event in happened:
        at += timedelta(seconds=1)
        if isinstance(event, Said):
            hear(message, wamid, event, at)
            first.setdefault(event.status, (at, event.code))
        else:
            at = do(message, wamid, event, at)
    for kept in MessageStatus.objects.in_workspace(message.workspace).filter(provider_id=wamid, message=None):
        settle_status(kept, now=at)
    message.refresh_from_db()
    # Without the answer and without our own id nobody knows whose statuses these are: they are kept and looked for.
    is_known = "answer" in happened or any(isinstance(event, Said) and event.with_ours for event in happened)
    assert (message.status, message.error_code) == meant(happened, first if is_known else {})
    times = MessageStatus.objects.in_workspace(message.workspace).filter(provider_id=wamid)
    assert {row.status: row.occurred_at for row in times} == {status: when for status, (when, _code) in first.items()}
    assert all((row.message_id == message.pk) is is_known for row in times)


def hear(message: Message, wamid: str, event: Said, at: datetime) -> None:
    """The webhook's item, as the parser gives it."""
    item = StatusUpdate(
        kind="status",
        message_id=wamid,
        status=event.status,
        occurred_at=at,
        callback_data=str(message.public_id) if event.with_ours else "",
        platform_error=event.code or None,
    )
    record_status(sender=message.sender, item=item, now=at)


def do(message: Message, wamid: str, event: str, at: datetime) -> datetime:
    """What our side does; the time after it."""
    if event == "answer":
        advance_message(message, "accepted", now=at, provider_id=wamid)
    elif event == "lost":
        advance_message(message, "unknown", now=at, wake_at=at + TEN_MINUTES)
    else:
        at += TEN_MINUTES
        message.refresh_from_db()
        if message.status == "unknown":
            wake_outbound(message, now=at)
    return at


def meant(happened: list[Said | str], told: dict[str, tuple[datetime, int]]) -> tuple[str, str]:
    """What has arrived has arrived; what has failed has failed; else as far as it came; else what we know ourselves."""
    reached = [status for status in told if status != "failed"] + ["accepted"] * ("answer" in happened)
    furthest = max(reached, key=lambda status: RANK[status], default="")
    if furthest and RANK[furthest] >= RANK["delivered"]:
        return furthest, ""
    if "failed" in told:
        return "failed", error_of(told["failed"][1]).code
    if furthest:
        return furthest, ""
    if "lost" not in happened:
        return "sending", ""
    is_given_up = "ten minutes over" in happened[happened.index("lost") :]
    return ("failed", "delivery_unknown") if is_given_up else ("unknown", "")
