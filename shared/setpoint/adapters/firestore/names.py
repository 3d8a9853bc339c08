"""Bindings of inventory names in Firestore.

Collections: ``bound_names``, one document per inventory name; ``waiting_names``, one per deferred observation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import cast

from google.cloud.firestore import Client, FieldFilter

from setpoint.adapters.firestore.documents import delete_all
from setpoint.adapters.firestore.firestore_errors import answering
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.util.quotas import FIRESTORE_INDEXED, cut_distinct

_BATCH = 400


class FirestoreNames:
    """A ``NameStore`` in a Firestore database.

    Args:
        client: connected to the project and database of the installation.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._bound = client.collection("bound_names")
        self._waiting = client.collection("waiting_names")

    def bound_names(self, names: Collection[str]) -> dict[str, str]:
        """See ``NameStore.bound_names``."""
        wanted = {_id(name): name for name in names}
        with answering(f"{len(names)} names"):
            documents = list(self._client.get_all([self._bound.document(name) for name in wanted]))
        fields = {wanted[document.id]: document.to_dict() or {} for document in documents}
        return {name: str(field["declared"]) for name, field in fields.items() if field.get("declared")}

    def bind(self, names: Mapping[str, str]) -> None:
        """See ``NameStore.bind``."""
        batch = self._client.batch()
        for name, declared in names.items():
            batch.set(self._bound.document(_id(name)), {"name": name, "declared": declared}, merge=True)
        with answering(f"{len(names)} names"):
            batch.commit()

    def wait_for(self, unknown: str, key: ResourceKey) -> None:
        """See ``NameStore.wait_for``."""
        document = self._waiting.document(_id(f"{unknown}\n{key.id}"))
        with answering(key.name):
            document.set({"unknown": _indexed(unknown), "name": key.name, "content": key.content}, merge=True)

    def waiting_for(self, unknown: str) -> list[ResourceKey]:
        """See ``NameStore.waiting_for``."""
        with answering(unknown):
            documents = self._waiting.where(filter=FieldFilter("unknown", "==", _indexed(unknown))).stream()
            fields = [document.to_dict() or {} for document in documents]
        return sorted(ResourceKey(str(field["name"]), cast("Content", field["content"])) for field in fields)

    def stop_waiting_for(self, unknown: str) -> None:
        """See ``NameStore.stop_waiting_for``."""
        with answering(unknown):
            query = self._waiting.where(filter=FieldFilter("unknown", "==", _indexed(unknown)))
            while references := [document.reference for document in query.limit(_BATCH).stream()]:
                delete_all(self._client, references)


def _indexed(text: str) -> str:
    return cut_distinct(text, FIRESTORE_INDEXED)


def _id(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
