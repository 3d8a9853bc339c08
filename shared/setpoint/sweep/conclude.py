"""The end of a sweep: what it has not shown, and what it has found in all.

What is declared, or has drifted, and was not seen is gone, as far as that can be known: in a scope that has
shown its project, by a shard of its type that was listed to its end, and not known to be there since. Of anything else
the sweep can tell nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

from setpoint.detection import batch
from setpoint.detection.project_ids import Projects
from setpoint.errors import Conflict, PermanentError
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import WHOLE, Content, ResourceKey, project_of, segment_after
from setpoint.model.resource_state import ResourceState
from setpoint.model.sharding import is_plain, matches
from setpoint.model.sources import Control, visible
from setpoint.model.sweep_records import Shard, Summary, Sweep, known_at
from setpoint.ports.stores import Store, SweepStore
from setpoint.sweep.context import Sweeper
from setpoint.sweep.digest_set import Digests, Marks, digest_of, unpacked
from setpoint.util.external_sort import batches

_NEVER = datetime.max.replace(tzinfo=UTC)
_AT_ONCE = 100
"""Records that are read together."""


def conclude(sweep: Sweep, sweeper: Sweeper, until: float) -> Summary | None:
    """Judge what was not seen, and count what the sweep has found.

    To do it again does no harm, and takes little time for what is judged already: it is known to be gone.

    Args:
        sweep: the record; all its shards have come to an end.
        sweeper: what sweeps work with.
        until: by the clock, when to stop.

    Returns:
        What the sweep has found; None where time was over before the end.

    Raises:
        Conflict: somebody else has ended this sweep already.
        TransientError: do it again later.
    """
    shown = _Shown(sweep, sweeper)
    if sweeper.records.sweep(sweep.name).value != sweep:
        raise Conflict(f"sweep {sweep.name}: it was ended by somebody else; what its shards have shown is not there")
    tally = _Tally(_Declared(shown.seen))
    control = sweeper.deps.store.control().value
    for keys in batches(_missing(control, shown, tally, sweeper), _AT_ONCE):
        if sweeper.clock() > until:
            return None
        _judge(list(_things(keys, sweep, control, sweeper)), shown, tally, sweeper)
    for states in batches(_adrift(sweep, shown, tally, sweeper), _AT_ONCE):
        if sweeper.clock() > until:
            return None
        _judge(
            [_MissingResource(state.key, state.asset_type, _project_of(state, sweeper)) for state in states],
            shown,
            tally,
            sweeper,
        )
    return _summary(shown, tally, sweeper.now())


class _MissingResource(NamedTuple):
    """What the listing has not shown.

    Args:
        key: the resource and content.
        asset_type: its type.
        project: id or number of its project, where anybody tells it.
        declaration: what is declared of it; None where only a finding is known.
        known: whether it was declared when the sweep began.
    """

    key: ResourceKey
    asset_type: str
    project: str
    declaration: Declaration | None = None
    known: bool = True


class _Declared:
    """The digests of what is declared: what was seen too is marked there, and only the others are held."""

    def __init__(self, seen: Digests) -> None:
        self.seen = Marks(seen)
        self._others: set[int] = set()

    def add(self, digest: int) -> bool:
        """Note one; True where it was not seen, and this is the first time that it is said."""
        if self.seen.mark(digest) or digest in self._others:
            return False
        self._others.add(digest)
        return True

    def __contains__(self, digest: int) -> bool:
        return digest in self.seen or digest in self._others

    def __len__(self) -> int:
        return len(self.seen) + len(self._others)


class _Tally:
    """What is counted on the way."""

    def __init__(self, declared: _Declared) -> None:
        self.declared = declared
        self.not_asked = 0
        self.gone = 0
        self.gone_drifted = 0
        self.unknown = 0
        self.seen_drifted = 0
        self.outcomes: Counter[Outcome] = Counter()


class _Place:
    """What the shards of one scope have shown to be in it, whatever content they listed.

    A project may have resources, and no policy of its own.
    """

    def __init__(self, shards: Iterable[Shard], records: SweepStore, projects: Projects) -> None:
        done = [shard for shard in shards if shard.status == "done"]
        self.above_projects = any(one.above_projects for one in done)
        self.projects = {name for one in done for part in records.parts(one.run, one.number) for name in part.projects}
        self._names = projects

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of projects of which only the number was shown."""
        return frozenset(self._names.id_of(project) for project in self.projects if project.isdigit()) - {""}


class _ScopeShown:
    """What the shards of one scope and content have listed to their end."""

    def __init__(self, shards: Iterable[Shard], place: _Place) -> None:
        self._shards = [shard for shard in shards if shard.status == "done"]
        self._place = place

    def covers(self, asset_type: str) -> bool:
        """Whether all of a type was listed."""
        return any(shard.covers(asset_type) for shard in self._shards)

    def has(self, thing: _MissingResource) -> bool:
        """Whether the project of a resource was shown; above all projects, any other resource there."""
        if not thing.project:
            above = (segment_after(thing.key.name, one) for one in ("organizations", "folders", "accessPolicies"))
            return self._place.above_projects and any(above)
        return thing.project in self._place.projects or thing.project in self._place.ids


