"""Conclude a sweep: evaluate resources that it did not list, and count its results.

A resource that is declared or has drifted and was not listed counts as deleted only if the listing is conclusive: its
project was listed in the scope, by a completed shard of its type, and nothing newer shows that it exists. Otherwise its
state is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from setpoint.catalog.inventory_names import is_computable
from setpoint.detection import batch
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.errors import Conflict, PermanentError
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import WHOLE, Content, ResourceKey, project_of, segment_after
from setpoint.model.resource_state import ResourceState
from setpoint.model.sharding import is_plain, matches
from setpoint.model.sources import Control, visible
from setpoint.model.sweep_records import Shard, Summary, Sweep, known_at
from setpoint.operations.record_problem_log import RecordProblemLog
from setpoint.ports.stores import DesiredStore, Problems, StateStore, Store, SweepStore
from setpoint.sweep.auto_created_counts import together
from setpoint.sweep.context import Sweeper
from setpoint.sweep.digest_set import DigestSet, Marks, digest_of, unpacked
from setpoint.util.clock import NEVER
from setpoint.util.external_sort import batches

_BATCH = 100
"""Records read together."""


def conclude(sweep: Sweep, sweeper: Sweeper, until: float) -> Summary | None:
    """Evaluate resources that were not listed, and count the results.

    Repeating it is harmless and fast: resources that were evaluated before are known to be deleted.

    Args:
        sweep: the record; all its shards have ended.
        sweeper: the ports and limits.
        until: clock time at which to stop.

    Returns:
        The summary; None if the time was up before the end.

    Raises:
        Conflict: another worker has ended this sweep.
        TransientError: the store is unavailable; try again.
    """
    listing = _Listing(sweep, sweeper.records, sweeper.projects)
    if sweeper.records.sweep(sweep.name).value != sweep:
        raise Conflict(f"sweep {sweep.name}: another worker ended it and dropped the records of its shards")
    counters = _Counters(_Declared(listing.seen))
    control = sweeper.store.control().value
    for keys in batches(_missing(control, listing, counters, sweeper.store), _BATCH):
        if sweeper.clock() > until:
            return None
        _judge(list(_missing_resources(keys, sweep, control, sweeper.store)), listing, counters, sweeper)
    for states in batches(_undeclared_drift(sweep, listing, counters, sweeper.store, sweeper.now()), _BATCH):
        if sweeper.clock() > until:
            return None
        _judge(
            [_MissingResource(state.key, state.asset_type, _project_of(state, sweeper.store)) for state in states],
            listing,
            counters,
            sweeper,
        )
    return _summary(listing, counters, sweeper.now())


class _MissingResource(NamedTuple):
    """A resource that was not listed.

    Args:
        key: the resource and content.
        asset_type: its type.
        project: id or number of its project, or empty where unknown.
        declaration: its declaration; None where only a finding is known.
        known: whether it was declared when the sweep began.
    """

    key: ResourceKey
    asset_type: str
    project: str
    declaration: Declaration | None = None
    known: bool = True


class _Declared:
    """The digests of declared keys: listed ones are marked in the listing's set, only the others are stored."""

    def __init__(self, seen: DigestSet) -> None:
        self.seen = Marks(seen)
        self._others: set[int] = set()

    def add(self, digest: int) -> bool:
        """Add a digest; True where it was not listed and is added for the first time."""
        if self.seen.mark(digest) or digest in self._others:
            return False
        self._others.add(digest)
        return True

    def __contains__(self, digest: int) -> bool:
        return digest in self.seen or digest in self._others

    def __len__(self) -> int:
        return len(self.seen) + len(self._others)


class _Counters:
    """Counters of a conclusion."""

    def __init__(self, declared: _Declared) -> None:
        self.declared = declared
        self.not_asked = 0
        self.gone = 0
        self.gone_drifted = 0
        self.unknown = 0
        self.unknown_of: Counter[str] = Counter()
        self.pending = 0
        self.seen_drifted = 0
        self.outcomes: Counter[Outcome] = Counter()

    def add_unknown(self, resource: _MissingResource) -> None:
        """Count a resource whose state cannot be determined, if it is declared."""
        if resource.declaration is not None:
            self.unknown += 1
            self.unknown_of[f"{resource.key.content} of {resource.asset_type}"] += 1


