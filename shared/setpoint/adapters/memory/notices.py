"""The records of alerting in the memory of one process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from setpoint.errors import Conflict
from setpoint.ports.people import NoticeIndex, StoredBody


class _Record(NamedTuple):
    body: bytes
    version: int
    filed: NoticeIndex


class MemoryNotices:
    """A ``NoticeStore`` that ends with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[tuple[str, str], _Record] = {}

    def read(self, kind: str, name: str) -> StoredBody | None:
        """See ``NoticeStore.read``."""
        record = self._records.get((kind, name))
        return StoredBody(name, record.body, record.version) if record is not None else None

    def write(self, kind: str, name: str, body: bytes, version: Any, filed: NoticeIndex) -> Any:
        """See ``NoticeStore.write``."""
        with self._lock:
            record = self._records.get((kind, name))
            if (record.version if record is not None else None) != version:
                raise Conflict(f"{kind} {name}: written by another process; read it again")
            now = (version or 0) + 1
            self._records[kind, name] = _Record(body, now, filed)
        return now

    def of_finding(self, kind: str, finding: str) -> Sequence[StoredBody]:
        """See ``NoticeStore.of_finding``."""
        return self._filed(kind, lambda filed: filed.finding == finding)

    def of_thread(self, kind: str, thread: str) -> Iterator[StoredBody]:
        """See ``NoticeStore.of_thread``."""
        return iter(self._filed(kind, lambda filed: filed.thread == thread))

    def due(self, kind: str, now: datetime) -> Iterator[StoredBody]:
        """See ``NoticeStore.due``."""
        with self._lock:
            due = sorted(
                (record.filed.due, name, record)
                for (of, name), record in self._records.items()
                if of == kind and record.filed.due is not None and record.filed.due <= now
            )
        return iter([StoredBody(name, record.body, record.version) for _, name, record in due])

    def forget(self, now: datetime) -> int:
        """See ``NoticeStore.forget``."""
        with self._lock:
            old = [
                key
                for key, record in self._records.items()
                if record.filed.expires is not None and record.filed.expires <= now
            ]
            for key in old:
                del self._records[key]
        return len(old)

    def _filed(self, kind: str, fits: Callable[[NoticeIndex], bool]) -> list[StoredBody]:
        with self._lock:
            matching = [
                (key[1], record) for key, record in self._records.items() if key[0] == kind and fits(record.filed)
            ]
        return [
            StoredBody(name, record.body, record.version) for name, record in sorted(matching, key=lambda pair: pair[0])
        ]
