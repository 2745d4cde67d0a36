"""Every fault that can be ordered: errors, answers that are lost, statuses and webhooks that go wrong."""

import http.client
import json

import pytest

from messaging.emulator.client import EmulatorRefused
from messaging.emulator.refusals import CODES
from messaging.emulator.testing import run_emulator
from workspaces.embedded_server import Answer

from .conftest import EVA, NUMBER, TOKEN, WABA, body_of, code_of, eventually
from .test_webhooks import is_signed


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_comes_on_demand_in_the_platforms_envelope(platform, emulator, code):
    emulator.fault({"path": "/messages"}, {"error": code})
    answer = platform.template(body_of("a", "b"))
    assert code_of(answer) == code
    assert answer[0] == CODES[code][0]
    assert platform.template(body_of("a", "b"))[0] == 200


def test_an_error_with_words_subcode_and_status_of_its_own(platform, emulator):
    emulator.fault({}, {"error": {"code": 100, "details": "so", "subcode": 33, "status": 418}})
    status, answer = platform.call("GET", NUMBER)
    assert status == 418
    assert (answer["error"]["error_subcode"], answer["error"]["error_data"]["details"]) == (33, "so")


def test_error_data_is_a_plain_text_now_and_then(platform, emulator):
    emulator.fault({}, {"error": {"code": 131009, "error_data": "so"}})
    assert platform.call("GET", NUMBER)[1]["error"]["error_data"] == "so"


def test_a_plain_http_answer(platform, emulator):
    emulator.fault({"type": "template"}, {"http": {"status": 503, "body": "<h1>Sorry</h1>"}}, times=2)
    assert platform.template(body_of("a", "b")) == (503, "<h1>Sorry</h1>")
    assert platform.call("GET", NUMBER)[0] == 200
    assert platform.template(body_of("a", "b"))[0] == 503
    assert platform.template(body_of("a", "b"))[0] == 200
    emulator.fault({}, {"http": 502})
    emulator.fault({}, {"http": {"status": 500, "body": {"a": 1}}})
    assert platform.call("GET", NUMBER) == (502, "")
    assert platform.call("GET", NUMBER) == (500, {"a": 1})


def test_a_delay_and_an_error_add_up(platform, emulator):
    emulator.fault({}, {"delay_ms": 30}, times=None)
    emulator.fault({"to": EVA[1:]}, {"error": 131000})
    assert code_of(platform.template(body_of("a", "b"))) == 131000
    entry = emulator.journal()[-1]
    assert entry["fault"] == {"delay_ms": 30, "error": 131000}
    emulator.clear_faults()
    assert emulator.call("GET", "faults")["data"] == []


def test_faults_match_the_template_and_the_recipient(platform, emulator):
    emulator.fault({"template": "anderes"}, {"error": 131000})
    emulator.fault({"to": "+4366400000000"}, {"error": 131000})
    emulator.fault({"path": "/v*/9/messages"}, {"error": 131000})
    assert platform.template(body_of("a", "b"))[0] == 200
    assert len(emulator.call("GET", "faults")["data"]) == 3


@pytest.mark.parametrize("fate", ["accept_then_close", "accept_then_hang"])
def test_accepted_and_the_answer_lost(running, platform, emulator, webhook, fate):
    emulator.fault({"path": "/messages"}, {fate: True})
    template = {"name": "termin", "language": {"code": "de"}, "components": [body_of("a", "b")]}
    body = {"messaging_product": "whatsapp", "to": EVA, "type": "template", "template": template}
    connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=0.3)
    connection.request("POST", f"/v26.0/{NUMBER}/messages", json.dumps(body), {"authorization": f"Bearer {TOKEN}"})
    with pytest.raises((ConnectionError, TimeoutError)):
        connection.getresponse()
    connection.close()
    assert len(emulator.sends()) == 1
    assert [one["status"] for one in webhook.statuses(2)] == ["sent", "delivered"]


