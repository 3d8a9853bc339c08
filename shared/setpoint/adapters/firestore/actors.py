"""Changes of resources in Firestore: one document for each resource and content, deleted by Firestore's TTL."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from setpoint.adapters.firestore.firestore_errors import answering, body_of, racing
from setpoint.model.actors import AuditedChange
from setpoint.model.change_history import KEPT, decode_changes, encode_changes, remembered
from setpoint.model.resource_key import ResourceKey
from setpoint.util.retries import retry_on_conflict

if TYPE_CHECKING:
    from google.cloud.firestore import Client, CollectionReference


class FirestoreActors:
    """An ``ActorStore`` in a collection with the TTL field ``expires``.

    Args:
        client: a client for the database.
        collection: the collection.
    """

    def __init__(self, client: Client, collection: CollectionReference) -> None:
        self._client = client
        self._collection = collection

    def of(self, key: ResourceKey) -> tuple[AuditedChange, ...]:
        """See ``ActorStore.changes``."""
        with answering(key.name):
            return decode_changes(body_of(self._collection.document(key.id).get(field_paths=("body",))))

    def remember(self, key: ResourceKey, change: AuditedChange, now: datetime) -> None:
        """See ``ActorStore.remember``."""
        retry_on_conflict(lambda: self._put(key, change, now), what=key.name)

    def _put(self, key: ResourceKey, change: AuditedChange, now: datetime) -> None:
        reference = self._collection.document(key.id)
        with answering(key.name):
            document = reference.get(field_paths=("body",))
        before = body_of(document)
        known = decode_changes(before)
        after = remembered(known, change, now)
        if after == known:
            return
        body = {"body": encode_changes(after, before).decode(), "expires": now + KEPT}
        with answering(key.name), racing(key.name):
            if document.exists:
                option = self._client.write_option(last_update_time=document.update_time)
                reference.update(body, option=option)
            else:
                reference.create(body)
