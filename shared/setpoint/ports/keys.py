"""The key by which secrets are hidden."""

from __future__ import annotations

from typing import Protocol


class KeyStore(Protocol):
    """The key of an installation, as it is stored: in plain or wrapped."""

    def stored_key(self) -> bytes:
        """The stored key; empty where there is none.

        Raises:
            Unavailable: the store does not answer.
        """

    def replace_stored_key(self, old: bytes, new: bytes) -> bool:
        """Store a key if the stored one is still ``old``, empty for none; whether it was stored.

        Raises:
            Unavailable: the store does not answer.
        """
