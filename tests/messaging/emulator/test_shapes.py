"""The webhooks' shapes, key by key, as the platform's reference and the samples of its users have them.

A shape is the set of paths of a webhook's `value`; lists count by their first item. `KEYS` are what each webhook of
the field `messages` has. The user ids stand there since April 2026, for everybody.
"""

from typing import Any

import pytest

from messaging.emulator.inbound import KINDS

from .conftest import EVA, NUMBER, WABA, body_of

METADATA = {"messaging_product", "metadata.display_phone_number", "metadata.phone_number_id"}
CONTACT = {"contacts.profile.name", "contacts.wa_id", "contacts.user_id"}
SENT_BY = {"messages.from", "messages.from_user_id", "messages.id", "messages.timestamp", "messages.type"}
KEYS = METADATA | CONTACT | SENT_BY
CONTEXT = {"messages.context.from", "messages.context.id"}
MEDIA = {"id", "mime_type", "sha256"}
ERROR = {"code", "title", "message", "error_data.details"}
STATUS = {"statuses.id", "statuses.status", "statuses.timestamp", "statuses.recipient_id", "statuses.recipient_user_id"}
PRICING = {f"statuses.pricing.{name}" for name in ("billable", "pricing_model", "category", "type")}
CALL = {f"calls.{name}" for name in ("id", "from", "from_user_id", "to", "event", "timestamp", "direction")}
ENDED = {"calls.status", "calls.start_time", "calls.end_time", "calls.duration"}
TEMPLATE = {f"message_template_{name}" for name in ("id", "name", "language")}


def shape(value: Any, path: str = "") -> set[str]:
    """The paths of all leaves."""
    if isinstance(value, list):
        return shape(value[0], path) if value else {path}
    if not isinstance(value, dict):
        return {path}
    return set().union(*(shape(part, f"{path}.{name}".lstrip(".")) for name, part in value.items()))


def of(kind: str, *names: str) -> set[str]:
    return {f"messages.{kind}.{name}" for name in names}


