"""Typed access to the records of alerting in the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from setpoint.alerting.model import AlertNotice, ChannelRateLimit, GroupWindow, Thread, decode_record, encode_record
from setpoint.model.alerting_config import Destination
from setpoint.ports.people import Filed, NoticeStore, StoredBody

KINDS = ("notices", "threads", "slots", "places")
"""The kinds of records; each is a collection in Firestore."""
_NOTICES, _THREADS, _WINDOWS, _RATE_LIMITS = KINDS
_KEPT = timedelta(days=60)
"""How long a record is kept after its last write."""


class StoredNotice(NamedTuple):
    """A notice with the version of its record; None where it was never written."""

    value: AlertNotice
    version: Any


class StoredThread(NamedTuple):
    """A thread with the version of its record; no value where it was never shown."""

    value: Thread | None
    version: Any


class StoredWindow(NamedTuple):
    """A window with the version of its record; no value where it was never opened."""

    value: GroupWindow | None
    version: Any


class NoticeRecords:
    """The records of alerting.

    Args:
        store: holds them.
    """

    def __init__(self, store: NoticeStore) -> None:
        self._store = store

    def of_finding(self, finding: str) -> Sequence[StoredNotice]:
        """All notices of a finding, those of earlier threads included."""
        return [_notice(record) for record in self._store.of_finding(_NOTICES, finding)]

    def of_thread(self, thread: str) -> Iterator[StoredNotice]:
        """The notices that a thread shows."""
        return map(_notice, self._store.of_thread(_NOTICES, thread))

    def due(self, now: datetime, most: int) -> Sequence[StoredNotice]:
        """Notices that are due, those that have waited longest first."""
        return [_notice(record) for record in self._store.due(_NOTICES, now, most)]

    def write_notice(self, notice: AlertNotice, version: Any, now: datetime) -> Any:
        """Replace the notice of ``version``; the new version.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """
        filed = Filed(notice.key.id, notice.thread, notice.due, None if notice.is_new else now + _KEPT)
        return self._store.write(_NOTICES, notice.id, encode_record(notice), version, filed)

    def thread(self, name: str) -> StoredThread:
        """A thread."""
        return StoredThread(*_read(self._store.read(_THREADS, name), Thread))

    def write_thread(self, thread: Thread, version: Any, now: datetime) -> Any:
        """Replace the thread of ``version``; the new version.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """
        return self._store.write(_THREADS, thread.id, encode_record(thread), version, Filed(expires=now + _KEPT))

    def window(self, name: str) -> StoredWindow:
        """A window."""
        return StoredWindow(*_read(self._store.read(_WINDOWS, name), GroupWindow))

    def write_window(self, name: str, window: GroupWindow, version: Any) -> None:
        """Replace the window of ``version``.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """
        self._store.write(_WINDOWS, name, encode_record(window), version, Filed(expires=window.closes_at + _KEPT))

    def rate_limit(self, to: Destination) -> tuple[ChannelRateLimit | None, Any]:
        """The rate limit of a destination, and the version of its record."""
        return _read(self._store.read(_RATE_LIMITS, _rate_limit_name(to)), ChannelRateLimit)

    def write_rate_limit(self, to: Destination, rate_limit: ChannelRateLimit, version: Any) -> None:
        """Replace the rate limit of ``version``.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """
        self._store.write(
            _RATE_LIMITS,
            _rate_limit_name(to),
            encode_record(rate_limit),
            version,
            Filed(expires=rate_limit.free_at + _KEPT),
        )

    def forget(self, now: datetime) -> int:
        """Delete records that have expired."""
        return self._store.forget(now)


def _rate_limit_name(to: Destination) -> str:
    return to.id.replace("/", "%2F")  # no id may have a slash in Firestore


def _notice(stored: StoredBody) -> StoredNotice:
    return StoredNotice(decode_record(stored.body, AlertNotice), stored.version)


def _read(stored: StoredBody | None, kind: type[Any]) -> tuple[Any, Any]:
    return (decode_record(stored.body, kind), stored.version) if stored is not None else (None, None)
