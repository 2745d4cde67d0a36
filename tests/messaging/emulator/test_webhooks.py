"""Statuses and the way to our webhook: signed, retried, in order; and every fault that can be ordered."""

import hashlib
import hmac
import json
import sqlite3

import pytest

from messaging.emulator.client import EmulatorRefused
from messaging.emulator.testing import run_emulator
from workspaces.embedded_server import Answer

from .conftest import BODY, EVA, NUMBER, SECRET, TOKEN, WABA, Platform, body_of, code_of, eventually


def is_signed(post, secret=SECRET):
    digest = hmac.new(secret.encode(), post.raw, hashlib.sha256).hexdigest()
    return post.headers["x-hub-signature-256"] == f"sha256={digest}"


def test_sent_delivered_and_read_carry_our_key_and_the_price(platform, emulator, webhook):
    sent = platform.template(body_of("a", "b"), biz_opaque_callback_data="row-1")[1]["messages"][0]["id"]
    webhook.statuses(2)
    assert emulator.customer_reads(EVA, NUMBER) == [sent]
    statuses = webhook.statuses(3)
    assert [one["status"] for one in statuses] == ["sent", "delivered", "read"]
    assert {one["id"] for one in statuses} == {sent}
    assert {one["biz_opaque_callback_data"] for one in statuses} == {"row-1"}
    assert all(one["timestamp"].isdigit() and one["recipient_id"] == EVA[1:] for one in statuses)
    assert statuses[0]["pricing"] == {
        "billable": True,
        "pricing_model": "PMP",
        "category": "utility",
        "type": "regular",
    }
    assert emulator.customer_reads(EVA) == []


def test_the_bytes_are_signed_as_they_are_sent(emulator, webhook):
    emulator.customer_writes(EVA, NUMBER, "Grüße/😀")
    post = webhook.wait(1)[0]
    assert is_signed(post)
    assert rb"Gr\u00fc\u00dfe\/\ud83d\ude00" in post.raw
    assert post.headers["content-type"] == "application/json"


@pytest.mark.parametrize("trait", ["on_whatsapp", "blocked"])
def test_who_cannot_be_reached_is_told_by_a_status(platform, emulator, webhook, trait):
    emulator.patch_customer(EVA, **{trait: trait == "blocked"})
    assert platform.template(body_of("a", "b"), biz_opaque_callback_data="row-1")[0] == 200
    status = webhook.statuses(1)[0]
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131026)
    assert status["biz_opaque_callback_data"] == "row-1"
    assert emulator.customer_screen(EVA, NUMBER) == []


def test_a_phone_that_is_off_gets_its_messages_later(platform, emulator, webhook):
    emulator.patch_customer(EVA, phone_off=True)
    platform.template(body_of("a", "b"))
    assert [one["status"] for one in webhook.statuses(1)] == ["sent"]
    assert emulator.customer_screen(EVA, NUMBER) == []
    emulator.patch_customer(EVA, phone_off=False)
    assert [one["status"] for one in webhook.statuses(2)] == ["sent", "delivered"]


def test_a_webhook_is_retried_until_it_is_taken(emulator, webhook):
    webhook.answers = [Answer(500), Answer(503), Answer(403), Answer(302)]
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    posts = webhook.wait(5)
    assert len({post.raw for post in posts}) == 1
    eventually(lambda: [one["status"] for one in emulator.webhooks()] == [500, 503, 403, 302, 200])
    assert [one["attempt"] for one in emulator.webhooks()] == [1, 2, 3, 4, 5]


def test_a_lost_connection_is_retried_too(emulator, webhook):
    webhook.answers = [Answer(fate="close")]
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    webhook.wait(2)
    eventually(lambda: len(emulator.webhooks()) == 2)
    assert emulator.webhooks()[0]["status"] is None


def test_order_is_kept_where_nothing_fails(emulator, webhook):
    wamids = [emulator.customer_writes(EVA, NUMBER, str(index)) for index in range(20)]
    assert [post.value["messages"][0]["id"] for post in webhook.wait(20)] == wamids


