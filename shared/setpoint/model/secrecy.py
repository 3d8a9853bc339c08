"""What stands for a secret in whatever leaves the detector: its length, and a keyed digest that tells two apart.

The digest is an HMAC with the installation's key: who has not the key cannot find out by trying which value it is of.
Source: https://datatracker.ietf.org/doc/html/rfc2104
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any

import msgspec

_SHOWN_DIGITS = 4
_DIGITS = 32
_PREFIX = "(hidden"
KEY_BYTES = 32

_encode = msgspec.json.Encoder(order="deterministic").encode


class Secrecy:
    """Hides values with one key.

    Args:
        key: the installation's key, or what fetches it: it is fetched with the first secret, and once.
    """

    __slots__ = ("_fetch", "_key")

    def __init__(self, key: bytes | Callable[[], bytes]) -> None:
        self._key = key if isinstance(key, bytes) else b""
        self._fetch = None if isinstance(key, bytes) else key

    def digest(self, value: Any) -> str:
        """The keyed digest of a value, 32 hexadecimal digits; the same for one value wherever the key is the same."""
        if not self._key and self._fetch is not None:
            self._key = self._fetch()
        return hmac.digest(self._key, _encoded(value), "sha256").hex()[:_DIGITS]

    def hidden(self, value: Any) -> str:
        """What is shown in place of a value: ``(hidden, 14 characters, digest 3f9a)``."""
        text = value if isinstance(value, str) else _encoded(value).decode()
        length = f"{len(text):,} character{'' if len(text) == 1 else 's'}"
        return f"{_PREFIX}, {length}, digest {self.digest(value)[:_SHOWN_DIGITS]})"


def _encoded(value: Any) -> bytes:
    try:
        return _encode(value)
    except UnicodeEncodeError:  # a lone surrogate, which JSON of others may hold
        return repr(value).encode(errors="backslashreplace")


THIS_PROCESS = Secrecy(secrets.token_bytes(KEY_BYTES))
"""Hides with a key that nobody else has: two values can be told apart, and only as long as this process lives."""


def is_hidden(value: Any) -> bool:
    """Whether a value is what stands for a secret, by this version or an earlier one."""
    return isinstance(value, str) and (value.startswith(_PREFIX + ", ") or value in _STAND_INS)


_STAND_INS = ("(sensitive)", f"{_PREFIX})")


def holds_hidden(value: Any) -> bool:
    """Whether a part of a value is what stands for a secret."""
    if isinstance(value, dict):
        return any(map(holds_hidden, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_hidden, value))
    return is_hidden(value)
