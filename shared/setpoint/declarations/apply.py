"""Bringing a store in step with files: write what is planned unseen, show it in one step, and judge anew."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

import msgspec
from msgspec.structs import replace

from setpoint.declarations.plan import (
    BATCH,
    DEFAULT_MAX_REMOVALS,
    DEFAULT_SOURCE,
    Plan,
    PlannedChange,
    PlanStore,
    check_removals,
    plan,
)
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import ownership, pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import PermanentError, TransientError, Unavailable
from setpoint.model import sources as controlling
from setpoint.model.declaration import Desired, Scope
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sources import Control, SourceState, Version
from setpoint.ports.stores import DesiredStore, Problems, Store, StoredRecord
from setpoint.util.external_sort import ExternalSorter, batches
from setpoint.util.progress import Advance, no_progress
from setpoint.util.retries import retry_on_conflict
from setpoint.util.secret_formats import scrub

_NO_STATES: Mapping[str, int] = {}
_NEVER = datetime.max.replace(tzinfo=UTC)
_BOUND_TOGETHER = 300
"""Names that are bound with one write."""


class Request(msgspec.Struct, frozen=True):
    """How a source is to be applied.

    Args:
        source: the source's name.
        commit: revision of the repository, or empty.
        prune: remove what the files no longer declare, scopes included; what a bad document might have named stays.
        max_removals: the part of the source that may be removed, 0 to 1.
        revision: when the files were uploaded, as a number that grows; 0 where they were not.
        repo: address of the repository, or empty.
    """

    source: str = DEFAULT_SOURCE
    commit: str = ""
    prune: bool = False
    max_removals: float = DEFAULT_MAX_REMOVALS
    revision: int = 0
    repo: str = ""


class Synced(msgspec.Struct, frozen=True):
    """What an apply has done.

    Args:
        plan: what was planned, and done.
        outcomes: what became of the findings that were judged again, and of how many.
        failed: how many findings could not be judged, and cannot be until somebody repairs them.
        failure: why the first of them could not.
    """

    plan: Plan
    outcomes: Mapping[str, int]
    failed: int = 0
    failure: str = ""


@dataclass(slots=True)
class Judging:
    """How judging goes: one failure does not keep the others from being judged."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Note an error and go on."""
        try:
            yield
        except TransientError as error:
            self.waiting.append(str(error))
        except PermanentError as error:
            self.failed.append(str(error))


def sync(loaded: LoadResult, request: Request, deps: Context, now: datetime, advance: Advance = no_progress) -> Synced:
    """Bring a store in step with files, and judge again every finding that they concern.

    What an apply before this one did not come to judge is judged as well, whether anything has changed or not.

    Args:
        loaded: what the files declare.
        request: how they are applied.
        deps: where to.
        now: the time of the apply.
        advance: is called with the number of records written or judged, for a progress bar.

    Raises:
        BadRequest: it would remove more than is allowed; nothing was written.
        Superseded: what was uploaded later is in force; nothing of this one is.
        Conflict: another apply of the same source has begun meanwhile; nothing of this one is in force.
        Unavailable: the declarations are in force, but not all findings could be judged; apply again.
    """
    present = deps.store.control().value.sources.get(request.source, SourceState())
    controlling.check_revision(present, request.source, request.revision)
    controlling.check_serials(present, request.source, loaded.states)
    planned = plan(
        loaded.desired,
        loaded.scopes,
        request.source,
        deps.store,
        policy=loaded.policy,
        alerting=loaded.alerting,
        sources=loaded.sources,
        prune=request.prune,
        held=loaded.held_back,
    )
    check_removals(planned, request.max_removals)
    generation = apply(
        planned,
        deps.store,
        now,
        commit=request.commit,
        repo=scrub(request.repo),
        revision=request.revision,
        states=loaded.states,
        advance=advance,
    )
    judging = _judge_again(planned, generation, deps, advance)
    with judging.isolated():
        bind(loaded.bindings, planned, deps)
    with judging.isolated():
        tell_refused(planned, deps)
    if judging.waiting:
        raise Unavailable(
            f"source {planned.source} is in force, but {len(judging.waiting)} steps of judging its findings again "
            f"failed, first: {judging.waiting[0]}; apply again, and they are all judged"
        )
    return Synced(
        planned,
        {str(outcome): count for outcome, count in judging.outcomes.items()},
        len(judging.failed),
        next(iter(judging.failed), ""),
    )


