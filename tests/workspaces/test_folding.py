"""Umlauts in either spelling, case and white space do not part two texts; other letters do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspaces.folding import same_text, text_contains, text_ends_with, text_starts_with


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("für", "fuer"),
        ("für", "FÜR"),
        ("Müller", "mueller"),
        ("Müller", "MULLER"),
        ("Straße", "STRASSE"),
        ("u\u0308ber", "über"),
        ("  Ja   bitte ", "ja bitte"),
        ("Caf\u00e9", "cafe"),
        ("stop\u200b", "STOP"),
    ],
)
def test_the_same_word_in_another_spelling(left, right):
    assert same_text(left, right)
    assert same_text(right, left)


@pytest.mark.parametrize(("left", "right"), [("neue", "nue"), ("quelle", "qulle"), ("ja", "nein"), ("", "x")])
def test_other_words_stay_other_words(left, right):
    assert not same_text(left, right)


def test_parts_of_texts():
    assert text_contains("Ich möchte Übernachten", "uebernachten")
    assert text_starts_with("GRÜSSE aus Graz", "grüße")
    assert text_ends_with("Bis später", "spaeter")


def test_an_empty_part_is_in_nothing():
    assert not text_contains("abc", " ")
    assert not text_starts_with("abc", "")
    assert not text_ends_with("abc", "")


@given(st.text(max_size=30))
def test_every_text_is_itself(text):
    assert same_text(text, text)


@given(st.text(alphabet="abcäöüßÄÖÜ xyz", max_size=20))
def test_upper_case_changes_nothing(text):
    assert same_text(text, text.upper())
