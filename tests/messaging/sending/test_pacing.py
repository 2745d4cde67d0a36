"""Slots a pair and a sender, the platform's own limits, and the breaker."""

from datetime import timedelta

import pytest

from messaging.errors import RateLimited, WhatsappUnavailable
from messaging.models import Chat, Contact, Message, Sender
from messaging.services import pacing
from messaging.services.breaker import breaker_of
from messaging.services.checks import Attempt
from messaging.services.outbound import Terms
from messaging.services.outbox import Origin, SlotLater, SlotPolicy, cancel_queued, send_template, send_text
from messaging.services.rescue import wake_outbound
from messaging.services.slots import next_slot
from workspaces.models import Notification


def take(sender, bucket, now, latest):
    """One slot of one bucket."""
    return pacing.take_slots(sender, [bucket], now=now, latest=latest).slots[bucket.key]


@pytest.fixture
def send(sender, chat, by_run, now):
    """Sends a text to Eva, at `at`."""

    def send(key=None, at=now, **changes):
        arguments = {"sender": sender, "chat": chat, "text": "Hallo", "origin": by_run, "key": key, "now": at}
        return send_text(**{**arguments, **changes})

    return send


@pytest.fixture
def suspend(now):
    """A run's patience: an hour."""
    return SlotPolicy(kind="suspend", deadline=now + timedelta(hours=1))


@pytest.fixture
def full_pair(sender, chat, now):
    """Eva has got her 45 messages of this minute."""
    bucket = pacing.pair_bucket(chat)
    for _message in range(pacing.PAIR_BURST):
        assert take(sender, bucket, now, now) == now


def test_a_full_pair_gives_one_slot_every_six_seconds(sender, chat, full_pair, now):
    bucket = pacing.pair_bucket(chat)
    hour = now + timedelta(hours=1)
    slots = [take(sender, bucket, now, hour) for _message in range(3)]
    assert [(slot - now).total_seconds() for slot in slots] == [6, 12, 18]


def test_a_slot_that_comes_too_late_reserves_nothing(sender, chat, full_pair, now):
    bucket = pacing.pair_bucket(chat)
    for _time in range(2):
        with pytest.raises(pacing.NoSlot) as full:
            take(sender, bucket, now, now)
        assert full.value.slot_at == now + timedelta(seconds=6)


def test_a_number_sends_its_throughput_and_no_more(sender, now):
    bucket = pacing.sender_bucket(sender)
    hour = now + timedelta(hours=1)
    slots = [take(sender, bucket, now, hour) for _message in range(200)]
    second = timedelta(seconds=1)
    assert max(sum(start <= slot < start + second for slot in slots) for start in slots) <= sender.throughput


class TestRepliesBeforeBulk:
    """One second of a number at 80 a second, in steps of five milliseconds, with more bulk than it can send."""

    @pytest.fixture
    def play(self, sender, chat, now):
        """Bulk asks whenever it is its turn; replies come at this pace. Gives the waits of the replies, bulk sent."""

        def play(*, reply_every_ms):
            attempt = Attempt(
                sender=sender, contact=chat.contact, chat=chat, conversation=None, template=None, cause="run",
                address="", may_speak_into_take_over=False,
            )  # fmt: skip
            patience = SlotPolicy(kind="suspend", deadline=now + timedelta(hours=1))
            message = Message(workspace=sender.workspace, sender=sender)
            waiting = [(now, number, Terms(slots=patience, reserved={}, is_bulk=True)) for number in range(100)]
            chats = iter(range(1, 1000))
            late, sent = [], 0
            for step in range(200):
                at = now + step * timedelta(milliseconds=5)
                if step * 5 % reply_every_ms == 0:
                    message.chat = Chat(pk=next(chats) + 10_000)
                    _terms, slot = next_slot(message, attempt, Terms(slots=patience, reserved={}), at)
                    late.append((slot.at - at).total_seconds() if slot else 0)
                still = []
                for turn, number, terms in waiting:
                    if turn <= at:
                        message.chat = Chat(pk=number + 20_000)
                        terms, slot = next_slot(message, attempt, terms, at)
                        turn = slot.at if slot else None
                    if turn is None:
                        sent += 1
                    else:
                        still.append((turn, number, terms))
                waiting = still
            return late, sent

        return play

    def test_a_reply_never_waits_for_bulk(self, play):
        late, sent = play(reply_every_ms=100)
        assert (len(late), max(late)) == (10, 0)
        assert 40 <= sent <= 80 * pacing.SENDER_SHARE * pacing.BULK_SHARE + 8

    def test_with_replies_up_to_the_throughput_bulk_gets_what_is_left(self, play):
        late, sent = play(reply_every_ms=15)
        assert max(late) == 0
        assert sent <= 12


