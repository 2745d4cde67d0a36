"""What a template must hold to at submission, and what can be done with one afterwards."""

from datetime import UTC, datetime, timedelta

import pytest

from .conftest import NUMBER, WABA, code_of
from .test_platform_calls import NEW

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BODY = {"type": "BODY", "text": "Guten Tag, Ihr Termin ist morgen um neun Uhr."}
PATH = f"{WABA}/message_templates"


def create(platform, *components, **more):
    return platform.call("POST", PATH, NEW | {"components": list(components)} | more)


def buttons(*given):
    return [BODY, {"type": "BUTTONS", "buttons": list(given)}]


def header(**given):
    return [{"type": "HEADER"} | given, BODY]


def body(text, **example):
    return [{"type": "BODY", "text": text} | ({"example": example} if example else {})]


URL = {"type": "URL", "text": "Mehr", "url": "https://example.com/{{1}}", "example": ["https://example.com/a"]}
REPLY = {"type": "QUICK_REPLY", "text": "Danke"}
PHONE = {"type": "PHONE_NUMBER", "text": "Anrufen", "phone_number": "+43123456789"}
COPY = {"type": "COPY_CODE", "example": "HERBST"}
FLOW = {"type": "FLOW", "text": "Ausfüllen", "flow_id": "1"}
LONG = "Guten Tag {{1}}, Ihr Termin bei {{2}} ist morgen um neun Uhr, bitte kommen Sie etwas früher."
OK, NONE = 200, None
RULES = [
    pytest.param(buttons(REPLY, URL, PHONE, COPY, FLOW), OK, id="every kind of button"),
    pytest.param(buttons(URL, PHONE, REPLY, REPLY), OK, id="quick replies at the end"),
    pytest.param(buttons(REPLY, URL, REPLY), NONE, id="quick replies on both sides"),
    pytest.param(buttons(), NONE, id="no button"),
    pytest.param(buttons("Ja"), NONE, id="a button that is a text"),
    pytest.param(buttons({"type": "SWITCH", "text": "a"}), NONE, id="a button of another kind"),
    pytest.param(buttons(REPLY | {"text": "Hallo {{1}}"}), NONE, id="a variable in a button"),
    pytest.param(buttons(URL | {"url": "example.com"}), NONE, id="no address"),
    pytest.param(buttons(URL | {"url": "https://example.com/" + "a" * 2000}), NONE, id="a long address"),
    pytest.param(buttons(URL | {"url": "https://example.com/{{1}}/b"}), NONE, id="a variable inside an address"),
    pytest.param(buttons(URL | {"example": None}), 2388043, id="an address without example"),
    pytest.param(buttons(PHONE | {"phone_number": "anrufen"}), NONE, id="no phone number"),
    pytest.param(buttons(COPY | {"example": None}), 2388043, id="a code without example"),
    pytest.param(buttons(FLOW | {"flow_id": ""}), 2388043, id="a flow button without flow"),
    pytest.param(buttons(FLOW, FLOW), NONE, id="two flows"),
    pytest.param(header(format="IMAGE", example={"header_handle": ["4::a"]}), OK, id="a picture"),
    pytest.param(header(format="IMAGE"), 2388043, id="a picture without example"),
    pytest.param(header(format="LOCATION"), OK, id="a place"),
    pytest.param(header(format="HOLOGRAM"), 2388047, id="another format"),
    pytest.param(header(format="TEXT", text="Termin {{1}}", example={"header_text": ["A"]}), OK, id="a header's value"),
    pytest.param(header(format="TEXT", text="Termin {{1}}"), 2388043, id="a header's value without example"),
    pytest.param(header(format="TEXT", text="Ihr\nTermin"), 2388047, id="a line break in a header"),
    pytest.param(header(format="TEXT", text="*Termin*"), 2388047, id="stars in a header"),
    pytest.param(header(format="TEXT", text="Termin 🎉"), 2388047, id="an emoji in a header"),
    pytest.param([BODY, {"type": "FOOTER", "text": "Praxis\nHuber"}], 2388073, id="a line break in a footer"),
    pytest.param([BODY, {"type": "FOOTER", "text": ""}], 2388073, id="an empty footer"),
    pytest.param([BODY, {"type": "MARGIN"}], NONE, id="another component"),
    pytest.param(body(LONG, body_text=[["Eva", "Dr. Huber"]]), OK, id="two values"),
    pytest.param(body(LONG, body_text=[["Eva"]]), 2388043, id="one example for two values"),
    pytest.param(body(LONG.replace("2", "3"), body_text=[["a", "b"]]), NONE, id="a number left out"),
    pytest.param(body(LONG.replace("2", "arzt"), body_text=[["a", "b"]]), NONE, id="a name among numbers"),
]


