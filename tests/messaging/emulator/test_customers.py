"""What customers do, as our webhook and their own screen see it."""

import pytest

from messaging.emulator.client import EmulatorRefused

from .conftest import EVA, NUMBER, WABA, body_of, eventually

BUTTONS = [
    {"type": "BODY", "text": "Passt der Termin?"},
    {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Ja"}, {"type": "QUICK_REPLY", "text": "Nein"}]},
]


def message_of(post):
    return post.value["messages"][0]


def test_a_text_arrives_in_the_platforms_shape(emulator, webhook):
    wamid = emulator.customer_writes(EVA, NUMBER, "Grüß Gott 😀", name="Eva", at="2026-11-25T12:00:00+01:00")
    value = webhook.wait(1)[0].value
    user_id = value["contacts"][0]["user_id"]
    assert user_id.startswith("DE.")
    assert user_id[3:].isdigit()
    assert value["metadata"] == {"display_phone_number": "4915112345678", "phone_number_id": NUMBER}
    assert value["contacts"] == [{"profile": {"name": "Eva"}, "wa_id": EVA[1:], "user_id": user_id}]
    assert value["messages"] == [
        {
            "from": EVA[1:],
            "from_user_id": user_id,
            "id": wamid,
            "timestamp": "1795604400",
            "type": "text",
            "text": {"body": "Grüß Gott 😀"},
        }
    ]


def test_the_phone_is_taken_with_and_without_its_plus(emulator):
    emulator.customer_writes(EVA, NUMBER, "eins")
    emulator.customer_writes(EVA[1:], NUMBER, "zwei")
    assert [one["text"] for one in emulator.customer_screen("+43 664 1234567", NUMBER)] == ["eins", "zwei"]


def test_a_tap_on_a_templates_button(platform, emulator, webhook):
    emulator.add_template(waba_id=WABA, name="frage", language="de", components=BUTTONS)
    payload = {"type": "button", "sub_type": "quick_reply", "index": "0"}
    payload["parameters"] = [{"type": "payload", "payload": "run:7"}]
    sent = platform.template(payload, name="frage")[1]["messages"][0]["id"]
    emulator.customer_taps(EVA, NUMBER, "Ja")
    emulator.customer_taps(EVA, NUMBER, index=1)
    taps = [message_of(post) for post in webhook.wait(4) if "messages" in post.value]
    assert [tap["button"] for tap in taps] == [{"payload": "run:7", "text": "Ja"}, {"payload": "Nein", "text": "Nein"}]
    assert taps[0]["type"] == "button"
    assert taps[0]["context"] == {"from": "4915112345678", "id": sent}
    with pytest.raises(EmulatorRefused, match="no such button"):
        emulator.customer_taps(EVA, NUMBER, "Vielleicht")


def test_a_tap_on_an_interactive_button_and_a_chosen_row(platform, emulator, webhook):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    buttons = [{"type": "reply", "reply": {"id": "n3:yes", "title": "Ja"}}]
    platform.send(
        type="interactive",
        interactive={"type": "button", "body": {"text": "Ja?"}, "action": {"buttons": buttons}},
    )
    emulator.customer_taps(EVA, NUMBER, "Ja")
    rows = [{"id": "s1", "title": "09:00", "description": "Raum 2"}]
    action = {"button": "Zeiten", "sections": [{"title": "Montag", "rows": rows}]}
    platform.send(type="interactive", interactive={"type": "list", "body": {"text": "Wann?"}, "action": action})
    emulator.customer_chooses(EVA, NUMBER, "09:00")
    eventually(lambda: sum("messages" in post.value for post in webhook.posts) == 3)
    _, tap, choice = [message_of(post).get("interactive") for post in webhook.posts if "messages" in post.value]
    assert tap == {"type": "button_reply", "button_reply": {"id": "n3:yes", "title": "Ja"}}
    assert choice == {"type": "list_reply", "list_reply": rows[0]}
    with pytest.raises(EmulatorRefused, match="no such row"):
        emulator.customer_chooses(EVA, NUMBER, "10:00")


def test_a_tap_without_any_message_of_ours_is_made_of_what_is_given(emulator, webhook):
    emulator.customer_taps(EVA, NUMBER, "Ja", payload="old:1")
    emulator.customer_chooses(EVA, NUMBER, "09:00", id="s1")
    tap, choice = [message_of(post) for post in webhook.wait(2)]
    assert tap["button"] == {"payload": "old:1", "text": "Ja"}
    assert choice["interactive"]["list_reply"] == {"id": "s1", "title": "09:00"}


@pytest.mark.parametrize("kind", ["image", "audio", "video", "document", "sticker"])
def test_media_messages_carry_an_id_and_a_digest(emulator, webhook, kind):
    emulator.customer_sends(EVA, NUMBER, type=kind, caption="Anbei")
    message = message_of(webhook.wait(1)[0])
    assert message["type"] == kind
    assert message[kind]["id"].isdigit()
    assert message[kind]["mime_type"]
    assert len(message[kind]["sha256"]) == 44
    assert message[kind].get("caption") == ("Anbei" if kind in ("image", "video", "document") else None)


def test_the_other_kinds(emulator, webhook):
    first = emulator.customer_writes(EVA, NUMBER, "Original")
    for order in (
        {"type": "location"},
        {"type": "contacts"},
        {"type": "reaction", "context": first, "emoji": "❤️"},
        {"type": "reaction", "context": first, "emoji": ""},
        {"type": "order"},
        {"type": "nfm_reply", "response": {"note": 5}},
        {"type": "edit", "context": first, "text": "Geändert"},
        {"type": "revoke", "context": first},
        {"type": "unsupported", "text": "poll"},
        {"type": "text", "text": "Antwort", "context": first},
        {"type": "text", "text": "Von der Anzeige", "referral": {"source_type": "ad", "source_id": "1"}},
    ):
        emulator.customer_sends(EVA, NUMBER, **order)
    got = [message_of(post) for post in webhook.wait(12)][1:]
    assert got[0]["location"]["latitude"]
    assert got[1]["contacts"][0]["name"]["formatted_name"]
    assert got[2]["reaction"] == {"message_id": first, "emoji": "❤️"}
    assert got[3]["reaction"] == {"message_id": first}
    assert got[4]["order"]["product_items"]
    assert got[5]["interactive"]["nfm_reply"]["response_json"] == '{"note": 5}'
    assert got[6]["edit"]["message"]["text"]["body"] == "Geändert"
    assert got[6]["edit"]["original_message_id"] == first
    assert got[7]["revoke"] == {"original_message_id": first}
    assert got[8]["errors"][0]["code"] == 131051
    assert got[8]["unsupported"] == {"type": "poll"}
    assert got[9]["context"] == {"from": EVA[1:], "id": first}  # by whom the answered message is
    assert got[10]["referral"]["source_id"] == "1"


def test_a_call_and_a_message_from_the_businesss_own_phone(emulator, webhook):
    emulator.customer_sends(EVA, NUMBER, type="call", seconds=30)
    emulator.customer_sends(EVA, NUMBER, type="echo", text="Vom Telefon")
    call, echo = webhook.wait(2)
    assert call.field == "calls"
    assert (call.value["calls"][0]["event"], call.value["calls"][0]["duration"]) == ("terminate", 30)
    assert echo.field == "smb_message_echoes"
    assert echo.value["message_echoes"][0]["to"] == EVA[1:]
    assert emulator.customer_screen(EVA, NUMBER)[0]["from"] == "business"


@pytest.mark.parametrize(("kind", "opens"), [("call", True), ("echo", False), ("edit", False), ("reaction", True)])
def test_which_kinds_open_the_window(platform, emulator, kind, opens):
    emulator.customer_sends(EVA, NUMBER, type=kind, text="Hallo", context="wamid.x")
    assert (platform.text()[0] == 200) is opens


@pytest.mark.parametrize(
    "order",
    [
        {"type": "fax"},
        {"type": "text", "text": ""},
        {"type": "edit", "text": "x"},
        {"type": "revoke"},
        {"type": "reaction"},
        {"type": "call", "seconds": -1},
        {"type": "image", "content": "%%%"},
        {"type": "text", "text": "x", "at": "gestern"},
    ],
)
def test_a_control_call_that_makes_no_sense_is_refused(emulator, order):
    with pytest.raises(EmulatorRefused) as refused:
        emulator.customer_sends(EVA, NUMBER, **order)
    assert refused.value.status == 400


def test_unknown_numbers_and_phones_are_refused(emulator):
    with pytest.raises(EmulatorRefused, match="registered number"):
        emulator.customer_writes(EVA, "404", "Hallo")
    with pytest.raises(EmulatorRefused, match="no phone number"):
        emulator.customer_writes("Eva", NUMBER, "Hallo")
    with pytest.raises(EmulatorRefused):
        emulator.call("POST", f"customers/{EVA}/messages", ["x"])
    with pytest.raises(EmulatorRefused) as refused:
        emulator.call("GET", "horoscope")
    assert refused.value.status == 404


def test_a_hidden_phone_leaves_the_user_id_only(platform, emulator, webhook):
    emulator.patch_customer(EVA, phone_hidden=True, username="eva.m")
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    value = webhook.wait(1)[0].value
    assert "wa_id" not in value["contacts"][0]
    assert value["contacts"][0]["profile"]["username"] == "eva.m"
    assert "from" not in value["messages"][0]
    user_id = value["messages"][0]["from_user_id"]
    platform.text(to=None, recipient=user_id)
    status = webhook.statuses(2)[0]
    assert "recipient_id" not in status
    assert status["recipient_user_id"] == user_id


def test_a_changed_number_is_told_by_a_system_message(emulator, webhook):
    emulator.customer_writes(EVA, NUMBER, "Hallo", name="Eva")
    old = emulator.call("GET", f"customers/{EVA}")["user_id"]
    new = emulator.patch_customer(EVA, number="+436649999999")
    value = webhook.wait(2)[1].value
    message = value["messages"][0]
    assert "contacts" not in value
    assert (message["type"], message["from"], message["from_user_id"]) == ("system", EVA[1:], old)
    assert message["system"]["type"] == "user_changed_number"
    assert (message["system"]["wa_id"], message["system"]["user_id"]) == ("436649999999", new["user_id"])
    assert new["user_id"] != old
    assert [one["text"] for one in emulator.customer_screen("+436649999999", NUMBER)] == ["Hallo"]
    emulator.customer_writes("+4366411111111", NUMBER, "Ich bin ein anderer")
    with pytest.raises(EmulatorRefused, match="another customer"):
        emulator.patch_customer("+436649999999", number="+4366411111111")


def test_stopping_marketing_is_told_and_kept(platform, emulator, webhook):
    emulator.add_template(
        waba_id=WABA,
        name="werbung",
        language="de",
        category="MARKETING",
        components=[{"type": "BODY", "text": "Neu!"}],
    )
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    emulator.patch_customer(EVA, marketing_stopped=True)
    preference = webhook.wait(2)[1]
    assert preference.field == "user_preferences"
    stop = preference.value["user_preferences"][0]
    assert (stop["value"], stop["category"], type(stop["timestamp"])) == ("stop", "marketing_messages", int)
    platform.template(name="werbung")
    assert webhook.statuses(1)[0]["errors"][0]["code"] == 131050
    assert platform.template(body_of("a", "b"))[0] == 200
    assert [one["status"] for one in webhook.statuses(3)] == ["failed", "sent", "delivered"]
    emulator.patch_customer(EVA, marketing_stopped=False)
    assert eventually(lambda: [p for p in webhook.posts if p.field == "user_preferences"][1:])


@pytest.mark.parametrize("order", [{"shoe_size": 43}, {"blocked": "yes"}, {"number": "abc"}])
def test_a_customer_has_no_other_traits(emulator, order):
    with pytest.raises(EmulatorRefused):
        emulator.patch_customer(EVA, **order)


def test_the_screen_shows_what_became_of_a_message(platform, emulator):
    wrong, gone, dear = (emulator.customer_writes(EVA, NUMBER, text) for text in ("Um acht", "Geheim", "Danke"))
    emulator.customer_sends(EVA, NUMBER, type="edit", context=wrong, text="Um neun")
    emulator.customer_sends(EVA, NUMBER, type="revoke", context=gone)
    emulator.customer_sends(EVA, NUMBER, type="revoke", context="wamid.unknown")
    platform.send(type="reaction", reaction={"message_id": dear, "emoji": "❤️"})
    eventually(lambda: len(emulator.customer_screen(EVA, NUMBER)) == 4)
    screen = emulator.customer_screen(EVA, NUMBER)
    assert [(one["text"], one.get("edited"), one.get("deleted")) for one in screen[:3]] == [
        ("Um neun", True, None),
        ("", None, True),
        ("Danke", None, None),
    ]
    assert screen[2]["reactions"] == {"business": "❤️"}
