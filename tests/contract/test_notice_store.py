"""The contract of `NoticeStore`, over every backend that the product has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from contract.records import NOON
from setpoint.errors import Conflict
from setpoint.ports.people import NoticeIndex


@pytest.fixture
def notices(store):
    return store.notices


def bodies(records):
    return [record.body for record in records]


def test_what_was_never_written_reads_as_nothing(notices):
    assert notices.read("notices", "a") is None
    assert bodies(notices.of_finding("notices", "f")) == bodies(notices.of_thread("notices", "t")) == []
    assert bodies(notices.due("notices", NOON)) == []


def test_a_record_that_was_written_is_read_again(backend):
    version = backend.open().notices.write("notices", "a", b"one", None, NoticeIndex())

    snapshot = backend.open().notices.read("notices", "a")
    assert (snapshot.id, snapshot.body, snapshot.version) == ("a", b"one", version)


def test_a_record_is_written_in_place_of_the_one_that_was_read(notices):
    first = notices.write("notices", "a", b"one", None, NoticeIndex())
    second = notices.write("notices", "a", b"two", first, NoticeIndex())

    with pytest.raises(Conflict, match="notices a"):
        notices.write("notices", "a", b"three", first, NoticeIndex())
    with pytest.raises(Conflict):
        notices.write("notices", "a", b"three", None, NoticeIndex())
    assert notices.read("notices", "a").body == b"two"
    assert notices.read("notices", "a").version == second


def test_what_was_never_written_cannot_be_replaced(notices):
    version = notices.write("notices", "a", b"one", None, NoticeIndex())

    with pytest.raises(Conflict):
        notices.write("notices", "b", b"one", version, NoticeIndex())


def test_kinds_have_records_of_their_own(notices):
    notices.write("notices", "a", b"one", None, NoticeIndex())
    notices.write("threads", "a", b"two", None, NoticeIndex())

    assert notices.read("notices", "a").body == b"one"
    assert notices.read("threads", "a").body == b"two"


def test_records_are_found_by_finding_and_by_thread(notices):
    for name, finding, thread in (("c", "f", "t"), ("a", "f", "u"), ("b", "g", "t"), ("d", "", "")):
        notices.write("notices", name, name.encode(), None, NoticeIndex(finding, thread))
    notices.write("threads", "e", b"e", None, NoticeIndex("f", "t"))

    assert bodies(notices.of_finding("notices", "f")) == [b"a", b"c"]
    assert bodies(notices.of_thread("notices", "t")) == [b"b", b"c"]


def test_a_record_is_found_by_what_it_was_last_filed_under(notices):
    version = notices.write("notices", "a", b"one", None, NoticeIndex("f", "t", NOON, NOON))
    notices.write("notices", "a", b"two", version, NoticeIndex("g", "u"))

    assert bodies(notices.of_finding("notices", "f")) == bodies(notices.of_thread("notices", "t")) == []
    assert bodies(notices.due("notices", NOON)) == []
    assert bodies(notices.of_finding("notices", "g")) == bodies(notices.of_thread("notices", "u")) == [b"two"]
    assert notices.forget(NOON) == 0


def test_all_records_of_a_thread_are_found_however_many_there_are(notices):
    names = [f"{number:04d}" for number in range(450)]
    for name in names:
        notices.write("notices", name, name.encode(), None, NoticeIndex(thread="t"))

    assert [record.id for record in notices.of_thread("notices", "t")] == names


def test_what_is_due_longest_comes_first(notices):
    for name, minutes in (("a", 3), ("b", 1), ("c", 2), ("d", 9)):
        notices.write("notices", name, name.encode(), None, NoticeIndex(due=NOON + timedelta(minutes=minutes)))
    notices.write("notices", "never", b"never", None, NoticeIndex())

    assert bodies(notices.due("notices", NOON + timedelta(minutes=3))) == [b"b", b"c", b"a"]
    assert next(notices.due("notices", NOON + timedelta(minutes=3))).body == b"b"


def test_all_that_is_due_is_found_however_much_there_is_and_however_much_at_one_time(notices):
    due = {f"{number:04d}": NOON + timedelta(seconds=number % 3) for number in range(450)}
    for name, time in due.items():
        notices.write("notices", name, name.encode(), None, NoticeIndex(due=time))

    waited = [record.id for record in notices.due("notices", NOON + timedelta(minutes=1))]
    assert waited == sorted(due, key=lambda name: (due[name], name))


def test_only_what_has_expired_is_forgotten(backend):
    notices = backend.open().notices
    notices.write("notices", "old", b"old", None, NoticeIndex(expires=NOON))
    notices.write("notices", "new", b"new", None, NoticeIndex(expires=NOON + timedelta(days=1)))
    notices.write("notices", "for ever", b"for ever", None, NoticeIndex())

    forgotten = notices.forget(NOON)

    assert forgotten == (0 if backend.name == "firestore" else 1)  # Firestore forgets by itself
    assert notices.read("notices", "new") is not None
    assert notices.read("notices", "for ever") is not None


def test_of_several_writers_at_once_one_is_first(backend):
    stores = [backend.open() for _ in range(4)]

    def write(store):
        try:
            return store.notices.write("slots", "a", b"mine", None, NoticeIndex())
        except Conflict:
            return None

    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(write, stores))

    assert sum(record is not None for record in written) == 1
