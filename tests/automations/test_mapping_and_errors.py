"""The mission's mapping arrives as parameters, and the named errors come before any call."""

from typing import Any

import pytest

from automations.models import Run, StepRun
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)

MAPPING = {
    "1": "{{trigger.customer_name}}",
    "2": "{{trigger.agent_name}}",
    "3": "{{trigger.appointment_date}}",
    "4": "{{trigger.location}}",
}
APPOINTMENT = {
    "customer_phone": EVA,
    "customer_name": "Eva Novak",
    "agent_name": "Dr. Weber",
    "appointment_date": "03.04.2027",
    "location": "Herrengasse 12, 8010 Graz",
}


def reminder(house: House, **config: Any) -> None:
    """A flow that sends the mission page's own template."""
    house.template("termin_bestaetigt")
    settings = {
        "sender": str(house.sender.public_id),
        "template": "termin_bestaetigt",
        "language": "de",
        "to": "{{trigger.customer_phone}}",
        "variables": MAPPING,
    }
    house.flow(
        "api_event",
        [
            {
                "type": "send_template",
                "name": "Bestätigung senden",
                "key": "bestaetigung",
                "config": {**settings, **config},
            }
        ],
        trigger_config={"event": "appointment.booked", "sample": None},
    )


def values_of(call: dict[str, Any]) -> list[str]:
    (body,) = [part for part in call["body"]["template"]["components"] if part["type"] == "body"]
    return [parameter["text"] for parameter in body["parameters"]]


def failed_step(house: House) -> StepRun:
    return StepRun.objects.in_workspace(house.workspace).get(status=StepRun.Status.FAILED)


def test_the_mission_pages_mapping_arrives_as_parameters(house: House) -> None:
    reminder(house)
    house.event("appointment.booked", **APPOINTMENT)
    (sent,) = house.sends()
    assert values_of(sent) == ["Eva Novak", "Dr. Weber", "03.04.2027", "Herrengasse 12, 8010 Graz"]
    assert sent["body"]["template"]["language"] == {"code": "de"}


def test_named_parameters_are_mapped_by_name(house: House) -> None:
    house.template(
        "termin_benannt",
        components=[{"type": "BODY", "text": "Hallo {{customer_name}}, Ihr Termin am {{day}} steht."}],
        parameter_format="NAMED",
    )
    house.flow(
        "api_event",
        [
            {
                "type": "send_template",
                "config": {
                    "sender": str(house.sender.public_id),
                    "template": "termin_benannt",
                    "to": "{{trigger.customer_phone}}",
                    "variables": {
                        "customer_name": "{{trigger.customer_name}}",
                        "day": "{{trigger.appointment_date | date: '%d.%m.'}}",
                    },
                },
            }
        ],
        trigger_config={"event": "appointment.booked", "sample": None},
    )
    house.event("appointment.booked", **APPOINTMENT)
    (sent,) = house.sends()
    (body,) = sent["body"]["template"]["components"]
    assert [(one["parameter_name"], one["text"]) for one in body["parameters"]] == [
        ("customer_name", "Eva Novak"),
        ("day", "03.04."),
    ]


@pytest.mark.parametrize("missing", ["absent", None, "", "   "])
def test_a_missing_variable_names_path_and_step_before_any_call(house: House, missing: str | None) -> None:
    reminder(house)
    data = {**APPOINTMENT, "agent_name": missing}
    if missing == "absent":
        del data["agent_name"]
    house.event("appointment.booked", **data)
    run = house.run()
    assert (run.status, run.error_code) == (Run.Status.FAILED, "variable_missing")
    error = failed_step(house)
    assert (error.error_facts["path"], error.error_facts["step"]) == ("trigger.agent_name", "Bestätigung senden")
    assert run.error_step == "bestaetigung"
    assert house.calls() == []


@pytest.mark.parametrize("empty", [None, "", "   "])
def test_a_recipient_that_comes_out_empty_names_path_and_step_before_any_call(house: House, empty: str | None) -> None:
    reminder(house)
    house.event("appointment.booked", **{**APPOINTMENT, "customer_phone": empty})
    assert (house.run().status, house.run().error_code) == (Run.Status.FAILED, "variable_missing")
    error = failed_step(house)
    assert (error.error_facts["path"], error.error_facts["step"]) == ("trigger.customer_phone", "Bestätigung senden")
    assert house.calls() == []


@pytest.mark.parametrize("kind", ["send_text", "send_template"])
def test_what_was_meant_for_somebody_else_does_not_go_to_the_customer(house: House, kind: str) -> None:
    house.template("termin", "Hallo {{1}}.")
    own = {"text": "Eva fragt."} if kind == "send_text" else {"template": "termin", "variables": {"1": "Team"}}
    to = '{{contact.attributes.colleague | default: ""}}'
    house.flow("message_received", [{"type": kind, "name": "Weitersagen", "config": {**own, "to": to}}])
    house.customer_writes("Hallo", name="Eva Novak")
    assert house.run().error_code == "variable_missing"
    assert failed_step(house).error_facts["path"] == "contact.attributes.colleague"
    assert house.screen() == []


