"""Sets of elements without an identifier: the same where each declared element has a counterpart of its own."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparison.compared import drift

BUCKET = "storage.googleapis.com/Bucket"

_element = st.fixed_dictionaries(
    {"maxAgeSeconds": st.integers(1, 2)},
    optional={"method": st.lists(st.sampled_from(["GET", "PUT"]), min_size=1, max_size=1)},
)
_observed = st.fixed_dictionaries(
    {"maxAgeSeconds": st.integers(1, 2), "method": st.lists(st.sampled_from(["GET", "PUT"]), min_size=1, max_size=1)},
    optional={"origin": st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=1)},
)


def is_subset(declared: dict[str, Any], observed: dict[str, Any]) -> bool:
    return declared.items() <= observed.items()


def has_counterparts(declared: list[dict[str, Any]], observed: list[dict[str, Any]]) -> bool:
    """Whether some order of the observed elements has each declared element in its place."""
    return any(all(map(is_subset, declared, order)) for order in permutations(observed))


@given(st.lists(_element, min_size=1, max_size=4), st.data())
def test_a_set_differs_where_no_order_gives_each_declared_element_a_counterpart(
    declared: list[dict[str, Any]], data: st.DataObject
) -> None:
    observed = data.draw(st.lists(_observed, min_size=len(declared), max_size=len(declared)))
    assert (drift(BUCKET, {"cors": declared}, {"cors": observed}) == []) == has_counterparts(declared, observed)


@pytest.mark.parametrize("reverse", [False, True])
def test_an_element_that_declares_little_leaves_the_counterpart_of_another(reverse: bool) -> None:
    declared = [{"maxAgeSeconds": 1}, {"maxAgeSeconds": 1, "method": ["GET"]}]
    observed = [
        {"maxAgeSeconds": 1, "method": ["GET"], "origin": ["a"]},
        {"maxAgeSeconds": 1, "method": ["PUT"], "origin": ["b"]},
    ]
    if reverse:
        observed.reverse()
    assert drift(BUCKET, {"cors": declared}, {"cors": observed}) == []


def test_an_element_that_equals_another_literally_leaves_its_counterpart_too() -> None:
    declared = [{"maxAgeSeconds": 2}, {"maxAgeSeconds": 2, "origin": []}]
    observed = [{"maxAgeSeconds": 2, "origin": ["a"]}, {"maxAgeSeconds": 2}]
    assert drift(BUCKET, {"cors": declared}, {"cors": observed}) == []


def test_of_two_elements_with_a_single_counterpart_the_other_is_drift() -> None:
    declared = [{"maxAgeSeconds": 1}, {"maxAgeSeconds": 1, "method": ["GET"]}]
    observed = [{"maxAgeSeconds": 1, "method": ["PUT"]}, {"maxAgeSeconds": 2, "method": ["GET"]}]
    assert drift(BUCKET, {"cors": declared}, {"cors": observed}) != []
