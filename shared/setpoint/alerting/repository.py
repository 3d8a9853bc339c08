"""The records of what people were told, read and written by their kinds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from setpoint.alerting.model import AlertNotice, ChannelRateLimit, GroupWindow, Thread, decode_record, encode_record
from setpoint.model.alerting_config import Destination
from setpoint.ports.people import Filed, NoticeStore, StoredBody

KINDS = ("notices", "threads", "slots", "places")
"""The kinds of records; in Firestore a collection each."""
_NOTICES, _THREADS, _WINDOWS, _RATE_LIMITS = KINDS
_KEPT = timedelta(days=60)
"""How long a record is kept that nobody has written since."""


class StoredNotice(NamedTuple):
    """A notice with the store's mark of it; None where it was never written."""

    value: AlertNotice
    version: Any


class StoredThread(NamedTuple):
    """A thread with the store's mark of it; no value where it was never shown."""

    value: Thread | None
    version: Any


class StoredWindow(NamedTuple):
    """A window with the store's mark of it; no value where there was none yet."""

    value: GroupWindow | None
    version: Any


class NoticeRecords:
    """The records of what people were told.

    Args:
        store: where they are kept.
    """

    def __init__(self, store: NoticeStore) -> None:
        self._store = store

    def of_finding(self, finding: str) -> Sequence[StoredNotice]:
        """All notices of a finding, those of threads of long ago included."""
        return [_notice(record) for record in self._store.of_finding(_NOTICES, finding)]

    def of_thread(self, thread: str) -> Iterator[StoredNotice]:
        """The notices that a thread shows."""
        return map(_notice, self._store.of_thread(_NOTICES, thread))

    def due(self, now: datetime, most: int) -> Sequence[StoredNotice]:
        """Notices that are due, those that have waited longest first."""
        return [_notice(record) for record in self._store.due(_NOTICES, now, most)]

    def write_notice(self, notice: AlertNotice, version: Any, now: datetime) -> Any:
        """Write a notice in place of the one of ``version``; the version that it then has.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """
        filed = Filed(notice.key.id, notice.thread, notice.due, None if notice.is_new else now + _KEPT)
        return self._store.write(_NOTICES, notice.id, encode_record(notice), version, filed)

    def thread(self, name: str) -> StoredThread:
        """A thread."""
        return StoredThread(*_read(self._store.read(_THREADS, name), Thread))

    def write_thread(self, thread: Thread, version: Any, now: datetime) -> Any:
        """Write a thread in place of the one of ``version``; the version that it then has.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """
        return self._store.write(_THREADS, thread.id, encode_record(thread), version, Filed(expires=now + _KEPT))

    def window(self, name: str) -> StoredWindow:
        """A window."""
        return StoredWindow(*_read(self._store.read(_WINDOWS, name), GroupWindow))

    def write_window(self, name: str, window: GroupWindow, version: Any) -> None:
        """Write a window in place of the one of ``version``.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """
        self._store.write(_WINDOWS, name, encode_record(window), version, Filed(expires=window.closes_at + _KEPT))

    def rate_limit(self, to: Destination) -> tuple[ChannelRateLimit | None, Any]:
        """The rate limit of a destination, and the version of its record."""
        return _read(self._store.read(_RATE_LIMITS, _rate_limit_name(to)), ChannelRateLimit)

    def write_rate_limit(self, to: Destination, rate_limit: ChannelRateLimit, version: Any) -> None:
        """Write a rate limit in place of the one of ``version``.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """
        self._store.write(
            _RATE_LIMITS,
            _rate_limit_name(to),
            encode_record(rate_limit),
            version,
            Filed(expires=rate_limit.free_at + _KEPT),
        )

    def forget(self, now: datetime) -> int:
        """Delete records that were not written for long."""
        return self._store.forget(now)


def _rate_limit_name(to: Destination) -> str:
    return to.id.replace("/", "%2F")  # no id may have a slash in Firestore


def _notice(stored: StoredBody) -> StoredNotice:
    return StoredNotice(decode_record(stored.body, AlertNotice), stored.version)


def _read(stored: StoredBody | None, kind: type[Any]) -> tuple[Any, Any]:
    return (decode_record(stored.body, kind), stored.version) if stored is not None else (None, None)
