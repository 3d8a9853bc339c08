"""The key for hiding secrets, in a Firestore document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.api_core.exceptions import AlreadyExists, FailedPrecondition

from setpoint.adapters.firestore.firestore_errors import answering

if TYPE_CHECKING:
    from google.cloud.firestore_v1 import Client, DocumentReference

_KEY = "the key by which secrets are hidden"


def _document(client: Client) -> DocumentReference:
    return client.collection("control").document("secret_key")


def read_stored_key(client: Client) -> bytes:
    """The stored key; empty where there is none."""
    with answering(_KEY):
        return bytes((_document(client).get().to_dict() or {}).get("key") or b"")


def replace_stored_key(client: Client, old: bytes, new: bytes) -> bool:
    """Store a key in place of ``old``, empty for none; whether it was stored."""
    document = _document(client)
    with answering(_KEY):
        try:
            if not old:
                document.create({"key": new})
                return True
            stored = document.get()
            if (stored.to_dict() or {}).get("key") != old:
                return False
            document.update({"key": new}, option=client.write_option(last_update_time=stored.update_time))
        except (AlreadyExists, FailedPrecondition):  # another process was first
            return False
    return True
