"""Strict E.164, suggestions only where one number can be meant, and the platform's spellings of ids."""

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from messaging.phone import (
    PhoneProblem,
    canonical_phone,
    from_whatsapp_id,
    group_for_reading,
    is_user_id,
    other_spelling,
    parse_e164,
    phone_candidates,
    suggest_e164,
)

GIVEN_WITH_REASON = [
    # given, region, part, reason, suggestion
    ("0151/12345678", "DE", "0", "no_plus", "+4915112345678"),
    ("0151/12345678", None, "0", "no_plus", None),
    ("0664 1234567", "AT", "0", "no_plus", "+436641234567"),
    ("2025550123", "US", "2025550123", "no_plus", "+12025550123"),
    ("+49 (0) 151 12345678", None, "0", "trunk_zero", "+4915112345678"),
    ("+49015112345678", "DE", "0", "trunk_zero", "+4915112345678"),
    ("4915112345678", "DE", "4915112345678", "no_plus", "+4915112345678"),
    ("004915198765432", "DE", "00", "double_zero", "+4915198765432"),
    ("+39600000001", "IT", "6", "missing_italian_zero", "+390600000001"),
    ("\u202a+49 151 98765432\u202c", "DE", "\u202a", "invisible_character", "+4915198765432"),
    ("+4915198765432\ufe0d", None, "\ufe0d", "invisible_character", "+4915198765432"),
    ("+4915112345678\n", None, "\n", "invisible_character", "+4915112345678"),
    ("+٤٩١٥١١٢٣٤٥٦٧٨", None, "٤٩١٥١١٢٣٤٥٦٧٨", "non_ascii_digits", "+4915112345678"),
    ("+49 151 12345678", None, " ", "separators", "+4915112345678"),
    ("'+4915198765432", None, "'", "separators", "+4915198765432"),
    ("+4915198765432.0", None, ".0", "separators", "+4915198765432"),
    ("4,91512E+12", "DE", "E", "not_a_number", None),
    ("+4915112345678 x9", None, "x", "not_a_number", None),
    ("+4915112345678+436641234567", None, "+", "not_a_number", None),
    ("+49123", None, "+49123", "too_short", None),
    ("+49151123456781234567", None, "34567", "too_long", None),
    ("+999123456", None, "+999", "unknown_country", None),
    ("", None, "", "empty", None),
    ("  ", "DE", "  ", "empty", None),
]


@pytest.mark.parametrize(
    "number", ["+4915112345678", "+436641234567", "+390600000001", "+393300000001", "+80012345678"]
)
def test_e164_passes_unchanged(number):
    """(traps P4) a zero after +39 stays, and none is added to a mobile."""
    assert parse_e164(number, region="DE") == number


@pytest.mark.parametrize(("given_text", "region", "part", "reason", "suggestion"), GIVEN_WITH_REASON)
def test_everything_else_is_refused_with_its_part_and_the_certain_number(given_text, region, part, reason, suggestion):
    """(traps P4) (traps P5) (traps P6) (traps P7) (traps P8) (traps P9)"""
    with pytest.raises(PhoneProblem) as refused:
        parse_e164(given_text, region=region)
    problem = refused.value
    assert (problem.given, problem.part, problem.reason, problem.suggestion) == (given_text, part, reason, suggestion)


def test_the_explanation_points_at_the_zero_behind_the_country_code():
    """(traps P7)"""
    with pytest.raises(PhoneProblem) as refused:
        parse_e164("+49 (0) 151 12345678")
    with override("en"):
        assert "0 behind +49" in refused.value.explain()
    with override("de"):
        assert "0 hinter +49" in refused.value.explain()


def test_the_explanation_names_an_invisible_character_by_its_code_point():
    """(traps P8)"""
    with pytest.raises(PhoneProblem) as refused:
        parse_e164("\u202a+4915198765432\u202c")
    assert "U+202A" in refused.value.explain()
    assert "\u202a" not in refused.value.explain()


def test_a_country_code_is_never_put_before_a_number_that_has_one():
    """(traps P5) (traps P6)"""
    assert suggest_e164("4915112345678", region="DE") == "+4915112345678"
    assert suggest_e164("004915112345678", region="DE") == "+4915112345678"


@given(st.text(max_size=40), st.sampled_from([None, "DE", "AT", "IT", "US"]))
def test_any_text_passes_as_it_is_or_is_refused_with_an_explanation(text, region):
    try:
        assert parse_e164(text, region=region) == text
    except PhoneProblem as problem:
        assert problem.explain()
        assert problem.suggestion is None or parse_e164(problem.suggestion) == problem.suggestion


MOBILES = st.integers(10_000_000, 99_999_999).map(lambda number: f"151{number}")


@given(
    MOBILES,
    st.sampled_from(["+49{}", "+49 {}", "0049{}", "+49(0){}", "+49 0{}", "49{}", "0{}", "0\u00a0{}", "\u2066+49{}"]),
)
def test_every_usual_way_to_write_a_german_mobile_suggests_the_same_number(mobile, shape):
    assert suggest_e164(shape.format(mobile), region="DE") == f"+49{mobile}"


@pytest.mark.parametrize(
    ("received", "candidates"),
    [
        ("5215500001234", ["+525500001234", "+5215500001234"]),
        ("525500001234", ["+525500001234", "+5215500001234"]),
        ("5491100001234", ["+5491100001234", "+541100001234"]),
        ("556490000000", ["+5564990000000", "+556490000000"]),
        ("5564990000000", ["+5564990000000", "+556490000000"]),
        ("4915112345678", ["+4915112345678"]),
        ("MX.5213491208655302", []),
    ],
)
def test_a_contact_is_looked_for_under_both_spellings(received, candidates):
    """(traps P1) (traps P2) (traps P3) (traps P10)"""
    assert phone_candidates(received) == candidates
    assert canonical_phone(received) == (candidates[0] if candidates else None)


def test_an_inbound_id_is_read_without_strictness():
    """(traps P1) (traps P5) (traps P12)"""
    assert from_whatsapp_id("5215500001234") == "+5215500001234"
    assert from_whatsapp_id("+4915112345678") == "+4915112345678"
    assert from_whatsapp_id("15550123456") == "+15550123456"


def test_no_prefix_rule_touches_a_user_id():
    """(traps P10)"""
    assert is_user_id("MX.5213491208655302")
    assert from_whatsapp_id("MX.5213491208655302") is None
    assert other_spelling("MX.5213491208655302") is None


@pytest.mark.parametrize("raw", ["", "abc", "+", "٤٩١٥١١٢٣٤٥٦٧٨", "49151 12345678"])
def test_what_is_no_id_gives_no_number(raw):
    assert from_whatsapp_id(raw) is None


@given(st.from_regex(r"5(21|2|49|4|5)[1-9][0-9]{9}", fullmatch=True))
def test_the_other_spelling_of_the_other_spelling_is_the_number_itself(digits):
    other = other_spelling(digits)
    assert other is None or other_spelling(other) == "+" + digits


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+436641234567", "+43 664 123 45 67"),
        ("+12025550123", "+1 202 555 0123"),
        ("+5491100001234", "+54 9 11 0000 1234"),
        ("nobody", "nobody"),
    ],
)
def test_numbers_are_grouped_for_reading(number, shown):
    assert group_for_reading(number) == shown


@given(st.from_regex(r"\+[1-9][0-9]{3,16}", fullmatch=True))
def test_grouping_loses_no_digit(number):
    assert group_for_reading(number).replace(" ", "") == number
