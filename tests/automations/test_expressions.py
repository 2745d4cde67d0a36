"""Liquid as business users write it: filled in, typed where it is one path, and refused by name and place."""

from datetime import UTC, date, datetime

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from automations.expressions import (
    BadExpression,
    ExpressionError,
    VariableMissing,
    check,
    evaluate,
    paths,
    render,
    render_required,
)

HERE = {"time_zone": "Europe/Vienna", "language": "de"}


def fill(text, language="de", **data):
    return render(text, data, time_zone="Europe/Vienna", language=language)


def value(text, **data):
    return evaluate(text, data, **HERE)


# --- Variables ---------------------------------------------------------------------------------
def test_a_variable_is_filled_in():
    assert fill("Hallo {{trigger.customer_name}}", trigger={"customer_name": "Eva"}) == "Hallo Eva"


def test_an_unknown_variable_is_an_error_with_its_whole_path_line_and_column():
    with pytest.raises(VariableMissing) as missing:
        fill("Hallo\n {{ steps.ask.reply | upcase }}", steps={"ask": {}})
    assert (missing.value.path, missing.value.line, missing.value.column) == ("steps.ask.reply", 2, 5)
    assert "steps.ask.reply" in missing.value.message


@pytest.mark.parametrize("steps", [{}, {"ask": None}, {"ask": {"reply": None}}, {"ask": {"reply": ""}}])
def test_default_stands_in_for_a_step_that_has_not_run_and_for_nothing(steps):
    assert fill('{{steps.ask.reply | default: "dort"}}', steps=steps) == "dort"


@pytest.mark.parametrize(
    "text",
    [
        "{% if a.b == nil %}x{% endif %}",
        "{% if a.b %}x{% endif %}",
        "{% for x in a.b %}x{% endfor %}",
        "{{ 1 | plus: a.b }}",
        "{{ 'x' | default: a.b }}",
        "{% case a.b %}{% when 1 %}{% endcase %}",
    ],
)
def test_an_unknown_variable_is_an_error_everywhere(text):
    with pytest.raises(VariableMissing) as missing:
        fill(text, a={})
    assert missing.value.path == "a.b"


def test_null_renders_as_nothing():
    assert fill("[{{contact.name}}]", contact={"name": None}) == "[]"


def test_what_must_not_be_empty_names_its_path():
    assert render_required("{{contact.first_name}}", {"contact": {"first_name": "Eva"}}, **HERE) == "Eva"
    with pytest.raises(VariableMissing) as missing:
        render_required("{{ contact.first_name }}", {"contact": {"first_name": None}}, **HERE)
    assert missing.value.path == "contact.first_name"


def test_a_text_that_is_one_path_keeps_its_type():
    data = {"tags": ["a", "b"], "age": 7, "who": {"name": "Eva"}, "none": None, "yes": True}
    assert value("{{t.tags}}", t=data) == ["a", "b"]
    assert value(" {{ t.age }} ", t=data) == 7
    assert value("{{t.who}}", t=data) == {"name": "Eva"}
    assert value("{{t.none}}", t=data) is None
    assert value("{{t.yes}}", t=data) is True
    assert value("{{t.tags | first}}", t=data) == "a"
    assert value("{{t.age | plus: 1}}", t=data) == 8
    assert value("Age {{t.age}}", t=data) == "Age 7"
    assert value("{{t.age}}{{t.age}}", t=data) == "77"


def test_lists_and_objects_inside_a_text_are_readable():
    assert fill("{{a}} {{b}}", a=["x", "ü"], b={"c": "ü"}) == 'x, ü {"c": "ü"}'


# --- Plain data, no system -----------------------------------------------------------------------
@pytest.mark.parametrize("text", ["{{ today }}", "{{ now }}", "{{ partial }}", "{{ a.__class__ }}", "{{ a.secret }}"])
def test_only_the_data_given_can_be_reached(text):
    class Row:
        secret = "hidden"

    with pytest.raises(VariableMissing):
        fill(text, a=Row())


@pytest.mark.parametrize("text", ["{% include 'x' %}", "{% render 'x' %}", "{% liquid echo 1 %}", "{% increment x %}"])
def test_tags_that_reach_outside_do_not_exist(text):
    with pytest.raises(BadExpression) as refused:
        fill(text)
    assert refused.value.reason == "unknown_tag"


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in (1..100000) %}x{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}",
        '{% assign x = (1..999999999999) %}{{ x | join: "" }}',
        '{% assign x = "aaaaaaaa" %}{% for i in (1..60) %}{% assign x = x | append: x %}{% endfor %}',
        "{% assign x = 10 %}{% for i in (1..60) %}{% assign x = x | times: x %}{% endfor %}{{ x }}",
        "{{ long | replace: 'a', long }}",
        '{{ "2027-04-03" | date: "%999999999d" }}',
        "{% if a" + " and a" * 5000 + " %}x{% endif %}",
        "{% if a %}" * 100 + "x" + "{% endif %}" * 100,
        "x" * 70_000 + "{{ a }}",
    ],
)
def test_nothing_grows_without_a_limit(text):
    with pytest.raises(BadExpression):
        fill(text, long="a" * 100_000, a=1)


