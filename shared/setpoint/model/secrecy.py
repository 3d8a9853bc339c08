"""Replace secrets in all output by their length and a keyed digest, which shows whether two are equal.

The digest is an HMAC with the installation's key; without the key the secret cannot be guessed by trial.
Source: https://datatracker.ietf.org/doc/html/rfc2104
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

_SHOWN_DIGITS = 4
_DIGITS = 32
_TAG_DIGITS = 40
_BLOCK_BYTES = 64
"""One block of SHA-256."""
_ID_DIGITS = 8
_PREFIX = "(hidden"
KEY_BYTES = 32

_encode = msgspec.json.Encoder(order="deterministic").encode


class Secrecy:
    """Hides values with a key.

    Args:
        key: the installation's key, or a function that fetches it; it is called once, for the first digest.
    """

    __slots__ = ("_fetch", "_key", "_tagging")

    def __init__(self, key: bytes | Callable[[], bytes]) -> None:
        self._key = key if isinstance(key, bytes) else b""
        self._fetch = None if isinstance(key, bytes) else key
        self._tagging: hashlib._Hash | None = None

    def digest(self, value: Any) -> str:
        """The keyed digest of a value, 32 hexadecimal digits; equal for equal values and keys."""
        return hmac.digest(self._opened(), _encoded(value), "sha256").hex()[:_DIGITS]

    def tag(self, content: bytes) -> str:
        """A keyed digest of any content, 40 hexadecimal digits, in a third of the time of an HMAC.

        The hash begins with the key, and 96 of its 256 bits are left out: nobody can extend it.
        Source: https://en.wikipedia.org/wiki/Length_extension_attack

        Args:
            content: what the digest is of.
        """
        if self._tagging is None:
            self._tagging = hashlib.sha256(self._opened().ljust(_BLOCK_BYTES, b"\0"))
        digest = self._tagging.copy()
        digest.update(content)
        return digest.hexdigest()[:_TAG_DIGITS]

    def key_id(self) -> str:
        """Eight digits that identify this key without revealing it."""
        return self.digest("key id")[:_ID_DIGITS]

    def sealed(self, value: Any, *, withheld: bool = False) -> str:
        """What is stored in place of a declared secret, to be compared by its digest: ``(hidden, digest 3f9a…)``.

        Args:
            value: the secret.
            withheld: whether its API may take the value and not return it.
        """
        return f"{_PREFIX}, digest {self.digest(value)}{_WITHHELD if withheld else ''})"

    def _opened(self) -> bytes:
        if not self._key and self._fetch is not None:
            self._key = self._fetch()
        return self._key

    def hidden(self, value: Any) -> str:
        """The replacement of a value: ``(hidden, 14 characters, digest 3f9a)``."""
        text = value if isinstance(value, str) else _encoded(value).decode()
        length = f"{len(text):,} character{'' if len(text) == 1 else 's'}"
        return f"{_PREFIX}, {length}, digest {self.digest(value)[:_SHOWN_DIGITS]})"


def _encoded(value: Any) -> bytes:
    try:
        return _encode(value)
    except (OverflowError, UnicodeEncodeError):  # more than 64 bits, or a lone surrogate: foreign JSON may contain both
        return repr(value).encode(errors="backslashreplace")


_WITHHELD = ", may be withheld"
_SEALED = re.compile(rf"\(hidden, digest ([0-9a-f]{{{_DIGITS}}})({_WITHHELD})?\)\Z")

_SEAL = re.compile(rf"\(hidden, digest [0-9a-f]{{{_DIGITS}}}")


class Sealed(NamedTuple):
    """The properties of the value behind a seal.

    Args:
        digest: the keyed digest of the value.
        withheld: whether its API may take the value and not return it.
    """

    digest: str
    withheld: bool

    @property
    def shown(self) -> str:
        """The seal for people, with as many digits as other hidden values have."""
        return f"{_PREFIX}, digest {self.digest[:_SHOWN_DIGITS]})"


def sealed_of(value: Any) -> Sealed | None:
    """What a seal says; None for any other value. A person may write such a text; see `Declaration.digests`."""
    if not isinstance(value, str) or not value.startswith(_PREFIX):
        return None
    match = _SEALED.match(value)
    return Sealed(match[1], match[2] is not None) if match is not None else None


def holds_sealed(value: Any) -> bool:
    """Whether any text of a value is a seal, or contains a seal."""
    if isinstance(value, dict):
        return any(map(holds_sealed, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_sealed, value))
    return isinstance(value, str) and _PREFIX in value and _SEAL.search(value) is not None


THIS_PROCESS = Secrecy(secrets.token_bytes(KEY_BYTES))
"""Hides with a random key, so that digests are comparable only within this process."""


def is_hidden(value: Any) -> bool:
    """Whether a value is the replacement of a secret, by this version or an earlier one."""
    return isinstance(value, str) and (value.startswith(_PREFIX + ", ") or value in _STAND_INS)


_STAND_INS = ("(sensitive)", f"{_PREFIX})")


def holds_hidden(value: Any) -> bool:
    """Whether a part of a value is the replacement of a secret."""
    if isinstance(value, dict):
        return any(map(holds_hidden, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_hidden, value))
    return is_hidden(value)
