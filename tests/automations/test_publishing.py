"""Publishing: everything that can be checked beforehand is, each finding names its step and field."""

from typing import Any

import pytest

from automations.errors import FlowInvalid
from automations.models import Flow, FlowVersion, Run
from automations.services.editing import add_step, change_step, create_flow, set_trigger
from automations.services.publishing import check_draft, publish_flow, switch_flow
from automations.services.runs import try_with_one_recipient
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = {"timeout": {"amount": 2, "unit": "hours"}, "after_timeout": "continue"}


@pytest.fixture
def draft(house: House) -> Flow:
    """A flow on inbound messages without steps."""
    flow = create_flow(workspace=house.workspace, name="Entwurf", by=house.owner, now=house.now)
    set_trigger(flow=flow, type="message_received", config={"keyword_match": "any"}, by=house.owner)
    return flow


def found(flow: Flow) -> list[tuple[str, str, str, str]]:
    return [(one.code, one.step, one.field, one.severity.value) for one in check_draft(flow)]


def text(flow: Flow, content: str, **more: Any) -> Any:
    return add_step(flow=flow, type="send_text", config={"text": content}, **more)


def test_an_empty_draft_says_what_is_missing(house: House) -> None:
    flow = create_flow(workspace=house.workspace, name="leer", by=house.owner, now=house.now)
    assert {code for code, *_rest in found(flow)} == {"no_trigger", "no_steps"}


def test_all_findings_come_at_once_and_nothing_is_published(house: House, draft: Flow) -> None:
    text(draft, "{{trigger.nix}}", key="a")
    text(draft, "{{steps.spaeter.reply}} {{ falsch", key="b")
    with pytest.raises(FlowInvalid) as refused:
        publish_flow(flow=draft, by=house.owner, now=house.now)
    assert {(one.step, one.field) for one in refused.value.findings} >= {("a", "text"), ("b", "text")}
    draft.refresh_from_db()
    assert draft.published is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{{trigger.customer_name}}", None),
        ("{{contact.first_name | default: 'dort'}}", None),
        ("{{trigger.nothing}}", "variable_missing"),
        ("{{steps.unknown.reply}}", "variable_missing"),
        ("{{steps.spaeter.text}}", "variable_missing"),
        ("{{customer_name}}", "variable_missing"),
        ("{{trigger.text | nofilter}}", "expression"),
        ("{{trigger.text", "expression"),
        ("", "settings"),
    ],
)
def test_paths_are_followed_through_the_flow(house: House, draft: Flow, content: str, code: str | None) -> None:
    text(draft, content, key="jetzt")
    text(draft, "später", key="spaeter")
    assert [one for one in found(draft) if one[1] == "jetzt"] == ([(code, "jetzt", "text", "error")] if code else [])


def test_what_only_one_lane_knows_is_a_warning_behind_it(house: House, draft: Flow) -> None:
    lanes = [
        {
            "label": "a",
            "key": "a",
            "match": "all",
            "conditions": [{"left": "{{trigger.text}}", "operator": "is_empty", "right": ""}],
        }
    ]
    branch = add_step(flow=draft, type="branch", key="weg", config={"lanes": lanes})
    add_step(flow=draft, type="set_variables", key="nur", config={"values": {"x": "1"}}, parent=branch, lane="a")
    text(draft, "{{steps.nur.x}}", key="danach")
    assert ("variable_missing", "danach", "text", "warning") in found(draft)


def test_a_step_behind_a_stop_is_unreachable(house: House, draft: Flow) -> None:
    add_step(flow=draft, type="stop", key="ende")
    text(draft, "nie", key="nie")
    assert ("unreachable", "nie", "", "error") in found(draft)


def test_free_text_after_a_day_of_silence_is_an_error_and_after_a_day_of_waiting_a_warning(
    house: House, draft: Flow
) -> None:
    wait = add_step(
        flow=draft,
        type="wait_for_reply",
        key="warten",
        config={"timeout": {"amount": 24, "unit": "hours"}, "after_timeout": "end"},
    )
    text(draft, "Noch da?", key="still", parent=wait, lane="timeout")
    add_step(flow=draft, type="delay", key="pause", config={"mode": "for", "duration": {"amount": 2, "unit": "days"}})
    text(draft, "Und nun?", key="spaet")
    assert [one for one in found(draft) if one[0] == "outside_window"] == [
        ("outside_window", "still", "", "error"),
        ("outside_window", "spaet", "", "warning"),
    ]


