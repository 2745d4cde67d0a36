"""The same door against the emulator, which refuses what the platform refuses; read off its journal."""

from datetime import timedelta

import pytest

from messaging.emulator.testing import run_emulator
from messaging.errors import CredentialsInvalid, OutsideWindow, RateLimited, SenderOffline, TemplateNotFound
from messaging.models import Chat, Message, Pace, Sender, Template
from messaging.providers.cloud_codes import CODES, meaning_of
from messaging.services import pacing
from messaging.services.outbox import SlotPolicy, send_template, send_text
from messaging.services.senders import check_sender, findings_of
from messaging.services.templates import find_template, sync_templates

TEMPLATES = [
    {
        "name": "termin",
        "language": "de",
        "category": "UTILITY",
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": "Termin am {{1}}", "example": {"header_text": ["Montag"]}},
            {
                "type": "BODY",
                "text": "Hallo {{1}}, {{2}} erwartet Sie am {{3}} in {{4}}.",
                "example": {"body_text": [["Eva", "Dr. Huber", "3. April", "Graz"]]},
            },
            {
                "type": "BUTTONS",
                "buttons": [
                    {"type": "QUICK_REPLY", "text": "Passt"},
                    {
                        "type": "URL",
                        "text": "Weg",
                        "url": "https://example.com/{{1}}",
                        "example": ["https://example.com/graz"],
                    },
                ],
            },
        ],
    },
    {
        "name": "gruss",
        "language": "de",
        "category": "UTILITY",
        "parameter_format": "NAMED",
        "components": [
            {
                "type": "BODY",
                "text": "Hallo {{customer_name}}, schön!",
                "example": {"body_text_named_params": [{"param_name": "customer_name", "example": "Eva"}]},
            }
        ],
    },
]
# Calling, whose codes come elsewhere.
NOT_OF_THE_SEND_CALL = {613, 131044, 138013}
VALUES = {
    "header.1": "Montag", "1": "Eva", "2": "Dr. Huber", "3": "3. April", "4": "Graz", "button.1": "graz",
}  # fmt: skip


@pytest.fixture
def emulator(settings, now):
    """An emulator whose clock stands at noon, with our number and two templates."""
    with run_emulator() as running:
        settings.PROVIDER_ADDRESSES = {"cloud_api": running.url}
        client = running.client
        client.set_clock(now)
        client.register_number("1001", waba_id="2001", phone="433161234", token="geheim-token-7")
        for template in TEMPLATES:
            client.add_template(waba_id="2001", **template)
        yield client


@pytest.fixture
def sender(sender, emulator) -> Sender:
    """The online sender; the scripted server has no part here."""
    return sender


@pytest.fixture
def chat(chat, emulator, now) -> Chat:
    """Eva has really written an hour ago."""
    emulator.customer_writes("4915112345678", "1001", "Hallo", at=(now - timedelta(hours=1)).isoformat())
    return chat


@pytest.fixture
def synced(sender, now):
    """The templates, synced."""
    return sync_templates(sender, now)


@pytest.fixture
def text(sender, chat, by_run, now):
    """Sends a text to Eva."""

    def text(body="Hallo", at=now, key=None, **changes):
        return send_text(sender=sender, chat=chat, text=body, origin=by_run, key=key, now=at, **changes)

    return text


@pytest.fixture
def template(sender, synced, by_run, now):
    """Sends the template to Eva's number."""

    def template(name="termin", variables=VALUES, **changes):
        arguments = {"sender": sender, "to": "+4915112345678", "language": "de", "origin": by_run, "key": None}
        return send_template(**{**arguments, "template": name, "variables": variables, "now": now, **changes})

    return template


def test_templates_are_synced_and_sent_with_all_their_values(template, emulator, synced):
    assert synced.added == 2
    message = template()
    assert message.status == "accepted"
    [sent] = emulator.sends()
    assert (sent["wamid"], sent["to"]) == (message.provider_id, "4915112345678")
    header, body, button = sent["body"]["template"]["components"]
    assert header["parameters"][0]["text"] == "Montag"
    assert [parameter["text"] for parameter in body["parameters"]] == ["Eva", "Dr. Huber", "3. April", "Graz"]
    assert (button["index"], button["parameters"][0]["text"]) == ("1", "graz")
    assert message.body == "Hallo Eva, Dr. Huber erwartet Sie am 3. April in Graz."


def test_named_parameters_arrive(template, emulator):
    assert template("gruss", {"customer_name": "Eva"}).status == "accepted"
    [parameter] = emulator.sends()[0]["body"]["template"]["components"][0]["parameters"]
    assert parameter == {"type": "text", "parameter_name": "customer_name", "text": "Eva"}


