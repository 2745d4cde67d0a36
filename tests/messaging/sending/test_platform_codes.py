"""Every code of the platform has its named error; what a code means beyond its message; lost and clear answers."""

import pytest

from messaging import errors
from messaging.errors import (
    CredentialsInvalid,
    NotInAllowedList,
    OutsideWindow,
    UnexpectedPlatformError,
    WhatsappUnavailable,
)
from messaging.models import Message, Sender
from messaging.providers.cloud_codes import CODES, error_of, meaning_of
from messaging.services.outbox import send_text
from workspaces.models import Notification

# The list of the emulator's contract: all of these must be answered by name.
CONTRACT = [
    0, 3, 4, 10, 33, 100, 190, 130429, 131000, 131008, 131009, 131016, 131021, 131026, 131030, 131031, 131037, 131042,
    131045, 131047, 131048, 131049, 131050, 131051, 131052, 131053, 131056, 131057, 132000, 132001, 132005, 132007,
    132012, 132015, 132016, 133010, 133016,
]  # fmt: skip


@pytest.fixture
def send(sender, chat, by_api, now):
    """Sends a text to Eva."""
    return lambda key=None: send_text(sender=sender, chat=chat, text="Hallo", origin=by_api, key=key, now=now)


def test_every_code_of_the_contract_has_a_row():
    assert [code for code in CONTRACT if meaning_of(code).error is UnexpectedPlatformError] == []


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_error_reads_well_in_words(code):
    error = error_of(code, detail="because", sender="Praxis")
    assert "%(" not in error.cause_text() + error.cure_text()
    assert error.cause_text()
    assert error.cure_text()


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (190, "credentials_invalid"),
        (200, "credentials_invalid"),
        (131026, "recipient_not_on_whatsapp"),
        (131030, "not_in_allowed_list"),
        (131042, "spend_or_payment_problem"),
        (131047, "outside_window"),
        (131048, "quality_blocked"),
        (131050, "recipient_opted_out"),
        (131056, "rate_limited"),
        (130429, "rate_limited"),
        (132000, "template_parameters_mismatch"),
        (132001, "template_not_found"),
        (132005, "text_too_long"),
        (132015, "template_paused"),
        (133010, "sender_offline"),
        (131016, "whatsapp_unavailable"),
    ],
)
def test_codes_and_names(code, name):
    assert meaning_of(code).error.code == name


def test_a_refusal_fails_the_row_by_name(send, wire, workspace):
    wire.refuse(131026, details="Message undeliverable")
    with pytest.raises(errors.RecipientNotOnWhatsapp) as refused:
        send()
    row = Message.objects.in_workspace(workspace).get()
    assert row == refused.value.message
    assert (row.status, row.error_code, row.error_facts["platform_code"]) == (
        "failed", "recipient_not_on_whatsapp", 131026,
    )  # fmt: skip
    assert len(wire.sent) == 1


def test_a_code_without_a_row_is_not_retried_and_staff_are_told(send, wire, workspace):
    wire.refuse(131999)
    with pytest.raises(UnexpectedPlatformError) as refused:
        send()
    assert not refused.value.retryable
    assert "131999" in refused.value.cause_text()
    assert Notification.objects.in_workspace(workspace).get().code == "unexpected_platform_error"


def test_an_id_that_is_gone_is_told_by_the_subcode(send, wire):
    wire.answer(400, {"error": {"message": "Unsupported post request", "code": 100, "error_subcode": 33}})
    with pytest.raises(errors.SenderOffline):
        send()


@pytest.mark.parametrize("data", ["in plain words", {"details": "in plain words"}])
def test_the_platforms_words_are_kept_in_either_form(send, wire, data):
    wire.answer(400, {"error": {"message": "(#131009)", "code": 131009, "error_data": data}})
    with pytest.raises(errors.RequestRefused) as refused:
        send()
    assert "in plain words" in refused.value.cause_text()


def test_a_dead_token_stops_the_sender_and_tells_the_team(send, wire, sender, workspace):
    wire.refuse(190, status=401, details="Token geheim-token-7 expired")
    with pytest.raises(CredentialsInvalid) as refused:
        send()
    sender.refresh_from_db()
    assert sender.status == Sender.Status.FAILED
    assert Notification.objects.in_workspace(workspace).get().code == "sender_offline"
    assert "geheim-token-7" not in refused.value.cause_text() + str(refused.value.facts) + sender.status_reason
    with pytest.raises(errors.SenderOffline):
        send()
    assert len(wire.sent) == 1


def test_the_token_is_in_no_log_and_no_exception(send, wire, sender, caplog, capsys):
    caplog.set_level("DEBUG")
    wire.answer(502)
    send()
    wire.answer(500, {"error": {"code": 131000, "message": "geheim-token-7"}})
    with pytest.raises(WhatsappUnavailable) as refused:
        send()
    assert wire.calls[0].token == "geheim-token-7"
    out = capsys.readouterr()
    assert "geheim-token-7" not in caplog.text + out.out + out.err + repr(refused.value.__dict__)


def test_a_list_without_the_nine_is_named_and_nothing_is_sent_twice(send, wire, workspace, contact, chat):
    """(traps P2)"""
    type(contact).objects.in_workspace(workspace).filter(pk=contact.pk).update(phone="+5491100001234")
    type(chat).objects.in_workspace(workspace).filter(pk=chat.pk).update(address="5491100001234")
    chat.refresh_from_db()
    wire.refuse(131030)
    with pytest.raises(NotInAllowedList) as refused:
        send()
    assert not refused.value.retryable
    assert "+541100001234" in refused.value.cure_text()
    assert len(wire.sent) == 1
    assert type(contact).objects.in_workspace(workspace).count() == 1


def test_the_platform_disagrees_about_the_window(send, wire, chat):
    wire.refuse(131047)
    with pytest.raises(OutsideWindow) as refused:
        send()
    assert refused.value.has_disagreement
    before = chat.window_expires_at
    chat.refresh_from_db()
    assert chat.window_expires_at == before


@pytest.mark.parametrize("status", [500, 503])
def test_a_bare_5xx_is_clear_and_may_be_retried(send, wire, workspace, status):
    wire.answer(status)
    with pytest.raises(WhatsappUnavailable) as refused:
        send()
    assert refused.value.retryable
    assert refused.value.message.status == "failed"


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_answer_is_not_clear(send, wire, status):
    wire.answer(status)
    assert send().status == "unknown"


def test_a_cut_off_answer_leaves_the_row_unknown_and_sends_nothing_again(send, wire, workspace):
    wire.cut_off()
    message = send("k1")
    assert (message.status, len(wire.sent)) == ("unknown", 1)
    assert send("k1").pk == message.pk
    assert len(wire.sent) == 1


def test_a_connection_never_made_is_clear(send, wire, settings):
    settings.PROVIDER_ADDRESSES = {"cloud_api": "http://127.0.0.1:1"}
    with pytest.raises(WhatsappUnavailable) as refused:
        send()
    assert refused.value.message.status == "failed"


def test_an_answer_without_an_id_is_not_clear(send, wire):
    wire.answer(200, {"messages": []})
    assert send().status == "unknown"
