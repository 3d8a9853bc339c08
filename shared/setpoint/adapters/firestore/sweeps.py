"""Records of sweeps in Firestore.

Collections: ``sweeps``, one document per sweep; below ``runs/RUN``, which has no fields, ``shards`` and
    ``shard_parts``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from google.cloud.firestore import Client

from setpoint.adapters.firestore.documents import delete_all, put_body
from setpoint.adapters.firestore.firestore_errors import answering, body_of, racing
from setpoint.model.newer_fields import Revision
from setpoint.model.sweep_records import Shard, ShardPart, Sweep, decode_record, encode_record
from setpoint.ports.stores import StoredShard, StoredSweep

if TYPE_CHECKING:
    from google.cloud.firestore import CollectionReference, DocumentSnapshot


class FirestoreSweeps:
    """A ``SweepStore`` in a Firestore database.

    Args:
        client: connected to the project and database of the installation.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sweeps = client.collection("sweeps")
        self._runs = client.collection("runs")

    def sweep(self, name: str) -> StoredSweep:
        """See ``SweepStore.sweep``."""
        with answering(f"sweep {name}"):
            return _sweep(self._sweeps.document(name).get())

    def sweeps(self) -> Iterator[StoredSweep]:
        """See ``SweepStore.sweeps``."""
        with answering("sweeps"):
            return iter([_sweep(document) for document in self._sweeps.stream()])

    def write_sweep(self, sweep: Sweep, version: Revision | None) -> StoredSweep:
        """See ``SweepStore.write_sweep``."""
        what = f"sweep {sweep.name}"
        with answering(what), racing(what):
            batch = self._client.batch()
            body = encode_record(sweep, version.body if version is not None else b"")
            put_body(batch, self._sweeps.document(sweep.name), body, version)
            (written,) = batch.commit()
        return StoredSweep(sweep, Revision(written.update_time, body))

    def shard(self, run: str, number: int) -> StoredShard:
        """See ``SweepStore.shard``."""
        with answering(f"shard {number} of run {run}"):
            return _shard(self._shards(run).document(f"{number:06d}").get())

    def shards(self, run: str) -> Iterator[StoredShard]:
        """See ``SweepStore.shards``."""
        with answering(f"the shards of run {run}"):
            return iter([_shard(document) for document in self._shards(run).stream()])

    def write_shard(self, shard: Shard, version: Revision | None, part: ShardPart | None = None) -> StoredShard:
        """See ``SweepStore.write_shard``; one request, which is atomic."""
        with answering(shard.label), racing(shard.label):
            batch = self._client.batch()
            reference = self._shards(shard.run).document(f"{shard.number:06d}")
            body = encode_record(shard, version.body if version is not None else b"")
            put_body(batch, reference, body, version)
            if part is not None:
                part_reference = self._parts(shard.run).document(f"{shard.number:06d}-{shard.parts:06d}")
                batch.set(part_reference, {"body": encode_record(part).decode()})
            written = batch.commit()[0]
        return StoredShard(shard, Revision(written.update_time, body))

    def parts(self, run: str, number: int) -> Iterator[ShardPart]:
        """See ``SweepStore.parts``."""
        parts = self._parts(run)
        first, last = (parts.document(f"{number:06d}-{end}") for end in ("", "~"))
        with answering(f"the parts of shard {number} of run {run}"):
            for document in parts.order_by("__name__").start_at([first]).end_at([last]).stream():
                yield decode_record(body_of(document), ShardPart)

    def drop_run(self, run: str) -> None:
        """See ``SweepStore.drop_run``."""
        with answering(f"run {run}"):
            for collection in (self._shards(run), self._parts(run)):
                delete_all(self._client, list(collection.list_documents()))

    def _shards(self, run: str) -> CollectionReference:
        collection: CollectionReference = self._runs.document(run).collection("shards")
        return collection

    def _parts(self, run: str) -> CollectionReference:
        collection: CollectionReference = self._runs.document(run).collection("shard_parts")
        return collection


def _sweep(document: DocumentSnapshot[Any]) -> StoredSweep:
    if not document.exists:
        return StoredSweep(None, None)
    body = body_of(document)
    return StoredSweep(decode_record(body, Sweep), Revision(document.update_time, body))


def _shard(document: DocumentSnapshot[Any]) -> StoredShard:
    if not document.exists:
        return StoredShard(None, None)
    body = body_of(document)
    return StoredShard(decode_record(body, Shard), Revision(document.update_time, body))