def test_a_number_without_webhook_is_noted_in_the_journal(emulator):
    emulator.register_number(NUMBER, webhook=None)
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    entry = eventually(emulator.webhooks)[0]
    assert (entry["url"], entry["status"]) == (None, None)
    assert entry["body"]["entry"][0]["changes"][0]["value"]["messages"]


def test_number_changes_are_told(emulator, webhook):
    emulator.patch_number(NUMBER, status="DISCONNECTED")
    emulator.patch_number(NUMBER, quality="RED")
    emulator.patch_number(NUMBER, limit=-1)
    emulator.patch_number(NUMBER, throughput=1000)
    quality, capability, throughput = webhook.wait(3)
    assert (quality.field, quality.value["event"]) == ("phone_number_quality_update", "FLAGGED")
    assert capability.field == "business_capability_update"
    assert capability.value["max_daily_conversations_per_business"] == -1
    assert throughput.value["event"] == "THROUGHPUT_UPGRADE"
    assert isinstance(json.loads(quality.raw)["entry"][0]["time"], int)


def test_template_changes_are_told(emulator, webhook):
    key = emulator.call("GET", "templates")["data"][0]["id"]
    emulator.patch_template(key, status="PAUSED", quality="RED", category="MARKETING")
    emulator.patch_template(key, status="FLAGGED")
    emulator.patch_template(key, status="REINSTATED")
    category, quality, paused, flagged, back = webhook.wait(5)
    assert category.field == "template_category_update"
    assert (category.value["previous_category"], category.value["new_category"]) == ("UTILITY", "MARKETING")
    assert (quality.value["previous_quality_score"], quality.value["new_quality_score"]) == ("UNKNOWN", "RED")
    assert (paused.value["event"], "other_info" in paused.value) == ("PAUSED", True)
    assert (flagged.value["event"], back.value["event"]) == ("FLAGGED", "REINSTATED")
    assert emulator.call("GET", "templates")["data"][0]["status"] == "APPROVED"


def test_a_webhook_is_given_up_after_seven_days(emulator, webhook):
    emulator.set_clock("2026-11-25T12:00:00Z")
    webhook.answers = [Answer(500)] * 3
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    webhook.wait(2)
    emulator.set_clock("2026-12-02T12:00:01Z")
    last = eventually(lambda: [one for one in emulator.webhooks() if "given up" in str(one.get("note"))])
    assert len(last) == 1
    assert not emulator.is_busy()


def test_statuses_where_the_chat_is_open_and_where_receipts_are_off(platform, emulator, webhook):
    emulator.patch_customer(EVA, chat_open=True)
    platform.template(body_of("a", "b"))
    assert [one["status"] for one in webhook.statuses(2)] == ["sent", "read"]
    emulator.fault({"type": "template"}, {"reverse_status": True})
    platform.template(body_of("a", "b"))
    assert [one["status"] for one in webhook.statuses(4)[2:]] == ["read", "sent"]
    emulator.patch_customer(EVA, chat_open=False, receipts_off=True)
    platform.template(body_of("a", "b"))
    webhook.statuses(6)
    assert len(emulator.customer_reads(EVA)) == 1
    emulator.patch_customer(EVA, receipts_off=False)
    platform.template(body_of("a", "b"))
    assert [one["status"] for one in webhook.statuses(8)[4:]] == ["sent", "delivered"] * 2


def test_a_voice_message_is_played_after_it_was_read(platform, emulator, webhook):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    platform.send(type="audio", audio={"link": "https://example.com/a.ogg", "voice": True})
    webhook.statuses(2)
    emulator.customer_reads(EVA, plays=True)
    assert [one["status"] for one in webhook.statuses(4)] == ["sent", "delivered", "read", "played"]
    assert emulator.customer_screen(EVA)[-1]["status"] == "played"


