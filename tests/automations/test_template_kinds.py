"""Templates of every make: numbered and named, text, file and place above, every kind of button below."""

from typing import Any

import pytest

from automations.models import Run, StepRun
from messaging.models import Template
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)

LINK = "https://example.com/plan.pdf"


def sends(house: House, variables: dict[str, str], **trigger: Any) -> dict[str, Any]:
    """The template `gruss` to Eva when the event comes; the components of the send by type, buttons by place."""
    config = {
        "sender": str(house.sender.public_id),
        "template": "gruss",
        "language": "de",
        "to": EVA,
        "variables": variables,
    }
    step = {"type": "send_template", "key": "senden", "name": "Gruß", "config": config}
    house.flow("api_event", [step], trigger_config={"event": "lead", "sample": None})
    house.event("lead", **trigger)
    (sent,) = house.sends()
    (message,) = house.messages()
    assert house.statuses_of(message, "delivered").status == "delivered"
    return {
        part["type"] if part["type"] != "button" else int(part["index"]): part["parameters"]
        for part in sent["body"]["template"].get("components", [])
    }


def template(house: House, *parts: dict[str, Any], **fields: Any) -> Template:
    body = {"type": "BODY", "text": "Guten Tag, bis morgen."}
    has_body = any(part["type"] == "BODY" for part in parts)
    return house.template("gruss", components=[*parts] if has_body else [*parts, body], **fields)


def on_screen(house: House) -> dict[str, Any]:
    (message,) = house.emulator.customer_screen(EVA, house.sender.provider_number_id)
    return message


def test_named_values_stand_in_header_and_body(house: House) -> None:
    template(
        house,
        {"type": "HEADER", "format": "TEXT", "text": "Auftrag {{order_no}} ist da"},
        {"type": "BODY", "text": "Hallo {{first_name}}, bis {{day}} bereit."},
        parameter_format="NAMED",
    )
    parts = sends(house, {"order_no": "A-1", "first_name": "{{trigger.name}}", "day": "Freitag"}, name="Eva\nMaria")
    assert parts["header"] == [{"type": "text", "parameter_name": "order_no", "text": "A-1"}]
    assert parts["body"] == [
        {"type": "text", "parameter_name": "first_name", "text": "Eva Maria"},
        {"type": "text", "parameter_name": "day", "text": "Freitag"},
    ]
    assert on_screen(house)["header"]["text"] == "Auftrag A-1 ist da"
    assert on_screen(house)["text"] == "Hallo Eva Maria, bis Freitag bereit."


def test_numbered_values_go_by_their_numbers(house: House) -> None:
    template(
        house,
        {"type": "HEADER", "format": "TEXT", "text": "Auftrag {{1}} ist da"},
        {"type": "BODY", "text": "Am {{2}}, liebe {{1}}, sind wir da."},
    )
    parts = sends(house, {"header.1": "A-1", "1": "Eva", "2": "Freitag"})
    assert parts["body"] == [{"type": "text", "text": "Eva"}, {"type": "text", "text": "Freitag"}]
    assert on_screen(house)["text"] == "Am Freitag, liebe Eva, sind wir da."


@pytest.mark.parametrize(
    ("format_", "kind", "given", "sent"),
    [
        ("IMAGE", "image", {"header": "https://example.com/a.jpg"}, {"link": "https://example.com/a.jpg"}),
        ("VIDEO", "video", {"header": "https://example.com/a.mp4"}, {"link": "https://example.com/a.mp4"}),
        ("DOCUMENT", "document", {"header": LINK}, {"link": LINK, "filename": "plan.pdf"}),
    ],
)
def test_a_file_stands_in_the_header(
    house: House, format_: str, kind: str, given: dict[str, str], sent: dict[str, str]
) -> None:
    template(house, {"type": "HEADER", "format": format_})
    assert sends(house, given)["header"] == [{"type": kind, kind: sent}]
    assert on_screen(house)["header"] == {"kind": kind, **sent}


def test_a_place_stands_in_the_header(house: House) -> None:
    template(house, {"type": "HEADER", "format": "LOCATION"})
    place = {"header.latitude": "47.0707", "header.longitude": "15.4395", "header.name": "Praxis", "header.address": ""}
    (parameter,) = sends(house, place)["header"]
    assert parameter == {
        "type": "location",
        "location": {"latitude": "47.0707", "longitude": "15.4395", "name": "Praxis"},
    }
    assert on_screen(house)["header"]["name"] == "Praxis"


def test_each_kind_of_button_gets_what_it_takes_and_no_other_anything(house: House) -> None:
    buttons = [
        {"type": "QUICK_REPLY", "text": "Passt"},
        {"type": "URL", "text": "Verfolgen", "url": "https://example.com/o/{{1}}", "example": ["A-1"]},
        {"type": "URL", "text": "Startseite", "url": "https://example.com/"},
        {"type": "PHONE_NUMBER", "text": "Anrufen", "phone_number": "+43316555010"},
        {"type": "COPY_CODE", "text": "Code kopieren", "example": "HERBST25"},
        {"type": "FLOW", "text": "Formular", "flow_id": "1", "flow_action": "navigate", "navigate_screen": "A"},
    ]
    template(house, {"type": "BODY", "text": "Guten Tag."}, {"type": "BUTTONS", "buttons": buttons})
    parts = sends(house, {"button.1": "A 1/ä", "button.4": "HERBST25", "button.5": ""})
    prefix = f"{house.run().public_id}:senden::"
    assert parts == {
        0: [{"type": "payload", "payload": f"{prefix}Passt"}],
        1: [{"type": "text", "text": "A%201/%C3%A4"}],
        4: [{"type": "coupon_code", "coupon_code": "HERBST25"}],
        5: [{"type": "action", "action": {"flow_token": f"{prefix}Formular"}}],
    }
    shown = {button["kind"]: button for button in on_screen(house)["buttons"]}
    assert shown["quick_reply"]["payload"] == f"{prefix}Passt"
    assert shown["copy_code"]["code"] == "HERBST25"
    assert shown["phone_number"]["phone"] == "+43316555010"


@pytest.mark.parametrize(
    ("component", "variables", "part"),
    [
        ({"type": "BODY", "text": "Guten Tag {{1}}."}, {"1": "a" * 1020}, "template.body"),
        ({"type": "BODY", "text": "Guten Tag {{1}}."}, {"1": "😀" * 507}, "template.body"),
        (
            {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "text": "Code"}]},
            {"button.0": "A" * 21},
            "template.code",
        ),
    ],
)
def test_what_is_too_long_is_found_before_the_call(
    house: House, component: dict[str, Any], variables: dict[str, str], part: str
) -> None:
    """In UTF-16 units; the error names the part."""
    template(house, component)
    config = {"sender": str(house.sender.public_id), "template": "gruss", "to": EVA, "variables": variables}
    step = {"type": "send_template", "key": "senden", "config": config}
    house.flow("api_event", [step], trigger_config={"event": "lead", "sample": None})
    house.event("lead")
    row = StepRun.objects.in_workspace(house.workspace).get(step_key="senden")
    assert (house.run().status, row.error_code, row.error_facts["part"]) == (Run.Status.FAILED, "text_too_long", part)
    assert house.calls() == []
