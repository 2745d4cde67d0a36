"""Two callers with one key at the same moment: one row, one call, every time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from messaging.models import Message, Sender
from messaging.services import breaker, pacing
from messaging.services.outbox import SlotLater, SlotPolicy, send_text
from messaging.services.rescue import wake_outbound
from messaging.services.statuses import record_status
from messaging.webhooks.events import StatusUpdate
from workspaces.models import Notification

# Each caller takes a slot of the pair, and 45 may go at once.
ROUNDS = 15


def at_once(count, act):
    """Run `act` in so many threads; their results."""

    def in_thread(_number):
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(in_thread, range(count)))


def test_one_key_sends_once(sender, chat, wire, by_api, now):
    for number in range(ROUNDS):
        at = now + number * timedelta(milliseconds=100)

        def act(key=f"k{number}", at=at):
            return send_text(sender=sender, chat=chat, text="Hallo", origin=by_api, key=key, now=at)

        rows = at_once(3, act)
        assert len({row.pk for row in rows}) == 1
        assert sum(row.was_created for row in rows) == 1
    assert len(wire.sent) == ROUNDS


def test_one_queued_row_is_sent_once(sender, chat, wire, by_run, now):
    bucket = pacing.pair_bucket(chat)
    pacing.push_back(sender, bucket, until=now + timedelta(minutes=1), now=now)
    slots = SlotPolicy(kind="suspend", deadline=now + timedelta(hours=1))

    def act(at=now):
        try:
            return send_text(sender=sender, chat=chat, text="Hallo", origin=by_run, key="r", now=at, slots=slots).status
        except SlotLater as later:
            return later.until

    [until] = set(at_once(3, act))
    assert until > now
    assert set(at_once(3, lambda: act(until))) <= {"accepted", "sending"}
    assert len(wire.sent) == 1
    assert Message.objects.in_workspace(chat.workspace).get().status == "accepted"


def fetched(message):
    """The row as a worker of its own reads it."""
    rows = Message.objects.in_workspace(message.workspace)
    return rows.select_related("workspace", "sender__workspace", "chat__contact", "conversation").get(pk=message.pk)


def all_at_once(*acts):
    """Run these side by side, each in a thread of its own."""

    def in_thread(act):
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(in_thread, acts))


def test_two_workers_that_the_clock_gave_one_row_send_it_once(sender, chat, wire, by_api, now):
    pacing.push_back(sender, pacing.pair_bucket(chat), until=now + timedelta(seconds=6), now=now)
    message = send_text(
        sender=sender, chat=chat, text="Hallo", origin=by_api, key=None, now=now,
        slots=SlotPolicy(kind="queue", deadline=now + timedelta(hours=1)),
    )  # fmt: skip
    at_once(3, lambda: wake_outbound(fetched(message), now=now + timedelta(seconds=6)))
    assert len(wire.sent) == 1
    assert fetched(message).status == "accepted"


def test_two_workers_at_the_end_of_the_ten_minutes_send_once_more(sender, chat, wire, by_run, now):
    Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk).update(unknown_policy="resend")
    wire.cut_off()
    message = send_text(sender=sender, chat=chat, text="Hallo", origin=by_run, key="r", now=now)
    at_once(3, lambda: wake_outbound(fetched(message), now=now + timedelta(minutes=10)))
    assert len(wire.sent) == 2
    assert fetched(message).status == "accepted"


@pytest.mark.parametrize("status", ["sent", "delivered"])
def test_the_status_and_the_end_of_the_ten_minutes_in_one_instant(sender, chat, wire, by_run, now, status):
    for number in range(ROUNDS):
        at = now + number * timedelta(milliseconds=100)
        wire.cut_off()
        message = send_text(sender=sender, chat=chat, text="Hallo", origin=by_run, key=f"r{number}", now=at)
        breaker.note_answer(sender, now=at)
        late = at + timedelta(minutes=10)
        item = StatusUpdate(
            kind="status",
            message_id=f"wamid.R{number}",
            status=status,
            occurred_at=late,
            callback_data=str(message.public_id),
        )
        all_at_once(
            lambda message=message, late=late: wake_outbound(fetched(message), now=late),
            lambda item=item, late=late: record_status(sender=sender, item=item, now=late),
        )
        row = fetched(message)
        assert (row.status, row.error_code, row.provider_id) == (status, "", f"wamid.R{number}")
    assert len(wire.sent) == ROUNDS
    assert not Notification.objects.in_workspace(sender.workspace).filter(solved_at=None).exists()