def test_bulk_takes_no_slot_ahead_of_its_time(sender, now):
    """Ten thousand that wait leave the number's bucket as it was: the next reply goes at once."""
    bucket, later = pacing.sender_bucket(sender), now + timedelta(hours=1)
    for _message in range(bucket.bulk_burst):
        pacing.take_slots(sender, [bucket], now=now, latest=later, is_bulk=True)
    taken = pacing.take_slots(sender, [bucket], now=now, latest=later, is_bulk=True)
    assert (taken.slots, taken.then[0], taken.then[1] > now) == ({}, bucket, True)
    assert take(sender, bucket, now, now) == now


def test_numbers_of_one_workspace_share_what_it_may_send(sender, workspace, settings, now):
    settings.WORKSPACE_MESSAGES_PER_SECOND = 10
    other = Sender.objects.in_workspace(workspace).create(provider_number_id="1002", business_account_id="2001")
    hour = now + timedelta(hours=1)
    slots = [take(each, pacing.workspace_bucket(each), now, hour) for each in (sender, other) * 10]
    assert (max(slots) - now).total_seconds() == pytest.approx(1.9)


def test_marketing_that_no_person_sends_is_bulk(make_template, sender, chat, wire, now):
    template = make_template("angebot", "Hallo {{1}}!", category="marketing")

    def send(kind):
        message = send_template(
            sender=sender, chat=chat, template=template, variables={"1": "Eva"}, origin=Origin(kind=kind), key=None,
            now=now, slots=SlotPolicy(kind="queue", deadline=now + timedelta(hours=1)),
        )  # fmt: skip
        return message.status, message.waits_for

    for _message in range(pacing.sender_bucket(sender).bulk_burst):
        take(sender, pacing.sender_bucket(sender), now, now)
    assert send(Message.Cause.RUN) == ("queued", "bulk")
    assert send(Message.Cause.API) == ("queued", "bulk")
    assert send(Message.Cause.PERSON) == ("accepted", "")


@pytest.mark.parametrize(("asked", "pause"), [("90", 90), ("1e12", None), ("inf", None), ("nan", None)])
def test_how_long_a_platform_that_is_down_wants_to_be_left_alone(send, wire, asked, pause):
    wire.answer(503, Retry_After=asked)
    with pytest.raises(WhatsappUnavailable) as refused:
        send()
    assert refused.value.retry_after == pause


@pytest.mark.parametrize("asked", ["1e12", "inf", "nan"])
def test_a_pause_that_is_no_answer_is_our_own(send, wire, suspend, now, asked):
    wire.refuse(131056, Retry_After=asked)
    with pytest.raises(SlotLater) as later:
        send("run:1", slots=suspend)
    assert later.value.until == now + timedelta(seconds=1)


def test_who_does_not_wait_is_told_the_limit_and_the_next_slot(send, wire, full_pair, now):
    with pytest.raises(RateLimited) as refused:
        send()
    assert refused.value.facts == {
        "limit": "pair", "seconds": 6, "burst": 45, "next_slot_at": (now + timedelta(seconds=6)).isoformat(),
    }  # fmt: skip
    assert refused.value.retry_after == 6
    assert refused.value.message.status == "failed"
    assert wire.calls == []