REFERRAL = {"source_url": "u", "source_id": "1", "source_type": "ad", "headline": "h", "body": "b", "ctwa_clid": "c"}
CUSTOMER_KINDS = [
    pytest.param({"type": "text", "text": "Hallo"}, KEYS | of("text", "body"), id="text"),
    pytest.param(
        {"type": "text", "text": "Ja", "context": "wamid.x"}, KEYS | CONTEXT | of("text", "body"), id="a reply"
    ),
    pytest.param(
        {"type": "text", "text": "Lies", "forwarded": True},
        KEYS | {"messages.context.forwarded"} | of("text", "body"),
        id="forwarded",
    ),
    pytest.param(
        {"type": "text", "text": "Hallo", "referral": REFERRAL},
        KEYS | of("text", "body") | of("referral", *REFERRAL),
        id="from an advertisement",
    ),
    pytest.param(
        {"type": "text", "text": "Hallo", "group_id": "120363"},
        KEYS | of("text", "body") | {"messages.group_id"},
        id="in a group",
    ),
    pytest.param(
        {"type": "button", "text": "Ja", "payload": "p", "context": "wamid.x"},
        KEYS | CONTEXT | of("button", "payload", "text"),
        id="a template's quick reply",
    ),
    pytest.param(
        {"type": "list_reply", "text": "Neun", "id": "s1", "description": "Raum 2", "context": "wamid.x"},
        KEYS | CONTEXT | of("interactive", "type", *(f"list_reply.{name}" for name in ("id", "title", "description"))),
        id="a list's row",
    ),
    pytest.param(
        {"type": "nfm_reply", "context": "wamid.x", "response": {"a": 1}},
        KEYS
        | CONTEXT
        | of("interactive", "type", *(f"nfm_reply.{name}" for name in ("response_json", "body", "name"))),
        id="a flow's answer",
    ),
    pytest.param({"type": "image", "caption": "So"}, KEYS | of("image", "caption", *MEDIA), id="image"),
    pytest.param({"type": "video"}, KEYS | of("video", *MEDIA), id="video"),
    pytest.param({"type": "audio"}, KEYS | of("audio", "voice", *MEDIA), id="a voice note"),
    pytest.param({"type": "document"}, KEYS | of("document", "filename", *MEDIA), id="document"),
    pytest.param({"type": "sticker"}, KEYS | of("sticker", "animated", *MEDIA), id="sticker"),
    pytest.param({"type": "location"}, KEYS | of("location", "latitude", "longitude", "name"), id="location"),
    pytest.param(
        {"type": "contacts"},
        KEYS | of("contacts", "name.formatted_name", "name.first_name", "phones.phone", "phones.wa_id", "phones.type"),
        id="contacts",
    ),
    pytest.param(
        {"type": "reaction", "context": "wamid.x"}, KEYS | of("reaction", "message_id", "emoji"), id="a reaction"
    ),
    pytest.param(
        {"type": "reaction", "context": "wamid.x", "emoji": ""},
        KEYS | of("reaction", "message_id"),
        id="a reaction taken back",
    ),
    pytest.param(
        {"type": "order"},
        KEYS
        | of("order", "catalog_id", "text")
        | of("order.product_items", "product_retailer_id", "quantity", "item_price", "currency"),
        id="order",
    ),
    pytest.param(
        {"type": "edit", "context": "wamid.x", "text": "Neu"},
        KEYS | of("edit", "original_message_id", "message.type", "message.text.body"),
        id="an edited text",
    ),
    pytest.param(
        {"type": "revoke", "context": "wamid.x"}, KEYS | of("revoke", "original_message_id"), id="a deleted message"
    ),
    pytest.param({"type": "unsupported"}, KEYS | of("errors", *ERROR), id="unsupported"),
    pytest.param(
        {"type": "unsupported", "text": "poll"},
        KEYS | of("errors", *ERROR) | of("unsupported", "type"),
        id="unsupported, and of what type",
    ),
    pytest.param({"type": "call", "seconds": 60}, METADATA | CONTACT | CALL | ENDED, id="a call that ended"),
    pytest.param(
        {"type": "call", "seconds": 0}, METADATA | CONTACT | CALL | {"calls.status"}, id="a call that nobody took"
    ),
    pytest.param(
        {"type": "echo", "text": "Vom Telefon"},
        METADATA
        | CONTACT
        | {f"message_echoes.{name}" for name in ("from", "to", "to_user_id", "id", "timestamp", "type", "text.body")},
        id="the business's own phone",
    ),
    pytest.param(
        {"type": "echo", "kind": "edit", "context": "wamid.x", "text": "Neu"},
        METADATA
        | CONTACT
        | {f"message_echoes.{name}" for name in ("from", "to", "to_user_id", "id", "timestamp", "type")}
        | {f"message_echoes.edit.{name}" for name in ("original_message_id", "message.type", "message.text.body")},
        id="edited on the business's own phone",
    ),
]


def test_every_kind_has_its_shape_here():
    assert {case.values[0]["type"] for case in CUSTOMER_KINDS} == set(KINDS)


@pytest.mark.parametrize(("order", "expected"), CUSTOMER_KINDS)
def test_what_a_customer_does(emulator, webhook, order, expected):
    emulator.customer_sends(EVA, NUMBER, name="Eva", **order)
    post = webhook.wait(1)[0]
    assert shape(post.value) == expected
    assert post.field == {"call": "calls", "echo": "smb_message_echoes"}.get(order["type"], "messages")
    for item in post.value.get("messages", []):
        assert isinstance(item["timestamp"], str)


def test_a_tap_on_an_interactive_button(platform, emulator, webhook):
    emulator.customer_writes(EVA, NUMBER, "Hallo", name="Eva")
    reply = {"type": "reply", "reply": {"id": "n3:yes", "title": "Ja"}}
    interactive = {"type": "button", "body": {"text": "Ja?"}, "action": {"buttons": [reply]}}
    platform.send(type="interactive", interactive=interactive)
    webhook.statuses(2)
    emulator.customer_taps(EVA, NUMBER, "Ja")
    value = webhook.wait(4)[3].value
    assert shape(value) == KEYS | CONTEXT | of("interactive", "type", "button_reply.id", "button_reply.title")


