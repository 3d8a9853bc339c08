"""List a shard: evaluate every asset, and store progress after each page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from setpoint.detection import batch, pipeline
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.errors import BadRequest, Conflict, CorruptState, PermanentError, ScopeDenied, TokenExpired
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.sources import rules_of
from setpoint.model.sweep_records import Shard, ShardPart, Status, known_at
from setpoint.operations.record_problem_log import RecordProblemLog
from setpoint.ports.services import Inventory, InventoryPage
from setpoint.ports.stores import StoredShard, SweepStore
from setpoint.sweep.auto_created_counts import AutoCreatedCounts
from setpoint.sweep.context import Sweeper
from setpoint.sweep.digest_set import digest_of, packed
from setpoint.util.external_sort import batches

_BATCH = 100
"""The number of assets that are evaluated with one read and one write."""


def list_shard(stored: StoredShard, sweeper: Sweeper, until: float) -> Shard | None:
    """List a shard from its stored progress to its end, or until time is up; it is then still ``open``.

    Args:
        stored: the record as it was read.
        sweeper: the ports and limits.
        until: clock time at which to stop; at least one page is read.

    Returns:
        The record as stored; None if another worker is ahead with the same shard.

    Raises:
        TransientError: resume later; progress is stored.
    """
    sweeper.projects.forget_unknown()  # the start of the sweep may have recorded new project ids
    sweeper.parents.forget()
    record = _ShardRecord(stored, sweeper.records)
    try:
        try:
            _read(record, sweeper, until)
        except TokenExpired:
            record.restart(sweeper.now())
            _read(record, sweeper, until)
    except _Overtaken:
        return None
    return record.shard


class _Overtaken(Exception):  # noqa: N818 - a signal, no error: the other worker continues
    """Another worker has written the record of the shard."""


class _ShardRecord:
    """The record of a shard, as this process last wrote it."""

    def __init__(self, stored: StoredShard, records: SweepStore) -> None:
        assert stored.value is not None  # noqa: S101 - callers check this; the assertion is for the type checker
        self.shard = stored.value
        self._version = stored.version
        self._records = records

    def write(self, shard: Shard, part: ShardPart | None = None) -> None:
        try:
            self._version = self._records.write_shard(shard, self._version, part).version
        except Conflict:
            raise _Overtaken from None
        self.shard = shard

    def restart(self, now: datetime) -> None:
        """Restart the listing; keys of listed pages stay recorded."""
        begun = replace(self.shard, page_token="", listed=0, outcomes={}, counts={}, created_by={}, claims=())
        self.write(replace(begun, updated_at=now))


def _read(record: _ShardRecord, sweeper: Sweeper, until: float) -> None:
    known: set[str] = set()
    for page in _pages(record, sweeper.inventory, sweeper.now):
        record.write(*_judge_page(page, record.shard, known, sweeper))
        sweeper.advance(len(page.observations))
        if record.shard.status != "open" or sweeper.clock() > until:
            break


def _pages(record: _ShardRecord, inventory: Inventory, clock: Callable[[], datetime]) -> Iterator[InventoryPage]:
    """The pages left to list; a denied or failed listing is written to the record."""
    shard = record.shard
    try:
        yield from inventory.pages(shard.scope, shard.content, shard.types, page_token=shard.page_token)
    except BadRequest as error:
        status: Status = "denied" if isinstance(error, ScopeDenied) else "failed"
        record.write(replace(record.shard, status=status, reason=str(error), updated_at=clock()))


def _judge_page(page: InventoryPage, shard: Shard, known: set[str], sweeper: Sweeper) -> tuple[Shard, ShardPart]:
    """Evaluate a page; return the new record and the keys of the page."""
    outcomes: Counter[Outcome] = Counter(shard.outcomes)
    counts: Counter[str] = Counter(shard.counts)
    unreported = AutoCreatedCounts(shard, rules_of(sweeper.store.control().value), sweeper.projects, sweeper.parents)
    seen: list[int] = []
    unchecked: list[int] = []
    projects: set[str] = set()
    places: set[str] = set()
    above_projects = shard.above_projects
    for observation, outcome in _judge(page.observations, known_at(page.read_at, sweeper.lag), sweeper.detection):
        outcomes[outcome] += 1
        counts[observation.asset_type] += 1
        above_projects = above_projects or not observation.project
        projects.update((observation.project, observation.project_number))
        places.update(ancestor for ancestor in observation.ancestors if not ancestor.startswith("projects/"))
        if outcome in ("undeclared", "settling"):
            unreported.add(observation, outcome)
        if outcome != "undeclared":
            digests = _digests(observation, sweeper.projects)
            seen += digests
            if outcome == "unreadable":
                unchecked += digests
    new = projects - known - {""}
    new_places = places - known
    known |= new | new_places
    done = replace(
        shard,
        updated_at=sweeper.now(),
        status="open" if page.next_token else "done",
        page_token=page.next_token,
        read_at=min(shard.read_at, page.read_at) if shard.read_at else page.read_at,
        listed=shard.listed + len(page.observations),
        outcomes=dict(outcomes),
        counts=dict(counts),
        created_by=dict(unreported.created_by),
        claims=unreported.claims,
        above_projects=above_projects,
        parts=shard.parts + 1,
    )
    return done, ShardPart(packed(seen), packed(unchecked), tuple(sorted(new)), tuple(sorted(new_places)))


def _digests(observation: Observation, projects: ProjectIdResolver) -> list[int]:
    """The digests of every key under which a listed resource may be declared."""
    others = projects.alternative_keys(projects.with_project_id(observation))
    return [digest_of(observation.key), *map(digest_of, others)]


def _judge(
    observed: Sequence[Observation], read_at: datetime, detection: Context
) -> Iterator[tuple[Observation, Outcome]]:
    """Evaluate listed assets, each as of its own update time; one that fails does not affect the others.

    Raises:
        TransientError: list the page again; progress is stored.
    """
    for some in batches(observed, _BATCH):
        results = batch.handle_many(some, detection)
        unread = [result for result in results if isinstance(result, CorruptState)]
        if unread:
            RecordProblemLog(detection.store.notices).note(unread, detection.clock())
        for observation, result in zip(some, results, strict=True):
            outcome = batch.outcome_of(result)
            yield observation, _judge_stale(read_at, observation, detection) if outcome == "stale" else outcome


def _judge_stale(read_at: datetime, observation: Observation, detection: Context) -> Outcome:
    """Evaluate a listed asset that is older than the stored state.

    The stored state may be later and still wrong: an earlier listing had dropped the resource, or two changes of the
    same time arrived in arbitrary order. Once the listing can no longer lag behind the stored state, it counts as of
    ``read_at``, and not later, so that a feed can still correct it.
    """
    try:
        state = pipeline.load(observation, detection.projects, detection.store.read).snapshot.state
        if state is None or state.observed_at >= read_at:
            return "stale"
        return pipeline.handle_observation(replace(observation, observed_at=read_at), detection)
    except PermanentError:
        return "unreadable"
