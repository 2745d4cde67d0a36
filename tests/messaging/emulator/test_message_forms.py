"""The forms of messages one by one: keys, buttons, lists, values and reactions as the platform takes them."""

from datetime import UTC, datetime, timedelta

import pytest

from .conftest import EVA, NUMBER, WABA, body_of, code_of, eventually

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)

UNKNOWN_KEYS = [
    {"type": "text", "text": {"body": "Hallo", "color": "red"}},
    {"type": "text", "text": {"body": "Hallo"}, "urgent": True},
    {"type": "text", "text": {"body": "Hallo", "preview_url": "yes"}},
    {"type": "text", "text": {"body": "   "}},
    {"type": "image", "image": {"link": "https://example.com/a.jpg", "filename": "a.jpg"}},
    {"type": "image", "image": {"link": "https://example.com/a.jpg", "id": "1"}},
    {"type": "audio", "audio": {"link": "https://example.com/a.ogg", "voice": "yes"}},
    {"type": "sticker", "sticker": {"link": "https://example.com/a.webp", "caption": "nein"}},
    {"type": "document", "document": {"link": "https://example.com/a.pdf", "filename": 5}},
    {"type": "location", "location": {"latitude": 1, "longitude": 2, "altitude": 3}},
    {"type": "reaction", "reaction": {"message_id": "wamid.x"}},
    {"type": "contacts", "contacts": [{"name": {"formatted_name": "Eva", "first_name": "Eva"}, "pet": "Rex"}]},
    {"type": "contacts", "contacts": [{"name": {"formatted_name": "Eva", "first_name": "Eva"}, "phones": [{}]}]},
    {"type": "interactive", "interactive": {"type": "button", "text": "a", "action": {"buttons": []}}},
    {"type": "template", "template": {"name": "termin", "language": {"code": "de"}, "namespace_id": "1"}},
]


@pytest.mark.parametrize("message", UNKNOWN_KEYS)
def test_a_key_or_value_that_the_platform_does_not_know_is_refused(platform, emulator, message):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    assert code_of(platform.send(**message)) == 100
    assert emulator.sends() == []


def test_a_receipt_has_no_other_keys(platform, emulator):
    wamid = emulator.customer_writes(EVA, NUMBER, "Hallo")
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    assert code_of(platform.call("POST", f"{NUMBER}/messages", receipt | {"to": EVA})) == 100


def test_a_file_name_belongs_to_a_documents_header_only(platform, emulator):
    for kind, code in (("document", 200), ("image", 100), ("video", 100)):
        components = [{"type": "HEADER", "format": kind.upper()}, {"type": "BODY", "text": "Bitte sehr."}]
        emulator.add_template(waba_id=WABA, name=f"kopf_{kind}", language="de", components=components)
        value = {"link": "https://example.com/d?id=9", "filename": "Angebot.pdf"}
        header = {"type": "header", "parameters": [{"type": kind, kind: value}]}
        answer = platform.template(header, name=f"kopf_{kind}")
        assert answer[0] == 200 if code == 200 else code_of(answer) == code


BUTTON_KINDS = [
    {"type": "QUICK_REPLY", "text": "Danke"},
    {"type": "FLOW", "text": "Ausfüllen", "flow_id": "1"},
    {"type": "PHONE_NUMBER", "text": "Anrufen", "phone_number": "+43123"},
    {"type": "COPY_CODE", "text": "Code"},
]


def button_part(index, sub_type, *parameters):
    return {"type": "button", "sub_type": sub_type, "index": str(index), "parameters": list(parameters)}


CODE = button_part(3, "copy_code", {"type": "coupon_code", "coupon_code": "HERBST"})


