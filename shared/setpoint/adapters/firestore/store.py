"""The store of an installation on Google Cloud: Firestore in native mode.

Collections: ``desired`` and ``findings``, one document per resource and content; ``manifests``, one per source and
    generation; ``control`` with the documents ``sources`` and ``brakes``; ``projects``, one per project number;
    ``audit``, one per entry; ``actors``, one per resource and content. Payloads are JSON in a string field, since a
    document is limited to 40,000 index entries and field names to few characters
    (https://cloud.google.com/firestore/quotas).

An event costs one ``get_all`` and at most one commit of one write with a precondition. Transactions are not used: they
lock, and wait for each other under contention; a failed precondition is known at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from google.cloud.firestore import Client
from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.bulk_batch import BulkWriteBatch
from msgspec.structs import replace

from setpoint.adapters.firestore.actors import FirestoreActors
from setpoint.adapters.firestore.control import FirestoreControl
from setpoint.adapters.firestore.documents import (
    ABSENT,
    observation_field,
    put_body,
    record_document,
    request_batches,
    size_in_bytes,
)
from setpoint.adapters.firestore.firestore_errors import answering as _answering
from setpoint.adapters.firestore.firestore_errors import body_of as _body
from setpoint.adapters.firestore.firestore_errors import racing as _racing
from setpoint.adapters.firestore.firestore_errors import refusal
from setpoint.adapters.firestore.names import FirestoreNames
from setpoint.adapters.firestore.notices import FirestoreNotices
from setpoint.adapters.firestore.secret_key import read_stored_key, replace_stored_key
from setpoint.adapters.firestore.sweeps import FirestoreSweeps
from setpoint.errors import Conflict, CorruptState, TransientError
from setpoint.model import observation as observations
from setpoint.model.actors import AuditedChange
from setpoint.model.audit_trail import AuditEntry, decode_entries, encode_entry
from setpoint.model.change_history import decode_changes
from setpoint.model.control_parts import read_again
from setpoint.model.decode_errors import readable, tried
from setpoint.model.newer_fields import Revision
from setpoint.model.observation import Observation
from setpoint.model.record_size import encode_repaired, encode_replacing
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.model.resource_state import ResourceState, decode_key, decode_state
from setpoint.model.retention import DEFAULT, Retention
from setpoint.model.safety_limits import SafetyState, decode_safety_state, encode_safety_state
from setpoint.model.sources import (
    MANIFEST_PART,
    Control,
    decode_manifest,
    decode_record,
    desired_by,
    encode_manifest,
    encode_record,
)
from setpoint.ports.stores import (
    Commit,
    DamagedRecord,
    Manifest,
    Problems,
    Snapshot,
    StoredControl,
    StoredRecord,
    StoredSafetyState,
)
from setpoint.util.counts import counted
from setpoint.util.external_sort import batches

if TYPE_CHECKING:
    from google.cloud.firestore import CollectionReference, DocumentReference, DocumentSnapshot
    from google.cloud.firestore_v1.base_batch import BaseBatch

_BODY = ("body",)


class FirestoreStore:
    """A ``Store`` in a Firestore database.

    Args:
        client: connected to the project and database of the installation; kept for the life of the process.
        retention: retention periods; Firestore deletes expired documents.
    """

    def __init__(self, client: Client, retention: Retention = DEFAULT) -> None:
        self._client = client
        self._retention = retention
        self._desired = client.collection("desired")
        self._findings = client.collection("findings")
        self._manifests = client.collection("manifests")
        self._projects = client.collection("projects")
        self._controls = FirestoreControl(client)
        self.sweeps = FirestoreSweeps(client)
        self.names = FirestoreNames(client)
        self.notices = FirestoreNotices(client)
        self._brakes = client.collection("control").document("brakes")
        self._audit = client.collection("audit")
        self._actors = client.collection("actors")
        self._changes = FirestoreActors(client, self._actors)

    def read(self, key: ResourceKey) -> Snapshot:
        """See ``StateStore.read``."""
        return read_again(lambda: self._read(key))

    def _read(self, key: ResourceKey) -> Snapshot:
        references = (*self._own(key), self._controls.reference)
        with _answering(key.name):
            documents = {snapshot.reference.path: snapshot for snapshot in self._get(references)}
        return self._snapshot(key, documents)

    def read_many(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Snapshot]:
        """See ``StateStore.read_many``."""
        wanted = list(keys)
        return read_again(lambda: self._read_many(wanted))

    def _read_many(self, wanted: Sequence[ResourceKey]) -> dict[ResourceKey, Snapshot]:
        references = (*(reference for key in wanted for reference in self._own(key)), self._controls.reference)
        with _answering(counted(len(wanted), "resource")):
            documents = {snapshot.reference.path: snapshot for snapshot in self._get(references)}
        return {key: self._snapshot(key, documents) for key in wanted}

    def _own(self, key: ResourceKey) -> tuple[DocumentReference, DocumentReference, DocumentReference]:
        desired, finding, actors = (
            collection.document(key.id) for collection in (self._desired, self._findings, self._actors)
        )
        return desired, finding, actors

    def _snapshot(self, key: ResourceKey, documents: Mapping[str, DocumentSnapshot[Any]]) -> Snapshot:
        """The snapshot of a resource from the documents that were read."""
        desired, finding, actors = self._own(key)
        wanted, control = _body(documents[desired.path]), _body(documents[self._controls.reference.path])
        state = documents[finding.path]
        body = _body(state)
        return Snapshot(
            key,
            desired_by(decode_record(wanted), self._controls.parts.control(control)) if wanted else None,
            self._controls.parts.rules(control),
            decode_state(body, key.id) if body else None,
            Revision(state.update_time, body) if state.exists else None,
            decode_changes(_body(documents[actors.path])),
        )

    def _get(self, references: Iterable[DocumentReference]) -> Iterator[DocumentSnapshot[Any]]:
        return iter(self._client.get_all(list(references), field_paths=_BODY))

    def commit(self, snapshot: Snapshot, state: ResourceState, observation: Observation | None = None) -> Snapshot:
        """See ``StateStore.commit``."""
        return replace(snapshot, state=state, version=self._write(snapshot, state, observation_field(observation)))

    def _document(self, snapshot: Snapshot, state: ResourceState) -> dict[str, Any]:
        """A record that replaces that of a snapshot, as a document."""
        body = encode_replacing(state, snapshot.state, snapshot.version)
        return record_document(snapshot.key, state, body, self._retention)

    def commit_many(self, commits: Sequence[Commit]) -> list[Snapshot | TransientError]:
        """See ``StateStore.commit_many``; each write of a request has its own precondition and result.

        Source: https://cloud.google.com/firestore/docs/reference/rest/v1/projects.databases.documents/batchWrite
        """
        documents = (
            (
                commit,
                self._document(commit.snapshot, commit.state) | observation_field(commit.observation),
            )
            for commit in commits
        )
        sized = (
            (pair, sum(size_in_bytes(pair[1].get(field, "")) for field in ("body", "observation")))
            for pair in documents
        )
        return [result for part in request_batches(sized) for result in self._commit_part(part)]

    def _commit_part(self, part: list[tuple[Commit, dict[str, Any]]]) -> Iterator[Snapshot | TransientError]:
        batch = BulkWriteBatch(self._client)
        for commit, document in part:
            self._replace(batch, commit.snapshot, document)
        with _answering(counted(len(part), "record")):
            answer = batch.commit()
        for (commit, document), status, result in zip(part, answer.status, answer.write_results, strict=True):
            if status.code:
                yield refusal(commit.snapshot.key.name, status.code)
            else:
                revision = Revision(result.update_time, document["body"].encode())
                yield replace(commit.snapshot, state=commit.state, version=revision)

    def last_observation(self, key: ResourceKey) -> Observation | None:
        """See ``StateStore.last_observation``."""
        with _answering(key.name):
            document = self._findings.document(key.id).get(field_paths=("observation",))
        body = (document.to_dict() or {}).get("observation")
        return observations.decode(body) if body else None

    def last_observations(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Observation]:
        """See ``StateStore.last_observations``."""
        wanted = {key.id: key for key in keys}
        references = [self._findings.document(name) for name in wanted]
        with _answering(counted(len(wanted), "resource")):
            documents = list(self._client.get_all(references, field_paths=("observation",)))
        bodies = ((wanted[document.id], (document.to_dict() or {}).get("observation")) for document in documents)
        return observations.decode_readable(bodies)

    def mark_published(self, snapshot: Snapshot) -> None:
        """See ``StateStore.mark_published``."""
        if snapshot.state is None:
            return
        with suppress(Conflict):
            self._write(snapshot, replace(snapshot.state, pending=()), {})

    def _write(self, snapshot: Snapshot, state: ResourceState, more: dict[str, Any]) -> Revision:
        """Write a record with the snapshot as precondition; return its new version."""
        reference = self._findings.document(snapshot.key.id)
        document = self._document(snapshot, state) | more
        with _answering(snapshot.key.name), _racing(snapshot.key.name):
            if snapshot.version is None:
                written = reference.create(document)
            else:
                known = self._client.write_option(last_update_time=snapshot.version.version)
                written = reference.update(ABSENT | document, option=known)
        return Revision(written.update_time, document["body"].encode())

    def control(self) -> StoredControl:
        """See ``DesiredStore.control``."""
        return self._controls.stored()

    def write_control(self, control: Control, version: Any) -> None:
        """See ``DesiredStore.write_control``."""
        self._controls.write(control, version)

    def manifest(self, source: str, generation: int) -> Iterator[tuple[ResourceKey, str]]:
        """See ``DesiredStore.manifest``."""
        with _answering(f"the manifest of {source}"):
            pages = sorted(self._pages(source, generation).list_documents(), key=lambda page: page.id)
        if not pages:
            yield from self._unordered(source, generation)
        for page in pages:
            with _answering(f"the manifest of {source}"):
                document = page.get()
            if not document.exists:
                raise Conflict(f"source {source}: another process applied it at the same time; try again")
            yield from decode_manifest(_body(document))

    def _unordered(self, source: str, generation: int) -> list[tuple[ResourceKey, str]]:
        """A manifest in the older format without an order; the next apply replaces it."""
        with _answering(f"the manifest of {source}"):
            parts = self._manifest(source, generation).collection("parts").stream()
            return sorted(row for part in parts for row in decode_manifest(_body(part)))

    def write_manifest(self, source: str, generation: int, manifest: Manifest) -> None:
        """See ``DesiredStore.write_manifest``; a few thousand entries per document."""
        self.drop_manifest(source, generation)
        pages = self._pages(source, generation)
        for number, rows in enumerate(batches(manifest, MANIFEST_PART)):
            with _answering(f"the manifest of {source}"):
                pages.document(f"{number:06d}").set({"body": encode_manifest(rows).decode()})

    def drop_manifest(self, source: str, generation: int) -> None:
        """See ``DesiredStore.drop_manifest``."""
        with _answering(f"the manifest of {source}"):
            for collection in self._manifest(source, generation).collections():
                for page in collection.list_documents():
                    page.delete()

    def _pages(self, source: str, generation: int) -> CollectionReference:
        pages: CollectionReference = self._manifest(source, generation).collection("pages")
        return pages

    def _manifest(self, source: str, generation: int) -> DocumentReference:
        name = ResourceKey(source).id  # a source name may contain characters that ids do not allow
        return self._manifests.document(f"{name}-{generation}")

    def records(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, StoredRecord]:
        """See ``DesiredStore.records``."""
        wanted = {self._desired.document(key.id): key for key in keys}
        by_path = {reference.path: key for reference, key in wanted.items()}
        with _answering("desired state"):
            return {
                by_path[document.reference.path]: StoredRecord(decode_record(_body(document)), _revision(document))
                for document in self._get(wanted)
            }

    def write_records(self, records: Mapping[ResourceKey, StoredRecord]) -> None:
        """See ``DesiredStore.write_records``; each of its requests is atomic."""
        bodies = (
            (key, encode_record(record.value, record.version.body if record.version is not None else b""))
            for key, record in records.items()
        )
        sized = ((pair, len(pair[1])) for pair in bodies)
        with _answering("desired state"), _racing("desired state"):
            for part in request_batches(sized):
                batch = self._client.batch()
                for key, body in part:
                    put_body(batch, self._desired.document(key.id), body, records[key].version)
                batch.commit()

    def project_id(self, number: str) -> str:
        """See ``ProjectStore.project_id``."""
        with _answering(f"project {number}"):
            document = self._projects.document(number).get()
        return str((document.to_dict() or {}).get("id", ""))

    def project_number(self, identifier: str) -> str:
        """See ``ProjectStore.project_number``."""
        with _answering(f"project {identifier}"):  # not indexed, since only a command looks up by id
            numbers = (document.id for document in self._projects.stream() if document.get("id") == identifier)
            return next(numbers, "")

    def write_project_ids(self, ids: Mapping[str, str]) -> None:
        """See ``ProjectStore.write_project_ids``."""
        batch = self._client.batch()
        for number, identifier in ids.items():
            batch.set(self._projects.document(number), {"id": identifier}, merge=True)
        with _answering(counted(len(ids), "project")):
            batch.commit()

    def stored_key(self) -> bytes:
        """See ``KeyStore.stored_key``."""
        return read_stored_key(self._client)

    def replace_stored_key(self, old: bytes, new: bytes) -> bool:
        """See ``KeyStore.replace_stored_key``."""
        return replace_stored_key(self._client, old, new)

    def states(self, *, drifted: bool = False, problems: Problems | None = None) -> Iterator[ResourceState]:
        """See ``StateStore.states``."""
        query = self._findings.where(filter=FieldFilter("status", "!=", "none")) if drifted else self._findings
        return readable(self._states(query), problems)

    def suppressed(self, problems: Problems | None = None) -> Iterator[ResourceState]:
        """See ``StateStore.suppressed``."""
        query = self._findings.where(filter=FieldFilter("suppressed", "==", True))  # noqa: FBT003 - a value, not a flag
        return readable(self._states(query), problems)

    def _states(self, query: Any) -> Iterator[ResourceState | CorruptState]:
        with _answering("the findings"):
            for document in query.select(_BODY).stream():
                yield tried(decode_state, _body(document), document.id)

    def damaged(self) -> Iterator[DamagedRecord]:
        """See ``StateStore.damaged``."""
        with _answering("the findings"):
            for document in self._findings.select(_BODY).stream():
                problem = tried(decode_state, _body(document), document.id)
                if isinstance(problem, CorruptState):
                    yield self._damaged(problem, document.reference.get())

    def _damaged(self, problem: CorruptState, document: DocumentSnapshot[Any]) -> DamagedRecord:
        fields = document.to_dict() or {}
        last = observations.readable(fields.get("observation") or None)
        is_named = isinstance(fields.get("name"), str) and fields.get("content") in get_args(Content)
        key = ResourceKey(fields["name"], fields["content"]) if is_named else None
        return DamagedRecord(problem, document.id, document.update_time, _body(document), key, last)

    def repair(self, record: DamagedRecord, state: ResourceState | None) -> None:
        """See ``StateStore.repair``."""
        reference = self._findings.document(record.id)
        known = self._client.write_option(last_update_time=record.version)
        with _answering(record.id), _racing(record.id):
            if state is None:
                reference.delete(option=known)
            else:
                document = record_document(state.key, state, encode_repaired(state, record.body), self._retention)
                reference.update(ABSENT | document, option=known)

    def unpublished(self, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """See ``StateStore.unpublished``."""
        return self._keys(FieldFilter("pending", "==", True), problems)  # noqa: FBT003 - a value, not a flag

    def due(self, now: datetime, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """See ``StateStore.due``."""
        return self._keys(FieldFilter("due", "<=", now), problems)

    def remediations_due(self, now: datetime, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """See ``StateStore.remediations_due``."""
        return self._keys(FieldFilter("remediation_due", "<=", now), problems)

    def readings_due(self, now: datetime, most: int, problems: Problems | None = None) -> Sequence[ResourceKey]:
        """See ``StateStore.readings_due``."""
        query = self._findings.where(filter=FieldFilter("reading_due", "<=", now)).order_by("reading_due").limit(most)
        return list(self._keys_of(query, problems))

    def _keys(self, condition: FieldFilter, problems: Problems | None) -> Iterator[ResourceKey]:
        return self._keys_of(self._findings.where(filter=condition), problems)

    def _keys_of(self, query: Any, problems: Problems | None) -> Iterator[ResourceKey]:
        with _answering("the findings"):
            documents = list(query.select(_BODY).stream())
        return readable((tried(decode_key, _body(document), document.id) for document in documents), problems)

    def safety_state(self) -> StoredSafetyState:
        """See ``RemediationStore.safety_state``."""
        with _answering("the safety state"):
            document = self._brakes.get()
        return StoredSafetyState(decode_safety_state(_body(document)), _revision(document))

    def write_safety_state(self, safety: SafetyState, version: Any) -> None:
        """See ``RemediationStore.write_safety_state``."""
        with _answering("the safety state"), _racing("the safety state"):
            batch = self._client.batch()
            put_body(batch, self._brakes, encode_safety_state(safety, version), version)
            batch.commit()

    def claim(self, snapshot: Snapshot, state: ResourceState, safety: SafetyState, version: Any) -> Snapshot:
        """See ``RemediationStore.claim``; one request, which is atomic."""
        with _answering(snapshot.key.name), _racing(snapshot.key.name):
            batch = self._client.batch()
            put_body(batch, self._brakes, encode_safety_state(safety, version), version)
            document = self._document(snapshot, state)
            self._replace(batch, snapshot, document)
            _, written = batch.commit()
        revision = Revision(written.update_time, document["body"].encode())
        return replace(snapshot, state=state, version=revision)

    def changes(self, key: ResourceKey) -> tuple[AuditedChange, ...]:
        """See ``ActorStore.changes``."""
        return self._changes.of(key)

    def changes_of(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, tuple[AuditedChange, ...]]:
        """See ``ActorStore.changes_of``."""
        wanted = {key.id: key for key in keys}
        with _answering(counted(len(wanted), "resource")):
            documents = self._get(self._actors.document(name) for name in wanted)
            return {wanted[document.id]: decode_changes(_body(document)) for document in documents}

    def remember(self, key: ResourceKey, change: AuditedChange, now: datetime) -> None:
        """See ``ActorStore.remember``."""
        self._changes.remember(key, change, now)

    def _replace(self, batch: BaseBatch, snapshot: Snapshot, document: dict[str, Any]) -> None:
        """Write a record with the snapshot as precondition."""
        reference = self._findings.document(snapshot.key.id)
        if snapshot.version is None:
            batch.create(reference, document)
        else:
            known = self._client.write_option(last_update_time=snapshot.version.version)
            batch.update(reference, ABSENT | document, option=known)

    def note(self, key: ResourceKey, entry: AuditEntry) -> None:
        """See ``RemediationStore.note``."""
        with _answering(key.name):
            document: dict[str, Any] = {"finding": key.id, "body": encode_entry(entry).decode()}
            if self._retention.audit:
                document["expires"] = entry.recorded_at + self._retention.audit
            self._audit.document().create(document)

    def trail(self, key: ResourceKey) -> Sequence[AuditEntry]:
        """See ``RemediationStore.trail``."""
        query = self._audit.where(filter=FieldFilter("finding", "==", key.id))
        with _answering(key.name):
            return decode_entries([_body(document) for document in query.select(_BODY).stream()])

    def forget(self, retention: Retention, now: datetime) -> int:
        """See ``ExpiringRecords.forget``: Firestore does so by itself (https://cloud.google.com/firestore/docs/ttl)."""
        del retention, now
        return 0

    def close(self) -> None:
        """See ``StateStore.close``."""
        self._client.close()  # type: ignore[no-untyped-call]


def _revision(document: DocumentSnapshot[Any]) -> Revision | None:
    """The revision of a document; None if it does not exist."""
    return Revision(document.update_time, _body(document)) if document.exists else None
