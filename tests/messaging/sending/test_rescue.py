"""Rows whose process died or whose answer was lost: never blindly sent again, never forgotten."""

from datetime import timedelta

import pytest

from messaging.errors import CannotSendAgain, DeliveryUnknown, RecipientNotOnWhatsapp
from messaging.models import Message, Sender
from messaging.services import breaker
from messaging.services.outbox import send_again, send_text
from messaging.services.progress import advance_message
from messaging.services.rescue import wake_outbound
from workspaces.models import Notification

TEN_MINUTES = timedelta(minutes=10)


class WorkerKilled(BaseException):
    """What no handler catches."""


@pytest.fixture
def send(sender, chat, by_run, now):
    """Sends a text to Eva."""
    return lambda key=None: send_text(sender=sender, chat=chat, text="Hallo", origin=by_run, key=key, now=now)


@pytest.fixture
def unknown(send, wire):
    """A message whose answer was lost."""
    wire.cut_off()
    return send("run:1")


def wake(message, at):
    message.refresh_from_db()
    wake_outbound(message, now=at)
    message.refresh_from_db()


def test_a_row_whose_worker_died_becomes_unknown_after_a_minute(send, wire, workspace, monkeypatch, now):
    def killed(*_arguments):
        raise WorkerKilled

    monkeypatch.setattr("messaging.providers.cloud_api.CloudApi.send", killed)
    with pytest.raises(WorkerKilled):
        send("run:1")
    row = Message.objects.in_workspace(workspace).get()
    assert row.status == "sending"
    wake(row, now + timedelta(seconds=30))
    assert row.status == "sending"
    wake(row, now + timedelta(seconds=60))
    assert (row.status, row.wake_at) == ("unknown", now + timedelta(seconds=60) + TEN_MINUTES)
    assert send("run:1").pk == row.pk
    assert wire.sent == []


def test_a_status_settles_it(unknown, now):
    assert advance_message(unknown, "delivered", now=now, provider_id="wamid.9")
    wake(unknown, now + TEN_MINUTES)
    assert (unknown.status, unknown.provider_id) == ("delivered", "wamid.9")


def test_after_ten_minutes_the_team_decides(unknown, wire, workspace, now):
    wake(unknown, now + timedelta(minutes=9))
    assert unknown.status == "unknown"
    wake(unknown, now + TEN_MINUTES)
    assert (unknown.status, unknown.error_code) == ("failed", "delivery_unknown")
    assert Notification.objects.in_workspace(workspace).get().code == DeliveryUnknown.code
    assert len(wire.sent) == 1


def test_the_teams_notice_leads_to_the_thread_and_closes_when_the_platform_has_spoken(
    unknown, send, wire, workspace, now
):
    wire.cut_off()
    other = send("run:2")
    for message in (unknown, other):
        wake(message, now + TEN_MINUTES)
    notice = Notification.objects.in_workspace(workspace).get()
    assert (notice.count, notice.link) == (
        2,
        f"/w/praxis-graz/inbox/{other.conversation.public_id}/#said-{other.public_id}",
    )
    assert advance_message(unknown, "delivered", now=now + TEN_MINUTES)
    notice.refresh_from_db()
    assert notice.solved_at is None
    assert advance_message(other, "failed", now=now + TEN_MINUTES, error=RecipientNotOnWhatsapp())
    notice.refresh_from_db()
    assert notice.solved_at == now + TEN_MINUTES


def test_a_doubled_wake_up_changes_nothing(unknown, workspace, now):
    for _time in range(2):
        wake(unknown, now + TEN_MINUTES)
    assert Notification.objects.in_workspace(workspace).get().count == 1


def test_a_sender_may_send_again_by_itself_and_only_once(unknown, wire, workspace, sender, now):
    Sender.objects.in_workspace(workspace).filter(pk=sender.pk).update(unknown_policy="resend")
    wire.cut_off()
    wake(unknown, now + TEN_MINUTES)
    assert (unknown.status, len(wire.sent)) == ("unknown", 2)
    assert {body["biz_opaque_callback_data"] for body in wire.sent} == {str(unknown.public_id)}
    wake(unknown, now + 2 * TEN_MINUTES)
    assert (unknown.status, unknown.error_code, len(wire.sent)) == ("failed", "delivery_unknown", 2)