def bind(bindings: Mapping[str, str], planned: Plan, deps: Context) -> None:
    """Bind names of the inventory to what is added or changed, and judge what waited for that.

    What the inventory itself has told of a name counts more: a name that is bound already stays as it is.
    """
    applied = {key.name for key in planned.touched} if bindings else set()
    names = {listed: name for listed, name in bindings.items() if applied & {listed, name}}
    for some in batches(names.items(), _BOUND_TOGETHER):
        news = {listed: name for listed, name in some if not deps.store.names.bound_name(listed)}
        if news and deps.projects.names is not None:
            pipeline.evaluate_bound(deps.projects.names.record(news), deps)


def _judge_again(planned: Plan, generation: int, deps: Context, advance: Advance) -> Judging:
    """Judge whatever was not judged since a source changed, and note it where all went well."""
    judging = Judging()
    if deps.bus is not None:
        with judging.isolated():
            pipeline.republish_pending(deps, [])
    state = deps.store.control().value.sources.get(planned.source, SourceState())
    if state.judged >= state.generation:
        return judging
    concerned: list[Iterable[ResourceKey]] = [planned.touched]
    all_before = (state.judged, state.generation) == (planned.generation, generation)
    if not all_before:
        concerned += [_keys(deps.store, planned.source, earlier) for earlier in (*state.earlier, state.generation)]
    repolicies = planned.repolicies or planned.regrants or not all_before
    if planned.rescopes or repolicies:
        with judging.isolated():
            concerned.append(_affected_by_rules(deps.store, everything=repolicies))
    for key, _ in groupby(heapq.merge(*concerned)):
        with judging.isolated():
            judging.outcomes[pipeline.reevaluate(key, deps)] += 1
        advance(1)
    if not judging.waiting and not judging.failed:
        for earlier in state.earlier:
            deps.store.drop_manifest(planned.source, earlier)
        update_control(deps.store, lambda control: controlling.judged(control, planned.source, state.generation))
    return judging


def tell_refused(planned: Plan, deps: Context) -> None:
    """Bring the finding that says what a source declares and may not in step with what was refused.

    What was refused since the last apply, once it was known where a resource lies, stays for as long as it is declared.
    """
    last = deps.store.last_observation(ownership.source_key(planned.source))
    if last is None and not planned.refused:
        return
    before = ownership.refused_before(last)
    touched = {key.name for key in planned.touched} if before else set()
    declared = (key.name for key, _ in planned.manifest) if before else ()
    kept = {name: before[name] for name in declared if name in before and name not in touched}
    refused = kept | {document.name: document.reason for document in planned.refused}
    if refused != before:
        pipeline.handle_observation(ownership.source_observation(planned.source, refused, deps.clock()), deps)


def _keys(store: DesiredStore, source: str, generation: int) -> Iterator[ResourceKey]:
    """What a source declares with a generation, in the order of keys."""
    return (key for key, _ in store.manifest(source, generation))


def _affected_by_rules(store: Store, *, everything: bool) -> Iterator[ResourceKey]:
    """What the rules of the fleet may make something else of, in order: the unmanaged, or everything that drifts."""
    keys = ExternalSorter()
    unread: Problems = []  # what cannot be read cannot be judged either; `setpoint repair` judges it
    for state in store.states(drifted=True, problems=unread):
        if state.finding is not None and (everything or state.finding.kind == "unmanaged"):
            keys.add((state.key.name, state.key.content))
    for state in store.suppressed(unread):
        if any(suppressed.kind == "unmanaged" for suppressed in state.suppressed):
            keys.add((state.key.name, state.key.content))
    if everything:
        for key in store.due(_NEVER, unread):
            keys.add((key.name, key.content))
    return (ResourceKey(*row) for row in keys)


def declare(store: PlanStore, desired: Iterable[Desired], scopes: tuple[Scope, ...], now: datetime) -> Plan:
    """Put in force what files declare beside what the default source declares already; nothing of it goes."""
    planned = plan(desired, scopes, DEFAULT_SOURCE, store)
    apply(planned, store, now)
    return planned