@pytest.mark.parametrize(("given", "suggestion"), [("0151/12345678", None), ("+49 (0) 151 12345678", "+4915112345678")])
def test_a_recipient_that_is_not_e164_is_refused_before_any_call(
    house: House, given: str, suggestion: str | None
) -> None:
    reminder(house)
    house.event("appointment.booked", **{**APPOINTMENT, "customer_phone": given})
    assert house.run().error_code == "invalid_phone_number"
    assert failed_step(house).error_facts["given"] == given
    if suggestion:
        assert failed_step(house).error_facts["suggestion"] == suggestion
    assert house.calls() == []


@pytest.mark.parametrize("phone", ["+4915112345678", "+436641234567"])
def test_the_missions_right_numbers_pass(house: House, phone: str) -> None:
    reminder(house)
    house.event("appointment.booked", **{**APPOINTMENT, "customer_phone": phone})
    assert [sent["to"] for sent in house.sends()] == [phone.removeprefix("+")]


def test_a_template_that_is_no_longer_approved_is_not_found(house: House) -> None:
    reminder(house)
    house.set_template_status("termin_bestaetigt", "rejected")
    house.event("appointment.booked", **APPOINTMENT)
    assert house.run().error_code == "template_not_found"
    assert house.calls() == []


def test_a_paused_template_has_a_name_of_its_own(house: House) -> None:
    reminder(house)
    house.set_template_status("termin_bestaetigt", "paused")
    house.event("appointment.booked", **APPOINTMENT)
    assert house.run().error_code == "template_paused"
    assert house.calls() == []


def test_a_sender_that_is_offline_sends_nothing(house: House) -> None:
    reminder(house)
    house.set_sender(status="offline")
    house.event("appointment.booked", **APPOINTMENT)
    assert house.run().error_code in ("sender_offline", "")
    house.advance(minutes=2)
    assert house.run().error_code == "sender_offline"
    assert house.calls() == []


@pytest.mark.parametrize(("seconds", "goes"), [(-1, True), (0, True), (1, False)])
def test_free_text_goes_until_24_hours_sharp(house: House, seconds: int, goes: bool) -> None:
    house.flow(
        "api_event",
        [{"type": "send_text", "config": {"sender": str(house.sender.public_id), "to": EVA, "text": "Guten Tag"}}],
        trigger_config={"event": "say.hello", "sample": None},
    )
    house.customer_writes("Hallo")
    house.traveller.shift(24 * 3600 + seconds)
    house.event("say.hello")
    assert house.run().error_code == ("" if goes else "outside_window")
    assert len(house.calls()) == (1 if goes else 0)


@pytest.mark.parametrize(("length", "goes"), [(4096, True), (4097, False)])
def test_text_has_4096_characters_at_most(house: House, length: int, goes: bool) -> None:
    house.flow(
        "api_event",
        [
            {
                "type": "send_text",
                "config": {"sender": str(house.sender.public_id), "to": EVA, "text": "{{trigger.text}}"},
            }
        ],
        trigger_config={"event": "say.much", "sample": None},
    )
    house.customer_writes("Hallo")
    house.event("say.much", text="x" * length)
    assert house.run().error_code == ("" if goes else "text_too_long")
    assert len(house.calls()) == (1 if goes else 0)


def test_a_slot_past_the_deadline_is_rate_limited(house: House) -> None:
    """The pair rate: a burst of 45, then one message every six seconds; an hour is the step's patience."""
    house.flow(
        "api_event",
        [{"type": "send_text", "config": {"sender": str(house.sender.public_id), "to": EVA, "text": "Guten Tag"}}],
        trigger_config={"event": "say.hello", "sample": None},
    )
    house.customer_writes("Hallo")
    house.use_up_the_pair_rate(hours=2)
    house.event("say.hello")
    run = house.run()
    assert run.error_code == "rate_limited"
    assert failed_step(house).error_facts["next_slot_at"]
    assert house.calls() == []


def test_a_slot_that_is_near_is_waited_for(house: House) -> None:
    house.flow(
        "api_event",
        [{"type": "send_text", "config": {"sender": str(house.sender.public_id), "to": EVA, "text": "Guten Tag"}}],
        trigger_config={"event": "say.hello", "sample": None},
    )
    house.customer_writes("Hallo")
    house.use_up_the_pair_rate(hours=0.5)
    house.event("say.hello")
    assert house.run().status == Run.Status.WAITING
    house.advance(minutes=31)
    assert house.run().status == Run.Status.DONE
    assert len(house.sends()) == 1
