from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.errors import Unavailable
from setpoint.util import external_sort
from setpoint.util.external_sort import (
    BlobFile,
    Chain,
    ExternalSorter,
    PrefixIndex,
    Spool,
    batches,
    decode_row,
    encode_row,
)

ROWS = st.lists(st.tuples(st.text(max_size=3), st.integers(), st.binary(max_size=20)), max_size=60)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Sizes so small that a few rows take every way."""
    monkeypatch.setattr(external_sort, "_IN_MEMORY", 100)
    monkeypatch.setattr(external_sort, "_BLOCK", 50)
    monkeypatch.setattr(external_sort, "_RUN", 7)
    monkeypatch.setattr(external_sort, "_INDEXED", 3)


def spool(rows):
    return Spool(encode_row, decode_row).extend(rows)


@given(st.lists(st.binary(max_size=40), max_size=30), st.randoms())
def test_bytes_are_read_as_they_were_put_in_any_order(parts, random):
    blobs = BlobFile()
    put = [(blobs.put(part), part) for part in parts]
    for place, part in random.sample(put, len(put)):
        assert blobs.get(place) == part
        again = blobs.put(part)
        assert blobs.get(again) == part


@given(ROWS)
def test_a_spool_is_the_sequence_that_was_appended_however_often_it_is_read(rows):
    spooled = spool(rows)
    assert len(spooled) == len(rows)
    assert list(spooled) == list(spooled) == rows
    assert [spooled[index] for index in range(-len(rows), len(rows))] == rows + rows
    assert spooled[1:9:2] == rows[1:9:2]
    with pytest.raises(IndexError):
        spooled[len(rows)]


def test_a_spool_that_is_read_by_two_at_once_gives_both_all():
    spooled = spool((n, "x" * 30) for n in range(50))
    assert [row for row, _ in zip(spooled, spooled, strict=True)] == list(spooled)


@given(ROWS, ROWS)
def test_sequences_in_a_chain_are_one(rows, other):
    chained = Chain(spool(rows), other)
    assert list(chained) == rows + other
    assert [chained[index] for index in range(len(chained))] == rows + other
    assert chained[2:5] == (rows + other)[2:5]


@given(ROWS)
def test_a_sorter_gives_rows_in_their_order(rows):
    sorter = ExternalSorter()
    for row in rows:
        sorter.add(row)
    assert list(sorter) == list(sorter) == sorted(rows)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 3)), max_size=60))
def test_an_index_finds_all_rows_that_begin_so(rows):
    index = PrefixIndex(sorted(rows))
    for start in [("a",), ("c",), ("b", "x"), ("c", "y"), ("d",), ()]:
        assert list(index.find(start)) == sorted(row for row in rows if row[: len(start)] == start)


@pytest.mark.parametrize("value", [2**80, -(2**70), float("inf"), "\ud800", None, True, 1.5, [{"a": ["b"]}]])
def test_every_value_of_a_document_is_read_as_it_was(value):
    again = decode_row(encode_row(value))
    assert (again, type(again)) == (value, type(value))


def test_batches_hold_all_items_and_no_more_than_they_may():
    assert list(batches(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batches((), 2)) == []


def test_a_full_disk_is_said_to_be_full_and_what_to_do_about_it(monkeypatch):
    blobs = BlobFile()

    def full(_data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(blobs._file, "write", full)
    with pytest.raises(Unavailable, match=r"no room for temporary files \(.*No space left.*TMPDIR"):
        blobs.put(b"x")
