"""The store of an installation on Google Cloud: Firestore in native mode.

Collections: ``desired`` and ``findings``, one document a resource and content, and ``control`` with the document
``rules``. Payloads are JSON in a string field, since a document may have only 40,000 index entries and field names
allow few characters (https://cloud.google.com/firestore/quotas).

One event costs one ``get_all`` and at most one commit of one write with a precondition. There is no transaction:
those lock, and under contention they wait for each other; a failed precondition is known at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions
from google.cloud.firestore import Client
from google.cloud.firestore_v1.base_query import FieldFilter
from msgspec.structs import replace

from setpoint.core.declarations import (
    Desired,
    Rules,
    decode_desired,
    decode_rules,
    encode_desired,
    encode_rules,
)
from setpoint.core.findings import ResourceState, decode_state, encode_state
from setpoint.core.names import ResourceKey
from setpoint.errors import BadRequest, Conflict, Unavailable
from setpoint.ports import Snapshot

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentReference, DocumentSnapshot

_LOST_RACE = (
    exceptions.AlreadyExists,
    exceptions.FailedPrecondition,
    exceptions.Aborted,
    exceptions.NotFound,
)
_NO_ANSWER = (
    exceptions.RetryError,
    exceptions.ServerError,
    exceptions.TooManyRequests,
    exceptions.Cancelled,
    exceptions.Aborted,
)
_NOT_SET_UP = (exceptions.Unauthorized, exceptions.Forbidden, exceptions.NotFound)
_BATCH = 300
_BATCH_BYTES = 3_000_000
"""A request takes 10 MiB (https://cloud.google.com/firestore/quotas); one to the emulator 4 MiB, gRPC's default."""
_NO_RULES = Rules()


class FirestoreStore:
    """A ``StateStore`` in a Firestore database.

    Args:
        client: connected to the project and database of the installation; kept for the life of the process.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._desired = client.collection("desired")
        self._findings = client.collection("findings")
        self._rules = client.collection("control").document("rules")

    def read(self, key: ResourceKey) -> Snapshot:
        """See ``StateStore.read``."""
        desired, finding = self._desired.document(key.id), self._findings.document(key.id)
        with _answering(key.name):
            found = {snapshot.reference.path: snapshot for snapshot in self._get((desired, finding, self._rules))}
        wanted, rules = _body(found[desired.path]), _body(found[self._rules.path])
        state = found[finding.path]
        body = _body(state)
        return Snapshot(
            key,
            decode_desired(wanted) if wanted else None,
            decode_rules(rules) if rules else _NO_RULES,
            decode_state(body) if body else None,
            state.update_time if state.exists else None,
        )

    def _get(self, references: Iterable[DocumentReference]) -> Iterator[DocumentSnapshot[Any]]:
        return iter(self._client.get_all(list(references)))

    def commit(self, snapshot: Snapshot, state: ResourceState) -> Snapshot:
        """See ``StateStore.commit``."""
        return replace(snapshot, state=state, version=self._write(snapshot, state))

    def mark_published(self, snapshot: Snapshot) -> None:
        """See ``StateStore.mark_published``."""
        if snapshot.state is None:
            return
        try:
            self._write(snapshot, replace(snapshot.state, pending=()))
        except Conflict:
            return

    def _write(self, snapshot: Snapshot, state: ResourceState) -> Any:
        """Write a record with the snapshot as precondition; the version that it then has."""
        reference = self._findings.document(snapshot.key.id)
        document = {
            "name": snapshot.key.name,
            "content": snapshot.key.content,
            "status": state.finding.status if state.finding else "none",
            "pending": bool(state.pending),
            "body": encode_state(state).decode(),
        }
        with _answering(snapshot.key.name):
            try:
                if snapshot.version is None:
                    return reference.create(document).update_time
                known = self._client.write_option(last_update_time=snapshot.version)
                return reference.update(document, option=known).update_time
            except _LOST_RACE as error:
                raise Conflict(f"{snapshot.key.name}: written by somebody else; read it again") from error

    def declare(self, desired: Iterable[Desired], rules: Rules | None = None) -> int:
        """See ``StateStore.declare``; each batch of it is atomic, the whole is not."""
        bodies = ((self._desired.document(one.declarations[0].key.id), encode_desired(one)) for one in desired)
        written = sum(self._declare_batch(batch) for batch in _batches(bodies))
        return written + (self._declare_rules(rules) if rules is not None else 0)

    def _declare_batch(self, documents: dict[DocumentReference, bytes]) -> int:
        paths = {reference.path: reference for reference in documents}
        with _answering("desired state"):
            there = {paths[found.reference.path]: _body(found) for found in self._get(documents)}
            changed = {reference: body for reference, body in documents.items() if there.get(reference) != body}
            if changed:
                writes = self._client.batch()
                for reference, body in changed.items():
                    writes.set(reference, {"body": body.decode()})
                writes.commit()
        return len(changed)

    def _declare_rules(self, rules: Rules) -> int:
        body = encode_rules(rules)
        with _answering("the rules"):
            if _body(self._rules.get()) == body:
                return 0
            self._rules.set({"body": body.decode()})
        return 1

    def states(self, *, drifted: bool = False) -> Iterator[ResourceState]:
        """See ``StateStore.states``."""
        query = self._findings.where(filter=FieldFilter("status", "!=", "none")) if drifted else self._findings
        with _answering("the findings"):
            for found in query.stream():
                yield decode_state(_body(found))

    def unpublished(self) -> Iterator[ResourceKey]:
        """See ``StateStore.unpublished``."""
        query = self._findings.where(filter=FieldFilter("pending", "==", True))  # noqa: FBT003 - a value, not a flag
        with _answering("the findings"):
            return iter([decode_state(_body(found)).key for found in query.stream()])

    def close(self) -> None:
        """See ``StateStore.close``."""
        self._client.close()  # type: ignore[no-untyped-call]


def _body(snapshot: DocumentSnapshot[Any]) -> bytes:
    """The payload of a document; empty where there is no document."""
    return snapshot.get("body").encode() if snapshot.exists else b""


def _batches(documents: Iterable[tuple[DocumentReference, bytes]]) -> Iterator[dict[DocumentReference, bytes]]:
    """As many documents at a time as one request takes."""
    batch: dict[DocumentReference, bytes] = {}
    size = 0
    for reference, body in documents:
        if batch and (len(batch) == _BATCH or size + len(body) > _BATCH_BYTES):
            yield batch
            batch, size = {}, 0
        batch[reference] = body
        size += len(body)
    if batch:
        yield batch


@contextmanager
def _answering(what: str) -> Iterator[None]:
    try:
        yield
    except _NO_ANSWER as error:
        raise Unavailable(f"{what}: Firestore did not answer ({type(error).__name__}); try again") from error
    except _NOT_SET_UP as error:
        raise Unavailable(
            f"{what}: Firestore lets nobody in ({type(error).__name__}); check the database's name and your role"
        ) from error
    except exceptions.GoogleAPICallError as error:
        raise BadRequest(f"{what}: Firestore refuses this ({type(error).__name__}); see its limits") from error
