"""The name that was probably meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vague.suggestions import edit_distance, nearest

NAMES = ["customers", "orders", "order_lines", "API", "x", "transformations"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("custmers", "customers"),
        ("csutomers", "customers"),
        ("costumers", "customers"),
        ("order", "orders"),
        ("Api", "API"),
        ("CUSTOMERS", "customers"),
        ("trnsfrmtions", "transformations"),
        ("y", None),
        ("zz", None),
        ("invoices", None),
        ("customers", None),
    ],
)
def test_the_nearest_name(written: str, meant: str | None):
    assert nearest(written, [name for name in NAMES if name != written]) == meant


def test_the_first_of_equally_near_names_wins():
    assert nearest("bat", ["cat", "hat"]) == "cat"
    assert nearest("bat", []) is None


WORDS = st.text(alphabet="abc", max_size=6)


@given(WORDS, WORDS)
def test_the_distance_is_symmetric_and_never_above_the_limit(left: str, right: str):
    assert edit_distance(left, right, 100) == edit_distance(right, left, 100)
    assert (edit_distance(left, right, 100) == 0) == (left == right)
    assert edit_distance(left, right, 2) == min(2, edit_distance(left, right, 100))
