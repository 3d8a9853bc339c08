"""The contract of `KeyStore`, over every backend that the product has."""

from __future__ import annotations

import pytest

from setpoint.detection.installation_key import InstallationKey
from setpoint.errors import BadRequest, WrongKey

FIRST, SECOND = b"1" * 32, b"2" * 32


def test_a_key_is_stored_once_and_is_the_same_for_all_who_open_the_store(backend):
    assert backend.open().stored_key() == b""
    assert backend.open().replace_stored_key(b"", b"first")
    assert not backend.open().replace_stored_key(b"", b"second")
    assert backend.open().stored_key() == b"first"


def test_the_key_is_replaced_only_in_place_of_what_was_read(store):
    assert not store.replace_stored_key(b"another", b"never stored")
    assert store.replace_stored_key(b"", b"first")
    assert not store.replace_stored_key(b"another", b"never stored")
    assert store.replace_stored_key(b"first", b"second")
    assert store.stored_key() == b"second"


def test_the_key_is_made_once_long_and_not_of_anything_known(backend):
    key = InstallationKey(backend.open()).read()
    assert len(key) == 32
    assert len(set(key)) > 8
    assert InstallationKey(backend.open()).read() == key


def test_a_wrapped_key_stays_the_same_for_all_who_have_the_wrapping_key(backend):
    key = InstallationKey(backend.open(), (FIRST,)).read()
    assert InstallationKey(backend.open(), (FIRST,)).read() == key
    assert key not in backend.open().stored_key()


def test_nobody_reads_a_wrapped_key_without_the_key_that_it_was_wrapped_with(store):
    InstallationKey(store, (FIRST,)).read()
    for keys, message in (((), "is not set"), ((SECOND,), "is not the one")):
        with pytest.raises(WrongKey, match=message):
            InstallationKey(store, keys).read()
        with pytest.raises(WrongKey):
            InstallationKey(store, keys).unwrap()
        assert InstallationKey(store, keys).form() == "unreadable"


def test_another_wrapping_key_leaves_the_key_as_it_is(store):
    plain = InstallationKey(store)
    key = plain.read()
    assert plain.form() == InstallationKey(store, (FIRST,)).form() == "plain"
    assert InstallationKey(store, (FIRST,)).read() == key  # functions may be given the wrapping key before it wraps

    assert InstallationKey(store, (FIRST,)).wrap()
    assert InstallationKey(store, (FIRST,)).form() == "wrapped"
    both = InstallationKey(store, (SECOND, FIRST))
    assert both.form() == "wrapped by an earlier key"
    assert both.read() == key
    assert both.wrap()
    assert not both.wrap()
    assert InstallationKey(store, (SECOND,)).read() == key

    assert InstallationKey(store, (SECOND,)).unwrap()
    assert not plain.unwrap()
    assert plain.read() == key


def test_a_key_is_not_wrapped_without_a_wrapping_key(store):
    with pytest.raises(BadRequest, match="SETPOINT_SECRET_KEY is not set"):
        InstallationKey(store).wrap()
