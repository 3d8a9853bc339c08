"""Who has a list of all secrets and no key learns from no digest which of them a finding hides."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain, islice
from typing import Any

import msgspec

from marked import second_corpus
from marked.corpus import Marked, corpus
from marked.test_marked_corpus import CATALOGUE, NOON, drifted, outlets
from marked.test_marked_errors import texts
from setpoint.cli import findings
from setpoint.detection import verdict as judging
from setpoint.detection.finding_state_machine import advance
from setpoint.model.declaration import Declaration, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState, encode_state
from setpoint.model.secrecy import Secrecy
from setpoint.reporting.html import build, page

HASHES: dict[str, Callable[[bytes], bytes]] = {
    **{name: lambda text, name=name: hashlib.new(name, text).digest() for name in ("md5", "sha1", "sha256", "sha512")},
    **{
        f"blake2b of {size} bytes": lambda text, size=size: hashlib.blake2b(text, digest_size=size).digest()
        for size in (4, 8, 12, 16, 20, 32, 64)
    },
    "blake2s": lambda text: hashlib.blake2s(text).digest(),
    "sha3": lambda text: hashlib.sha3_256(text).digest(),
    "crc32": lambda text: zlib.crc32(text).to_bytes(4, "big"),
    "adler32": lambda text: zlib.adler32(text).to_bytes(4, "big"),
    "HMAC without a key": lambda text: bytes.fromhex(Secrecy(b"\0" * 32).digest(text.decode(errors="replace"))),
}
"""What somebody may try who does not have the key."""
Encode = Callable[[ResourceState], bytes]
_HEX = re.compile(r"[0-9a-f]{8,128}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{11,90}={0,2}")
_SHOWN = re.compile(r"digest ([0-9a-f]{4})\)")


def secret_of(marked: Marked) -> str:
    return next(text for text in texts(marked.live) if marked.mark in text)


def sample() -> Iterator[Marked]:
    """Every fifth secret of both corpora."""
    both = chain(corpus(), second_corpus.corpus())
    return (marked for marked in islice(both, 0, None, 5) if any(marked.mark in text for text in texts(marked.live)))


def guesses(secret: str) -> dict[str, bytes]:
    """Digests of a secret as it is, as JSON, and with the end of a line."""
    forms = {
        secret,
        json.dumps(secret),
        json.dumps([secret]),
        f"{secret}\n",
        json.dumps(["changed", "declared", secret]),
    }
    return {
        f"{name} {number}": hashed(form.encode())
        for name, hashed in HASHES.items()
        for number, form in enumerate(sorted(forms))
    }


def is_given_away(digest: bytes, hexadecimal: set[str], others: set[str]) -> bool:
    """Whether a text has a digest, whole or its first eight digits or more."""
    whole = digest.hex()
    encoded = {base64.b64encode(digest).decode(), base64.urlsafe_b64encode(digest).decode().rstrip("=")}
    return any(part.startswith(whole[:8]) or whole.startswith(part) for part in hexadecimal) or bool(encoded & others)


def test_no_outlet_has_a_digest_that_can_be_made_without_the_key() -> None:
    given_away: Counter[str] = Counter()
    for marked in sample():
        text = "\n".join(outlets(drifted(marked)).values())
        hexadecimal, others = set(_HEX.findall(text)), set(_BASE64.findall(text))
        for name, digest in guesses(secret_of(marked)).items():
            given_away[name] += is_given_away(digest, hexadecimal, others)
    assert +given_away == Counter()


def test_the_four_digits_that_are_shown_agree_with_a_guess_no_more_often_than_by_chance() -> None:
    agreed: Counter[str] = Counter()
    count = 0
    for marked in sample():
        state = drifted(marked)
        assert state.finding is not None
        shown = set(_SHOWN.findall(msgspec.json.encode(state.finding.differences).decode()))
        count += bool(shown)
        for name, digest in guesses(secret_of(marked)).items():
            agreed[name] += digest.hex()[:4] in shown
    assert count > 500
    assert max(agreed.values()) <= 2  # one of 65,536 by chance


def test_the_page_has_no_digest_that_can_be_made_without_the_key() -> None:
    chosen = list(islice(sample(), 0, None, 5))
    report = build.build(
        build.Facts([drifted(marked) for marked in chosen]),
        NOON - timedelta(days=1),
        NOON + timedelta(days=1),
        most=9999,
    )
    hexadecimal = set(_HEX.findall(page.render(report).decode()))
    prefixes = {part[:8] for part in hexadecimal}
    recognised = [
        marked for marked in chosen for digest in guesses(secret_of(marked)).values() if digest.hex()[:8] in prefixes
    ]
    assert recognised == []


def test_another_key_gives_other_digests_and_the_same_key_the_same() -> None:
    for marked in islice(sample(), 50):
        secret = secret_of(marked)
        assert Secrecy(b"k" * 32).digest(secret) == Secrecy(b"k" * 32).digest(secret)
        assert Secrecy(b"k" * 32).digest(secret) != Secrecy(b"l" * 32).digest(secret)


def other(value: Any, mark: str) -> Any:
    """A value with another secret of the same length."""
    return json.loads(json.dumps(value).replace(mark, mark[::-1]))


def recorded(marked: Marked, live: Any, declared: Any, secrecy: Secrecy) -> ResourceState:
    """The record after two observations; an undeclared secret is among the values that are watched."""
    key, state = ResourceKey(marked.name), None
    wanted = desired((Declaration(key, marked.asset_type, declared),))
    for minute in range(2):
        observation = Observation(key, marked.asset_type, NOON + timedelta(minutes=minute), data=live)
        good = state.last_good if state is not None else None
        verdict = judging.judge(wanted, Rules(), observation, CATALOGUE, secrecy=secrecy, good=good)
        state = advance(state, observation, verdict, NOON + timedelta(hours=1)).state
    assert state is not None
    return state


def common_digests(records: Callable[[Any, Secrecy], ResourceState], marked: Marked, encoded: Encode) -> set[str]:
    """Digests that depend on the secret and not on the key."""
    texts_of = [
        set(_HEX.findall(encoded(records(live, Secrecy(key * 32))).decode()))
        for live, key in ((marked.live, b"k"), (marked.live, b"l"), (other(marked.live, marked.mark), b"k"))
    ]
    return (texts_of[0] & texts_of[1]) - texts_of[2]


def few() -> Iterator[Marked]:
    return islice(sample(), 0, None, 7)


def test_no_record_has_a_digest_of_an_observed_secret_that_is_the_same_with_another_key() -> None:
    without_secret: dict[str, Any] = {}
    alike = {
        marked.place: digests
        for marked in few()
        if (
            digests := common_digests(
                lambda live, key, marked=marked: recorded(marked, live, without_secret, key),  # type: ignore[misc]
                marked,
                encode_state,
            )
        )
    }
    assert alike == {}


def test_no_line_of_a_list_has_a_digest_of_a_declared_secret_that_is_the_same_with_another_key() -> None:
    alike = {
        marked.place: digests
        for marked in few()
        if (
            digests := common_digests(
                lambda live, key, marked=marked: recorded(marked, live, live, key),  # type: ignore[misc]
                marked,
                findings._line,
            )
        )
    }
    assert alike == {}
