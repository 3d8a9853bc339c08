"""Values that nobody declares, and the form in which they are kept."""

from __future__ import annotations

from typing import Any

import pytest

from comparison.compared import OWN, schema
from setpoint.comparison.undeclared_values import EarlierValues, ValueDigests, changes, is_digest, undeclared
from setpoint.model.secrecy import Secrecy

BUCKET = "storage.googleapis.com/Bucket"
DIGESTS = ValueDigests(Secrecy(b"k" * 32), "//storage.googleapis.com/exports")
LONG = [{"action": {"type": "Delete"}, "condition": {"age": age}} for age in range(20)]


def kept(observed: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    values = undeclared(BUCKET, {}, observed, schema(BUCKET), DIGESTS, before or {})
    return {path: value.kept for path, value in values.items()}


def changed(before: dict[str, Any], observed: dict[str, Any]) -> list[str]:
    now = undeclared(BUCKET, {}, observed, schema(BUCKET), DIGESTS, before)
    return [difference.path for difference in changes(BUCKET, EarlierValues(before, DIGESTS), now, schema(BUCKET), OWN)]


@pytest.mark.parametrize(
    "observed",
    [
        {"storageClass": "STANDARD", "versioning": {"enabled": True}},
        {"labels": {"team": "shop", "password": "hunter2hunter2"}},
        {"lifecycle": {"rule": LONG}, "website": {"mainPageSuffix": "index.html"}},
    ],
)
def test_a_value_is_kept_the_same_whatever_was_kept_before(observed: dict[str, Any]) -> None:
    alone = kept(observed)
    assert alone
    assert kept(observed, alone) == alone
    assert kept(observed, dict.fromkeys(alone, "other")) == alone
    assert changed(alone, observed) == []


def test_another_value_is_found_beside_those_that_are_the_same() -> None:
    before = kept({"storageClass": "STANDARD", "versioning": {"enabled": True}})
    assert changed(before, {"storageClass": "STANDARD", "versioning": {"enabled": False}}) == ["versioning.enabled"]
    assert changed(before, {"storageClass": "NEARLINE", "versioning": {"enabled": True}}) == ["storageClass"]


def test_the_text_of_a_digest_is_not_the_value_that_it_stands_for() -> None:
    site = {"website": {"mainPageSuffix": "pages/" + "a" * 400}}
    before = kept(site)
    (digest,) = before.values()
    assert is_digest(digest)
    forged = {"website": {"mainPageSuffix": digest}}
    assert changed(before, forged) == ["website.mainPageSuffix"]
    assert all(map(is_digest, kept(forged).values()))


@pytest.mark.parametrize(
    "labels",
    [
        {"password=aaaa1111secret": "2", "password=bbbb2222secret": "z"},
        {"password=aaaa1111secret": "1", "password=bbbb2222secret": "y"},
        {"password=aaaa1111secret": "1", "password=cccc3333secret": "z"},
        {"password=aaaa1111secret": "1"},
        {"password=aaaa1111secret": "z", "password=bbbb2222secret": "1"},
    ],
)
def test_keys_that_hold_a_secret_are_told_apart_although_their_paths_look_alike(labels: dict[str, str]) -> None:
    before = kept({"labels": {"password=aaaa1111secret": "1", "password=bbbb2222secret": "z"}})
    (path,) = before
    assert "aaaa1111" not in path
    assert is_digest(before[path])
    assert changed(before, {"labels": dict(reversed(tuple(labels.items())))}) == [path]
    assert changed(before, {"labels": {"password=bbbb2222secret": "z", "password=aaaa1111secret": "1"}}) == []
