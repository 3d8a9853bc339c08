"""Typed access to the records of alerting in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from setpoint.alerting.model import (
    AlertNotice,
    AlertRecord,
    ChannelRateLimit,
    GroupWindow,
    Thread,
    decode_record,
    encode_record,
)
from setpoint.errors import Conflict, CorruptState, NewerRecord
from setpoint.model.alerting_config import Destination
from setpoint.model.newer_fields import Revision
from setpoint.operations.record_problem_log import RecordProblemLog
from setpoint.ports.people import NoticeIndex, NoticeStore, StoredBody
from setpoint.util.clock import utc_now
from setpoint.util.quotas import FIRESTORE_ID, cut_distinct

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
    """The records of alerting; one that cannot be read is noted as a problem and keeps back no other.

    A damaged record is made again by the next writer of its finding. One of a newer version is left alone.

    Args:
        store: where they are kept.
        clock: the current time.
    """

    def __init__(self, store: NoticeStore, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._problems = RecordProblemLog(store)

    def of_finding(self, finding: str) -> Sequence[StoredNotice]:
        """All notices of a finding, those of earlier threads included."""
        return list(self._readable(self._store.of_finding(_NOTICES, finding)))

    def of_thread(self, thread: str) -> Iterator[StoredNotice]:
        """The notices that a thread shows."""
        return self._readable(self._store.of_thread(_NOTICES, thread))

    def due(self, now: datetime) -> Iterator[StoredNotice]:
        """Notices that are due, those that have waited longest first; a damaged one is not due again.

        They are read as they are taken: one that becomes due meanwhile may be left out.
        """
        return self._readable(self._store.due(_NOTICES, now), is_due=True)

    def _readable(self, stored: Iterable[StoredBody], *, is_due: bool = False) -> Iterator[StoredNotice]:
        for record in stored:
            try:
                notice = decode_record(record.body, AlertNotice, f"{_NOTICES}/{record.id}")
                yield StoredNotice(notice, Revision(record.version, record.body))
            except CorruptState as error:
                self._problems.note((error,), self._clock())
                if is_due and not isinstance(error, NewerRecord):
                    self._set_aside(record)

    def _set_aside(self, record: StoredBody) -> None:
        """Exclude a damaged notice from later reads; the next event of its finding writes it again."""
        with suppress(Conflict):
            self._store.write(
                _NOTICES, record.id, record.body, record.version, NoticeIndex(expires=self._clock() + _KEPT)
            )

    def write_notice(self, notice: AlertNotice, version: Any, now: datetime) -> Any:
        """Replace the notice of ``version``; the new version.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """
        filed = NoticeIndex(notice.key.id, notice.thread, notice.due, None if notice.is_new else now + _KEPT)
        try:
            return self._write(_NOTICES, notice.id, notice, version, filed)
        except Conflict:
            damaged = self._damaged(notice.id) if version is None else None
            if damaged is None:
                raise
            return self._write(_NOTICES, notice.id, notice, Revision(damaged.version, damaged.body), filed)

    def _write(
        self, kind: str, name: str, value: AlertRecord, revision: Revision | None, filed: NoticeIndex
    ) -> Revision:
        """Replace a record, and keep what a newer version has stored in it."""
        version, before = revision or Revision(None, b"")
        body = encode_record(value, before)
        return Revision(self._store.write(kind, name, body, version, filed), body)

    def keep_notice(self, notice: AlertNotice, version: Any, now: datetime) -> None:
        """Replace the notice of ``version``; leave the stored one where another process has written it since."""
        with suppress(Conflict):
            self.write_notice(notice, version, now)

    def _damaged(self, name: str) -> StoredBody | None:
        """A notice that cannot be read; None where it can be.

        Raises:
            NewerRecord: a newer version wrote it.
        """
        stored = self._store.read(_NOTICES, name)
        if stored is None:
            return None
        try:
            decode_record(stored.body, AlertNotice, f"{_NOTICES}/{name}")
        except NewerRecord:
            raise
        except CorruptState:
            return stored
        return None

    def thread(self, name: str) -> StoredThread:
        """A thread."""
        return StoredThread(*self._read(_THREADS, name, Thread))

    def write_thread(self, thread: Thread, version: Any, now: datetime) -> Any:
        """Replace the thread of ``version``; the new version.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """
        return self._write(_THREADS, thread.id, thread, version, NoticeIndex(expires=now + _KEPT))

    def window(self, name: str) -> StoredWindow:
        """A window."""
        return StoredWindow(*self._read(_WINDOWS, name, GroupWindow))

    def write_window(self, name: str, window: GroupWindow, version: Any) -> None:
        """Replace the window of ``version``.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """
        self._write(_WINDOWS, name, window, version, NoticeIndex(expires=window.closes_at + _KEPT))

    def rate_limit(self, to: Destination) -> tuple[ChannelRateLimit | None, Any]:
        """The rate limit of a destination, and the version of its record."""
        value, version = self._read(_RATE_LIMITS, _rate_limit_name(to), ChannelRateLimit)
        return value, version

    def write_rate_limit(self, to: Destination, rate_limit: ChannelRateLimit, version: Any) -> None:
        """Replace the rate limit of ``version``.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """
        filed = NoticeIndex(expires=rate_limit.free_at + _KEPT)
        self._write(_RATE_LIMITS, _rate_limit_name(to), rate_limit, version, filed)

    def _read(self, kind: str, name: str, form: type[Any]) -> tuple[Any, Any]:
        """A record and its version; of a damaged one the version alone, so that it is written again.

        Raises:
            NewerRecord: a newer version wrote it.
        """
        stored = self._store.read(kind, name)
        if stored is None:
            return None, None
        try:
            return decode_record(stored.body, form, f"{kind}/{name}"), Revision(stored.version, stored.body)
        except CorruptState as error:
            self._problems.note((error,), self._clock())
            if isinstance(error, NewerRecord):
                raise
            return None, Revision(stored.version, stored.body)

    def forget(self, now: datetime) -> int:
        """Delete records that have expired."""
        return self._store.forget(now)


def _rate_limit_name(to: Destination) -> str:
    return cut_distinct(to.id.replace("/", "%2F"), FIRESTORE_ID)  # no id may have a slash in Firestore