def test_within_the_day_the_window_is_open(house: House, draft: Flow) -> None:
    wait = add_step(flow=draft, type="wait_for_reply", key="warten", config=WAIT)
    text(draft, "Noch da?", key="still", parent=wait, lane="timeout")
    text(draft, "Danke", key="dank")
    assert found(draft) == []


def test_a_template_step_is_checked_against_the_platforms_template(house: House, draft: Flow) -> None:
    house.template("termin", "Hallo {{1}}, am {{2}} ist es soweit.")
    step = add_step(
        flow=draft,
        type="send_template",
        key="vorlage",
        config={"sender": str(house.sender.public_id), "template": "termin", "variables": {"1": "x", "9": "y"}},
    )
    assert {one[2] for one in found(draft) if one[0] == "template_parameters_mismatch"} == {
        "variables.2",
        "variables.9",
    }
    change_step(step, config={**step.config, "variables": {"1": "x", "2": "y"}})
    assert found(draft) == []
    house.set_template_status("termin", "paused")
    assert [one[0] for one in found(draft)] == ["template_not_found"]


def test_a_flow_alongside_never_speaks(house: House) -> None:
    flow = create_flow(workspace=house.workspace, name="nebenher", by=house.owner, now=house.now, leads=False)
    set_trigger(flow=flow, type="message_received", config={"keyword_match": "any"}, by=house.owner)
    text(flow, "Hallo", key="a")
    assert ("alongside_speaks", "a", "", "error") in found(flow)


def test_runs_stay_on_their_version_and_new_ones_take_the_new(house: House) -> None:
    flow = house.flow(
        "message_received",
        [
            {"type": "wait_for_reply", "key": "warten", "config": WAIT},
            {"type": "send_text", "key": "text", "config": {"text": "alt"}},
        ],
    )
    house.customer_writes("Hallo")
    step = flow.draft.steps.get(key="text")
    change_step(step, config={"text": "neu"})
    publish_flow(flow=flow, by=house.owner, now=house.now, note="neuer Text")
    house.customer_writes("weiter")
    house.customer_writes("Hallo")
    house.customer_writes("weiter")
    assert house.screen() == ["alt", "neu"]
    assert [version.number for version in FlowVersion.objects.in_workspace(house.workspace).exclude(number=None)] == [
        1,
        2,
    ]


def test_step_keys_are_made_once_and_are_names_for_expressions(house: House, draft: Flow) -> None:
    first = add_step(flow=draft, type="send_text", name="Größe erfragen", config={"text": "?"})
    second = add_step(flow=draft, type="send_text", name="Größe erfragen", config={"text": "?"})
    change_step(first, name="Umbenannt")
    assert [first.key, second.key] == ["groesse_erfragen", "groesse_erfragen_2"]


def test_a_step_that_is_off_is_left_out(house: House, draft: Flow) -> None:
    text(draft, "eins", key="eins")
    change_step(text(draft, "zwei", key="zwei"), is_on=False)
    publish_flow(flow=draft, by=house.owner, now=house.now)
    draft.refresh_from_db()
    switch_flow(flow=draft, is_on=True, by=house.owner, now=house.now)
    house.customer_writes("Hallo")
    assert house.screen() == ["eins"]


def test_a_test_with_one_recipient_reaches_nobody_else(house: House) -> None:
    house.template("termin", "Hallo {{1}}, bis bald.")
    flow = create_flow(workspace=house.workspace, name="Probe", by=house.owner, now=house.now)
    set_trigger(flow=flow, type="manual", config={"inputs": {"other": "+4915112345678"}}, by=house.owner)
    for key, to in (("einer", "{{trigger.customer_phone}}"), ("anderer", "{{trigger.other}}")):
        add_step(
            flow=flow,
            type="send_template",
            key=key,
            config={
                "sender": str(house.sender.public_id),
                "template": "termin",
                "to": to,
                "variables": {"1": "Eva"},
            },
        )
    try_with_one_recipient(flow=flow, data={"other": "+4915112345678"}, recipient=EVA, by=house.owner, now=house.now)
    house.settle()
    assert [sent["to"] for sent in house.sends()] == [EVA.removeprefix("+")]
    assert (house.run().status, house.run().error_code) == (Run.Status.FAILED, "recipient_locked")
    flow.refresh_from_db()
    assert flow.published is None
