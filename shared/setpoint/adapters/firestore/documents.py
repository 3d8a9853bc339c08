"""Records as Firestore documents, and the number of them in one request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from google.cloud.firestore import DELETE_FIELD, Client

from setpoint.model import observation as observations
from setpoint.model.newer_fields import Revision
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.retention import Retention
from setpoint.model.retention import expires as expires_at
from setpoint.util.external_sort import batches

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentReference, WriteBatch

_T = TypeVar("_T")

_BATCH = 300
_BATCH_BYTES = 3_000_000
"""Maximum bytes of a request: 10 MiB (https://cloud.google.com/firestore/quotas), 4 MiB on the emulator."""
_LARGEST = 500_000
"""Maximum size in bytes of an observation that is stored in the document (1 MiB) of its record."""
ABSENT = {
    "due": DELETE_FIELD,
    "expires": DELETE_FIELD,
    "reading_due": DELETE_FIELD,
    "remediation_due": DELETE_FIELD,
    "suppressed": DELETE_FIELD,
}
"""Optional fields, which are omitted from most records to save index entries."""


def record_document(key: ResourceKey, state: ResourceState, body: bytes, retention: Retention) -> dict[str, Any]:
    """A record as a document, with its query fields and its stored form."""
    document: dict[str, Any] = {
        "name": key.name,
        "content": key.content,
        "status": state.finding.status if state.finding else "none",
        "pending": bool(state.pending),
        "body": body.decode(),
    }
    if state.due is not None:
        document["due"] = state.due
    if (expires := expires_at(state, retention)) is not None:
        document["expires"] = expires
    if state.remediation_due is not None:
        document["remediation_due"] = state.remediation_due
    if state.reading_due is not None:
        document["reading_due"] = state.reading_due
    if state.suppressed:
        document["suppressed"] = True
    return document


def delete_all(client: Client, references: Iterable[DocumentReference]) -> None:
    """Delete documents, in requests of some hundred."""
    for some in batches(references, _BATCH):
        batch = client.batch()
        for reference in some:
            batch.delete(reference)
        batch.commit()


def observation_field(observation: Observation | None) -> dict[str, Any]:
    """The field of a record for its last observation."""
    if observation is None:
        return {}
    body = observations.encode(observation)
    return {"observation": body.decode() if len(body) <= _LARGEST else ""}


def size_in_bytes(text: str) -> int:
    """The size of a payload in a request, in bytes."""
    return len(text) if text.isascii() else len(text.encode())


def request_batches(sized: Iterable[tuple[_T, int]]) -> Iterator[list[_T]]:
    """Batches of records for one request each; each record comes with its size in bytes."""
    batch: list[_T] = []
    room = _BATCH_BYTES
    for item, size in sized:
        if batch and (len(batch) == _BATCH or size > room):
            yield batch
            batch, room = [], _BATCH_BYTES
        batch.append(item)
        room -= size
    if batch:
        yield batch


def put_body(batch: WriteBatch, reference: DocumentReference, body: bytes, revision: Revision | None) -> None:
    """Have a batch create a document with a body, or replace the revision that was read.

    Args:
        batch: takes the write; its commit raises if the document exists already, or has another revision.
        reference: the document.
        body: the body in JSON.
        revision: what was read; None for no document.
    """
    document = {"body": body.decode()}
    if revision is None:
        batch.create(reference, document)
    else:
        batch.update(reference, document, option=Client.write_option(last_update_time=revision.version))
