"""Foreign data is made fit for a database, and stays what it is otherwise."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspaces.storable import DEEPEST, storable


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Gr\x00üße", "Grüße"),
        ("halb \ud83d", "halb ?"),
        ({"a\x00": ["\x00", 1, None, True]}, {"a": ["", 1, None, True]}),
        ([math.nan, math.inf, -math.inf, 1.5], [None, None, None, 1.5]),
    ],
)
def test_what_a_database_refuses_is_taken_out(given: Any, kept: Any) -> None:
    assert storable(given) == kept


def test_endless_nesting_ends() -> None:
    nested: list[Any] = []
    for _level in range(DEEPEST * 3):
        nested = [nested]
    depth, inner = 0, storable(nested)
    while inner:
        depth, inner = depth + 1, inner[0]
    assert depth == DEEPEST


SOUND = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | SOUND,
        lambda part: st.lists(part) | st.dictionaries(SOUND, part),
        max_leaves=8,
    )
)
def test_what_can_be_stored_stays_as_it_is(value: Any) -> None:
    assert storable(value) == value