# --- Comparisons by type -------------------------------------------------------------------------
@pytest.mark.parametrize("budget", ["10", 10, " 10 ", 10.0])
def test_a_number_that_came_as_text_is_compared_as_a_number(budget):
    """(traps B1)"""
    assert fill('{% if b > 9 and b >= "10" and b < 100 %}more{% else %}less{% endif %}', b=budget) == "more"


def test_text_that_is_no_number_cannot_be_compared_with_one():
    """(traps B1)"""
    with pytest.raises(BadExpression) as refused:
        fill("{% if b > 9 %}x{% endif %}", b="zehn")
    assert (refused.value.reason, refused.value.line, refused.value.column) == ("not_comparable", 1, 9)


def test_dates_are_compared_as_dates():
    assert fill('{% if d < "25.03.2027" %}x{% else %}later{% endif %}', d="03.04.2027") == "later"
    assert fill("{% if d < n %}before{% endif %}", d="03.04.2027", n=datetime(2027, 4, 3, 12, tzinfo=UTC)) == "before"


def test_null_is_neither_more_nor_less():
    assert fill("{% if b > 9 or b < 9 %}x{% else %}else{% endif %}", b=None) == "else"


def test_a_case_prints_its_block_once():
    assert fill("{% case a %}{% when 1, 1.0 %}one{% else %}other{% endcase %}", a="1") == "one"


def test_any_text_is_true_as_liquid_has_it():
    """(traps B4) the editor warns of it."""
    assert fill("{% if trigger.consent %}true{% endif %}", trigger={"consent": "false"}) == "true"


# --- Numbers ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("filter_text", ["plus: 1", "minus: 1", "times: 2", "divided_by: 2", "round", "floor", "abs"])
def test_number_filters_refuse_a_german_decimal(filter_text):
    """(traps B2)"""
    with pytest.raises(BadExpression) as refused:
        fill("{{ a | " + filter_text + " }}", a="1,5")
    assert refused.value.reason == "not_a_number"
    assert "1,5" in refused.value.message


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('{{ "1.5" | plus: 1 }}', 2.5),
        ("{{ 0.1 | plus: 0.2 }}", 0.3),
        ("{{ 10 | divided_by: 4 }}", 2),
        ("{{ 10 | divided_by: 4.0 }}", 2.5),
        ("{{ 2.55 | round: 1 }}", 2.6),
        ("{{ -3 | modulo: 5 }}", 2),
    ],
)
def test_arithmetic(text, result):
    assert value(text) == result


def test_division_by_zero_is_named():
    with pytest.raises(BadExpression) as refused:
        fill("{{ 1 | divided_by: 0 }}")
    assert refused.value.reason == "division_by_zero"


def test_money_is_written_in_the_language():
    assert fill("{{ a | money }}", a=1234.5) == "1.234,50\u00a0€"
    assert fill("{{ a | money: 'USD' }}", language="en", a="1234.5") == "$1,234.50"


def test_a_phone_is_grouped_for_reading():
    assert fill("{{ p | phone }}", p="+436641234567") == "+43 664 123 45 67"


# --- Dates -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given_date", "shown"),
    [
        ("03.04.2027", "03.04.2027"),
        ("3.4.2027", "03.04.2027"),
        ("25.04.2027", "25.04.2027"),
        ("2027-04-03", "03.04.2027"),
        (date(2027, 4, 3), "03.04.2027"),
        (datetime(2027, 4, 2, 22, 30, tzinfo=UTC), "03.04.2027"),
        ("2027-04-02T22:30:00Z", "03.04.2027"),
        (None, ""),
        ("", ""),
    ],
)
def test_dates_are_read_day_first_and_shown_in_the_zone(given_date, shown):
    """(traps B3)"""
    assert fill('{{trigger.appointment_date | date: "%d.%m.%Y"}}', trigger={"appointment_date": given_date}) == shown


@pytest.mark.parametrize("no_date", ["31.04.2027", "29.02.2027", "morgen", "2027-13-01", "04/03/2027", "٠٣.٠٤.٢٠٢٧", 5])
def test_what_is_no_date_is_an_error_and_not_passed_through(no_date):
    """(traps B3)"""
    with pytest.raises(BadExpression) as refused:
        fill('{{ d | date: "%d.%m.%Y" }}', d=no_date)
    assert refused.value.reason == "not_a_date"


