from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from setpoint.core.digests import Digests, digest_of, packed, unpacked
from setpoint.core.names import ResourceKey

NUMBERS = st.lists(st.integers(0, 2**64 - 1))


@given(values=NUMBERS, other=st.integers(0, 2**64 - 1))
def test_a_set_has_what_it_was_made_of_and_nothing_else(values, other):
    digests = Digests(values)
    assert len(digests) == len(set(values))
    assert all(value in digests for value in values)
    assert (other in digests) == (other in values)


@given(values=NUMBERS)
def test_digests_are_read_as_they_were_written(values):
    assert list(unpacked(packed(values))) == values
    assert len(packed(values)) == 8 * len(values)


@given(ones=NUMBERS, others=NUMBERS)
def test_what_two_sets_have_in_common_is_counted_once(ones, others):
    assert Digests(ones).common(Digests(others)) == len(set(ones) & set(others))


def test_a_digest_is_the_same_everywhere():
    key = ResourceKey("//storage.googleapis.com/b")
    assert packed([digest_of(key)]).hex() == "aa04b883c590ecbb"
    assert digest_of(key) != digest_of(ResourceKey(key.name, "iam_policy"))