def test_the_second_send_is_settled_like_any(unknown, wire, workspace, sender, now):
    Sender.objects.in_workspace(workspace).filter(pk=sender.pk).update(unknown_policy="resend")
    wake(unknown, now + TEN_MINUTES)
    assert (unknown.status, len(wire.sent)) == ("accepted", 2)


def test_the_second_send_is_checked_again(unknown, wire, workspace, sender, chat, now):
    Sender.objects.in_workspace(workspace).filter(pk=sender.pk).update(unknown_policy="resend")
    type(chat).objects.in_workspace(workspace).filter(pk=chat.pk).update(window_expires_at=now)
    wake(unknown, now + TEN_MINUTES)
    assert (unknown.status, unknown.error_code, len(wire.sent)) == ("failed", "delivery_unknown", 1)


def test_send_again_is_a_new_message_and_the_old_one_stays_failed(send, wire, by_api, now):
    old = send()
    advance_message(old, "failed", now=now, error=RecipientNotOnWhatsapp())
    old.refresh_from_db()
    new = send_again(message=old, origin=by_api, now=now)
    assert new.pk != old.pk
    assert (new.status, new.provider_id, new.body) == ("accepted", "wamid.2", "Hallo")
    old.refresh_from_db()
    assert (old.status, old.provider_id) == ("failed", "wamid.1")


def test_sent_again_twice_by_an_impatient_hand_it_goes_once(send, wire, by_api, now):
    old = send()
    advance_message(old, "failed", now=now, error=RecipientNotOnWhatsapp())
    old.refresh_from_db()
    new = send_again(message=old, origin=by_api, now=now)
    assert send_again(message=old, origin=by_api, now=now).pk == new.pk
    assert len(wire.sent) == 2


def test_the_notice_closes_when_each_it_counts_was_sent_again(unknown, send, wire, by_api, workspace, now):
    wire.cut_off()
    other = send("run:2")
    for message in (unknown, other):
        wake(message, now + TEN_MINUTES)
    notice = Notification.objects.in_workspace(workspace).get()
    for message, is_closed in ((unknown, False), (other, True)):
        send_again(message=message, origin=by_api, now=now + TEN_MINUTES)
        notice.refresh_from_db()
        assert (notice.solved_at is not None) is is_closed


def test_what_has_failed_twice_is_sent_again_from_either(send, wire, by_api, now):
    old = send()
    advance_message(old, "failed", now=now, error=RecipientNotOnWhatsapp())
    old.refresh_from_db()
    second = send_again(message=old, origin=by_api, now=now)
    advance_message(second, "failed", now=now, error=RecipientNotOnWhatsapp())
    third = send_again(message=old, origin=by_api, now=now)
    assert third.pk not in (old.pk, second.pk)
    assert (third.status, len(wire.sent)) == ("accepted", 3)


def test_the_second_send_waits_for_a_platform_that_is_away(unknown, wire, workspace, sender, chat, now):
    Sender.objects.in_workspace(workspace).filter(pk=sender.pk).update(unknown_policy="resend")
    at = now + TEN_MINUTES
    for _time in range(4):
        breaker.note_outage(sender, now=at)
    wake(unknown, at)
    assert (unknown.status, unknown.wake_at, len(wire.sent)) == ("unknown", at + breaker.FIRST_PROBE, 1)
    wake(unknown, at + breaker.FIRST_PROBE)
    assert (unknown.status, len(wire.sent)) == ("accepted", 2)


@pytest.mark.parametrize("status", ["accepted", "unknown"])
def test_what_may_have_arrived_is_not_sent_again(send, wire, by_api, now, status):
    if status == "unknown":
        wire.cut_off()
    message = send()
    with pytest.raises(CannotSendAgain):
        send_again(message=message, origin=by_api, now=now)
    assert len(wire.sent) == 1
