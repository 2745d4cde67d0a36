"""A call's end, in the words of many phone systems, under our names."""

from typing import Any

import pytest

from automations.triggers.call_ended import CallEnded, call_data

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("completed with talk is answered", {"status": "completed", "duration": 60}, {"status": "answered"}),
    ("completed without talk is not (E3)", {"status": "completed", "duration": 0}, {"status": "no_answer"}),
    ("a word of the phone system", {"status": "no-answer"}, {"status": "no_answer"}),
    ("outcome as given", {"outcome": "interested"}, {"outcome": "interested"}),
    ("outcome extracted", {"variables": {"outcome": "callback"}}, {"outcome": "callback"}),
    ("interested as text", {"extracted_variables": {"customer_interested": "ja"}}, {"outcome": "interested"}),
    ("follow up", {"variables": {"customer_interested": False, "follow_up_needed": True}}, {"outcome": "follow_up"}),
    ("no interest", {"variables": {"customer_interested": "false"}}, {"outcome": "not_interested"}),
    ("answered is no outcome (E5)", {"status": "answered"}, {"outcome": None}),
    ("missing variables (E2)", {"variables": None}, {"variables": {}, "outcome": None}),
    ("our name wins over the alias", {"call_id": "a", "id": 1}, {"call_id": "a"}),
    ("a broken duration", {"duration": "lang"}, {"duration_seconds": None}),
]


@pytest.mark.parametrize(("given", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_call_data(given: dict[str, Any], expected: dict[str, Any]) -> None:
    data = call_data(given)
    assert {name: data[name] for name in expected} == expected


def test_every_key_is_always_there() -> None:
    assert set(call_data({})) == set(CallEnded.data)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({}, ""),
        ({"statuses": ["busy"]}, "other_status"),
        ({"outcomes": ["kein Interesse"]}, "other_outcome"),
        ({"outcomes": ["INTERESTED"]}, ""),
        ({"direction": "inbound"}, "other_direction"),
        ({"minimum_seconds": 61}, "too_short"),
        ({"assistant_phones": ["+431234567"]}, "other_line"),
    ],
)
def test_the_triggers_filters_say_why_not(config: dict[str, Any], reason: str) -> None:
    data = call_data({"status": "answered", "outcome": "interested", "duration_seconds": 60, "direction": "outbound"})
    match = CallEnded().matches(config, data)
    assert (match.matches, match.reason) == (not reason, reason)
