"""Parameters as the platform takes them, lengths as it counts them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.template_text import clean_parameter, fill, placeholders, utf16_length


@pytest.mark.parametrize(
    ("value", "text", "changed"),
    [
        ("Eva", "Eva", False),
        ("Abc          bed", "Abc bed", True),
        ("Zeile 1\nZeile 2", "Zeile 1 Zeile 2", True),
        ("a\r\n\r\n\tb", "a b", True),
        ("\t", "", True),
        ("  Eva ", "Eva", True),
        ("\u200b", "", True),
        ("a\u2028b", "a b", True),
        (None, "", False),
        ("", "", False),
        (5, "5", False),
        (True, "true", False),
        ("50\u00a0€", "50\u00a0€", False),
        ("50\u00a0 \u00a0€", "50 €", True),
        ("👩\u200d⚕️", "👩\u200d⚕️", False),
    ],
)
def test_a_parameter_is_cleaned_and_says_whether_it_changed(value, text, changed):
    cleaned = clean_parameter(value)
    assert (cleaned.text, cleaned.changed) == (text, changed)


@given(st.text(alphabet=st.sampled_from("ab \n\r\t\u00a0\u202f\u2003\u2028\x0b\x1c"), max_size=30))
def test_no_line_break_tab_or_run_of_spaces_is_left(text):
    cleaned = clean_parameter(text).text
    assert not re.search(r"\s{2}|[\n\r\t\v\f\u2028\u2029]", cleaned)
    assert clean_parameter(cleaned).text == cleaned
    assert "".join(cleaned.split()) == "".join(text.split())


@given(st.text())
def test_length_is_counted_in_utf16(text):
    assert utf16_length(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2


def test_an_emoji_counts_two():
    assert utf16_length("a🌸") == 3


def test_placeholders_come_in_order_and_once():
    assert placeholders("{{2}} {{1}} {{ 2 }} {{customer_name}} {x} {{}}") == ["2", "1", "customer_name"]


def test_filling_leaves_line_breaks_of_the_template_and_reads_values_once():
    assert fill("Hallo {{1}},\n{{ name }}: {{3}}", {"1": "{{name}}", "name": "x"}) == "Hallo {{name}},\nx: {{3}}"