class _ScopeProjects:
    """The projects that the shards of one scope have listed, whatever content they listed.

    A project may have resources and no policy of its own.
    """

    def __init__(self, shards: Iterable[Shard], records: SweepStore, projects: ProjectIdResolver) -> None:
        done = [shard for shard in shards if shard.status == "done"]
        self.above_projects = any(shard.above_projects for shard in done)
        self.projects = {
            name for shard in done for part in records.parts(shard.run, shard.number) for name in part.projects
        }
        self._names = projects

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of projects that were listed by number."""
        return frozenset(self._names.id_of(project) for project in self.projects if project.isdigit()) - {""}


class _ScopeListing:
    """What the completed shards of one scope and content have listed."""

    def __init__(self, shards: Iterable[Shard], scope_projects: _ScopeProjects) -> None:
        self._shards = [shard for shard in shards if shard.status == "done"]
        self._projects_of_scope = scope_projects

    def covers(self, asset_type: str) -> bool:
        """Whether all assets of a type were listed."""
        return any(shard.covers(asset_type) for shard in self._shards)

    def has(self, resource: _MissingResource) -> bool:
        """Whether the project of a resource was listed; above projects, any other resource there."""
        if not resource.project:
            above = (
                segment_after(resource.key.name, collection)
                for collection in ("organizations", "folders", "accessPolicies")
            )
            return self._projects_of_scope.above_projects and any(above)
        return resource.project in self._projects_of_scope.projects or resource.project in self._projects_of_scope.ids


class _Listing:
    """What all shards have listed; of resources only those that may be declared, to bound memory."""

    def __init__(self, sweep: Sweep, records: SweepStore, projects: ProjectIdResolver) -> None:
        self.sweep = sweep
        self.shards = [shard.value for shard in records.shards(sweep.run) if shard.value is not None]
        if len(self.shards) != sweep.shards:
            raise Conflict(f"sweep {sweep.name}: the records of its shards are gone; run the sweep again")
        self.seen = DigestSet(_collected(self.shards, records, "seen"))
        self.unchecked = DigestSet(_collected(self.shards, records, "unchecked"))
        self.read_at = {content: self._read_at(content) for content in sweep.start.contents}
        self._types = {
            content: {kind for shard in self.shards if _done(shard, content) for kind in shard.counts}
            for content in sweep.start.contents
        }
        self._named = frozenset(type_ for type_ in sweep.start.types if is_plain(type_))
        projects_by_scope = {
            scope: _ScopeProjects((shard for shard in self.shards if shard.scope == scope), records, projects)
            for scope in sweep.start.scopes
        }
        self._scopes = {
            content: [
                _ScopeListing(
                    (shard for shard in self.shards if (shard.content, shard.scope) == (content, scope)), scope_projects
                )
                for scope, scope_projects in projects_by_scope.items()
            ]
            for content in sweep.start.contents
        }

    def _read_at(self, content: Content) -> datetime | None:
        times = [shard.read_at for shard in self.shards if _done(shard, content) and shard.read_at]
        return min(times) if times else None

    def would_list(self, resource: _MissingResource) -> bool:
        """Whether the listing would have shown a resource if it existed.

        A type of which nothing was listed may be unknown to the inventory, unless it was requested by name.
        A resource whose project is unknown cannot be judged.
        """
        content, kind = resource.key.content, resource.asset_type
        if not resource.known or (kind not in self._types[content] and kind not in self._named):
            return False
        return any(scope.covers(kind) and scope.has(resource) for scope in self._scopes[content])


def _done(shard: Shard, content: Content) -> bool:
    return shard.content == content and shard.status == "done"


def _collected(shards: Iterable[Shard], records: SweepStore, field: str) -> Iterator[int]:
    """Digests of all parts, including those of shards that did not complete: what they listed exists."""
    for shard in shards:
        parts = 0
        for part in records.parts(shard.run, shard.number):
            yield from unpacked(getattr(part, field))
            parts += 1
        if parts < shard.parts:
            raise Conflict(f"{shard.label}: its records are gone; run the sweep again")


def _missing(control: Control, listing: _Listing, counters: _Counters, desired: DesiredStore) -> Iterator[ResourceKey]:
    """The keys that any source declares and the sweep did not list, each once; every declared key is counted."""
    contents = listing.sweep.start.contents
    for source, state in control.sources.items():
        for key, _ in desired.manifest(source, state.generation):
            if key.content in contents and counters.declared.add(digest_of(key)):
                yield key


def _missing_resources(
    keys: Sequence[ResourceKey], sweep: Sweep, control: Control, desired: DesiredStore
) -> Iterator[_MissingResource]:
    """The declarations of keys; one made after the sweep began may have been listed before."""
    for key, record in desired.records(keys).items():
        versions = visible(record.value, control).values()
        for version in versions:
            declaration = version.declarations[0]  # where there are several, any
            known = any(version.generation <= sweep.sources.get(version.source, 0) for version in versions)
            project = declaration.project or project_of(key.name)
            yield _MissingResource(key, declaration.asset_type, project, declaration, known)
            break


def _undeclared_drift(
    sweep: Sweep, listing: _Listing, counters: _Counters, store: Store, now: datetime
) -> list[ResourceState]:
    """Drifted resources neither declared nor listed; findings of declared and listed resources are counted."""
    missing: dict[int, ResourceState] = {}
    declared = counters.declared
    problems: Problems = []
    for state in _drifted(store, problems):
        if state.key.content not in sweep.start.contents:
            continue
        digest = digest_of(state.key)
        if digest not in listing.seen and digest not in declared:
            missing[digest] = state
        elif digest in listing.seen and _is_drifted(state):
            counters.seen_drifted += digest in declared.seen and digest not in listing.unchecked
    RecordProblemLog(store.notices).note(problems, now)
    return list(missing.values())


def _drifted(store: Store, problems: Problems) -> Iterator[ResourceState]:
    """Every state that differs: with an open finding, within its grace period, or suppressed by a rule."""
    for state in store.states(drifted=True, problems=problems):
        if state.finding is not None and state.finding.status != "resolved":
            yield state
    for keys in batches(list(store.due(NEVER, problems)), _BATCH):
        yield from (state for state in _states(keys, store).values() if state.settling is not None)
    suppressed = store.suppressed(problems)
    yield from (state for state in suppressed if state.finding is None or state.finding.status == "resolved")


def _project_of(state: ResourceState, store: StateStore) -> str:
    """Project id or number of a drifted resource: from its finding, its name or its last observation."""
    project = state.finding.project if state.finding is not None else project_of(state.key.name)
    if project:
        return project
    last = store.last_observation(state.key)
    return last.project if last is not None else ""


def _judge(missing: Sequence[_MissingResource], listing: _Listing, counters: _Counters, sweeper: Sweeper) -> None:
    """Evaluate resources that were not listed; one created during the sweep may be missing from the listing."""
    absences: list[tuple[_MissingResource, datetime]] = []
    for resource in missing:
        is_declared = resource.declaration is not None
        read_at = listing.read_at[resource.key.content]
        if not matches(listing.sweep.start.types, resource.asset_type):
            counters.not_asked += is_declared
        elif read_at is None or not listing.would_list(resource):
            counters.add_unknown(resource)
        else:
            absences.append((resource, known_at(read_at, sweeper.lag)))
    absences, pending = _conclusive(absences, sweeper.store)
    counters.unknown += pending
    counters.pending += pending
    for resource, outcome, is_drifted in _outcomes(absences, sweeper.detection):
        is_declared = resource.declaration is not None
        if outcome in ("stale", "unreadable"):
            counters.add_unknown(resource)
        else:
            counters.outcomes[outcome] += 1
            counters.gone += is_declared
            counters.gone_drifted += is_declared and is_drifted


def _conclusive(
    absences: Sequence[tuple[_MissingResource, datetime]], store: Store
) -> tuple[list[tuple[_MissingResource, datetime]], int]:
    """The absences of resources that cannot be listed by another name, and how many others there are.

    Where the inventory's name cannot be computed from the declared one, a resource that was never observed is pending:
    it may be listed by a number or id that is not bound to it yet.
    """
    doubtful = [
        resource.key
        for resource, _ in absences
        if resource.declaration is not None and not is_computable(resource.asset_type, resource.key.name)
    ]
    if not doubtful:
        return list(absences), 0
    seen = _states(doubtful, store)
    pending = {key for key in doubtful if key not in seen}
    return [absence for absence in absences if absence[0].key not in pending], len(pending)


def _outcomes(
    absences: Sequence[tuple[_MissingResource, datetime]], detection: Context
) -> Iterator[tuple[_MissingResource, Outcome, bool]]:
    """Outcomes of absences as of a time, and whether each is then visible drift.

    A resource already known to be deleted is ``repeated``, also where a feed reported it since.
    """
    before = _states([resource.key for resource, _ in absences], detection.store)
    new = [
        (resource, absent_at) for resource, absent_at in absences if not _is_gone(before.get(resource.key), absent_at)
    ]
    last = detection.store.last_observations([resource.key for resource, _ in new])
    absent = [_absent(resource, last.get(resource.key), absent_at) for resource, absent_at in new]
    results = dict(zip((resource.key for resource, _ in new), batch.handle_many(absent, detection), strict=True))
    after = before | _states(list(results), detection.store)
    for resource, absent_at in absences:
        outcome, state = batch.outcome_of(results.get(resource.key, "repeated")), after.get(resource.key)
        if outcome == "stale" and _is_gone(state, absent_at):
            outcome = "repeated"
        yield resource, outcome, state is not None and _is_drifted(state)


def _states(keys: Sequence[ResourceKey], store: Store) -> dict[ResourceKey, ResourceState]:
    """The readable states of resources."""
    try:
        snapshots = store.read_many(keys) if keys else {}
    except PermanentError:
        snapshots = {}
        for key in keys:
            with suppress(PermanentError):
                snapshots[key] = store.read(key)
    return {key: snapshot.state for key, snapshot in snapshots.items() if snapshot.state is not None}


def _is_gone(state: ResourceState | None, time: datetime) -> bool:
    """Whether a resource is known to have been deleted at a time, or later."""
    return state is not None and state.deleted and state.observed_at >= time


def _is_drifted(state: ResourceState) -> bool:
    """Whether a state has visible drift: not within its grace period and not suppressed."""
    return state.finding is not None and state.finding.status != "resolved" and state.settling is None


def _absent(resource: _MissingResource, last: Observation | None, absent_at: datetime) -> Observation:
    """The observation of a content that was not listed: a deleted resource, or an empty policy.

    Location and last content are those of the last observation.
    """
    content, project = resource.key.content, resource.project
    ancestors = last.ancestors if last is not None else ()
    if not ancestors and project.isdigit():
        ancestors = (f"projects/{project}",)
    return Observation(
        resource.key,
        resource.asset_type,
        absent_at,
        deleted=content in WHOLE,
        data=(last and last.data) if content in WHOLE else {} if content == "iam_policy" else [],
        ancestors=ancestors,
        project_id=last.project_id if last is not None else "",
    )


def _created_by(shards: Iterable[Shard]) -> dict[str, int]:
    made: Counter[str] = Counter()
    for shard in shards:
        made.update(shard.created_by)
    return dict(made)


def _summary(listing: _Listing, counters: _Counters, now: datetime) -> Summary:
    outcomes = counters.outcomes
    for shard in listing.shards:
        outcomes.update(shard.outcomes)
    seen = len(counters.declared.seen)
    unchecked = sum(digest in counters.declared for digest in listing.unchecked)
    return Summary(
        ended_at=now,
        listed=sum(shard.listed for shard in listing.shards),
        outcomes=outcomes,
        declared=len(counters.declared) - counters.not_asked,
        seen=seen,
        in_sync=seen - unchecked - counters.seen_drifted + counters.gone - counters.gone_drifted,
        drifted=counters.seen_drifted + counters.gone_drifted,
        unchecked=unchecked,
        unknown=counters.unknown,
        unknown_of=dict(counters.unknown_of),
        pending=counters.pending,
        deleted=counters.gone,
        created_by=_created_by(listing.shards),
        denied={shard.scope: shard.reason for shard in listing.shards if shard.status == "denied"},
        unreported=together(listing.shards),
        failed={shard.label: shard.reason for shard in listing.shards if shard.status in ("failed", "lost")},
    )
