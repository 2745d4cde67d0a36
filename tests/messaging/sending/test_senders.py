"""Senders: connected with every part called, checked, paused, retired."""

from datetime import timedelta

import pytest

from messaging.errors import ConnectionRefused, NumberTaken, WhatsappUnavailable
from messaging.models import Sender
from messaging.services.senders import (
    NumberSettings,
    check_sender,
    connect_sender,
    findings_of,
    pause_sender,
    resume_sender,
    retire_sender,
    set_sender_status,
)
from tests.cast import make_workspace
from workspaces.models import AuditEntry, Notification

NUMBER = {
    "display_phone_number": "+1 555 012 3456",
    "verified_name": "Praxis Graz",
    "quality_rating": "GREEN",
    "status": "CONNECTED",
    "throughput": {"level": "STANDARD"},
    "whatsapp_business_manager_messaging_limit": "TIER_2K",
}


@pytest.fixture
def settings_of_number():
    """What a person enters."""
    return NumberSettings(
        provider_number_id=" 1009 ", business_account_id="2001", token="t-9", app_secret="s-9", verify_token="v-9"
    )


def answer_check(wire, *, token=None, number=None, numbers=None, apps=None):
    """The four answers of a check, in the order of its calls."""
    scopes = ["whatsapp_business_messaging", "whatsapp_business_management"]
    wire.answer(200, token or {"data": {"is_valid": True, "scopes": scopes}})
    wire.answer(200, number or NUMBER)
    wire.answer(200, numbers or {"data": [{"id": "1001"}, {"id": "1009"}]})
    wire.answer(200, {"data": [{"whatsapp_business_api_data": {"id": "1"}}]} if apps is None else apps)


@pytest.fixture
def connect(workspace, wire, settings_of_number, now):
    """Connects the number."""
    return lambda **changes: connect_sender(
        **{"workspace": workspace, "number": settings_of_number, "by": "test", "now": now, **changes}
    )


def test_a_test_number_is_connected_as_the_platform_shows_it(connect, wire, workspace, now):
    """(traps P12)"""
    answer_check(wire)
    sender = connect()
    sender.refresh_from_db()
    assert (sender.phone, sender.display_name, sender.status) == ("+1 555 012 3456", "Praxis Graz", "online")
    assert (sender.quality, sender.messaging_limit, sender.throughput) == ("green", 2000, 80)
    assert sender.provider_number_id == "1009"
    assert sender.wake_at == now + timedelta(minutes=5)
    assert [finding.is_ok for finding in findings_of(sender)] == [True] * 4
    assert [call.path.split("?")[0] for call in wire.calls] == [
        "/v26.0/debug_token", "/v26.0/1009", "/v26.0/2001/phone_numbers", "/v26.0/2001/subscribed_apps",
    ]  # fmt: skip
    assert AuditEntry.objects.in_workspace(workspace).get().verb == "sender.connected"


def test_a_dead_token_is_named_with_its_part(connect, wire, workspace):
    answer_check(wire, token={"data": {"is_valid": False}})
    with pytest.raises(ConnectionRefused) as refused:
        connect()
    wrong = [finding for finding in refused.value.facts["findings"] if not finding["is_ok"]]
    assert [(finding["part"], finding["code"]) for finding in wrong] == [("token", "credentials_invalid")]
    assert not Sender.objects.in_workspace(workspace).exists()


def test_a_number_of_another_account_is_named(connect, wire):
    answer_check(wire, numbers={"data": [{"id": "7777"}]})
    with pytest.raises(ConnectionRefused) as refused:
        connect()
    assert [finding["part"] for finding in refused.value.facts["findings"] if not finding["is_ok"]] == ["account"]


def test_a_missing_webhook_is_noted_and_connects(connect, wire):
    answer_check(wire, apps={"data": []})
    wrong = [finding for finding in findings_of(connect()) if not finding.is_ok]
    assert [finding.part for finding in wrong] == ["webhook"]
    assert "2001" in wrong[0].error.cause_text()


def test_a_number_in_use_elsewhere_does_not_say_by_whom(connect, wire):
    answer_check(wire)
    connect()
    answer_check(wire)
    stranger = make_workspace("fremde-firma")
    with pytest.raises(NumberTaken) as refused:
        connect(workspace=stranger)
    assert refused.value.facts == {}
    assert refused.value.field == "provider_number_id"


def test_a_retired_number_may_be_connected_again(connect, wire, workspace, now):
    answer_check(wire)
    first = connect()
    assert retire_sender(first, by="test", now=now)
    assert not retire_sender(first, by="test", now=now)
    assert (first.token, first.app_secret, first.wake_at) == ("", "", None)
    answer_check(wire)
    assert connect(workspace=make_workspace("fremde-firma")).pk != first.pk


def test_a_platform_that_is_away_changes_nothing(sender, wire, now):
    wire.answer(503)
    with pytest.raises(WhatsappUnavailable):
        check_sender(sender, now)
    sender.refresh_from_db()
    assert sender.status == "online"
    assert sender.wake_at == now + timedelta(minutes=5)


def test_a_fall_is_told_and_a_return_closes_the_notice(sender, wire, workspace, now):
    answer_check(wire, number={**NUMBER, "status": "DISCONNECTED", "quality_rating": "YELLOW"})
    check_sender(sender, now)
    sender.refresh_from_db()
    assert (sender.status, sender.status_reason, sender.status_since) == ("offline", "DISCONNECTED", now)
    codes = set(Notification.objects.in_workspace(workspace).values_list("code", flat=True))
    assert codes == {"sender_offline", "sender_quality"}
    answer_check(wire)
    check_sender(sender, now + timedelta(minutes=5))
    assert not Notification.objects.in_workspace(workspace).filter(solved_at=None).exists()


def test_the_same_state_again_is_no_news(sender, workspace, now):
    assert set_sender_status(sender, "offline", reason="DISCONNECTED", now=now)
    assert not set_sender_status(sender, "offline", reason="DISCONNECTED", now=now + timedelta(minutes=5))
    assert sender.status_since == now


def test_pause_and_resume(sender, workspace, now):
    assert pause_sender(sender, by="test", now=now)
    assert not pause_sender(sender, by="test", now=now)
    assert sender.shown_status == "offline"
    assert resume_sender(sender, by="test", now=now)
    assert sender.is_usable
    verbs = AuditEntry.objects.in_workspace(workspace).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["sender.paused", "sender.resumed"]


@pytest.mark.parametrize(
    ("tier", "limit"), [("TIER_250", 250), ("TIER_100K", 100_000), ("TIER_UNLIMITED", None), ("TIER_NEW", None)]
)
def test_limits_are_read_by_their_number(sender, wire, now, tier, limit):
    answer_check(wire, number={**NUMBER, "whatsapp_business_manager_messaging_limit": tier})
    check_sender(sender, now)
    sender.refresh_from_db()
    assert sender.messaging_limit == limit
