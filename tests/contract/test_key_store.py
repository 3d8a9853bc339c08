"""The contract of `KeyStore`, over every backend that the product has."""

from __future__ import annotations


def test_the_key_is_made_once_and_is_the_same_for_all_who_open_the_store(backend):
    key = backend.open().secret_key()
    assert len(key) == 32
    assert backend.open().secret_key() == key


def test_the_key_is_long_and_not_made_of_anything_known(store):
    assert len(set(store.secret_key())) > 8