@pytest.mark.parametrize(
    ("language", "form", "shown"),
    [
        ("de", "long", "3. März 2027"),
        ("de", "lang", "3. März 2027"),
        ("de", "kurz", "03.03.2027"),
        ("de", "Uhrzeit", "14:30"),
        ("de", "%A, %d. %B, %H:%M", "Mittwoch, 03. März, 14:30"),
        ("en", "long", "3 March 2027"),
        ("en", "short", "3 Mar 2027"),
        ("en", "time", "14:30"),
        ("en", "%A %-d %b 100%%", "Wednesday 3 Mar 100%"),
    ],
)
def test_dates_are_written_in_the_language(language, form, shown):
    assert fill("{{ d | date: f }}", language=language, d="03.03.2027 14:30", f=form) == shown


def test_a_date_without_a_time_has_no_time_to_show():
    with pytest.raises(BadExpression) as refused:
        fill('{{ d | date: "time" }}', d="03.04.2027")
    assert refused.value.reason == "no_time_of_day"


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_date_comes_back_from_both_spellings(day):
    for spelling in (f"{day:%d.%m.%Y}", day.isoformat()):
        assert fill('{{ d | date: "%d.%m.%Y" }}', d=spelling) == f"{day:%d.%m.%Y}"


# --- Reading a text ---------------------------------------------------------------------------------
def test_the_paths_of_a_text_have_their_place():
    text = (
        '{{ trigger.name | default: workspace.name }}\n{% if steps.ask.reply == "x" %}{{ loop.items[0].a }}{% endif %}'
    )
    assert [(each.root, each.path, each.line, each.column, each.has_default) for each in paths(text)] == [
        ("trigger", "trigger.name", 1, 4, True),
        ("workspace", "workspace.name", 1, 28, False),
        ("steps", "steps.ask.reply", 2, 7, False),
        ("loop", "loop.items[0].a", 2, 35, False),
    ]


def test_names_that_a_text_makes_itself_are_not_data():
    text = "{% for tag in contact.tags %}{{ tag }}{{ forloop.index }}{% endfor %}{% assign z = trigger.q %}{{ z }}"
    assert [each.path for each in paths(text)] == ["contact.tags", "trigger.q"]


def test_a_path_ends_where_it_is_only_known_later():
    assert [each.path for each in paths("{{ trigger.items[loop.index].name }}")] == ["trigger.items", "loop.index"]


@pytest.mark.parametrize(
    ("text", "reason", "line", "column"),
    [
        ("Hallo\n{{ name ", "not_closed", 2, 1),
        ("{% if a %}x", "not_closed", 1, 1),
        ("{{ }}", "nothing_inside", 1, 1),
        ("{% if %}x{% endif %}", "nothing_inside", 1, 4),
        ("a {{ b | shout }}", "unknown_filter", 1, 10),
        ("{% include 'x' %}", "unknown_tag", 1, 4),
    ],
)
def test_what_is_wrong_with_a_text_is_found_without_data(text, reason, line, column):
    (finding,) = check(text)
    assert (finding.reason, finding.line, finding.column) == (reason, line, column)
    assert finding.message


def test_every_unknown_filter_is_found():
    assert [each.facts["name"] for each in check("{{ a | shout }} {{ b | whisper }}")] == ["shout", "whisper"]


def test_a_good_text_has_no_findings():
    assert check('Hallo {{ name | default: "dort" }}') == []


# --- Properties --------------------------------------------------------------------------------------
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(max_size=60), PLAIN)
def test_any_text_renders_or_is_refused_by_name(text, data):
    for source in (text, "{{" + text + "}}", "{%" + text + "%}"):
        try:
            assert isinstance(fill(source, a=data), str)
        except ExpressionError as error:
            assert error.message


@given(st.text(max_size=60).filter(lambda text: "{{" not in text and "{%" not in text))
def test_a_text_without_expressions_stays_as_it_is(text):
    assert fill(text) == text


@given(PLAIN)
def test_every_plain_value_survives_being_one_path(data):
    assert value("{{ a }}", a=data) == data


@given(
    st.lists(
        st.sampled_from(["upcase", "plus: 1", "split: 'a'", "first", "size", "join", "date", "json", "sort", "money"]),
        max_size=4,
    ),
    PLAIN,
)
def test_any_chain_of_filters_has_a_result_or_a_named_error(filters, data):
    try:
        evaluate("{{ a | " + " | ".join(filters or ["json"]) + " }}", {"a": data}, **HERE)
    except ExpressionError as error:
        assert error.message


def test_messages_are_made_when_they_are_read():
    error = VariableMissing("missing", path="a.b")
    with translation.override("en"):
        assert error.message == "There is no value at “a.b”."