def test_a_run_is_put_off_and_its_row_sent_when_the_slot_has_come(send, wire, full_pair, suspend, now):
    with pytest.raises(SlotLater) as later:
        send("run:1", slots=suspend)
    assert later.value.until == now + timedelta(seconds=6)
    assert later.value.message.status == "queued"
    with pytest.raises(SlotLater) as early:
        send("run:1", slots=suspend, at=now + timedelta(seconds=3))
    assert early.value.until == later.value.until
    message = send("run:1", slots=suspend, at=later.value.until)
    assert (message.pk, message.status, message.was_created) == (later.value.message.pk, "accepted", False)
    assert len(wire.sent) == 1


def test_beyond_the_deadline_it_is_an_error(send, wire, full_pair, now):
    with pytest.raises(RateLimited) as refused:
        send("run:1", slots=SlotPolicy(kind="suspend", deadline=now + timedelta(seconds=5)))
    assert refused.value.message.status == "failed"


def test_a_queued_row_is_sent_by_the_clock(send, wire, full_pair, now):
    message = send(slots=SlotPolicy(kind="queue", deadline=now + timedelta(hours=1)))
    assert (message.status, message.wake_at) == ("queued", now + timedelta(seconds=6))
    wake_outbound(message, now=message.wake_at)
    message.refresh_from_db()
    assert message.status == "accepted"


def test_a_queued_row_can_be_taken_back(send, wire, full_pair, now):
    message = send(slots=SlotPolicy(kind="queue", deadline=now + timedelta(hours=1)))
    assert cancel_queued(message, now=now)
    wake_outbound(message, now=message.wake_at)
    message.refresh_from_db()
    assert (message.status, wire.calls) == ("cancelled", [])


def test_a_row_that_its_run_has_forgotten_is_cancelled(send, wire, full_pair, suspend, now):
    with pytest.raises(SlotLater) as later:
        send("run:1", slots=suspend)
    message = later.value.message
    assert message.wake_at > suspend.deadline
    wake_outbound(message, now=message.wake_at)
    message.refresh_from_db()
    assert (message.status, wire.calls) == ("cancelled", [])


def test_what_was_allowed_when_it_queued_is_asked_again_when_it_goes(send, wire, full_pair, chat, now):
    message = send(slots=SlotPolicy(kind="queue", deadline=now + timedelta(hours=1)))
    Chat.objects.in_workspace(chat.workspace).filter(pk=chat.pk).update(window_expires_at=now)
    wake_outbound(message, now=message.wake_at)
    message.refresh_from_db()
    assert (message.status, message.error_code, wire.calls) == ("failed", "outside_window", [])


@pytest.mark.parametrize(("code", "pauses"), [(131056, [1, 6, 16]), (130429, [1, 2, 4])])
def test_the_platforms_own_limit_puts_the_row_back(send, wire, suspend, now, code, pauses):
    at, waited = now, []
    for _time in pauses:
        wire.refuse(code)
        with pytest.raises(SlotLater) as later:
            send("run:1", slots=suspend, at=at)
        assert later.value.message.status == "queued"
        waited.append((later.value.until - at).total_seconds())
        at = later.value.until
    assert waited == pauses
    assert send("run:1", slots=suspend, at=at).status == "accepted"


def test_the_platforms_limit_holds_the_others_back_too(send, wire, suspend, now):
    wire.refuse(131056)
    with pytest.raises(SlotLater):
        send("run:1", slots=suspend)
    with pytest.raises(SlotLater) as other:
        send("run:2", slots=suspend)
    assert other.value.until == now + timedelta(seconds=7)
    assert len(wire.sent) == 1


def test_the_platforms_limit_is_an_error_beyond_the_deadline(send, wire, now):
    wire.refuse(131056, Retry_After="7200")
    with pytest.raises(RateLimited) as refused:
        send("run:1", slots=SlotPolicy(kind="suspend", deadline=now + timedelta(hours=1)))
    assert refused.value.message.status == "failed"