@pytest.mark.parametrize(
    ("components", "code"),
    [
        ([CODE], 200),
        ([CODE, button_part(1, "flow", {"type": "action", "action": {"flow_token": "t"}})], 200),
        ([CODE, button_part(1, "flow", {"type": "action"})], 131008),
        ([CODE, button_part(1, "flow", {"type": "text", "text": "t"})], 132012),
        ([CODE, button_part(0, "quick_reply", {"type": "text", "text": "p"})], 132012),
        ([CODE, button_part(0, "quick_reply", {"type": "payload", "payload": ""})], 131009),
        ([CODE, button_part(2, "voice_call", {"type": "text", "text": "p"})], 132000),
        ([CODE, CODE], 131009),
        ([button_part(3, "copy_code", {"type": "text", "text": "HERBST"})], 132012),
        ([button_part(3, "copy_code", {"type": "coupon_code", "coupon_code": "x" * 21})], 131009),
        ([button_part(3, "copy_code", {"type": "coupon_code", "coupon_code": 5})], 131008),
        ([CODE | {"colour": "red"}], 100),
    ],
)
def test_every_kind_of_button_takes_its_own_parameter(platform, emulator, components, code):
    listed = [{"type": "BODY", "text": "Bitte sehr."}, {"type": "BUTTONS", "buttons": BUTTON_KINDS}]
    emulator.add_template(waba_id=WABA, name="knoepfe", language="de", components=listed)
    answer = platform.template(*components, name="knoepfe")
    assert answer[0] == 200 if code == 200 else code_of(answer) == code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("Abc    vier", 200),
        ("Abc     fünf", 132018),
        ("   ", 131008),
        ("\t", 132018),
        ("50\u00a0€", 200),
    ],
)
def test_white_space_in_a_value(platform, value, code):
    answer = platform.template(body_of(value, "b"))
    assert answer[0] == 200 if code == 200 else code_of(answer) == code


def a_button(key, title):
    return {"type": "reply", "reply": {"id": key, "title": title}}


def a_row(key, title="Zeile", description=None):
    return {"id": key, "title": title} | ({"description": description} if description else {})


CTA = {"type": "cta_url", "action": {"parameters": {"display_text": "Auf", "url": "https://example.com"}}}
INTERACTIVE = [
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja"), a_button("2", "Nein")]}}, 200),
    ({"type": "button", "action": {"buttons": [a_button(str(i), str(i)) for i in range(4)]}}, 131009),
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja"), a_button("2", "Ja")]}}, 131009),
    ({"type": "button", "action": {"buttons": [a_button("1", "x" * 21)]}}, 131009),
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja")]}, "footer": {"text": "x" * 61}}, 100),
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja")]}, "header": {"type": "text", "text": "K"}}, 200),
    ({"type": "list", "action": {"button": "Wählen", "sections": [{"rows": [a_row("1")]}]}}, 200),
    ({"type": "list", "action": {"button": "Wählen", "sections": [{"rows": []}]}}, 131009),
    ({"type": "list", "action": {"button": "Wählen", "sections": []}}, 131009),
    ({"type": "list", "action": {"button": "W", "sections": [{"rows": [a_row(str(i)) for i in range(11)]}]}}, 131009),
    ({"type": "list", "action": {"button": "W", "sections": [{"rows": [a_row("1", description="x" * 73)]}]}}, 131009),
    (CTA | {"action": CTA["action"] | {"name": "cta_url"}}, 200),
    (CTA, 131009),
    ({"type": "location_request_message", "action": {"name": "send_location"}}, 200),
    ({"type": "hologram", "action": {}}, 131009),
]


@pytest.mark.parametrize(("interactive", "outcome"), INTERACTIVE)
def test_interactive_limits(platform, emulator, interactive, outcome):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    answer = platform.send(type="interactive", interactive={"body": {"text": "Termin?"}} | interactive)
    assert answer[0] == 200 if outcome == 200 else code_of(answer) == outcome


