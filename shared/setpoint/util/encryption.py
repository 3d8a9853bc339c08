"""Wrap the key of a store, and encrypt what is set aside, with standard algorithms of `cryptography`.

Key wrapping: AES-256, https://datatracker.ietf.org/doc/html/rfc3394. Encryption: AES-256-GCM with a random nonce of 96
bits, https://datatracker.ietf.org/doc/html/rfc5116; each use of a key has a key of its own, by HKDF,
https://datatracker.ietf.org/doc/html/rfc5869.
"""

from __future__ import annotations

import os

_NONCE_BYTES = 12
_KEY_BYTES = 32


def wrap(wrapping_key: bytes, key: bytes) -> bytes:
    """A key that only a wrapping key makes readable: 8 bytes longer than the key.

    Args:
        wrapping_key: 32 bytes.
        key: a multiple of 8 bytes.
    """
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap  # noqa: PLC0415 - loaded where it is needed

    return aes_key_wrap(wrapping_key, key)


def unwrap(wrapping_key: bytes, wrapped: bytes) -> bytes | None:
    """The key that was wrapped; None where it was wrapped with another key."""
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap  # noqa: PLC0415 - as above

    try:
        return aes_key_unwrap(wrapping_key, wrapped)
    except InvalidUnwrap:
        return None


def encrypt(key: bytes, purpose: str, text: bytes) -> bytes:
    """An encrypted text: 28 bytes longer than the text.

    Args:
        key: the installation's key.
        purpose: what the text is kept for; a text of another purpose cannot be decrypted as this one.
        text: the text.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_key_for(key, purpose)).encrypt(nonce, text, None)


def decrypt(key: bytes, purpose: str, encrypted: bytes) -> bytes | None:
    """The text that was encrypted; None where it was encrypted with another key, or was changed."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

    try:
        return AESGCM(_key_for(key, purpose)).decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], None)
    except (InvalidTag, ValueError):
        return None


def _key_for(key: bytes, purpose: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 - as above

    return HKDF(SHA256(), _KEY_BYTES, None, f"setpoint {purpose}".encode()).derive(key)
