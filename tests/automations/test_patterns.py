"""Regular expressions from users: they match like Python's, and never take long."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.patterns import BadPattern, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^termin\b", "Termin absagen", True),
        (r"^termin\b", "Terminal", False),
        (r"\d{4}-\d{2}", "am 2027-04", True),
        (r"[^a]", "A", False),
        (r"colou?r|farbe", "FARBE", True),
        (r"(ab)+c$", "xababc", True),
        (r"a{2,3}b", "ab aab", True),
        (r"ende\Z", "ende\n", False),
        (r"", "", True),
    ],
)
def test_patterns_are_found_anywhere_without_case(pattern, text, found):
    assert compile_pattern(pattern).search(text) is found


@pytest.mark.parametrize("pattern", ["(", "a" * 201, r"(a)\1", "(?=a)", "(?<!a)b", "(a{0,50}){0,50}", "(){1000000000}"])
def test_what_cannot_be_matched_safely_is_refused(pattern):
    with pytest.raises(BadPattern):
        compile_pattern(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)*b", "a*a*a*a*a*b", "(a*)*b", "(.*)*$x"])
def test_a_pattern_made_to_hang_answers_at_once(pattern):
    started = time.process_time()
    assert not compile_pattern(pattern).search("a" * 4_096)
    assert time.process_time() - started < 3


PIECE = st.sampled_from(["a", "b", "ß", ".", "[ab]", "[^a]", r"\d", r"\w", r"\W", r"\b", "^", "$", "c"])
PATTERNS = st.recursive(
    PIECE,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})")
        | st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        )
    ),
    max_leaves=6,
)


@given(PATTERNS, st.text(alphabet="abcABß1 \n", max_size=12))
def test_it_finds_what_python_finds(pattern, text):
    assert compile_pattern(pattern).search(text) == (re.search(pattern, text, re.IGNORECASE) is not None)