class _Shown:
    """What all shards have shown; of resources only those that may be declared, however large the fleet is."""

    def __init__(self, sweep: Sweep, sweeper: Sweeper) -> None:
        records = sweeper.records
        self.sweep = sweep
        self.shards = [shard.value for shard in records.shards(sweep.run) if shard.value is not None]
        if len(self.shards) != sweep.shards:
            raise Conflict(f"sweep {sweep.name}: what its shards have shown is not there any more")
        self.seen = Digests(_collected(self.shards, records, "seen"))
        self.unchecked = Digests(_collected(self.shards, records, "unchecked"))
        self.read_at = {content: self._read_at(content) for content in sweep.told.contents}
        self._types = {
            content: {kind for shard in self.shards if _done(shard, content) for kind in shard.counts}
            for content in sweep.told.contents
        }
        self._named = frozenset(type_ for type_ in sweep.told.types if is_plain(type_))
        places = {
            scope: _Place((shard for shard in self.shards if shard.scope == scope), records, sweeper.deps.projects)
            for scope in sweep.told.scopes
        }
        self._scopes = {
            content: [
                _ScopeShown((shard for shard in self.shards if (shard.content, shard.scope) == (content, scope)), place)
                for scope, place in places.items()
            ]
            for content in sweep.told.contents
        }

    def _read_at(self, content: Content) -> datetime | None:
        times = [shard.read_at for shard in self.shards if _done(shard, content) and shard.read_at]
        return min(times) if times else None

    def tells_of(self, thing: _MissingResource) -> bool:
        """Whether a resource would have been shown.

        A type of which nothing was listed may be one that the inventory does not hold, unless it was asked for by name.
        Where nobody says which project holds a resource, nothing tells of it.
        """
        content, kind = thing.key.content, thing.asset_type
        if not thing.known or (kind not in self._types[content] and kind not in self._named):
            return False
        return any(scope.covers(kind) and scope.has(thing) for scope in self._scopes[content])


def _done(shard: Shard, content: Content) -> bool:
    return shard.content == content and shard.status == "done"


def _collected(shards: Iterable[Shard], records: SweepStore, field: str) -> Iterator[int]:
    """Digests of all parts; also of shards that did not come to their end: what they have shown is there."""
    for shard in shards:
        parts = 0
        for part in records.parts(shard.run, shard.number):
            yield from unpacked(getattr(part, field))
            parts += 1
        if parts < shard.parts:
            raise Conflict(f"{shard.label}: what it has shown is not there any more")


def _missing(control: Control, shown: _Shown, tally: _Tally, sweeper: Sweeper) -> Iterator[ResourceKey]:
    """All that any source declares and the sweep has not seen, each once; what is declared is noted."""
    contents = shown.sweep.told.contents
    for source, state in control.sources.items():
        for key, _ in sweeper.deps.store.manifest(source, state.generation):
            if key.content in contents and tally.declared.add(digest_of(key)):
                yield key


def _things(
    keys: Sequence[ResourceKey], sweep: Sweep, control: Control, sweeper: Sweeper
) -> Iterator[_MissingResource]:
    """What is declared of keys; what was declared since the sweep began may have been listed before that."""
    for key, record in sweeper.deps.store.records(keys).items():
        versions = visible(record.value, control).values()
        for version in versions:
            declaration = version.declarations[0]  # where there are several, any
            known = any(one.generation <= sweep.sources.get(one.source, 0) for one in versions)
            project = declaration.project or project_of(key.name)
            yield _MissingResource(key, declaration.asset_type, project, declaration, known)
            break


def _adrift(sweep: Sweep, shown: _Shown, tally: _Tally, sweeper: Sweeper) -> list[ResourceState]:
    """What has drifted and is neither declared nor seen; findings of what is declared and seen are counted."""
    found: dict[int, ResourceState] = {}
    declared = tally.declared
    for state in _drifted(sweeper.deps.store):
        if state.key.content not in sweep.told.contents:
            continue
        digest = digest_of(state.key)
        if digest not in shown.seen and digest not in declared:
            found[digest] = state
        elif digest in shown.seen and _is_drifted(state):
            tally.seen_drifted += digest in declared.seen and digest not in shown.unchecked
    return list(found.values())


def _drifted(store: Store) -> Iterator[ResourceState]:
    """All that differs, whether anybody was told of it, or is to be when it has lasted, or a rule keeps it quiet."""
    for state in store.states(drifted=True):
        if state.finding is not None and state.finding.status != "resolved":
            yield state
    for keys in batches(list(store.due(_NEVER)), _AT_ONCE):
        waiting = (one.state for one in store.read_many(keys).values())
        yield from (state for state in waiting if state is not None and state.settling is not None)
    yield from (state for state in store.suppressed() if state.finding is None or state.finding.status == "resolved")