def apply(  # noqa: PLR0913 - what is told of a generation
    planned: Plan,
    store: DesiredStore,
    now: datetime,
    *,
    commit: str = "",
    repo: str = "",
    revision: int = 0,
    states: Mapping[str, int] = _NO_STATES,
    advance: Advance = no_progress,
) -> int:
    """Write what is planned and put it in force in one step.

    Args:
        planned: made by ``plan`` just before.
        store: where to write.
        now: the time of the apply.
        commit: revision of the repository, or empty.
        repo: address of the repository, or empty.
        revision: when the files were uploaded, as a number that grows; 0 where they were not.
        states: of Terraform states, lineage → serial.
        advance: is called with the number of records written, for a progress bar.

    Returns:
        The generation that is in force.

    Raises:
        Conflict: another apply of the same source has begun meanwhile; nothing of this one is in force.
        Superseded: what was uploaded later is in force; nothing of this one is.
    """
    state = state_of(planned, now, commit=commit, repo=repo, revision=revision, states=states)
    if not planned.changes and not planned.changes_rules:
        update_control(store, lambda control: controlling.touch(control, planned.source, planned.generation, state))
        return planned.generation
    control = update_control(
        store, lambda control: controlling.begin(control, planned.source, planned.generation, revision)
    )
    generation = control.sources[planned.source].pending
    for batch in batches(planned.changes, BATCH):
        written = Version(planned.source, generation, written_at=now)
        versions = {change.key: version_of(change, written, repo, commit) for change in batch}
        write_versions(store, versions, control)
        advance(len(batch))
    store.write_manifest(planned.source, generation, planned.manifest)
    removes = bool(planned.removed)
    update_control(
        store, lambda control: controlling.finish(control, planned.source, generation, state, removes=removes)
    )
    if not removes:
        store.drop_manifest(planned.source, planned.generation)
    return generation


def state_of(
    planned: Plan,
    now: datetime,
    *,
    commit: str = "",
    repo: str = "",
    revision: int = 0,
    states: Mapping[str, int] = _NO_STATES,
    content: str = "",
) -> SourceState:
    """What the control record will say of a source; ``content`` is what tells an object's content from others."""
    return SourceState(
        commit=commit,
        applied_at=now,
        declared=len(planned.manifest),
        scopes=tuple(_with_revision(scope, repo, commit) for scope in planned.scopes),
        policy=planned.policy,
        alerting=planned.alerting,
        grants=planned.sources,
        revision=revision,
        states=dict(states) if len(states) <= controlling.MAX_STATES else {},
        object=content,
        claims=tuple(sorted({claim.source for claim in planned.claimed})),
    )


def update_control(store: DesiredStore, change: Callable[[Control], Control]) -> Control:
    """Change the control record; again from its present state where somebody else has written it."""

    def update() -> Control:
        stored = store.control()
        control = change(stored.value)
        store.write_control(control, stored.version)
        return control

    return retry_on_conflict(update, what="the control record", then="apply again")


def version_of(change: PlannedChange, written: Version, repo: str, commit: str) -> Version:
    """What is desired then; each declaration is told where it stood in that revision, so that a link to it holds."""
    after = change.after
    if after is None:
        return written
    declarations = after.declarations
    if repo or commit:
        declarations = tuple(
            replace(declaration, source=replace(declaration.source, repo=repo, commit=commit))
            for declaration in declarations
        )
    return replace(written, digest=after.digest, declarations=declarations)


def _with_revision(scope: Scope, repo: str, commit: str) -> Scope:
    """A scope with the revision that wrote it; one that is kept from before has its own already."""
    if scope.source.repo or scope.source.commit:
        return scope
    return replace(scope, source=replace(scope.source, repo=repo, commit=commit))


def write_versions(store: DesiredStore, versions: Mapping[ResourceKey, Version], control: Control) -> None:
    """Add versions to their records; again to what they are by then where somebody else has written one of them."""

    def write() -> None:
        store.write_records(
            {
                key: StoredRecord(controlling.with_version(record.value, versions[key], control), record.version)
                for key, record in store.records(versions).items()
            }
        )

    retry_on_conflict(write, what="the declarations", then="apply again")
