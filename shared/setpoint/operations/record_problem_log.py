"""Problems of stored records: recorded by the reader that meets them, shown to people, and deleted after the repair."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from setpoint.errors import Conflict, CorruptState, TransientError
from setpoint.model.record_problem import RecordProblem, decode_problem, encode_problem, problem_id, recorded_again
from setpoint.ports.people import NoticeIndex, NoticeStore
from setpoint.util import telemetry

KIND = "problems"
"""The kind of the records; in Firestore a collection of this name."""
_ALL = "all"
_KEPT = timedelta(days=3)
"""How long a problem is kept after it was last met: a sweep or a report meets each within a day."""
_LIMIT = 200
"""Problems that one run notes at most."""


class RecordProblemLog:
    """The problems of stored records.

    Args:
        store: where they are stored, beside what was reported.
    """

    def __init__(self, store: NoticeStore) -> None:
        self._store = store

    def note(self, errors: Iterable[CorruptState], now: datetime) -> int:
        """Record the unreadable records; a record that cannot be noted now is noted by its next reader.

        Returns:
            How many records there are of which the name is known.
        """
        by_record = {error.record: error for error in errors if error.record}
        if by_record:
            telemetry.add("record_problems", len(by_record))
        for error in list(by_record.values())[:_LIMIT]:
            with suppress(TransientError):
                self._note(error, now)
        return len(by_record)

    def _note(self, error: CorruptState, now: datetime) -> None:
        stored = self._store.read(KIND, problem_id(error.record))
        before = decode_problem(stored.body) if stored is not None else None
        problem = recorded_again(before, error, now)
        if problem is None:
            return
        if before is None:
            telemetry.log_event("record_problem", "ERROR", record=error.record, reason=problem.reason)
        version = stored.version if stored is not None else None
        self._store.write(
            KIND, problem.id, encode_problem(problem), version, NoticeIndex(thread=_ALL, expires=now + _KEPT)
        )

    def listed(self, now: datetime) -> list[RecordProblem]:
        """The problems met within the last days, the oldest first."""
        decoded = (decode_problem(stored.body) for stored in self._store.of_thread(KIND, _ALL))
        problems = [problem for problem in decoded if problem is not None and problem.last_seen > now - _KEPT]
        return sorted(problems, key=lambda problem: (problem.first_seen, problem.record))

    def forget(self, record: str, now: datetime) -> None:
        """Delete the problem of a record that can be read again; a missing problem is not an error."""
        stored = self._store.read(KIND, problem_id(record))
        if stored is not None:
            with suppress(Conflict):
                self._store.write(KIND, stored.id, stored.body, stored.version, NoticeIndex(expires=now))
