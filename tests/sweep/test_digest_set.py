from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.model.resource_key import ResourceKey
from setpoint.sweep.digest_set import DigestSet, Marks, digest_of, packed, unpacked
from sizes import size

NUMBERS = st.lists(st.integers(0, 2**64 - 1))


@given(values=NUMBERS, other=st.integers(0, 2**64 - 1))
def test_a_set_has_what_it_was_made_of_and_nothing_else(values, other):
    digests = DigestSet(values)
    assert len(digests) == len(set(values))
    assert all(value in digests for value in values)
    assert (other in digests) == (other in values)


@given(values=NUMBERS)
def test_digests_are_read_as_they_were_written(values):
    assert list(unpacked(packed(values))) == values
    assert len(packed(values)) == 8 * len(values)


@given(values=NUMBERS)
def test_a_set_is_walked_in_order_and_each_has_its_place(values):
    digests = DigestSet(values)
    assert list(digests) == sorted(set(values))
    assert [digests.place(value) for value in digests] == list(range(len(digests)))


@given(values=NUMBERS, marked=NUMBERS, chosen=st.data())
def test_what_is_marked_of_a_set_is_what_it_has_of_it(values, marked, chosen):
    if values:
        marked = marked + chosen.draw(st.lists(st.sampled_from(values)))
    whole = DigestSet(values)
    marks = Marks(whole)
    assert [marks.mark(value) for value in marked] == [value in whole for value in marked]
    assert len(marks) == len(set(values) & set(marked))
    assert all((value in marks) == (value in marked) for value in values)
    assert not any(value in marks for value in marked if value not in values)


@pytest.mark.thorough
def test_many_digests_are_never_held_as_numbers_of_python():
    count = size(100_000, 500_000)
    spread = 0x9E3779B97F4A7C15  # 2⁶⁴ by the golden ratio: its multiples lie evenly
    tracemalloc.start()
    try:
        digests = DigestSet(number * spread % 2**64 for number in range(count))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(digests) == count
    assert peak <= count * 8 * 1.2


def test_a_digest_is_the_same_everywhere():
    key = ResourceKey("//storage.googleapis.com/b")
    assert packed([digest_of(key)]).hex() == "aa04b883c590ecbb"
    assert digest_of(key) != digest_of(ResourceKey(key.name, "iam_policy"))
