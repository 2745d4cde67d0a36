"""What the platform accepts and refuses on `POST /{phone_number_id}/messages`."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from .conftest import BODY, EVA, NUMBER, WABA, body_of, code_of, eventually

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
EMOJI = "😀"


def test_an_accepted_template_is_answered_like_the_platform_does(platform, emulator):
    status, answer = platform.template(body_of("Eva", "Dr. Huber"))
    assert status == 200
    assert answer["messaging_product"] == "whatsapp"
    assert answer["contacts"] == [{"input": EVA, "wa_id": EVA[1:]}]
    assert answer["messages"][0]["id"].startswith("wamid.")
    assert answer["messages"][0]["message_status"] == "accepted"
    assert emulator.sends()[0]["wamid"] == answer["messages"][0]["id"]


@pytest.mark.parametrize(
    ("seconds", "goes"), [(-1, True), (0, True), (1, False)], ids=["23:59:59", "24:00:00", "24:00:01"]
)
def test_text_goes_until_24_hours_after_the_customers_last_message(platform, emulator, seconds, goes):
    emulator.set_clock(NOON)
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    emulator.set_clock(NOON + timedelta(hours=24, seconds=seconds))
    answer = platform.text()
    assert (answer[0] == 200) is goes
    assert goes or code_of(answer) == 131047
    assert len(emulator.sends()) == goes


def test_a_moved_clock_of_the_process_moves_the_emulator(platform, emulator):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25), tick=False):
        assert code_of(platform.text()) == 131047


def test_the_window_counts_from_the_messages_own_time(platform, emulator):
    emulator.set_clock(NOON)
    emulator.customer_writes(EVA, NUMBER, "Hallo", at=(NOON - timedelta(hours=25)).isoformat())
    assert code_of(platform.text()) == 131047


def test_a_window_is_one_numbers_own(platform, emulator):
    emulator.register_number("2", waba_id=WABA, phone="+4915112345679", token="other")
    emulator.customer_writes(EVA, "2", "Hallo")
    assert code_of(platform.text()) == 131047


@pytest.mark.parametrize(
    ("text", "goes"),
    [("x" * 4096, True), ("x" * 4097, False), (EMOJI * 2048, True), (EMOJI * 2048 + "x", False), ("", False)],
    ids=["4096", "4097", "4096 units of emoji", "4097 units of emoji", "empty"],
)
def test_a_text_has_at_most_4096_utf16_units(platform, emulator, text, goes):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    answer = platform.text(text)
    assert answer[0] == 200 if goes else code_of(answer) == 100


@pytest.mark.parametrize(
    ("component", "code"),
    [
        (body_of("Eva"), 132000),
        (body_of("Eva", "Dr. Huber", "zu viel"), 132000),
        (body_of("Eva", "Zeile\nzwei"), 132018),
        (body_of("Eva", "Tab\tzwei"), 132018),
        (body_of("Eva", "fünf     Leerzeichen"), 132018),
        (body_of("Eva", ""), 131008),
        (body_of("Eva", zwei="Dr. Huber"), 132012),
        (body_of("Eva", "x" * 1024), 132005),
        ({"type": "body", "parameters": [{"type": "text", "text": 5}, {"type": "text", "text": "a"}]}, 131009),
        ({"type": "body", "parameters": [{"type": "image"}, {"type": "text", "text": "a"}]}, 132012),
        ({"type": "body", "parameters": "Eva"}, 131009),
        ({"type": "corpus", "parameters": []}, 131009),
        ({"type": "header", "parameters": [{"type": "text", "text": "a"}]}, 132000),
    ],
)
def test_wrong_parameters_are_refused_by_their_code(platform, emulator, component, code):
    components = [component] if component["type"] == "body" else [component, body_of("Eva", "Dr. Huber")]
    assert code_of(platform.template(*components)) == code
    assert emulator.sends() == []


def test_named_parameters_go_by_name_in_any_order(platform, emulator):
    emulator.add_template(
        waba_id=WABA,
        name="benannt",
        language="de",
        parameter_format="NAMED",
        components=[{"type": "BODY", "text": "Hallo {{vorname}}, {{arzt}} wartet."}],
    )
    assert platform.template(body_of(arzt="Dr. Huber", vorname="Eva"), name="benannt")[0] == 200
    assert code_of(platform.template(body_of("Eva", "Dr. Huber"), name="benannt")) == 132012
    assert code_of(platform.template(body_of(vorname="Eva", nachname="Muster"), name="benannt")) == 132012
    assert code_of(platform.template(body_of(vorname="Eva"), name="benannt")) == 132000


def test_a_repeated_variable_is_one_parameter(platform, emulator):
    emulator.add_template(
        waba_id=WABA, name="zweimal", language="de", components=[{"type": "BODY", "text": "{{2}}: {{1}}, ja {{1}}!"}]
    )
    wamid = platform.template(body_of("A", "B"), name="zweimal")[1]["messages"][0]["id"]
    shown = _delivered(emulator, wamid)
    assert shown["text"] == "B: A, ja A!"


def _delivered(emulator, wamid):
    return eventually(lambda: next((one for one in emulator.customer_screen(EVA) if one["wamid"] == wamid), None))


@pytest.mark.parametrize(
    ("status", "code"),
    [("PAUSED", 132015), ("DISABLED", 132016), ("PENDING", 132001), ("REJECTED", 132001), ("IN_APPEAL", 132001)],
)
def test_only_an_approved_template_goes(platform, emulator, status, code):
    emulator.add_template(waba_id=WABA, name="termin", language="de", status=status)
    assert code_of(platform.template(body_of("Eva", "Dr. Huber"))) == code


def test_a_template_is_found_by_name_and_exact_language(platform, emulator):
    assert code_of(platform.template(name="gibtesnicht")) == 132001
    answer = platform.template(body_of("Eva", "Dr. Huber"), language="de_AT")
    assert answer[0] == 404
    assert code_of(answer) == 132001


HEADERS = [
    {"type": "HEADER", "format": "IMAGE"},
    {"type": "BODY", "text": "Bitte sehr."},
    {
        "type": "BUTTONS",
        "buttons": [
            {"type": "QUICK_REPLY", "text": "Danke"},
            {"type": "URL", "text": "Mehr", "url": "https://example.com/{{1}}"},
            {"type": "COPY_CODE", "text": "Code"},
        ],
    },
]
IMAGE = {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://example.com/a.jpg"}}]}
LINK = {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "a-1"}]}
COUPON = {
    "type": "button",
    "sub_type": "copy_code",
    "index": "2",
    "parameters": [{"type": "coupon_code", "coupon_code": "X1"}],
}
REPLY = {"type": "button", "sub_type": "quick_reply", "index": 0, "parameters": [{"type": "payload", "payload": "p"}]}


def test_media_header_and_buttons_take_their_parameters(platform, emulator):
    emulator.add_template(waba_id=WABA, name="voll", language="de", components=HEADERS)
    wamid = platform.template(IMAGE, LINK, COUPON, REPLY, name="voll")[1]["messages"][0]["id"]
    shown = _delivered(emulator, wamid)
    assert shown["header"] == {"kind": "image", "link": "https://example.com/a.jpg"}
    assert [button.get("url") or button.get("payload") or button.get("code") for button in shown["buttons"]] == [
        "p",
        "https://example.com/a-1",
        "X1",
    ]


@pytest.mark.parametrize(
    ("components", "code"),
    [
        ([LINK, COUPON], 132012),
        ([{"type": "header", "parameters": [{"type": "text", "text": "a"}]}, LINK, COUPON], 132012),
        ([{"type": "header", "parameters": [{"type": "image", "image": {}}]}, LINK, COUPON], 131008),
        ([{"type": "header", "parameters": [{"type": "image", "image": {"x": 1}}]}, LINK, COUPON], 100),
        ([IMAGE, COUPON], 131008),
        ([IMAGE, LINK], 131008),
        ([IMAGE, LINK | {"parameters": LINK["parameters"] * 2}, COUPON], 132000),
        ([IMAGE, LINK | {"sub_type": "quick_reply"}, COUPON], 132012),
        ([IMAGE, LINK | {"sub_type": ""}, COUPON], 131008),
        ([IMAGE, LINK, LINK | {"index": "7"}, COUPON], 132012),
        ([IMAGE, LINK, LINK | {"index": "x"}, COUPON], 131008),
        ([IMAGE, IMAGE, LINK, COUPON], 131009),
        ([IMAGE, LINK, COUPON, REPLY | {"parameters": [{"type": "payload", "payload": "p" * 257}]}], 131009),
    ],
)
def test_missing_and_wrong_headers_and_buttons_are_refused(platform, emulator, components, code):
    emulator.add_template(waba_id=WABA, name="voll", language="de", components=HEADERS)
    assert code_of(platform.template(*components, name="voll")) == code


def test_a_text_header_takes_one_variable_and_60_characters(platform, emulator):
    components = [{"type": "HEADER", "format": "TEXT", "text": "Für {{1}}"}, *BODY]
    emulator.add_template(waba_id=WABA, name="kopf", language="de", components=components)
    header = {"type": "header", "parameters": [{"type": "text", "text": "Eva"}]}
    long = {"type": "header", "parameters": [{"type": "text", "text": "x" * 60}]}
    assert platform.template(header, body_of("a", "b"), name="kopf")[0] == 200
    assert code_of(platform.template(long, body_of("a", "b"), name="kopf")) == 132005
    assert code_of(platform.template(body_of("a", "b"), name="kopf")) == 132000


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messaging_product": "sms"}, 100),
        ({"to": None}, 100),
        ({"to": "abc"}, 131009),
        ({"to": "+491"}, 131009),
        ({"to": "+49 151 12345678"}, 131021),
        ({"to": None, "recipient": "DE.404"}, 131009),
        ({"recipient_type": "group"}, 131009),
        ({"type": "fax"}, 131051),
        ({"text": None}, 100),
        ({"text": "Hallo"}, 100),
        ({"text": {"body": 5}}, 100),
        ({"biz_opaque_callback_data": "x" * 513}, 131009),
        ({"context": {}}, 131009),
        ({"context": "wamid.x"}, 131009),
    ],
)
def test_a_malformed_message_is_refused_before_anything_else(platform, emulator, change, code):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    assert code_of(platform.send(**{"type": "text", "text": {"body": "Hallo"}} | change)) == code


def test_a_body_that_is_no_json_object_is_refused(platform):
    assert code_of(platform.call("POST", f"{NUMBER}/messages", b"{nope")) == 100
    assert code_of(platform.call("POST", f"{NUMBER}/messages", [1])) == 100


FREE_FORM = [
    ("image", {"link": "https://example.com/a.jpg", "caption": "Bild"}, 200),
    ("image", {"caption": "Bild"}, 100),
    ("image", {"link": "ftp://example.com/a.jpg"}, 131009),
    ("audio", {"id": "1", "caption": "nein"}, 100),
    ("document", {"id": "1", "filename": "a.pdf", "caption": "x" * 1025}, 100),
    ("reaction", {"message_id": "wamid.x", "emoji": "👍"}, 200),
    ("reaction", {"emoji": "👍"}, 100),
    ("location", {"latitude": 47.07, "longitude": 15.44}, 200),
    ("location", {"latitude": "Graz", "longitude": 15.44}, 100),
    ("location", {"latitude": 147.07, "longitude": 15.44}, 131009),
    ("contacts", [{"name": {"formatted_name": "Eva", "first_name": "Eva"}}], 200),
    ("contacts", [{"name": {"formatted_name": "Eva"}}], 131009),
    ("contacts", [{"name": {}}], 100),
    ("contacts", {}, 100),
    ("interactive", {"type": "button"}, 100),
]


@pytest.mark.parametrize(("kind", "value", "outcome"), FREE_FORM)
def test_free_form_kinds_are_checked(platform, emulator, kind, value, outcome):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    answer = platform.send(type=kind, **{kind: value})
    assert answer[0] == 200 if outcome == 200 else code_of(answer) == outcome


def test_a_number_that_is_not_connected_refuses_each_send(platform, emulator):
    for status in ("DISCONNECTED", "FLAGGED", "BANNED"):
        emulator.patch_number(NUMBER, status=status)
        assert code_of(platform.template(body_of("Eva", "Dr. Huber"))) == 133010
    emulator.patch_number(NUMBER, status="CONNECTED")
    assert platform.template(body_of("Eva", "Dr. Huber"))[0] == 200


def test_45_messages_go_to_one_customer_at_once_then_one_in_six_seconds(platform, emulator):
    emulator.set_clock(NOON)
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    assert [platform.text()[0] for _ in range(45)] == [200] * 45
    assert code_of(platform.text()) == 131056
    assert platform.template(body_of("a", "b"), to="+4366412345678")[0] == 200
    emulator.set_clock(NOON + timedelta(seconds=5))
    assert code_of(platform.text()) == 131056
    emulator.set_clock(NOON + timedelta(seconds=6))
    assert platform.text()[0] == 200
    assert code_of(platform.text()) == 131056


def test_throughput_is_counted_over_all_customers_and_both_ways(platform, emulator):
    emulator.set_clock(NOON)
    emulator.patch_number(NUMBER, throughput=4)
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    to = [f"+43664123450{i}" for i in range(4)]
    assert [platform.template(body_of("a", "b"), to=one)[0] for one in to[:3]] == [200] * 3
    assert code_of(platform.template(body_of("a", "b"), to=to[3])) == 130429
    emulator.set_clock(NOON + timedelta(seconds=0.25))
    assert platform.template(body_of("a", "b"), to=to[3])[0] == 200


def test_sending_by_user_id(platform, emulator):
    user_id = emulator.patch_customer(EVA, user_id="DE.77")["user_id"]
    status, answer = platform.template(body_of("a", "b"), to=None, recipient=user_id)
    assert status == 200
    assert "wa_id" not in answer["contacts"][0]
    emulator.add_template(waba_id=WABA, name="code", language="de", category="AUTHENTICATION", components=BODY)
    assert code_of(platform.template(body_of("a", "b"), name="code", to=None, recipient=user_id)) == 131062


def test_a_read_receipt_marks_the_earlier_ones_too(platform, emulator):
    emulator.customer_writes(EVA, NUMBER, "eins")
    wamid = emulator.customer_writes(EVA, NUMBER, "zwei")
    emulator.customer_writes(EVA, NUMBER, "drei")
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    typing = receipt | {"typing_indicator": {"type": "text"}}
    assert platform.call("POST", f"{NUMBER}/messages", typing) == (200, {"success": True})
    assert [one["status"] for one in emulator.customer_screen(EVA, NUMBER)] == ["read", "read", "delivered"]
    assert code_of(platform.call("POST", f"{NUMBER}/messages", receipt | {"message_id": "wamid.x"})) == 131009
    assert code_of(platform.call("POST", f"{NUMBER}/messages", receipt | {"message_id": None})) == 131008
    assert code_of(platform.call("POST", f"{NUMBER}/messages", receipt | {"status": "seen"})) == 131009
    assert code_of(platform.call("POST", f"{NUMBER}/messages", receipt | {"typing_indicator": {}})) == 131009
    assert emulator.sends() == []


def test_a_dead_token_and_a_foreign_number(platform, emulator):
    emulator.register_number("555", waba_id="777", phone="+4915199999999", token="foreign")
    for path in ("555/messages", "404/messages"):
        answer = platform.call("POST", path, {"messaging_product": "whatsapp"})
        assert code_of(answer) == 100
        assert answer[1]["error"]["error_subcode"] == 33
    platform.token = "dead"
    answer = platform.text()
    assert answer[0] == 401
    assert code_of(answer) == 190
    assert code_of(platform.call("GET", NUMBER, authorization="")) == 190


RICH = [
    *BODY,
    {"type": "FOOTER", "text": "Praxis Huber"},
    {
        "type": "BUTTONS",
        "buttons": [
            {"type": "URL", "text": "Seite", "url": "https://example.com/"},
            {"type": "PHONE_NUMBER", "text": "Anrufen", "phone_number": "+4915112345678"},
        ],
    },
]


def test_a_template_without_variable_buttons_shows_footer_link_and_phone(platform, emulator):
    emulator.add_template(waba_id=WABA, name="reich", language="de", components=RICH)
    shown = _delivered(emulator, platform.template(body_of("a", "b"), name="reich")[1]["messages"][0]["id"])
    assert shown["footer"] == "Praxis Huber"
    assert [button.get("url") or button.get("phone") for button in shown["buttons"]] == [
        "https://example.com/",
        "+4915112345678",
    ]
    link = LINK | {"index": "0"}
    assert code_of(platform.template(body_of("a", "b"), link, name="reich")) == 132000


@pytest.mark.parametrize(
    ("header", "code"),
    [([{"type": "location", "location": {"latitude": 47, "longitude": 15}}], 200), ([], 132012)],
)
def test_a_location_header(platform, emulator, header, code):
    emulator.add_template(
        waba_id=WABA, name="ort", language="de", components=[{"type": "HEADER", "format": "LOCATION"}, *BODY]
    )
    answer = platform.template({"type": "header", "parameters": header}, body_of("a", "b"), name="ort")
    assert answer[0] == 200 if code == 200 else code_of(answer) == code


@pytest.mark.parametrize("template", ["termin", {}, {"name": "termin"}, {"name": "termin", "language": "de"}])
def test_a_template_is_named_with_its_language(platform, emulator, template):
    assert code_of(platform.send(type="template", template=template)) in (100, 131008)


def test_components_must_be_a_list_of_objects(platform, emulator):
    template = {"name": "termin", "language": {"code": "de"}, "components": "Eva"}
    assert code_of(platform.send(type="template", template=template)) == 131009


def test_a_currency_is_shown_by_its_fallback(platform, emulator):
    currency = {"type": "currency", "currency": {"fallback_value": "5 Euro", "code": "EUR", "amount_1000": 5000}}
    body = {"type": "body", "parameters": [currency, {"type": "text", "text": "b"}]}
    assert _delivered(emulator, platform.template(body)[1]["messages"][0]["id"])["text"] == "Hallo 5 Euro, b wartet."
