"""The key by which secrets are hidden."""

from __future__ import annotations

from typing import Protocol


class KeyStore(Protocol):
    """The key of an installation that is set no other."""

    def secret_key(self) -> bytes:
        """The key by which secrets are hidden, 32 bytes, made with the first call: the same for all who open the store.

        Raises:
            Unavailable: the store does not answer.
        """