def test_an_edited_caption_keeps_its_file_and_what_it_answered(emulator, webhook):
    first = emulator.customer_writes(EVA, NUMBER, "Hallo")
    picture = emulator.customer_sends(EVA, NUMBER, type="image", caption="Alt", context=first)
    emulator.customer_sends(EVA, NUMBER, type="edit", context=picture, text="Neu")
    sent, edited = [post.value["messages"][0] for post in webhook.wait(3)[1:]]
    assert edited["edit"]["original_message_id"] == picture
    assert edited["edit"]["message"] == {
        "context": {"id": first},
        "type": "image",
        "image": sent["image"] | {"caption": "Neu"},
    }


def test_a_file_from_the_businesss_own_phone(emulator, webhook):
    emulator.customer_sends(EVA, NUMBER, type="echo", kind="image", caption="So", name="Eva")
    names = {"from", "to", "to_user_id", "id", "timestamp", "type", *(f"image.{name}" for name in ("caption", *MEDIA))}
    assert shape(webhook.wait(1)[0].value) == METADATA | CONTACT | {f"message_echoes.{name}" for name in names}


def test_a_call_that_rings_is_told_twice(emulator, webhook):
    emulator.customer_sends(EVA, NUMBER, type="call", seconds=30, rings=True, name="Eva", at="2026-11-25T12:00:30Z")
    begin, end = [post.value for post in webhook.wait(2)]
    assert shape(begin) == METADATA | CONTACT | CALL | {"calls.session.sdp", "calls.session.sdp_type"}
    assert (begin["calls"][0]["event"], end["calls"][0]["event"]) == ("connect", "terminate")
    assert begin["calls"][0]["timestamp"] == end["calls"][0]["start_time"]
    assert begin["calls"][0]["id"] == end["calls"][0]["id"]


def test_a_person_of_several_portfolios_has_the_parents_id_everywhere(emulator, webhook):
    emulator.patch_customer(EVA, parent_user_id="AT.ENT.77")
    emulator.customer_writes(EVA, NUMBER, "Hallo", name="Eva")
    parents = {"contacts.parent_user_id", "messages.from_parent_user_id"}
    assert shape(webhook.wait(1)[0].value) == KEYS | of("text", "body") | parents
    emulator.customer_sends(EVA, NUMBER, type="echo", text="Vom Telefon")
    assert webhook.wait(2)[1].value["message_echoes"][0]["to_parent_user_id"] == "AT.ENT.77"


def test_a_changed_user_id_is_told_by_a_system_message(emulator, webhook):
    emulator.customer_writes(EVA, NUMBER, "Hallo", name="Eva")
    old = emulator.call("GET", f"customers/{EVA}")["user_id"]
    emulator.patch_customer(EVA, user_id="DE.77")
    value = webhook.wait(2)[1].value
    assert shape(value) == METADATA | SENT_BY | of("system", "body", "type", "user_id")
    assert value["messages"][0]["from_user_id"] == old
    assert (value["messages"][0]["system"]["type"], value["messages"][0]["system"]["user_id"]) == (
        "user_changed_user_id",
        "DE.77",
    )


# --- statuses ----------------------------------------------------------------------------------------
def test_statuses(platform, emulator, webhook):
    platform.template(body_of("a", "b"), biz_opaque_callback_data="row-1")
    webhook.statuses(2)
    emulator.customer_reads(EVA, NUMBER)
    key = {"statuses.biz_opaque_callback_data"}
    assert [shape(post.value) for post in webhook.wait(3)] == [METADATA | CONTACT | STATUS | PRICING | key] * 3
    platform.template(body_of("a", "b"))
    assert shape(webhook.wait(4)[3].value) == METADATA | CONTACT | STATUS | PRICING


def test_a_failed_status(platform, emulator, webhook):
    emulator.patch_customer(EVA, on_whatsapp=False)
    platform.template(body_of("a", "b"))
    errors = {f"statuses.errors.{name}" for name in (*ERROR, "href")}
    assert shape(webhook.wait(1)[0].value) == METADATA | CONTACT | STATUS | errors


