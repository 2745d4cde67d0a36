"""Numbers, templates, tokens and subscriptions as the platform answers them."""

import pytest

from .conftest import BODY, NUMBER, TOKEN, WABA, code_of

NEW = {
    "name": "neu",
    "language": "de",
    "category": "utility",
    "components": [
        {
            "type": "BODY",
            "text": "Guten Tag {{1}}, Ihr Termin ist morgen um neun Uhr.",
            "example": {"body_text": [["Eva"]]},
        },
        {"type": "FOOTER", "text": "Praxis Huber"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Passt"}]},
    ],
}


def test_a_numbers_fields(platform, emulator):
    status, number = platform.call("GET", NUMBER)
    assert status == 200
    assert number["display_phone_number"] == "+49 1511 2345678"
    assert number["verified_name"] == "Praxis Huber"
    fields = "status,quality_rating,throughput,whatsapp_business_manager_messaging_limit,name_status"
    assert platform.call("GET", f"{NUMBER}?fields={fields}")[1] == {
        "status": "CONNECTED",
        "quality_rating": "GREEN",
        "throughput": {"level": "STANDARD"},
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
        "name_status": "APPROVED",
        "id": NUMBER,
    }
    assert code_of(platform.call("GET", f"{NUMBER}?fields=shoe_size")) == 100
    emulator.patch_number(NUMBER, quality="RED", limit=-1, throughput=1000)
    number = platform.call("GET", f"{NUMBER}?fields={fields}")[1]
    assert (number["quality_rating"], number["throughput"]) == ("RED", {"level": "HIGH"})
    assert number["whatsapp_business_manager_messaging_limit"] == "TIER_UNLIMITED"


def test_an_accounts_numbers(platform, emulator):
    emulator.register_number("2", waba_id=WABA, phone="+4915112345679", token=TOKEN)
    emulator.register_number("3", waba_id="999", phone="+4915112345670", token="other")
    answer = platform.call("GET", f"{WABA}/phone_numbers?fields=status")[1]
    assert [number["id"] for number in answer["data"]] == [NUMBER, "2"]
    assert platform.call("GET", WABA)[1]["id"] == WABA
    assert code_of(platform.call("GET", "999/phone_numbers")) == 100


def test_the_numbers_of_an_account_share_its_limit(platform, emulator):
    emulator.register_number("2", waba_id=WABA, phone="+4915112345679", token=TOKEN)
    emulator.patch_number(NUMBER, limit=10_000)
    field = "whatsapp_business_manager_messaging_limit"
    assert platform.call("GET", f"2?fields={field}")[1][field] == "TIER_10K"


def test_templates_are_listed_page_by_page(platform, emulator):
    for index in range(6):
        emulator.add_template(waba_id=WABA, name=f"t{index}", language="de", components=BODY)
    names, path = [], f"{WABA}/message_templates?limit=3&fields=name,status"
    pages = 0
    while path:
        answer = platform.call("GET", path)[1]
        names += [template["name"] for template in answer["data"]]
        assert set(answer["data"][0]) == {"id", "name", "status"}
        path = answer["paging"].get("next", "").partition("/v26.0/")[2]
        pages += 1
    assert names == ["termin", *(f"t{index}" for index in range(6))]
    assert pages == 3
    back = platform.call("GET", f"{WABA}/message_templates?limit=3&before=3")[1]
    assert [template["name"] for template in back["data"]] == ["termin", "t0", "t1"]
    assert platform.call("GET", f"{WABA}/message_templates?after=99")[1] == {"data": []}
    assert code_of(platform.call("GET", f"{WABA}/message_templates?after=x")) == 100


def test_templates_are_filtered(platform, emulator):
    emulator.add_template(waba_id=WABA, name="pause", language="en", status="PAUSED", components=BODY)
    assert [one["name"] for one in platform.call("GET", f"{WABA}/message_templates?status=PAUSED")[1]["data"]] == [
        "pause"
    ]
    assert [one["name"] for one in platform.call("GET", f"{WABA}/message_templates?name=term")[1]["data"]] == ["termin"]


def test_a_new_template_is_pending_until_the_platform_decides(platform, emulator, webhook):
    status, answer = platform.call("POST", f"{WABA}/message_templates", NEW)
    assert status == 200
    assert (answer["status"], answer["category"]) == ("PENDING", "UTILITY")
    emulator.patch_template(answer["id"], status="APPROVED")
    event = webhook.wait(1)[0]
    assert event.field == "message_template_status_update"
    assert event.value["event"] == "APPROVED"
    assert event.value["message_template_id"] == int(answer["id"])
    assert platform.call("GET", f"{answer['id']}?fields=status")[1]["status"] == "APPROVED"
    duplicate = platform.call("POST", f"{WABA}/message_templates", NEW)
    assert duplicate[1]["error"]["error_subcode"] == 2388024


def test_variables_side_by_side_are_rejected_by_webhook(platform, webhook):
    text = "Guten Tag {{1}}{{2}}, Ihr Termin ist morgen um neun Uhr, bitte kommen Sie pünktlich."
    components = [{"type": "BODY", "text": text, "example": {"body_text": [["Eva", "Muster"]]}}]
    assert platform.call("POST", f"{WABA}/message_templates", NEW | {"components": components})[0] == 200
    event = webhook.wait(1)[0].value
    assert (event["event"], event["reason"]) == ("REJECTED", "INVALID_FORMAT")
    assert event["rejection_info"]["recommendation"]


def _body(text, **more):
    return [{"type": "BODY", "text": text} | more]


@pytest.mark.parametrize(
    ("change", "subcode"),
    [
        ({"name": "Großes Wort"}, None),
        ({"language": "deutsch"}, None),
        ({"category": "SPAM"}, None),
        ({"parameter_format": "ROMAN"}, None),
        ({"components": []}, None),
        ({"components": "text"}, None),
        ({"components": _body("a b c") * 2}, None),
        ({"components": _body("x" * 1025)}, 2388040),
        ({"components": _body("{{1}} ist da, guten Tag und auf Wiedersehen")}, 2388299),
        ({"components": _body("Guten Tag und auf Wiedersehen, {{1}}")}, 2388299),
        ({"components": _body("Hallo {{1}} und {{2}} da")}, 2388293),
        ({"components": _body("Guten Tag {{1}}, Ihr Termin ist morgen.")}, 2388043),
        ({"components": [*_body("Guten Tag."), {"type": "FOOTER", "text": "{{1}}"}]}, 2388073),
        ({"components": [*_body("Guten Tag."), {"type": "FOOTER", "text": "x" * 61}]}, 2388073),
        ({"components": [*_body("Guten Tag."), {"type": "HEADER", "format": "TEXT", "text": "x" * 61}]}, 2388047),
        ({"components": [*_body("Tag."), {"type": "HEADER", "format": "TEXT", "text": "{{1}} a {{2}}"}]}, 2388047),
        ({"components": [*_body("Tag."), {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY"}] * 11}]}, None),
        ({"components": [*_body("Tag."), {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "a"}] * 3}]}, None),
        ({"components": [*_body("Tag."), {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "a" * 26}]}]}, None),
    ],
)
def test_a_template_against_the_rules_is_refused(platform, change, subcode):
    answer = platform.call("POST", f"{WABA}/message_templates", NEW | change)
    assert code_of(answer) == 100
    assert answer[1]["error"].get("error_subcode") == subcode


def test_a_template_is_edited_and_goes_to_review_again(platform, emulator):
    key = emulator.call("GET", "templates")["data"][0]["id"]
    assert platform.call("POST", key, {"components": NEW["components"]}) == (200, {"success": True})
    template = platform.call("GET", key)[1]
    assert (template["status"], template["components"]) == ("PENDING", NEW["components"])
    assert code_of(platform.call("POST", key, {"category": "MARKETING"})) == 100  # not while pending
    emulator.patch_template(key, status="APPROVED")
    assert code_of(platform.call("POST", key, {})) == 100
    assert code_of(platform.call("POST", key, {"category": "MARKETING"})) == 100  # an approved one keeps its category
    assert code_of(platform.call("POST", key, {"name": "anders"})) == 100
    emulator.patch_template(key, status="REJECTED")
    assert platform.call("POST", key, {"category": "MARKETING"})[0] == 200
    assert code_of(platform.call("PUT", key, {})) == 100


def test_templates_are_deleted_by_name_or_one_language(platform, emulator):
    english = emulator.add_template(waba_id=WABA, name="termin", language="en", components=BODY)["id"]
    path = f"{WABA}/message_templates"
    assert platform.call("DELETE", f"{path}?name=termin&hsm_id={english}")[0] == 200
    assert [one["language"] for one in platform.call("GET", path)[1]["data"]] == ["de"]
    assert platform.call("DELETE", f"{path}?name=termin")[0] == 200
    assert platform.call("GET", path)[1] == {"data": []}
    assert code_of(platform.call("DELETE", f"{path}?name=termin")) == 100
    assert code_of(platform.call("DELETE", path)) == 100


def test_what_a_token_is_good_for(platform):
    data = platform.call("GET", f"debug_token?input_token={TOKEN}")[1]["data"]
    assert data["is_valid"] is True
    assert data["granular_scopes"][0]["target_ids"] == [WABA]
    assert platform.call("GET", "debug_token?input_token=dead")[1]["data"]["is_valid"] is False


def test_subscribing_does_the_handshake(platform, emulator, webhook):
    path = f"{WABA}/subscribed_apps"
    wrong = {"override_callback_uri": webhook.url, "verify_token": "wrong"}
    assert code_of(platform.call("POST", path, wrong)) == 100
    right = wrong | {"verify_token": webhook.verify_token}
    assert platform.call("POST", path, right) == (200, {"success": True})
    assert platform.call("GET", path)[1]["data"][0]["override_callback_uri"] == webhook.url
    assert platform.call("DELETE", path)[0] == 200
    assert platform.call("GET", path)[1] == {"data": []}
    assert platform.call("POST", path, b"", **{"content-type": "application/x-www-form-urlencoded"})[0] == 200
    assert code_of(platform.call("PUT", path)) == 100
    assert emulator.call("POST", f"numbers/{NUMBER}/verify") == {"verified": True}
    assert code_of(platform.call("POST", path, right | {"override_callback_uri": "http://127.0.0.1:9/"})) == 100


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "404"),
        ("DELETE", NUMBER),
        ("GET", f"{NUMBER}/messages"),
        ("GET", f"{NUMBER}/horoscope"),
        ("POST", f"{WABA}/phone_numbers"),
        ("PUT", f"{WABA}/message_templates"),
        ("GET", "a/b/c"),
    ],
)
def test_an_object_that_does_not_exist(platform, method, path):
    answer = platform.call(method, path)
    assert code_of(answer) == 100
    assert answer[1]["error"]["error_subcode"] == 33


def test_an_address_without_version_is_unknown(platform):
    assert platform.raw("GET", "/me")[0] == 404