def test_a_template_deleted_behind_our_back(template, emulator, sender, now):
    row = find_template(sender.workspace, "2001", "gruss", "de")
    emulator.patch_template(row.platform_id, status="PENDING")
    with pytest.raises(TemplateNotFound) as refused:
        template("gruss", {"customer_name": "Eva"})
    assert refused.value.message.status == "failed"
    assert emulator.sends() == []


@pytest.mark.parametrize(("seconds", "goes"), [(-1, True), (0, True), (1, False)])
def test_we_and_the_platform_agree_on_the_window(text, emulator, chat, seconds, goes):
    at = chat.window_expires_at + timedelta(seconds=seconds)
    emulator.set_clock(at)
    if goes:
        assert text(at=at).status == "accepted"
    else:
        with pytest.raises(OutsideWindow):
            text(at=at)
    assert len(emulator.sends()) == int(goes)


@pytest.mark.parametrize("body", ["a" * 4096, "😀" * 2048], ids=["letters", "emoji"])
def test_the_longest_text_is_taken(text, emulator, body):
    assert text(body).status == "accepted"


def test_our_pair_rate_is_no_laxer_than_the_platforms(text, emulator, sender, now):
    for number in range(pacing.PAIR_BURST):
        # As fast as the number itself may send.
        at = now + number * timedelta(milliseconds=20)
        emulator.set_clock(at)
        assert text(at=at).status == "accepted"
    with pytest.raises(RateLimited):
        text(at=at)
    assert len(emulator.sends()) == pacing.PAIR_BURST
    assert all(entry["status"] == 200 for entry in emulator.journal() if entry["kind"] == "call")


def test_a_number_that_is_not_connected(text, emulator, sender, workspace):
    emulator.patch_number("1001", status="DISCONNECTED")
    for _time in range(2):
        with pytest.raises(SenderOffline):
            text()
    sender.refresh_from_db()
    assert sender.status == "failed"
    assert len([entry for entry in emulator.journal() if entry["kind"] == "call"]) == 1


# In one test: starting an emulator for each code costs more than all of them.
def test_every_code_is_refused_by_its_name(text, emulator, sender, chat, workspace, now):
    for code in sorted(set(CODES) - NOT_OF_THE_SEND_CALL):
        expected = meaning_of(code).error
        # A refusal for pace is an error only beyond the deadline.
        slots = SlotPolicy(kind="suspend", deadline=now) if expected is RateLimited else None
        emulator.fault({}, {"error": code})
        with pytest.raises(expected) as refused:
            text(slots=slots)
        assert (refused.value.code, refused.value.message.error_code) == (expected.code, expected.code), code
        assert refused.value.message.status == "failed", code
        assert "%(" not in refused.value.cause_text() + refused.value.cure_text(), code
        Sender.objects.in_workspace(workspace).filter(pk=sender.pk).update(status="online")
        Chat.objects.in_workspace(workspace).filter(pk=chat.pk).update(marketing_stopped_at=None)
        Pace.objects.in_workspace(workspace).delete()
    assert emulator.sends() == []
    assert Message.objects.in_workspace(workspace).count() == len(set(CODES) - NOT_OF_THE_SEND_CALL)


def test_a_check_calls_each_part(sender, emulator, now):
    findings = check_sender(sender, now)
    assert [(finding.part, finding.is_ok) for finding in findings] == [
        ("token", True), ("number", True), ("account", True), ("webhook", True),
    ]  # fmt: skip
    assert sender.status == "online"
    assert sender.quality == "green"


def test_a_dead_token_is_found(sender, emulator, now):
    emulator.register_number("1001", token="another-token")
    check_sender(sender, now)
    assert sender.status == "failed"
    assert isinstance(findings_of(sender)[0].error, CredentialsInvalid)


def test_a_wrong_number_of_the_account_is_found(sender, emulator, now):
    Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk).update(business_account_id="9999")
    sender.refresh_from_db()
    wrong = [finding.part for finding in check_sender(sender, now) if not finding.is_ok]
    assert wrong == ["account", "webhook"]


def test_two_pages_of_templates(sender, emulator, workspace, now):
    for index in range(101):
        emulator.add_template(
            waba_id="2001", name=f"t{index}", language="de", components=[{"type": "BODY", "text": "Guten Tag"}]
        )
    assert sync_templates(sender, now).added == 103
    assert Template.objects.in_workspace(workspace).count() == 103
