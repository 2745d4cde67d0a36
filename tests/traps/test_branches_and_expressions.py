"""What people and webhooks send is judged by what it means, in a branch and in a text, on the whole path."""

from typing import Any

import pytest
from django.utils import translation

from automations.conditions import OPERATORS
from automations.models import Flow, Run, StepRun
from automations.services.editing import add_step
from automations.services.publishing import check_draft
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)


def branch(house: House, left: str, operator: str, right: str = "") -> None:
    """A flow with one lane, "yes", for one condition on the event's data."""
    condition = {"left": left, "operator": operator, "right": right}
    lanes = [{"key": "yes", "label": "ja", "match": "all", "conditions": [condition]}]
    house.flow(
        "api_event",
        [{"type": "branch", "key": "zweig", "config": {"lanes": lanes}}],
        trigger_config={"event": "lead", "sample": None},
    )


def taken(house: House) -> StepRun:
    """The branch's step of the only run, which has not failed."""
    assert house.run().status == Run.Status.DONE
    return StepRun.objects.in_workspace(house.workspace).get(step_key="zweig")


@pytest.mark.parametrize("budget", ["10", 10, " 10 "])
def test_ten_is_more_than_nine_however_it_was_sent(house: House, budget: Any) -> None:
    """(traps B1)"""
    branch(house, "{{trigger.budget}}", "greater", "9")
    house.event("lead", budget=budget)
    assert (taken(house).lane, taken(house).notes) == ("yes", [])


def test_a_word_is_no_number_goes_to_else_and_is_noted(house: House) -> None:
    """(traps B1) the run does not fail."""
    branch(house, "{{trigger.budget}}", "greater", "9")
    house.event("lead", budget="zehn")
    step = taken(house)
    assert step.lane == "else"
    assert len(step.notes) == 1 and "zehn" in step.notes[0]


@pytest.mark.parametrize(
    ("language", "given", "number"),
    [
        ("de", "1,5", "1.5"),
        ("de", "1.234,56", "1234.56"),
        ("de", "1.234", "1234"),
        ("de", "1,234", "1.234"),
        ("en", "1,234.56", "1234.56"),
    ],
)
def test_a_decimal_is_read_in_the_workspaces_language(house: House, language: str, given: str, number: str) -> None:
    """(traps B2) in a branch; the wait for a number, which asks again, comes later."""
    house.workspace.language = language
    house.workspace.save()
    point = number if language == "en" else number.replace(".", ",")
    branch(house, "{{trigger.budget}}", "equals_number", point)
    house.event("lead", budget=given)
    assert (taken(house).lane, taken(house).notes) == ("yes", [])


def texts(house: House, text: str) -> None:
    """A flow that writes this to Eva, whose window is open."""
    house.customer_writes("Hallo")
    house.flow(
        "api_event",
        [
            {
                "type": "send_text",
                "key": "text",
                "config": {"sender": str(house.sender.public_id), "to": EVA, "text": text},
            }
        ],
        trigger_config={"event": "lead", "sample": None},
    )


def test_a_number_filter_refuses_a_german_decimal_by_name(house: House) -> None:
    """(traps B2) an error with its step and field, never 1 in place of 1,5."""
    texts(house, "Das macht {{ trigger.price | plus: 1 }} Euro.")
    house.event("lead", price="1,5")
    run = house.run()
    assert (run.status, run.error_code, run.error_step) == (Run.Status.FAILED, "expression_invalid", "text")
    assert "1,5" in str(run.error_facts)
    assert house.calls() == []


DATE = '{{trigger.appointment_date | date: "%d.%m.%Y"}}'


@pytest.mark.parametrize(
    ("given", "shown"),
    [("03.04.2027", "03.04.2027"), ("25.04.2027", "25.04.2027"), ("2027-04-03", "03.04.2027")],
)
def test_a_date_is_read_day_first(house: House, given: str, shown: str) -> None:
    """(traps B3)"""
    texts(house, f"Ihr Termin ist am {DATE}.")
    house.event("lead", appointment_date=given)
    assert house.screen() == [f"Ihr Termin ist am {shown}."]


@pytest.mark.parametrize("given", ["31.04.2027", "morgen"])
def test_what_is_no_date_is_a_named_error_and_not_passed_through(house: House, given: str) -> None:
    """(traps B3)"""
    texts(house, f"Ihr Termin ist am {DATE}.")
    house.event("lead", appointment_date=given)
    assert house.run().error_code == "expression_invalid"
    assert given in str(house.run().error_facts)
    assert house.calls() == []


@pytest.mark.parametrize("consent", ["false", False, "0", "nein", ""])
def test_no_is_no_in_all_its_forms(house: House, consent: Any) -> None:
    """(traps B4)"""
    branch(house, "{{trigger.body.consent}}", "is_yes")
    house.event("lead", body={"consent": consent})
    assert (taken(house).lane, taken(house).notes) == ("else", [])


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("{% if trigger.body.consent %}Danke{% endif %}", ["trigger.body.consent"]),
        ("{% unless steps.zweig.lane and trigger.a == 1 %}x{% endunless %}", ["steps.zweig.lane"]),
        ("{% if trigger.a %}x{% elsif trigger.b or trigger.c %}y{% endif %}", ["trigger.a", "trigger.b", "trigger.c"]),
        ("{% if trigger.consent == 'ja' %}Danke{% endif %} {% if contact.name %}x{% endif %}", []),
    ],
)
def test_the_editor_says_that_any_text_is_true_and_offers_yes_or_no(house: House, text: str, warned: list[str]) -> None:
    """(traps B4) a warning at the field, which names the condition to take in its place."""
    branch(house, "{{trigger.x}}", "is_yes")
    flow = Flow.objects.in_workspace(house.workspace).get()
    add_step(flow=flow, type="send_text", key="danke", config={"to": EVA, "text": text})
    with translation.override("en"):
        found = [finding for finding in check_draft(flow) if finding.code == "any_text_is_true"]
    assert {(finding.step, finding.field, finding.severity) for finding in found} <= {("danke", "text", "warning")}
    assert len(found) == len(warned)
    for path, finding in zip(warned, found, strict=True):
        assert f"“{path}”" in str(finding.message)
        with translation.override("en"):
            assert str(OPERATORS["is_yes"].label) in str(finding.message)
