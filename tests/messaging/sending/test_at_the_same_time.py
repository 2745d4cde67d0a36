"""Two callers with one key at the same moment: one row, one call, every time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection

from messaging.models import Message
from messaging.services import pacing
from messaging.services.outbox import SlotLater, SlotPolicy, send_text

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