# --- journal, clock, reset, restart ----------------------------------------------------------------
def test_the_journal_has_calls_and_webhooks_in_order(platform, emulator, webhook):
    platform.template(body_of("a", "b"))
    webhook.statuses(2)
    eventually(lambda: len(emulator.webhooks()) == 2)
    entries = emulator.journal()
    assert [entry["kind"] for entry in entries] == ["call", "webhook", "webhook"]
    call = entries[0]
    assert (call["method"], call["path"], call["status"]) == ("POST", f"/v26.0/{NUMBER}/messages", 200)
    assert call["body"]["template"]["name"] == "termin"
    assert call["answer"]["messages"][0]["id"] == emulator.sends()[0]["wamid"]
    assert TOKEN not in json.dumps(entries)
    assert emulator.journal(entries[0]["id"]) == entries[1:]
    assert emulator.journal(entries[0]["at"]) == entries
    assert emulator.call("GET", "journal?since=0&limit=1")["last"] == entries[0]["id"]
    with pytest.raises(EmulatorRefused):
        emulator.journal("vorgestern")


def test_the_clock_is_set_and_given_back(emulator):
    assert emulator.set_clock("2030-01-01T00:00:00Z") == {"now": "2030-01-01T00:00:00+00:00", "fixed": True}
    assert emulator.set_clock(None)["fixed"] is False
    for order in ({}, {"now": "morgen"}, {"now": 5}):
        with pytest.raises(EmulatorRefused):
            emulator.call("POST", "clock", order)


def test_reset_forgets_all_or_keeps_numbers_and_templates(platform, emulator):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    emulator.set_clock("2030-01-01T00:00:00Z")
    emulator.reset(keep=("numbers", "templates"))
    assert emulator.customer_screen(EVA) == []
    assert code_of(platform.text()) == 131047
    assert platform.template(body_of("a", "b"))[0] == 200
    emulator.reset()
    assert code_of(platform.template(body_of("a", "b"))) == 190
    assert [one["status"] for one in emulator.journal()] == [401]


@pytest.mark.parametrize(
    ("path", "order"),
    [
        (f"numbers/{NUMBER}", {"limit": "viel"}),
        (f"numbers/{NUMBER}", {"shoe_size": 43}),
        ("numbers/404", {"phone": "+4915112345678"}),
        ("numbers/404", {"waba_id": "1", "phone": "abc"}),
        ("templates", {"waba_id": WABA}),
        ("templates", {"waba_id": WABA, "name": "a", "language": "de", "id": "x"}),
        ("templates", None),
    ],
)
def test_wrong_seeds_are_refused(emulator, path, order):
    with pytest.raises(EmulatorRefused):
        emulator.call("PUT", path, order)


def test_unknown_things_cannot_be_patched(emulator):
    for path in ("numbers/404", "templates/404"):
        with pytest.raises(EmulatorRefused):
            emulator.call("PATCH", path, {"status": "X"})


def test_all_survives_a_restart_and_goes_on(tmp_path, webhook):
    with run_emulator(tmp_path, sent_ms=2, delivered_ms=60_000, retry_seconds=60) as first:
        first.client.register_number(
            NUMBER, waba_id=WABA, phone="+4915112345678", token=TOKEN, app_secret=SECRET, webhook="http://127.0.0.1:9/"
        )
        first.client.add_template(waba_id=WABA, name="termin", language="de", components=BODY)
        first.client.customer_writes(EVA, NUMBER, "Hallo")
        Platform(first.url).template(body_of("a", "b"), biz_opaque_callback_data="row-1")
        eventually(lambda: len(first.client.webhooks()) == 2)
        before = first.client.journal()
    assert (tmp_path / "emulator.sqlite3").exists()
    with run_emulator(tmp_path, sent_ms=2, delivered_ms=6, retry_seconds=0.05) as second:
        second.client.register_number(NUMBER, webhook=webhook.url)
        assert second.client.journal()[: len(before)] == before
        assert Platform(second.url).text("Die Tür steht noch offen")[0] == 200
        statuses = webhook.statuses(4)
        assert {one["status"] for one in statuses if one.get("biz_opaque_callback_data")} == {"sent", "delivered"}
        assert any("messages" in post.value for post in webhook.posts)
    with sqlite3.connect(tmp_path / "emulator.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM journal").fetchone()[0] > len(before)


def test_sends_go_on_while_the_webhook_hangs(platform, emulator, webhook):
    webhook.answers = [Answer(fate="hang")]
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    webhook.wait(1)
    assert [platform.template(body_of("a", "b"), to=f"+43664000000{i}")[0] for i in range(5)] == [200] * 5
    assert len(webhook.statuses(10)) == 10
