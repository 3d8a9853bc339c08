"""The daily snapshot: tables that are written to the warehouse in addition to the events.

A snapshot replaces the rows of its day, so that retries and repetitions leave no duplicates.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from setpoint.detection.declared_keys import declared_keys
from setpoint.detection.finding_events import begun
from setpoint.model.drift_origin import CommonChanges
from setpoint.model.resource_state import ResourceState
from setpoint.model.sources import desired_by
from setpoint.operations.record_problem_log import RecordProblemLog
from setpoint.ports.services import Warehouse
from setpoint.ports.stores import Problems, Store, readable_sweeps
from setpoint.reporting.rows import CoverageCounter, SnapshotTime, WeeklyDigest, finding_row, sweep_row
from setpoint.reporting.tables import COVERAGE_SNAPSHOT, DIGESTS, FINDINGS_SNAPSHOT, SWEEPS_SNAPSHOT
from setpoint.sweep.digest_set import DigestSet, digest_of
from setpoint.util import telemetry
from setpoint.util.clock import utc_now
from setpoint.util.external_sort import batches

_BATCH = 200
"""Number of declaration records in one read."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Reporter:
    """The ports of reporting.

    Args:
        store: findings, declarations and sweeps.
        warehouse: stores the rows.
        clock: gives the current time.
    """

    store: Store
    warehouse: Warehouse
    clock: Callable[[], datetime] = utc_now


def report(day: date, run: str, reporter: Reporter) -> dict[str, int]:
    """Write the snapshots of a day and the digest of the week before it.

    Args:
        day: the day, in UTC.
        run: the name of the attempt: the same for a retry, another to write the day again.
        reporter: the ports of reporting.

    Returns:
        The number of rows of the day in each table.

    Raises:
        PermanentError: a table refuses its rows; fix the cause first. A record that cannot be read is skipped and
            logged.
        TransientError: the store or the warehouse is unavailable; try again.
    """
    taken = SnapshotTime(day, reporter.clock())
    digest, checked = WeeklyDigest(taken), array("Q")
    problems: Problems = []

    def put(table: str, rows: Iterable[msgspec.Struct]) -> int:
        return reporter.warehouse.replace_day(table, day, map(_encode, rows), run)

    common = _common_changes(reporter.store)
    states = reporter.store.states(problems=problems)
    findings = put(FINDINGS_SNAPSHOT, _findings(states, taken, digest, checked, common))
    for problem in problems:
        telemetry.log_event("unreadable", "ERROR", reason=str(problem))
    RecordProblemLog(reporter.store.notices).note(problems, reporter.clock())
    coverage = put(COVERAGE_SNAPSHOT, _coverage(reporter.store, DigestSet(checked)).rows(taken))
    sweeps = readable_sweeps(reporter.store.sweeps)
    return {
        FINDINGS_SNAPSHOT: findings,
        COVERAGE_SNAPSHOT: coverage,
        SWEEPS_SNAPSHOT: put(SWEEPS_SNAPSHOT, [sweep_row(sweep, taken) for sweep in sweeps]),
        DIGESTS: put(DIGESTS, digest.rows()),
    }


def _common_changes(store: Store) -> CommonChanges:
    """The changes that many projects have in common, from the records with a finding."""
    common = CommonChanges()
    unreadable: Problems = []  # the pass over all records logs them
    for state in store.states(drifted=True, problems=unreadable):
        if state.finding is not None:
            common.add(begun(state))
    return common


def _findings(
    states: Iterable[ResourceState],
    taken: SnapshotTime,
    digest: WeeklyDigest,
    checked: array[int],
    common: CommonChanges,
) -> Iterator[msgspec.Struct]:
    """The rows of findings; the same pass over the records counts what the other tables need."""
    for state in states:
        if state.judged_by:
            checked.append(digest_of(state.key))
        digest.add(state)
        row = finding_row(state, taken, common)
        if row is not None:
            yield row


def _coverage(store: Store, checked: DigestSet) -> CoverageCounter:
    """Count declarations in the order of keys; only a few hundred are in memory at a time."""
    coverage, control = CoverageCounter(), store.control().value
    for keys in batches(declared_keys(store), _BATCH):
        for key, stored in store.records(keys).items():
            desired = desired_by(stored.value, control)
            if desired is not None:
                coverage.add(key, desired, is_checked=digest_of(key) in checked)
    return coverage
