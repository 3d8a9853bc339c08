"""Read since when and by whom findings drift that began unseen, from the inventory's history and the audit logs.

Progress is stored in the findings themselves, after each answer of the inventory and each page of a log: a run that was
killed leaves off there, and the next one asks for the rest. Findings are read in rounds, so that memory is bounded.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.attribution import audit_log_parser
from setpoint.attribution.audit_log_parser import LoggedChange
from setpoint.attribution.service import candidate_keys
from setpoint.detection import actor_resolution, drift_histories
from setpoint.detection.claim_evidence import evidence_of
from setpoint.detection.drift_histories import history_of, is_wanted, judge_by, with_history
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.errors import BadRequest, BudgetUsed, MalformedMessage, ScopeDenied, TransientError
from setpoint.model.actors import AuditedChange
from setpoint.model.change_history import remembered
from setpoint.model.drift_history import AssetVersion, DriftHistory, FieldOnset
from setpoint.model.drift_onset import DriftOnset
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.ports.services import ActivityLogs, AssetHistory, LogPage
from setpoint.ports.stores import Commit, Problems, ProjectStore, Snapshot, StateStore, Store
from setpoint.util.external_sort import batches
from setpoint.util.frozen import take_over
from setpoint.util.progress import Advance, no_progress

ROUND = 20_000
"""The number of findings of a round; a query of the log holds more projects the more findings are read together."""
_BATCH = 100
_LATER = timedelta(days=1)
"""When to retry a read that was denied: the permission may be granted later."""
_AFTER = timedelta(minutes=15)
"""How far after a version the log is read: an operation may end, and be logged, after its effect is seen."""
_NO_ENTRY = "no entry of the audit log explains it"
_TOO_MANY = "more changes fall in that time than are kept, some without a name: read the audit log"


@dataclass(frozen=True, slots=True)
class HistoryReader:
    """The ports that the history of findings is read through.

    Flow: a run over all findings whose history is not known, or over one finding that a user asks about.

    Args:
        detection: evaluates past versions as observations are evaluated.
        assets: reads past versions of resources.
        logs: reads audit logs.
        own: the accounts that Setpoint itself writes with.
        mask_ip: whether to truncate caller addresses.
        round_size: the number of findings that are read together.
        store: the findings.
        projects: ids and numbers of projects.
        clock: gives the current time.
    """

    detection: Context
    assets: AssetHistory
    logs: ActivityLogs
    own: frozenset[str] = frozenset()
    mask_ip: bool = True
    round_size: int = ROUND
    store: Store = dataclasses.field(init=False)
    projects: ProjectIdResolver = dataclasses.field(init=False)
    clock: Callable[[], datetime] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        take_over(self, self.detection, "store", "projects", "clock")


@dataclass(slots=True)
class HistoryResult:
    """The result of a run.

    Args:
        dated: number of findings whose history was read.
        searched: number of findings whose audit log was read.
        named: number of them with an actor.
        is_complete: whether nothing is left.
        reasons: why the rest is not known, with the number of findings.
        problems: records that cannot be read.
    """

    dated: int = 0
    searched: int = 0
    named: int = 0
    is_complete: bool = True
    reasons: Counter[str] = dataclasses.field(default_factory=Counter)
    problems: tuple[str, ...] = ()


class _Wanted(NamedTuple):
    """A finding to read.

    Args:
        key: the key of its record.
        name: the name in the inventory.
        places: where to read its history: its organisation if known, then its project.
    """

    key: ResourceKey
    name: str
    places: tuple[str, ...]


def read_histories(
    reader: HistoryReader, wanted: Callable[[ResourceState], bool] | None = None, advance: Advance = no_progress
) -> HistoryResult:
    """Read all that is not known yet; a run that ends early can be repeated and continues.

    Args:
        reader: the ports.
        wanted: further condition on findings; None for all.
        advance: called with the number of findings whose history was read.

    Raises:
        Unavailable: the store, the inventory or Cloud Logging does not answer; progress is stored.
    """
    result = HistoryResult()
    problems: Problems = []
    try:
        store, clock = reader.store, reader.clock
        while keys := list(islice(_open(store, clock(), wanted, problems), reader.round_size)):
            before = result.dated + result.searched
            _date(keys, reader, result, advance)
            _search(keys, reader, result)
            if result.dated + result.searched == before:  # others write all of them meanwhile
                result.is_complete = False
                break
    except BudgetUsed:
        result.is_complete = False
    result.problems = tuple(dict.fromkeys(map(str, problems)))
    return result


def read_history_of(key: ResourceKey, reader: HistoryReader, *, again: bool = False) -> HistoryResult:
    """Read the history of one finding, if it is not known yet.

    Args:
        key: the resource and content.
        reader: the ports.
        again: read it even if it was read before.
    """
    result = HistoryResult()
    state = reader.store.read(key).state
    if state is None or state.finding is None or not (again or _is_open(state, reader.clock())):
        return result
    with suppress(BudgetUsed):
        _date([key], reader, result, no_progress, again=again)
        _search([key], reader, result)
    return result


def _open(
    store: StateStore, now: datetime, wanted: Callable[[ResourceState], bool] | None, problems: Problems
) -> Iterator[ResourceKey]:
    for state in store.states(drifted=True, problems=problems):
        if _is_open(state, now) and (wanted is None or wanted(state)):
            yield state.key


def _is_open(state: ResourceState, now: datetime) -> bool:
    return is_wanted(state, now) or bool(_unsearched(state))


def _unsearched(state: ResourceState) -> tuple[FieldOnset, ...]:
    finding = state.finding
    if finding is None or finding.status == "resolved" or finding.history is None:
        return ()
    return finding.history.unsearched


def _date(
    keys: Sequence[ResourceKey],
    reader: HistoryReader,
    result: HistoryResult,
    advance: Advance,
    *,
    again: bool = False,
) -> None:
    """Read since when each of some findings drifts."""
    for group in _groups(keys, reader.store, reader.clock(), again=again):
        for past in _pasts(group, reader.assets, reader.clock()):
            _store(past, reader.detection, result)
            if not past.denied:
                advance(len(past.group))


def _groups(
    keys: Sequence[ResourceKey], store: StateStore, now: datetime, *, again: bool
) -> Iterator[Sequence[_Wanted]]:
    """The findings to read, up to 100 of one place and content together."""
    groups: dict[tuple[str, Content], list[_Wanted]] = {}
    for some in batches(keys, _BATCH):
        for wanted in _described(some, store, now, again=again):
            place = wanted.places[0], wanted.key.content
            group = groups.setdefault(place, [])
            group.append(wanted)
            if len(group) == _BATCH:
                yield groups.pop(place)
    yield from groups.values()


def _described(some: Sequence[ResourceKey], store: StateStore, now: datetime, *, again: bool) -> Iterator[_Wanted]:
    snapshots = store.read_many(some)
    open_keys = [
        key
        for key, snapshot in snapshots.items()
        if snapshot.state is not None and (again or is_wanted(snapshot.state, now))
    ]
    observations = store.last_observations(open_keys)
    for key in open_keys:
        state, observation = snapshots[key].state, observations.get(key)
        if state is None or state.finding is None:
            continue
        ancestors = (observation.ancestors if observation is not None else ()) or state.finding.ancestors
        above = [place for place in reversed(ancestors) if not place.startswith("folders/")]
        places = tuple(above) or ((f"projects/{state.finding.project}",) if state.finding.project else ("",))
        yield _Wanted(key, (observation.inventory_name if observation is not None else "") or key.name, places)


class _Past(NamedTuple):
    """The past versions of up to 100 resources.

    Args:
        group: the findings about them.
        versions: the versions by name.
        denied: why they cannot be read; empty where they were.
    """

    group: Sequence[_Wanted]
    versions: Mapping[str, Sequence[AssetVersion]]
    denied: str = ""


def _pasts(group: Sequence[_Wanted], assets: AssetHistory, now: datetime) -> Iterator[_Past]:
    """Read the past of up to 100 resources below one place; where that is denied, of each project by itself."""
    place, content = group[0].places[0], group[0].key.content
    if not place:
        yield _Past(group, {}, "it is not known in which project it is")
        return
    names = [wanted.name for wanted in group]
    try:
        versions = assets.histories(place, content, names, now - drift_histories.KEPT).versions
    except ScopeDenied as error:
        below: dict[tuple[str, ...], list[_Wanted]] = {}
        for wanted in group:
            below.setdefault(wanted.places[1:], []).append(wanted._replace(places=wanted.places[1:]))
        for places, some in below.items():
            yield from _pasts(some, assets, now) if places else (_Past(some, {}, str(error)),)
    except BadRequest as error:
        yield _Past(group, {}, str(error))
    else:
        yield _Past(group, versions)


def _store(past: _Past, detection: Context, result: HistoryResult) -> None:
    """Store the histories of up to 100 findings, or why they could not be read."""
    names = {wanted.key: wanted.name for wanted in past.group}

    def history(snapshot: Snapshot) -> DriftHistory | None:
        state, now = snapshot.state, detection.clock()
        if state is None or state.finding is None or state.finding.status == "resolved":
            return None
        if past.denied:
            return DriftHistory(read_at=now, reason=past.denied, retry_at=now + _LATER)
        return history_of(
            state,
            past.versions.get(names[snapshot.key], ()),
            judge_by(
                snapshot,
                detection.projects,
                detection.schemas,
                detection.secrecy,
                evidence_of(snapshot, detection.parents.index),
            ),
            now,
        )

    for state in _commit(list(names), history, detection):
        result.dated += 1
        finding = state.finding
        if finding is not None and finding.history is not None and finding.history.since is None:
            result.reasons[finding.history.reason] += 1


def _commit(
    keys: Sequence[ResourceKey], change: Callable[[Snapshot], DriftHistory | None], detection: Context
) -> list[ResourceState]:
    """Store a new history in each of up to 100 findings, and publish; what others write meanwhile is left to later."""
    snapshots = detection.store.read_many(keys)
    observations = detection.store.last_observations(keys)
    commits = []
    for key, snapshot in snapshots.items():
        history = change(snapshot)
        if history is not None:
            commits.append(Commit(snapshot, with_history(snapshot, observations.get(key), history, detection)))
    written = detection.store.commit_many(commits) if commits else []
    done = [snapshot for snapshot in written if isinstance(snapshot, Snapshot)]
    for snapshot in done:
        with suppress(TransientError):  # the events stay pending, and the next run of the sweep publishes them
            detection.outbox.publish_pending(snapshot)
    return [snapshot.state for snapshot in done if snapshot.state is not None]


class _Search:
    """What is looked for in the logs of a round.

    Args:
        times: the times to read by container.
        fields: the differences to explain by finding.
        keys: the findings by container.
        changes: the changes that may explain a difference, by finding and its beginning.
        names: the keys that the names in an entry may mean.
    """

    def __init__(self) -> None:
        self.times: dict[str, list[tuple[datetime, datetime]]] = {}
        self.fields: dict[ResourceKey, tuple[FieldOnset, ...]] = {}
        self.keys: dict[str, set[ResourceKey]] = {}
        self.changes: dict[tuple[ResourceKey, datetime], tuple[AuditedChange, ...]] = {}
        self.names: dict[tuple[ResourceKey, ...], tuple[ResourceKey, ...]] = {}

    def add(self, key: ResourceKey, container: str, fields: tuple[FieldOnset, ...]) -> None:
        self.fields[key] = fields
        self.keys.setdefault(container, set()).add(key)
        self.times.setdefault(container, []).extend(_window(field) for field in fields)

    def windows(self) -> dict[str, list[tuple[datetime, datetime]]]:
        """The times to read, without overlap."""
        return {container: _merged(times) for container, times in self.times.items()}


def _window(field: FieldOnset) -> tuple[datetime, datetime]:
    onset = field.onset
    assert onset is not None  # noqa: S101 - callers pass differences that the log can explain
    return onset.seen - actor_resolution.WINDOW, onset.seen + _AFTER


def _merged(times: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for begin, end in sorted(times):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _search(keys: Sequence[ResourceKey], reader: HistoryReader, result: HistoryResult) -> None:
    """Read who made the changes with which some findings began."""
    search = _Search()
    for some in batches(keys, _BATCH):
        for key, snapshot in reader.store.read_many(some).items():
            if snapshot.state is not None and (fields := _unsearched(snapshot.state)):
                search.add(key, _container(snapshot.state, reader.projects), fields)
    if unknown := search.keys.pop("", None):
        search.times.pop("")
        _finish(list(unknown), None, "it is not known in which project it is", search, reader.detection, result)
    for page in reader.logs.pages(search.windows()):
        for change in _changes(page, reader.own, mask_ip=reader.mask_ip):
            _keep(change, search, reader.projects, reader.store)
        for container in page.containers:
            waiting = search.keys.get(container, set())
            denied = page.denied.get(container, "")
            ready = [key for key in waiting if _is_read(search.fields[key], page.read_to)]
            for some in batches(ready, _BATCH):
                _finish(some, page.read_to, denied, search, reader.detection, result)
            waiting.difference_update(key for key in ready if page.read_to is None)


def _is_read(fields: tuple[FieldOnset, ...], read_to: datetime | None) -> bool:
    return any(read_to is None or _window(field)[1] < read_to for field in fields)


def _container(state: ResourceState, projects: ProjectIdResolver) -> str:
    """Where the audit log of a resource is: its project by id if known, else what holds it."""
    finding = state.finding
    if finding is None:
        return ""
    project = finding.project
    if project.isdigit():
        project = projects.id_of(project) or project
    if project:
        return f"projects/{project}"
    return finding.ancestors[0] if finding.ancestors else ""


def _changes(page: LogPage, own: frozenset[str], *, mask_ip: bool) -> Iterator[LoggedChange]:
    """The changes of a page that Setpoint itself did not make."""
    for entry in page.entries:
        try:
            logged = audit_log_parser.parse(entry, mask_ip=mask_ip)
        except MalformedMessage:
            continue
        yield from (change for change in logged if change.change.principal not in own)


def _keep(logged: LoggedChange, search: _Search, projects: ProjectIdResolver, store: ProjectStore) -> None:
    named = (logged.key, *logged.also)
    if named not in search.names:  # to find the number of a project may read all projects
        search.names[named] = tuple(candidate_keys(logged, projects, store))
    for key in search.names[named]:
        for field in search.fields.get(key, ()):
            onset = field.onset
            if onset is None:
                continue
            known = search.changes.get((key, onset.seen), ())
            if _may_explain(logged.change, onset, known):
                search.changes[key, onset.seen] = remembered(known, logged.change, onset.seen)


def _may_explain(change: AuditedChange, onset: DriftOnset, known: Sequence[AuditedChange]) -> bool:
    """Whether a change may have caused a difference, or ends an operation that may have.

    What cannot explain the difference would take the place of what can. A log is read from its oldest entry on.
    """
    is_end = bool(change.operation) and any(entry.operation == change.operation for entry in known)
    latest = onset.seen + (_AFTER if is_end else actor_resolution.SKEW)
    return onset.seen - actor_resolution.WINDOW <= change.requested_at <= latest


def _finish(
    keys: Sequence[ResourceKey],
    read_to: datetime | None,
    denied: str,
    search: _Search,
    detection: Context,
    result: HistoryResult,
) -> None:
    """Store who made the changes of findings whose time in the log is read."""

    def history(snapshot: Snapshot) -> DriftHistory | None:
        finding = snapshot.state.finding if snapshot.state is not None else None
        if finding is None or finding.history is None or finding.status == "resolved":
            return None
        fields = tuple(
            _attributed(field, snapshot, search, denied) if _is_due(field, read_to) else field
            for field in finding.history.fields
        )
        return replace(finding.history, fields=fields) if fields != finding.history.fields else None

    for state in _commit(keys, history, detection):
        if _unsearched(state):
            continue
        result.searched += 1
        finding = state.finding
        if finding is not None and finding.actor is not None:
            result.named += 1
        elif finding is not None and finding.history is not None and finding.history.latest is not None:
            result.reasons[finding.history.latest.reason or _NO_ENTRY] += 1


def _is_due(field: FieldOnset, read_to: datetime | None) -> bool:
    return field.is_unsearched and (read_to is None or _window(field)[1] < read_to)


def _attributed(field: FieldOnset, snapshot: Snapshot, search: _Search, denied: str) -> FieldOnset:
    onset = field.onset
    if denied or onset is None:
        return replace(field, searched=True, reason=denied)
    known = search.changes.get((snapshot.key, onset.seen), ())
    actor = actor_resolution.actor_of(known, onset, policy=snapshot.rules.policy)
    if actor is not None and field.gap:
        actor = replace(actor, confidence="possible")
    return replace(
        field, searched=True, actor=actor, reason=field.reason or ("" if actor else _unexplained(known, onset))
    )


def _unexplained(known: Sequence[AuditedChange], onset: DriftOnset) -> str:
    """Why the changes have no actor."""
    is_lost = any(change.several and actor_resolution.explains(change, onset) for change in known)
    return _TOO_MANY if is_lost else _NO_ENTRY
