"""The control record in Firestore: the document ``control/sources``, and its parts in ``control_parts``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from google.cloud.firestore import Client

from setpoint.adapters.firestore.firestore_errors import answering, body_of, racing
from setpoint.errors import Conflict, TransientError
from setpoint.model.control_parts import ControlParts, read_again
from setpoint.model.sources import Control
from setpoint.ports.stores import StoredControl
from setpoint.util.external_sort import batches

_WHAT = "the control record"
_BATCH = 4
"""Number of parts in a request, each below 1 MB; the emulator limits a request to 4 MiB, gRPC's default."""


class FirestoreControl:
    """Reads and writes the control record.

    Args:
        client: connected to the project and database of the installation.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._documents = client.collection("control_parts")
        self.reference = client.collection("control").document("sources")
        self.parts = ControlParts(self._fetch)

    def stored(self) -> StoredControl:
        """See ``DesiredStore.control``."""
        return read_again(self._stored)

    def _stored(self) -> StoredControl:
        with answering(_WHAT):
            document = self.reference.get()
        head = body_of(document)
        return StoredControl(self.parts.control(head), (document.update_time, head) if document.exists else None)

    def write(self, control: Control, version: Any) -> None:
        """See ``DesiredStore.write_control``; new parts are written before the record that names them."""
        known, before = version or (None, b"")
        encoded = self.parts.encoded(control, before)
        self._write_parts(encoded.parts)
        document = {"body": encoded.head.decode()}
        try:
            with answering(_WHAT), racing(_WHAT):
                if known is None:
                    self.reference.create(document)
                else:
                    self.reference.update(document, option=self._client.write_option(last_update_time=known))
        except Conflict:
            self._drop(encoded.parts)
            raise
        self.parts.written(encoded, control)
        self._drop(encoded.dropped)

    def _write_parts(self, parts: Mapping[str, bytes]) -> None:
        with answering(_WHAT):
            for some in batches(parts.items(), _BATCH):
                batch = self._client.batch()
                for name, body in some:
                    batch.create(self._documents.document(name), {"body": body.decode()})
                batch.commit()

    def _drop(self, names: Iterable[str]) -> None:
        """Delete unused parts; a part that is left does no harm."""
        with suppress(TransientError), answering(_WHAT):
            for name in names:
                self._documents.document(name).delete()

    def _fetch(self, names: Sequence[str]) -> dict[str, bytes]:
        """The existing parts by name."""
        with answering(_WHAT):
            documents = self._client.get_all([self._documents.document(name) for name in names])
            return {document.id: body_of(document) for document in documents if document.exists}
