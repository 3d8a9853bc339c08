"""The records of alerting in Firestore.

Collections ``notices``, ``threads``, ``slots`` and ``places``, one document per record; ``expires`` is their TTL field.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from google.cloud.firestore import DELETE_FIELD, Client
from google.cloud.firestore_v1.base_query import FieldFilter

from setpoint.adapters.firestore.firestore_errors import answering, body_of, racing
from setpoint.ports.people import NoticeIndex, StoredBody

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentSnapshot, Query

_PAGE = 200
_BODY = ("body",)


class FirestoreNotices:
    """A ``NoticeStore`` in a Firestore database.

    Args:
        client: connected to the project and database of the installation.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def read(self, kind: str, name: str) -> StoredBody | None:
        """See ``NoticeStore.read``."""
        with answering(f"{kind} {name}"):
            document = self._client.collection(kind).document(name).get(field_paths=_BODY)
        return _stored(document) if document.exists else None

    def write(self, kind: str, name: str, body: bytes, version: Any, filed: NoticeIndex) -> Any:
        """See ``NoticeStore.write``; absent fields are not indexed."""
        fields = {field: value for field, value in filed._asdict().items() if value}
        document = {"body": body.decode(), **fields}
        reference, what = self._client.collection(kind).document(name), f"{kind} {name}"
        with answering(what), racing(what):
            if version is None:
                return reference.create(document).update_time
            absent = {field: DELETE_FIELD for field in filed._fields if field not in fields}
            return reference.update(
                document | absent, option=self._client.write_option(last_update_time=version)
            ).update_time

    def of_finding(self, kind: str, finding: str) -> Sequence[StoredBody]:
        """See ``NoticeStore.of_finding``."""
        query = self._client.collection(kind).where(filter=FieldFilter("finding", "==", finding))
        with answering(f"{kind} of {finding}"):
            return [_stored(document) for document in query.select(_BODY).stream()]

    def of_thread(self, kind: str, thread: str) -> Iterator[StoredBody]:
        """See ``NoticeStore.of_thread``."""
        query = self._client.collection(kind).where(filter=FieldFilter("thread", "==", thread)).order_by("__name__")
        return _paged(query.select(_BODY), f"{kind} of {thread}")

    def due(self, kind: str, now: datetime) -> Iterator[StoredBody]:
        """See ``NoticeStore.due``."""
        query = self._client.collection(kind).where(filter=FieldFilter("due", "<=", now)).order_by("due")
        return _paged(query.select((*_BODY, "due")), f"{kind} that are due")

    def forget(self, now: datetime) -> int:
        """See ``NoticeStore.forget``: Firestore does so by itself (https://cloud.google.com/firestore/docs/ttl)."""
        del now
        return 0


def _paged(query: Query, what: str) -> Iterator[StoredBody]:
    """The documents of a query, some at a time; it selects what it orders by."""
    last: DocumentSnapshot[Any] | None = None
    while True:
        page = query.limit(_PAGE)
        with answering(what):
            documents = list((page.start_after(last) if last is not None else page).stream())
        yield from map(_stored, documents)
        if len(documents) < _PAGE:
            return
        last = documents[-1]


def _stored(document: DocumentSnapshot[Any]) -> StoredBody:
    return StoredBody(document.id, body_of(document), document.update_time)