def _project_of(state: ResourceState, sweeper: Sweeper) -> str:
    """Id or number of the project of what has drifted, from whoever tells it."""
    told = state.finding.project if state.finding is not None else project_of(state.key.name)
    if told:
        return told
    last = sweeper.deps.store.last_observation(state.key)
    return last.project if last is not None else ""


def _judge(things: Sequence[_MissingResource], shown: _Shown, tally: _Tally, sweeper: Sweeper) -> None:
    """Judge what was not seen; what is known to have been there since may be so young that it was not listed."""
    told: list[tuple[_MissingResource, datetime]] = []
    for thing in things:
        is_declared = thing.declaration is not None
        read_at = shown.read_at[thing.key.content]
        if not matches(shown.sweep.told.types, thing.asset_type):
            tally.not_asked += is_declared
        elif read_at is None or not shown.tells_of(thing):
            tally.unknown += is_declared
        else:
            told.append((thing, known_at(read_at, sweeper.lag)))
    for thing, outcome, is_drifted in _outcomes(told, sweeper):
        is_declared = thing.declaration is not None
        if outcome in ("stale", "unreadable"):
            tally.unknown += is_declared
        else:
            tally.outcomes[outcome] += 1
            tally.gone += is_declared
            tally.gone_drifted += is_declared and is_drifted


def _outcomes(
    told: Sequence[tuple[_MissingResource, datetime]], sweeper: Sweeper
) -> Iterator[tuple[_MissingResource, Outcome, bool]]:
    """What becomes of absences as of some time, and whether each is then a drift that people know of.

    What was known to be gone is ``repeated``, and so is what a feed has told of since.
    """
    before = _states([thing.key for thing, _ in told], sweeper.deps.store)
    new = [(thing, at) for thing, at in told if not _is_gone(before.get(thing.key), at)]
    last = sweeper.deps.store.last_observations([thing.key for thing, _ in new])
    absent = [_absent(thing, last.get(thing.key), at) for thing, at in new]
    results = dict(zip((thing.key for thing, _ in new), batch.handle_many(absent, sweeper.deps), strict=True))
    after = before | _states(list(results), sweeper.deps.store)
    for thing, at in told:
        outcome, state = batch.outcome_of(results.get(thing.key, "repeated")), after.get(thing.key)
        if outcome == "stale" and _is_gone(state, at):
            outcome = "repeated"
        yield thing, outcome, state is not None and _is_drifted(state)


def _states(keys: Sequence[ResourceKey], store: Store) -> dict[ResourceKey, ResourceState]:
    """The records of resources that have one, and one that can be read."""
    try:
        found = store.read_many(keys) if keys else {}
    except PermanentError:
        found = {}
        for key in keys:
            with suppress(PermanentError):
                found[key] = store.read(key)
    return {key: one.state for key, one in found.items() if one.state is not None}


def _is_gone(state: ResourceState | None, at: datetime) -> bool:
    """Whether a resource is known to have been gone at a time, or later."""
    return state is not None and state.deleted and state.observed_at >= at


def _is_drifted(state: ResourceState) -> bool:
    """Whether there is a drift that people know of, and not one that has yet to last, or that a rule keeps quiet."""
    return state.finding is not None and state.finding.status != "resolved" and state.settling is None


def _absent(thing: _MissingResource, last: Observation | None, at: datetime) -> Observation:
    """What it means that a content was not listed: the resource is gone; a policy that is not there is empty.

    Where it lay, and what it was, is as it was last observed.
    """
    content, project = thing.key.content, thing.project
    ancestors = last.ancestors if last is not None else ()
    if not ancestors and project.isdigit():
        ancestors = (f"projects/{project}",)
    return Observation(
        thing.key,
        thing.asset_type,
        at,
        deleted=content in WHOLE,
        data=(last and last.data) if content in WHOLE else {} if content == "iam_policy" else [],
        ancestors=ancestors,
        project_id=last.project_id if last is not None else "" if project.isdigit() else project,
    )


def _made(shards: Iterable[Shard]) -> dict[str, int]:
    made: Counter[str] = Counter()
    for shard in shards:
        made.update(shard.made)
    return dict(made)


def _summary(shown: _Shown, tally: _Tally, now: datetime) -> Summary:
    outcomes = tally.outcomes
    for shard in shown.shards:
        outcomes.update(shard.outcomes)
    seen = len(tally.declared.seen)
    unchecked = sum(one in tally.declared for one in shown.unchecked)
    return Summary(
        ended_at=now,
        listed=sum(one.listed for one in shown.shards),
        outcomes=outcomes,
        declared=len(tally.declared) - tally.not_asked,
        seen=seen,
        in_sync=seen - unchecked - tally.seen_drifted + tally.gone - tally.gone_drifted,
        drifted=tally.seen_drifted + tally.gone_drifted,
        unchecked=unchecked,
        unknown=tally.unknown,
        gone=tally.gone,
        made=_made(shown.shards),
        denied={one.scope: one.reason for one in shown.shards if one.status == "denied"},
        failed={one.label: one.reason for one in shown.shards if one.status in ("failed", "lost")},
    )