# --- the account's fields ----------------------------------------------------------------------------
def entry_of(post):
    entry = post.payload["entry"][0]
    assert post.payload["object"] == "whatsapp_business_account"
    assert (entry["id"], type(entry["time"])) == (WABA, int)
    return entry["changes"][0]["field"], shape(entry["changes"][0]["value"])


NUMBER_EVENT = {"display_phone_number", "event", "current_limit", "max_daily_conversations_per_business"}
NUMBER_CHANGES = [
    ({"quality": "RED"}, "phone_number_quality_update", NUMBER_EVENT),
    ({"throughput": 1000}, "phone_number_quality_update", NUMBER_EVENT),
    (
        {"limit": 10_000},
        "business_capability_update",
        {"max_daily_conversations_per_business", "max_phone_numbers_per_business"},
    ),
    (
        {"name_status": "DECLINED"},
        "phone_number_name_update",
        {"display_phone_number", "decision", "requested_verified_name", "rejection_reason"},
    ),
]


@pytest.mark.parametrize(("change", "field", "expected"), NUMBER_CHANGES)
def test_a_number_has_changed(emulator, webhook, change, field, expected):
    emulator.patch_number(NUMBER, **change)
    assert entry_of(webhook.wait(1)[0]) == (field, expected)


TEMPLATE_EVENT = {*TEMPLATE, "message_template_category", "event", "reason"}
REJECTION = {"rejection_info": {"reason": "So", "recommendation": "Anders"}, "reason": "SCAM"}
TEMPLATE_CHANGES = [
    ({"status": "APPROVED"}, "message_template_status_update", TEMPLATE_EVENT),
    (
        {"status": "REJECTED"} | REJECTION,
        "message_template_status_update",
        TEMPLATE_EVENT | {"rejection_info.reason", "rejection_info.recommendation"},
    ),
    (
        {"status": "PAUSED"},
        "message_template_status_update",
        TEMPLATE_EVENT | {"other_info.title", "other_info.description"},
    ),
    (
        {"status": "DISABLED"},
        "message_template_status_update",
        TEMPLATE_EVENT | {"disable_info.disable_date"},
    ),
    (
        {"quality": "RED"},
        "message_template_quality_update",
        TEMPLATE | {"previous_quality_score", "new_quality_score"},
    ),
    (
        {"category": "MARKETING"},
        "template_category_update",
        TEMPLATE | {"previous_category", "new_category"},
    ),
]


@pytest.mark.parametrize(("change", "field", "expected"), TEMPLATE_CHANGES)
def test_a_template_has_changed(emulator, webhook, change, field, expected):
    key = emulator.call("GET", "templates")["data"][0]["id"]
    emulator.patch_template(key, **change)
    assert entry_of(webhook.wait(1)[0]) == (field, expected)


@pytest.mark.parametrize(
    "update",
    [
        {"event": "ACCOUNT_DELETED"},
        {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE", "waba_ban_date": "April 17, 2026"}},
        {"event": "PARTNER_REMOVED", "waba_info": {"waba_id": WABA}, "disconnection_info": {"reason": "X"}},
    ],
)
def test_any_update_of_the_account_can_be_sent(emulator, webhook, update):
    emulator.update_account(WABA, **update)
    assert entry_of(webhook.wait(1)[0]) == ("account_update", shape(update))


def test_marketing_stopped_and_resumed(emulator, webhook):
    emulator.customer_writes(EVA, NUMBER, "Hallo", name="Eva")
    for stopped, value in ((True, "stop"), (False, "resume")):
        emulator.patch_customer(EVA, marketing_stopped=stopped)
        found = webhook.wait(2 + (value == "resume"))[-1].value
        names = ("wa_id", "user_id", "detail", "category", "value", "timestamp")
        assert shape(found) == METADATA | CONTACT | {f"user_preferences.{name}" for name in names}
        assert (found["user_preferences"][0]["value"], type(found["user_preferences"][0]["timestamp"])) == (value, int)