@pytest.mark.parametrize(("components", "outcome"), RULES)
def test_rules_of_submission(platform, components, outcome):
    answer = create(platform, *components)
    if outcome == OK:
        assert answer[0] == OK, answer
    else:
        assert (code_of(answer), answer[1]["error"].get("error_subcode")) == (100, outcome)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (LONG.replace("1", "vorname").replace("2", "arzt"), OK),
        (LONG.replace("1", "Vorname").replace("2", "arzt"), NONE),
    ],
)
def test_named_variables(platform, text, outcome):
    names = [{"param_name": "vorname", "example": "Eva"}, {"param_name": "arzt", "example": "Dr. Huber"}]
    answer = create(platform, *body(text, body_text_named_params=names), parameter_format="NAMED")
    assert answer[0] == OK if outcome == OK else code_of(answer) == 100


CODE = [{"type": "BODY"}, {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}]


def test_a_template_for_codes_has_the_platforms_own_text(platform, emulator):
    footer = {"type": "FOOTER", "code_expiration_minutes": 10}
    answer = create(platform, *CODE, footer, category="AUTHENTICATION")
    assert answer[0] == 200
    emulator.patch_template(answer[1]["id"], status="APPROVED")
    value = [{"type": "text", "text": "123456"}]
    button = {"type": "button", "sub_type": "url", "index": "0", "parameters": value}
    assert platform.template({"type": "body", "parameters": value}, button, name="neu")[0] == 200
    assert code_of(platform.template({"type": "body", "parameters": value}, name="neu")) == 131008
    long = button | {"parameters": [{"type": "text", "text": "1" * 16}]}
    assert code_of(platform.template({"type": "body", "parameters": value}, long, name="neu")) == 131009


@pytest.mark.parametrize(
    "components",
    [
        [BODY, CODE[1]],
        CODE[:1],
        [*CODE, {"type": "HEADER", "format": "TEXT", "text": "Code"}],
        [*CODE, {"type": "FOOTER", "code_expiration_minutes": 91}],
    ],
)
def test_what_a_template_for_codes_may_not_have(platform, components):
    assert code_of(create(platform, *components, category="AUTHENTICATION")) == 100


def test_an_approved_template_is_edited_once_a_day_and_ten_times_a_month(platform, emulator):
    key = emulator.call("GET", "templates")["data"][0]["id"]

    def edit(day):
        emulator.set_clock(NOON + timedelta(days=day))
        emulator.patch_template(key, status="APPROVED")
        return platform.call("POST", key, {"components": [BODY]})

    assert edit(0)[0] == 200
    assert code_of(edit(0.5)) == 100
    assert [edit(day)[0] for day in range(1, 10)] == [200] * 9
    assert code_of(edit(11)) == 100
    assert edit(31)[0] == 200
    emulator.patch_template(key, status="PAUSED")
    assert platform.call("POST", key, {"components": [BODY]})[0] == 200  # as often as one likes


def test_a_deleted_template_is_told_and_its_name_rests(platform, emulator, webhook):
    emulator.set_clock(NOON)
    assert platform.call("DELETE", f"{PATH}?name=termin")[0] == 200
    assert webhook.wait(1)[0].value["event"] == "PENDING_DELETION"
    assert create(platform, BODY, name="termin")[1]["error"]["error_subcode"] == 2388023
    emulator.set_clock(NOON + timedelta(days=30))
    key = create(platform, BODY, name="termin")[1]["id"]
    # One that was never approved does not block its name.
    assert platform.call("DELETE", f"{PATH}?name=termin&hsm_id={key}")[0] == 200
    assert create(platform, BODY, name="termin")[0] == 200


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("content=wartet", ["termin"]),
        ("name_or_content=karneval", ["zwei"]),
        ("quality_score=RED", ["zwei"]),
        ("language=en", ["zwei"]),
        ("category=MARKETING", ["zwei"]),
        ("status=PAUSED", []),
    ],
)
def test_templates_are_found_by(platform, emulator, query, names):
    emulator.add_template(
        waba_id=WABA,
        name="zwei",
        language="en",
        category="MARKETING",
        quality="RED",
        components=[{"type": "BODY", "text": "karneval"}],
    )
    assert [one["name"] for one in platform.call("GET", f"{PATH}?{query}")[1]["data"]] == names


def test_a_category_that_the_platform_changed_is_kept(platform, emulator):
    key = emulator.call("GET", "templates")["data"][0]["id"]
    emulator.patch_template(key, category="MARKETING")
    fields = "category,previous_category,quality_score,rejected_reason,sub_category"
    assert platform.call("GET", f"{key}?fields={fields}")[1] == {
        "category": "MARKETING",
        "previous_category": "UTILITY",
        "quality_score": {"score": "UNKNOWN"},
        "rejected_reason": "NONE",
        "sub_category": "CUSTOM",
        "id": key,
    }


@pytest.mark.parametrize("path", [PATH, WABA, NUMBER, f"{WABA}/phone_numbers"])
def test_a_field_that_a_node_has_not_is_refused(platform, path):
    assert code_of(platform.call("GET", f"{path}?fields=id,shoe_size")) == 100


def test_a_policy_is_another_refusal_than_a_form(platform, emulator):
    key = emulator.call("GET", "templates")["data"][0]["id"]
    for reason, code in (("SCAM", 132007), ("ABUSIVE_CONTENT", 132007), ("INVALID_FORMAT", 132001)):
        emulator.patch_template(key, status="REJECTED", reason=reason)
        assert code_of(platform.template()) == code
