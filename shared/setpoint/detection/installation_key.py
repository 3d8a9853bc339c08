"""The key of an installation: random, kept in its store, and wrapped where the installation sets a wrapping key.

What is hidden has digests by this key, and fingerprints are made of them. Another wrapping key wraps the same key
again: digests, fingerprints, and what was accepted by them stay. See docs/security.md.
"""

from __future__ import annotations

import secrets
from typing import Literal

from setpoint.errors import BadRequest, Conflict, WrongKey
from setpoint.model.secrecy import KEY_BYTES
from setpoint.ports.keys import KeyStore
from setpoint.util.encryption import unwrap, wrap

VARIABLE = "SETPOINT_SECRET_KEY"
KeyForm = Literal["not made yet", "plain", "wrapped", "wrapped by an earlier key", "unreadable"]


class InstallationKey:
    """The key of an installation.

    Args:
        store: where it is kept.
        wrapping_keys: 32 bytes each; the first one wraps, the others were the first one before. Without any, the key is
            kept in plain.
    """

    __slots__ = ("_store", "_wrapping_keys")

    def __init__(self, store: KeyStore, wrapping_keys: tuple[bytes, ...] = ()) -> None:
        self._store = store
        self._wrapping_keys = wrapping_keys

    def read(self) -> bytes:
        """The key, 32 bytes; the first call makes it.

        Raises:
            Unavailable: the store does not answer.
            WrongKey: the stored key was wrapped with a key that is not set here.
        """
        return self._opened(self._stored())

    def form(self) -> KeyForm:
        """How the key is kept; makes none."""
        stored = self._store.stored_key()
        if len(stored) in (0, KEY_BYTES):
            return "plain" if stored else "not made yet"
        if self._wrapping_keys and unwrap(self._wrapping_keys[0], stored) is not None:
            return "wrapped"
        is_earlier = any(unwrap(key, stored) is not None for key in self._wrapping_keys[1:])
        return "wrapped by an earlier key" if is_earlier else "unreadable"

    def unreadable_because(self) -> str:
        """Why a wrapped key cannot be unwrapped here."""
        wrong = "is not the one" if self._wrapping_keys else "is not set; it is needed, since it is the key"
        return f"{VARIABLE} {wrong} that the key of this store was wrapped with; see docs/security.md"

    def wrap(self) -> bool:
        """Keep the key wrapped with the first of the wrapping keys; whether that changed anything.

        Raises:
            BadRequest: no wrapping key is set.
            Conflict: another process wrapped it at the same time.
            Unavailable: the store does not answer.
            WrongKey: the stored key was wrapped with another key.
        """
        if not self._wrapping_keys:
            raise BadRequest(f"{VARIABLE} is not set; see docs/security.md")
        stored = self._stored()
        if unwrap(self._wrapping_keys[0], stored) is not None:
            return False
        self._replace(stored, wrap(self._wrapping_keys[0], self._opened(stored)))
        return True

    def unwrap(self) -> bool:
        """Keep the key in plain, as without a wrapping key; whether that changed anything.

        Raises:
            Conflict: another process changed it at the same time.
            Unavailable: the store does not answer.
            WrongKey: the stored key was wrapped with another key.
        """
        stored = self._stored()
        if len(stored) == KEY_BYTES:
            return False
        self._replace(stored, self._opened(stored))
        return True

    def _stored(self) -> bytes:
        stored = self._store.stored_key()
        if not stored:
            key = secrets.token_bytes(KEY_BYTES)
            self._store.replace_stored_key(b"", wrap(self._wrapping_keys[0], key) if self._wrapping_keys else key)
            stored = self._store.stored_key()  # another process may have been first
        return stored

    def _opened(self, stored: bytes) -> bytes:
        if len(stored) == KEY_BYTES:
            return stored
        for wrapping_key in self._wrapping_keys:
            key = unwrap(wrapping_key, stored)
            if key is not None:
                return key
        raise WrongKey(self.unreadable_because())

    def _replace(self, old: bytes, new: bytes) -> None:
        if not self._store.replace_stored_key(old, new):
            raise Conflict("another process changed the key of the store; try again")
