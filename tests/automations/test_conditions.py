"""Typed conditions: what people and webhooks send is judged by what it means, and nothing fails a run."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.conditions import OPERATORS, Condition, evaluate_condition, evaluate_group


def judge(left, operator, right=None, language="de", **data):
    return evaluate_condition(Condition(left, operator, right), data, time_zone="Europe/Vienna", language=language)


def holds(left, operator, right=None, language="de", **data):
    verdict = judge(left, operator, right, language, **data)
    assert verdict.note is None
    return verdict.result


# --- Text ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("left", "operator", "right"),
    [
        ("Interested", "equals", "interested"),
        ("für", "equals", "FUER"),
        ("ja", "not_equals", "nein"),
        ("Ich möchte einen Termin", "contains", "MOECHTE"),
        ("Hallo", "not_contains", "Termin"),
        ("Grüß Gott", "starts_with", "gruess"),
        ("bis später", "ends_with", "SPÄTER"),
        ("Bestellung 4711", "regex", r"bestellung \d+"),
        ("Für Eva", "regex", "^fuer"),
        ("fuer Eva", "regex", "^für"),
        (10, "equals", "10"),
    ],
)
def test_text_is_compared_without_case_and_umlaut_spelling(left, operator, right):
    assert holds(left, operator, right)


def test_both_sides_are_liquid():
    assert holds(
        "{{trigger.outcome}}", "equals", "{{workspace.word}}", trigger={"outcome": "x"}, workspace={"word": "X"}
    )


def test_a_key_that_is_present_with_null_is_not_the_word():
    assert not holds("{{trigger.variables.interested}}", "equals", "yes", trigger={"variables": {"interested": None}})


@pytest.mark.parametrize("nothing", [None, "", "  ", [], {}])
def test_empty_and_exists(nothing):
    assert holds("{{a}}", "is_empty", a=nothing)
    assert not holds("{{a}}", "exists", a=nothing)


@pytest.mark.parametrize("something", ["x", 0, False, [1]])
def test_zero_and_no_are_values(something):
    assert holds("{{a}}", "exists", a=something)


def test_a_missing_path_does_not_exist_and_is_noted_elsewhere():
    assert not holds("{{steps.ask.reply}}", "exists", steps={})
    assert holds("{{steps.ask.reply}}", "is_empty", steps={})
    verdict = judge("{{steps.ask.reply}}", "not_equals", "x", steps={})
    assert not verdict.result
    assert "steps.ask.reply" in verdict.note


# --- Numbers ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("budget", ["10", 10, " 10 "])
def test_budget_greater_than_9(budget):
    """(traps B1)"""
    assert holds("{{trigger.budget}}", "greater", "9", trigger={"budget": budget})


def test_a_word_is_no_number_and_the_note_says_so():
    """(traps B1)"""
    verdict = judge("{{trigger.budget}}", "greater", "9", trigger={"budget": "zehn"})
    assert not verdict.result
    assert "zehn" in verdict.note


@pytest.mark.parametrize(
    ("text", "language", "number"),
    [
        ("1,5", "de", 1.5),
        ("1.234,56", "de", 1234.56),
        ("1.234", "de", 1234),
        ("1,234", "de", 1.234),
        ("1,234.56", "en", 1234.56),
        ("1.5", "en", 1.5),
        ("10.5", "de", 10.5),
        ("1'234.50", "en", 1234.5),
        ("-1.234.567,8", "de", -1234567.8),
    ],
)
def test_numbers_are_read_in_the_language(text, language, number):
    """(traps B2)"""
    assert holds("{{a}}", "equals_number", number, language, a=text)


@pytest.mark.parametrize("text", ["1.2.3", "1,2,3", "1.23,4,5", "", "5 Euro", "١٠", "1e3", "nan", True, None])
def test_what_is_no_number_is_noted(text):
    assert judge("{{a}}", "at_least", 0, a=text).note


@pytest.mark.parametrize("ends", ["5..10", "10..5", ["5", "10"], ["{{low}}", 10]])
def test_between_has_both_ends(ends):
    for number, inside in [(4, False), (5, True), (10, True), (10.5, False)]:
        assert holds("{{n}}", "between", ends, n=number, low=5) is inside


@given(st.decimals(-(10**9), 10**9, places=2), st.decimals(-(10**9), 10**9, places=2))
def test_german_numbers_are_ordered_like_numbers(first, second):
    german = f"{first:,.2f}".translate(str.maketrans(",.", ".,"))
    assert holds("{{a}}", "greater", str(second), a=german) == (first > second)
    assert holds("{{a}}", "at_most", str(second), a=german) == (first <= second)


# --- Dates -------------------------------------------------------------------------------------------
def test_dates_are_read_day_first():
    """(traps B3)"""
    assert holds("03.04.2027", "before", "2027-04-04")
    assert holds("03.04.2027", "after", "25.03.2027")
    assert holds("03.04.2027", "on", "2027-04-03T15:00:00+02:00")


def test_a_time_on_the_day_is_neither_before_nor_after_it():
    moment = datetime(2027, 4, 2, 22, 30, tzinfo=UTC)
    assert holds("{{a}}", "on", "03.04.2027", a=moment)
    assert not holds("{{a}}", "before", "03.04.2027", a=moment)
    assert not holds("{{a}}", "after", "03.04.2027", a=moment)
    assert holds("{{a}}", "before", "03.04.2027 01:00", a=moment)


@pytest.mark.parametrize("text", ["31.04.2027", "morgen", "", None])
def test_what_is_no_date_is_noted(text):
    assert judge("{{a}}", "before", "2027-01-01", a=text).note


# --- Lists, yes and no --------------------------------------------------------------------------------
def test_a_list_has_an_entry():
    assert holds("{{tags}}", "contains_item", "kunde", tags=["Lead", "Kunde"])
    assert not holds("{{tags}}", "contains_item", "Kun", tags=["Kunde"])
    assert not holds("{{tags}}", "contains_item", "x", tags=None)
    assert judge("{{tags}}", "contains_item", "x", tags="x").note


@pytest.mark.parametrize("consent", ["false", False, "0", "nein", "", None, 0, "No.", "NEIN"])
def test_no_in_all_its_forms(consent):
    """(traps B4)"""
    assert not holds("{{trigger.body.consent}}", "is_yes", trigger={"body": {"consent": consent}})
    assert holds("{{trigger.body.consent}}", "is_no", trigger={"body": {"consent": consent}})


@pytest.mark.parametrize("consent", ["true", True, "1", 1, "ja", "Ja!", "yes", " JA "])
def test_yes_in_all_its_forms(consent):
    assert holds("{{c}}", "is_yes", c=consent)
    assert not holds("{{c}}", "is_no", c=consent)


@pytest.mark.parametrize("operator", ["is_yes", "is_no"])
def test_perhaps_is_neither_and_noted(operator):
    verdict = judge("vielleicht", operator)
    assert not verdict.result
    assert "vielleicht" in verdict.note


# --- Groups --------------------------------------------------------------------------------------------
YES = {"left": "a", "operator": "equals", "right": "a"}
NO = {"left": "a", "operator": "equals", "right": "b"}
ODD = {"left": "zehn", "operator": "greater", "right": "9"}


@pytest.mark.parametrize(
    ("match", "conditions", "result"),
    [
        ("all", [YES, YES], True),
        ("all", [YES, NO], False),
        ("any", [NO, YES], True),
        ("any", [NO, ODD], False),
        ("all", [], True),
        ("any", [], False),
        ("all", [YES, {"match": "any", "conditions": [NO, YES]}], True),
    ],
)
def test_groups(match, conditions, result):
    verdict = evaluate_group({"match": match, "conditions": conditions}, {}, time_zone="UTC", language="de")
    assert verdict.result is result
    assert (verdict.note is not None) == (ODD in conditions)


# --- Never a failure -------------------------------------------------------------------------------------
def test_an_unknown_operator_and_a_bad_pattern_are_notes():
    assert judge("a", "sounds_like", "b").note
    assert judge("a", "regex", "(").note
    assert judge("{{ a | shout }}", "equals", "b", a=1).note


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.datetimes() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(OPERATORS)), PLAIN, PLAIN, st.sampled_from(["de", "en"]))
def test_no_data_makes_a_condition_raise(operator, left, right, language):
    verdict = judge("{{value}}", operator, right, language, value=left)
    assert isinstance(verdict.result, bool)
    assert verdict.note is None or not verdict.result