MORE_INTERACTIVE = [
    ({"type": "button", "action": {"buttons": [{"reply": {"id": "1", "title": "Ja"}}]}}, 131009),
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja"), a_button("1", "Nein")]}}, 131009),
    ({"type": "button", "action": {"buttons": [a_button("1", "😀" * 10)]}}, 200),
    ({"type": "button", "action": {"buttons": [a_button("1", "😀" * 11)]}}, 131009),
    ({"type": "button", "action": {"buttons": [a_button("x" * 257, "Ja")]}}, 131009),
    ({"type": "button", "action": {"buttons": [a_button("1", " ")]}}, 131009),
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja")]}, "body": {"text": "x" * 1025}}, 100),
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja")]}, "body": {"text": ""}}, 100),
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja")]}, "body": "Ja?"}, 100),
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja")]}, "footer": {"text": ""}}, 100),
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja")]}, "header": {"type": "text", "text": ""}}, 100),
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja")]}, "header": {"type": "audio"}}, 131009),
    ({"type": "button", "action": {"buttons": [a_button("1", "Ja")]}, "header": {"type": "image"}}, 131008),
    (
        {
            "type": "button",
            "action": {"buttons": [a_button("1", "Ja")]},
            "header": {"type": "image", "image": {"link": "https://example.com/a.jpg"}},
        },
        200,
    ),
    (
        {"type": "list", "action": {"button": "W", "sections": [{"rows": [a_row("1")]}]}, "header": {"type": "image"}},
        131009,
    ),
    ({"type": "list", "action": {"button": "x" * 21, "sections": [{"rows": [a_row("1")]}]}}, 131009),
    ({"type": "list", "action": {"button": "W", "sections": [{"rows": [a_row("1")]}, {"rows": [a_row("2")]}]}}, 131009),
    ({"type": "list", "action": {"button": "W", "sections": [{"title": "x" * 25, "rows": [a_row("1")]}]}}, 131009),
    ({"type": "list", "action": {"button": "W", "sections": [{"rows": [a_row("x" * 201)]}]}}, 131009),
    ({"type": "list", "action": {"button": "W", "sections": [{"rows": [a_row("1", "x" * 25)]}]}}, 131009),
    ({"type": "list", "action": {"button": "W", "sections": [{"rows": [a_row("1"), a_row("1", "Andere")]}]}}, 131009),
    (
        {
            "type": "list",
            "action": {
                "button": "W",
                "sections": [{"title": str(i), "rows": [a_row(f"{i}{j}") for j in range(2)]} for i in range(6)],
            },
        },
        131009,
    ),
    ({"type": "cta_url", "action": {"name": "cta_url", "parameters": {"display_text": "A", "url": "a.at"}}}, 131009),
    (
        {
            "type": "cta_url",
            "action": {"name": "cta_url", "parameters": {"display_text": "x" * 21, "url": "https://a.at"}},
        },
        131009,
    ),
    (
        {
            "type": "flow",
            "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "1", "flow_cta": "Los"}},
        },
        200,
    ),
    (
        {"type": "flow", "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_cta": "L"}}},
        131008,
    ),
    ({"type": "location_request_message", "action": {"name": "order_pizza"}}, 131009),
    ({"type": "request_contact_info", "action": {"name": "request_contact_info"}}, 200),
    ({"type": "product", "action": {}}, 131009),
]


@pytest.mark.parametrize(("interactive", "outcome"), MORE_INTERACTIVE)
def test_interactive_messages_at_their_edges(platform, emulator, interactive, outcome):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    answer = platform.send(type="interactive", interactive={"body": {"text": "Termin?"}} | interactive)
    assert answer[0] == 200 if outcome == 200 else code_of(answer) == outcome


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "🇦🇹", "1️⃣", "ℹ️", ""])
def test_a_reaction_is_told_as_sent_and_no_more(platform, emulator, webhook, emoji):
    wamid = emulator.customer_writes(EVA, NUMBER, "Hallo")
    platform.send(type="reaction", reaction={"message_id": wamid, "emoji": emoji})
    eventually(lambda: [one for one in emulator.customer_screen(EVA) if one["from"] == "business"])
    platform.text()
    assert [one["status"] for one in webhook.statuses(3)] == ["sent", "sent", "delivered"]


@pytest.mark.parametrize(("days", "arrives"), [(30, True), (31, False)])
def test_a_reaction_to_what_is_not_there_fails_later(platform, emulator, webhook, days, arrives):
    emulator.set_clock(NOON)
    wamid = emulator.customer_writes(EVA, NUMBER, "Hallo")
    emulator.set_clock(NOON + timedelta(days=days))
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    assert platform.send(type="reaction", reaction={"message_id": wamid, "emoji": "👍"})[0] == 200
    status = webhook.statuses(1)[0]
    assert status["status"] == ("sent" if arrives else "failed")
    assert arrives or status["errors"][0]["code"] == 131009


@pytest.mark.parametrize("emoji", ["ja", "👍 ", "ö", 5])
def test_a_reaction_is_one_emoji(platform, emulator, emoji):
    wamid = emulator.customer_writes(EVA, NUMBER, "Hallo")
    assert code_of(platform.send(type="reaction", reaction={"message_id": wamid, "emoji": emoji})) == 131009


@pytest.mark.parametrize("kind", ["reaction", "button", "call", "unsupported", "location", "nfm_reply"])
def test_whatever_a_customer_does_opens_the_window(platform, emulator, kind):
    emulator.customer_sends(EVA, NUMBER, type=kind, context="wamid.x", text="Ja", payload="p")
    assert platform.text()[0] == 200


@pytest.mark.parametrize("kind", ["edit", "revoke", "echo"])
def test_what_speaks_of_an_earlier_message_opens_none(platform, emulator, kind):
    emulator.customer_sends(EVA, NUMBER, type=kind, context="wamid.x", text="Ja")
    assert code_of(platform.text()) == 131047
