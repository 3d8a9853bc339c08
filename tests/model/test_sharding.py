from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from setpoint.model.sharding import matches, split

WORDS = st.text("ab./Z", min_size=1, max_size=6)
COUNTS = st.dictionaries(WORDS, st.integers(1, 5), min_size=1, max_size=8)


@given(counts=COUNTS, other=WORDS, size=st.integers(1, 12))
def test_every_type_is_in_exactly_one_shard_whether_it_was_seen_or_not(counts, other, size):
    shards = split((), counts, size)
    for kind in (*counts, other):
        assert sum(matches(types, kind) for types in shards) == 1


@given(counts=COUNTS, size=st.integers(1, 12))
def test_every_shard_has_a_type_that_was_seen_and_no_more_than_its_size_unless_it_is_one_type(counts, size):
    for types in split((), counts, size):
        held = [kind for kind in counts if matches(types, kind)]
        assert held
        assert len(held) == 1 or sum(counts[kind] for kind in held) <= size


def test_types_that_are_named_are_put_into_groups():
    named = ["x/A", "x/B", "x/C"]
    assert split(named, {"x/A": 3, "x/B": 3, "x/C": 3}, 6) == [("x/A", "x/B"), ("x/C",)]


def test_expressions_that_somebody_asked_for_are_listed_one_by_one():
    assert split([".*A", "x/B"], {"x/A": 9}, 6) == [(".*A",), ("x/B",)]


def test_what_fits_into_a_shard_is_not_split():
    assert split((), {"x/A": 3}, 6) == [()]
    assert split((), {}, 6) == [()]