@pytest.mark.parametrize(
    ("effect", "told"),
    [
        ({"drop_status": True}, []),
        ({"drop_status": "sent"}, ["delivered"]),
        ({"double_status": True}, ["sent", "sent", "delivered", "delivered"]),
        ({"reverse_status": True}, ["delivered", "sent"]),
        ({"fail_status": 131049}, ["failed"]),
        ({"fail_status": {"code": 130472, "details": "experiment"}}, ["failed"]),
    ],
)
def test_statuses_that_go_wrong(platform, emulator, webhook, effect, told):
    emulator.fault({"type": "template"}, effect)
    platform.template(body_of("a", "b"))
    platform.template(body_of("c", "d"), to="+4366400000001", biz_opaque_callback_data="good")
    statuses = webhook.statuses(len(told) + 2)
    assert [one["status"] for one in statuses if "biz_opaque_callback_data" not in one] == told


def test_a_doubled_webhook_and_a_bad_signature(emulator, webhook):
    emulator.fault({"to": EVA}, {"double_webhook": True})
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    first, second = webhook.wait(2)
    assert first.raw == second.raw
    emulator.fault({"type": "text"}, {"bad_signature": True})
    webhook.answers = [Answer(403)]
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    forged, genuine = webhook.wait(4)[2:]
    assert not is_signed(forged)
    assert is_signed(genuine)


@pytest.mark.parametrize(
    "order",
    [
        [],
        {"effect": {}},
        {"effect": {"explode": True}},
        {"effect": {"error": 1}, "match": {"moon": "full"}},
        {"effect": {"error": 1}, "times": 0},
        {"effect": {"error": 1}, "times": True},
    ],
)
def test_a_fault_that_cannot_be_is_refused(emulator, order):
    with pytest.raises(EmulatorRefused):
        emulator.call("POST", "faults", order)


@pytest.mark.parametrize(
    "effect",
    [
        {"error": "131000"},
        {"error": {"details": "no code"}},
        {"fail_status": True},
        {"http": "500"},
        {"http": {"status": 1000}},
        {"delay_ms": "viel"},
        {"delay_ms": -1},
    ],
)
def test_an_effect_that_cannot_be_done_is_refused_at_once(platform, emulator, effect):
    with pytest.raises(EmulatorRefused):
        emulator.fault({}, effect)
    assert platform.template(body_of("a", "b"))[0] == 200


# --- batches -----------------------------------------------------------------------------------------
def test_updates_come_in_one_body(platform, emulator, webhook):
    emulator.fault({}, {"batch_webhook": 3}, times=4)
    for text in ("eins", "zwei", "drei", "vier"):
        emulator.customer_writes(EVA, NUMBER, text)
    together, alone = [post.payload["entry"] for post in webhook.wait(2)]
    texts = [entry["changes"][0]["value"]["messages"][0]["text"]["body"] for entry in together]
    assert texts == ["eins", "zwei", "drei"]
    assert all(entry["id"] == WABA for entry in together)
    assert len(alone) == 1  # what is held goes when nothing more comes
    assert all(is_signed(post) for post in webhook.posts)
    eventually(lambda: not emulator.is_busy())
    assert len(webhook.posts) == 2


def test_a_batch_that_is_held_survives_a_restart(tmp_path, webhook):
    with run_emulator(tmp_path) as first:
        first.client.register_number(NUMBER, waba_id=WABA, phone="+4915112345678", webhook=webhook.url)
        first.client.fault({}, {"batch_webhook": 2})
        first.client.customer_writes(EVA, NUMBER, "Hallo")
    with run_emulator(tmp_path):
        assert webhook.wait(1)[0].value["messages"][0]["text"]["body"] == "Hallo"


def test_an_answer_that_is_no_http_is_a_failure_like_any_other(emulator, webhook):
    webhook.answers = [Answer(200, headers={"x-long": "x" * 70_000})]
    emulator.customer_writes(EVA, NUMBER, "eins")
    webhook.wait(2)
    emulator.customer_writes(EVA, NUMBER, "zwei")
    assert webhook.wait(3)[2].value["messages"][0]["text"]["body"] == "zwei"
    assert emulator.webhooks()[0]["status"] is None


@pytest.mark.parametrize("size", [1, 1001, "viele", True])
def test_a_batch_has_a_size(emulator, size):
    with pytest.raises(EmulatorRefused):
        emulator.fault({}, {"batch_webhook": size})