class TestBreaker:
    """Five sends in a row that failed by connection or 5xx."""

    @pytest.fixture
    def outage(self, send, wire, sender):
        for _time in range(5):
            wire.answer(503)
            with pytest.raises(WhatsappUnavailable):
                send()
        assert breaker_of(sender).is_open

    def test_messages_wait_and_one_goes_as_a_probe(self, send, wire, outage, suspend, now):
        with pytest.raises(SlotLater) as later:
            send("run:1", slots=suspend)
        assert later.value.until == now + timedelta(seconds=5)
        assert len(wire.sent) == 5
        wire.answer(503)
        with pytest.raises(SlotLater) as again:
            send("run:1", slots=suspend, at=later.value.until)
        assert again.value.message.status == "queued"
        assert again.value.until == later.value.until + timedelta(seconds=10)
        assert len(wire.sent) == 6
        assert send("run:1", slots=suspend, at=again.value.until).status == "accepted"

    def test_only_one_is_the_probe(self, send, wire, outage, suspend, now):
        at, put_off = now + timedelta(seconds=5), []

        def another_at_the_same_time(_body):
            try:
                send("run:2", slots=suspend, at=at)
            except SlotLater as later:
                put_off.append(later.until)

        wire.during_call = another_at_the_same_time
        send("run:1", slots=suspend, at=at)
        assert put_off == [at + timedelta(seconds=10)]
        assert len(wire.sent) == 6

    def test_an_answer_closes_it(self, send, wire, outage, sender, workspace, now):
        send(at=now + timedelta(seconds=5))
        assert not breaker_of(sender).is_open
        assert send(at=now + timedelta(seconds=5)).status == "accepted"
        notice = Notification.objects.in_workspace(workspace).get(code="whatsapp_unavailable")
        assert notice.solved_at is not None

    def test_another_sender_is_not_held_back(self, workspace, outage, contact, chat, wire, by_run, now):
        other = Sender.objects.in_workspace(workspace).create(
            provider_number_id="1002", business_account_id="2001", status="online", token="t"
        )
        chat = Chat.objects.in_workspace(workspace).create(
            contact=contact, sender=other, address="4915112345678", window_expires_at=now
        )
        message = send_text(sender=other, chat=chat, text="Hallo", origin=by_run, key=None, now=now)
        assert message.status == "accepted"

    def test_a_refusal_is_an_answer(self, send, wire, sender):
        for _time in range(4):
            wire.answer(503)
            with pytest.raises(WhatsappUnavailable):
                send()
        wire.refuse(131026)
        with pytest.raises(Exception, match="recipient_not_on_whatsapp"):
            send()
        wire.answer(503)
        with pytest.raises(WhatsappUnavailable):
            send()
        assert not breaker_of(sender).is_open


def test_each_customer_has_a_bucket(workspace, sender, full_pair, wire, by_run, now):
    uwe = Contact.objects.in_workspace(workspace).create(phone="+436641234567", name="Uwe")
    chat = Chat.objects.in_workspace(workspace).create(
        contact=uwe, sender=sender, address="436641234567", window_expires_at=now
    )
    assert send_text(sender=sender, chat=chat, text="Hallo", origin=by_run, key=None, now=now).status == "accepted"
    assert Message.objects.in_workspace(workspace).count() == 1


def test_a_taken_pair_slot_is_given_back_where_the_sender_has_none(sender, chat, now):
    pair, number = pacing.pair_bucket(chat), pacing.sender_bucket(sender)
    pacing.push_back(sender, number, until=now + timedelta(hours=2), now=now)
    for _time in range(pacing.PAIR_BURST + 1):
        with pytest.raises(pacing.NoSlot) as full:
            pacing.take_slots(sender, [pair, number], now=now, latest=now + timedelta(hours=1))
        assert full.value.bucket == number


def test_a_slow_platform_holds_at_most_half_of_the_web_threads(sender, chat, wire, by_api, now, settings):
    settings.WEB_THREADS = 2
    queued = []

    def meanwhile(_body):
        wire.during_call = None
        queued.append(send_text(sender=sender, chat=chat, text="zwei", origin=by_api, key="2", now=now))

    wire.during_call = meanwhile
    assert send_text(sender=sender, chat=chat, text="eins", origin=by_api, key="1", now=now).status == "accepted"
    assert queued[0].status == "queued"
    wake_outbound(queued[0], now=now)
    queued[0].refresh_from_db()
    assert (queued[0].status, len(wire.sent)) == ("accepted", 2)
