"""The key for hiding secrets, in a Firestore document."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from google.api_core.exceptions import AlreadyExists

from setpoint.adapters.firestore.firestore_errors import answering
from setpoint.model.secrecy import KEY_BYTES

if TYPE_CHECKING:
    from google.cloud.firestore_v1 import Client


def read_secret_key(client: Client) -> bytes:
    """The key; the first call creates it, and concurrent calls get the same one."""
    document = client.collection("control").document("secret_key")
    with answering("the key by which secrets are hidden"):
        key = (document.get().to_dict() or {}).get("key")
        if key is None:
            with suppress(AlreadyExists):  # another process created it first
                document.create({"key": secrets.token_bytes(KEY_BYTES)})
            key = (document.get().to_dict() or {})["key"]
    return bytes(key)
