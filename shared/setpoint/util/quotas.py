"""Published size limits of the services that Setpoint writes to, in bytes, and helpers to cut texts to them.

Sources: https://cloud.google.com/pubsub/quotas#resource_limits and https://cloud.google.com/firestore/quotas#limits.
"""

from __future__ import annotations

import hashlib

PUBSUB_MESSAGE = 10_000_000
PUBSUB_ATTRIBUTES = 100
PUBSUB_ATTRIBUTE_KEY = 256
PUBSUB_ATTRIBUTE = 1_024
PUBSUB_ORDERING_KEY = 1_024
FIRESTORE_DOCUMENT = 1_048_576
FIRESTORE_INDEXED = 1_500
FIRESTORE_ID = 1_500
_DIGEST_LETTERS = 16


def cut(text: str, most: int) -> str:
    """Cut a text to this many bytes of UTF-8, between characters."""
    if len(text) * 4 <= most:
        return text
    encoded = text.encode(errors="replace")
    return text if len(encoded) <= most else encoded[:most].decode(errors="ignore")


def cut_distinct(text: str, most: int) -> str:
    """Cut a text to this many bytes; a digest replaces the rest, so that two long texts stay distinct."""
    if len(text) * 4 <= most:
        return text
    encoded = text.encode(errors="replace")
    if len(encoded) <= most:
        return text
    digest = hashlib.blake2b(encoded, digest_size=_DIGEST_LETTERS // 2).hexdigest()
    return f"{cut(text, most - _DIGEST_LETTERS - 1)}#{digest}"
