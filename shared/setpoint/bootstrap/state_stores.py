"""Open the store of a URL.

Adapters are imported where they are chosen, so that no process loads a client that it does not use.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from setpoint.bootstrap.settings import from_environment, installation_key
from setpoint.errors import BadRequest
from setpoint.model.secrecy import KEY_BYTES, Secrecy
from setpoint.ports.stores import Store

_KEY_OF_THIS_PROCESS = secrets.token_bytes(KEY_BYTES)
"""The key of all stores in memory: what is read before such a store is opened has digests of its key, too."""


def open_store(url: str, *, create: bool = True) -> Store:
    """Open the store of a URL: ``memory:``, ``sqlite:///path``, ``firestore://PROJECT/DATABASE``.

    Args:
        url: the URL.
        create: make a file that is not there; for reading alone there is nothing to find in a new one.

    Raises:
        BadRequest: the URL names no store, or the store cannot be opened.
    """
    scheme, _, rest = url.partition(":")
    match scheme:
        case "memory" if not rest:
            from setpoint.adapters.memory.store import MemoryStore

            memory = MemoryStore()
            memory.replace_stored_key(b"", _KEY_OF_THIS_PROCESS)
            return memory
        case "sqlite" if rest.startswith("///") and len(rest) > 3:  # noqa: PLR2004 - the three slashes
            from setpoint.adapters.sqlite.store import SqliteStore

            path = Path(rest[3:])
            if not create and not path.exists():
                raise BadRequest(
                    f"{path}: no such store; `setpoint apply` creates it. If it exists, check the path: an absolute "
                    "path takes four slashes"
                )
            return SqliteStore(path)
        case "firestore" if rest.startswith("//"):
            return _open_firestore(rest[2:])
    raise BadRequest(f"`{url}` names no store; use memory:, sqlite:///path or firestore://PROJECT/DATABASE")


def open_store_to_read(url: str) -> Store:
    """Open a store for reading; a missing file reads as an empty store, and is not created.

    Raises:
        BadRequest: the URL names no store, or the store cannot be opened.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest.startswith("///") and len(rest) > 3 and not Path(rest[3:]).exists():  # noqa: PLR2004
        return open_store("memory:")
    return open_store(url, create=False)


def secrecy_of(url: str, *, create: bool = False) -> Secrecy:
    """Hides with the key of a store, which is opened only when something is hidden.

    Args:
        url: URL of the store.
        create: make a file that is not there; else the key is one of this process alone.
    """

    def key() -> bytes:
        store = open_store(url) if create else open_store_to_read(url)
        try:
            return installation_key(store, os.environ).read()
        finally:
            store.close()

    return Secrecy(key)


def signed_in(store: str) -> str:
    """The e-mail address of the credentials, for a store in Google Cloud; empty for a local store and the emulator.

    Raises:
        BadRequest: the credentials do not name their account; log in.
        Unavailable: Google does not answer; try again.
    """
    if not store.startswith("firestore:") or os.environ.get("FIRESTORE_EMULATOR_HOST"):
        return ""
    from setpoint.adapters.google import current_user

    return current_user.email()


def _open_firestore(rest: str) -> Store:
    from setpoint.adapters.firestore.client import client
    from setpoint.adapters.firestore.store import FirestoreStore

    project, _, database = rest.partition("/")
    if not project:
        raise BadRequest("firestore:// needs a project: firestore://PROJECT/DATABASE")
    return FirestoreStore(client(project, database or "(default)"), from_environment(os.environ).parsed_retention())
