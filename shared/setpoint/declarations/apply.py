"""Apply files to a store: write the plan unseen, make it current in one step, and evaluate findings again."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

import msgspec
from msgspec.structs import replace

from setpoint.declarations import place_checks
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
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.errors import PermanentError, TransientError, Unavailable
from setpoint.model import sources as controlling
from setpoint.model.declaration import Desired, Scope
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import Finding
from setpoint.model.sources import Control, DeclaredVersion, SourceState
from setpoint.ports.stores import DesiredStore, Problems, StateStore, Store, StoredRecord
from setpoint.util.clock import NEVER
from setpoint.util.counts import counted
from setpoint.util.external_sort import ExternalSorter, batches
from setpoint.util.progress import Advance, no_progress
from setpoint.util.retries import retry_on_conflict
from setpoint.util.secret_formats import scrub

_NO_STATES: Mapping[str, int] = {}
_BOUND_TOGETHER = 300
"""Number of names that are bound with one write."""


class ApplyRequest(msgspec.Struct, frozen=True):
    """The options of an apply.

    Args:
        source: the source's name.
        commit: revision of the repository, or empty.
        prune: whether to remove what the files no longer declare, scopes included, except what an invalid document may
            have declared.
        max_removals: the share of the source that may be removed, 0 to 1.
        revision: the increasing number of the upload; 0 without an upload.
        repo: URL of the repository, or empty.
        not_seen_yet: whether documents may name unknown places.
    """

    source: str = DEFAULT_SOURCE
    commit: str = ""
    prune: bool = False
    max_removals: float = DEFAULT_MAX_REMOVALS
    revision: int = 0
    repo: str = ""
    not_seen_yet: bool = False


class ApplyResult(msgspec.Struct, frozen=True):
    """The result of an apply.

    Args:
        plan: the applied plan.
        outcomes: the number of evaluated findings by outcome.
        failed: number of findings that cannot be evaluated until their records are repaired.
        failure: the error of the first of them.
        unseen: a line for each unknown place, before the first sweep.
        generation: the generation of the source that the apply made current.
    """

    plan: Plan
    outcomes: Mapping[str, int]
    failed: int = 0
    failure: str = ""
    unseen: tuple[str, ...] = ()
    generation: int = 0


@dataclass(slots=True)
class Evaluation:
    """The progress of evaluations; a failure does not stop the others."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Record an error and continue."""
        try:
            yield
        except TransientError as error:
            self.waiting.append(str(error))
        except PermanentError as error:
            self.failed.append(str(error))


def sync(
    loaded: LoadResult, request: ApplyRequest, detection: Context, now: datetime, advance: Advance = no_progress
) -> ApplyResult:
    """Apply files to a store, and evaluate every affected finding again.

    Findings that an earlier apply did not evaluate are evaluated, too, even if nothing has changed.

    Args:
        loaded: the declarations in the files.
        request: the options.
        detection: evaluates findings again.
        now: the time of the apply.
        advance: called with the number of written or evaluated records, for a progress bar.

    Raises:
        NotPermitted: more would be removed than is allowed, or a place that is named is not known; nothing was written.
        Superseded: a later upload is current, and nothing of this one is applied.
        Conflict: another apply of the same source has begun, and nothing of this one is current; apply again.
        Unavailable: the declarations are current, but not all findings were evaluated; apply again.
    """
    present = detection.store.control().value.sources.get(request.source, SourceState())
    controlling.check_revision(present, request.source, request.revision)
    controlling.check_serials(present, request.source, loaded.states)
    planned = plan(
        loaded.desired,
        loaded.scopes,
        request.source,
        detection.store,
        policy=loaded.policy,
        alerting=loaded.alerting,
        sources=loaded.sources,
        prune=request.prune,
        held=loaded.prune_protection,
    )
    check_removals(planned, request.max_removals)
    unseen = place_checks.check(planned, loaded, detection.store, not_seen_yet=request.not_seen_yet)
    generation = apply(
        planned,
        detection.store,
        now,
        commit=request.commit,
        repo=scrub(request.repo),
        revision=request.revision,
        states=loaded.states,
        advance=advance,
    )
    judging = _judge_again(planned, generation, detection, advance)
    with judging.isolated():
        pipeline.evaluate_bound(bind(loaded.bindings, planned, detection.store, detection.projects), detection)
    with judging.isolated():
        if (refused := observation_of_refused(planned, detection.store, detection.clock())) is not None:
            pipeline.handle_observation(refused, detection)
    if judging.waiting:
        raise Unavailable(
            f"source {planned.source} is applied, but {counted(len(judging.waiting), 'step')} of evaluating its "
            f"findings again failed, first: {judging.waiting[0]}; apply again to evaluate all of them"
        )
    return ApplyResult(
        planned,
        {str(outcome): count for outcome, count in judging.outcomes.items()},
        len(judging.failed),
        next(iter(judging.failed), ""),
        unseen,
        generation,
    )


def bind(bindings: Mapping[str, str], planned: Plan, store: Store, projects: ProjectIdResolver) -> Iterator[str]:
    """Bind inventory names to added or changed resources, and give the names that are newly bound.

    Bindings from the inventory take precedence: a name that is bound already is not changed.
    """
    applied = {key.name for key in planned.touched} if bindings else set()
    names = {listed: name for listed, name in bindings.items() if applied & {listed, name}}
    for some in batches(names.items(), _BOUND_TOGETHER):
        bound = store.names.bound_names([listed for listed, _ in some])
        news = {listed: name for listed, name in some if listed not in bound}
        if news and projects.names is not None:
            yield from projects.names.record(news)


def _judge_again(planned: Plan, generation: int, detection: Context, advance: Advance) -> Evaluation:
    """Evaluate every finding that was not evaluated since a change of its source, and record that if all succeeded."""
    judging = Evaluation()
    with judging.isolated():
        detection.outbox.republish_pending([])
    state = detection.store.control().value.sources.get(planned.source, SourceState())
    if state.judged >= state.generation:
        return judging
    for key in concerned_keys(planned, generation, state, detection.store, judging):
        with judging.isolated():
            judging.outcomes[pipeline.reevaluate(key, detection)] += 1
        advance(1)
    if not judging.waiting and not judging.failed:
        for earlier in state.earlier:
            detection.store.drop_manifest(planned.source, earlier)
        update_control(
            detection.store, lambda control: controlling.with_evaluated(control, planned.source, state.generation)
        )
    return judging


def concerned_keys(
    planned: Plan, generation: int, state: SourceState, store: Store, judging: Evaluation
) -> Iterator[ResourceKey]:
    """The keys whose findings were not evaluated since a change of their source, in order.

    Args:
        planned: the plan that was applied.
        generation: the generation that it made current, or that of the plan where it changes nothing.
        state: the current state of the source.
        store: the store.
        judging: takes an error where the affected findings cannot be listed.
    """
    concerned = unevaluated_keys(planned, generation, state, store)
    repolicies = planned.repolicies or planned.regrants or len(concerned) > 1
    if planned.rescopes or repolicies:
        with judging.isolated():
            concerned.append(_affected_by_rules(store, everything=repolicies))
    return merged(concerned)


def unevaluated_keys(
    planned: Plan, generation: int, state: SourceState, store: DesiredStore
) -> list[Iterable[ResourceKey]]:
    """The changed keys, and after an apply that was not evaluated all keys of the source since then, each in order."""
    if (state.judged, state.generation) == (planned.generation, generation):
        return [planned.touched]
    return [
        planned.touched,
        *(_keys(store, planned.source, earlier) for earlier in (*state.earlier, state.generation)),
    ]


def merged(parts: Iterable[Iterable[ResourceKey]]) -> Iterator[ResourceKey]:
    """Keys of several ordered parts, in order and once each."""
    return (key for key, _ in groupby(heapq.merge(*parts)))


def observation_of_refused(planned: Plan, store: StateStore, now: datetime) -> Observation | None:
    """The observation of a source's refused declarations, which its finding is about; None where they are the same.

    Declarations that were refused since the last apply, when their resource's place became known, stay listed.
    """
    last = store.last_observation(ownership.source_key(planned.source))
    if last is None and not planned.refused:
        return None
    before = ownership.refused_before(last)
    touched = {key.name for key in planned.touched} if before else set()
    declared = (key.name for key, _ in planned.manifest) if before else ()
    kept = {name: before[name] for name in declared if name in before and name not in touched}
    refused = kept | {document.name: document.reason for document in planned.refused}
    return ownership.source_observation(planned.source, refused, now) if refused != before else None


def _keys(store: DesiredStore, source: str, generation: int) -> Iterator[ResourceKey]:
    """The keys that a source declares in a generation, in order."""
    return (key for key, _ in store.manifest(source, generation))


def _may_be_of_scope(key: ResourceKey, finding: Finding) -> bool:
    """Whether a finding may concern a scope: an unmanaged resource, or an undeclared grant."""
    return finding.kind == "unmanaged" or key.content == "iam_policy"


def _affected_by_rules(store: Store, *, everything: bool) -> Iterator[ResourceKey]:
    """The keys whose verdict may depend on the rules, in order: what may be of a scope, or every drifted one."""
    keys = ExternalSorter()
    unread: Problems = []  # unreadable records cannot be evaluated; `setpoint repair` does
    for state in store.states(drifted=True, problems=unread):
        is_of_scope = state.finding is not None and _may_be_of_scope(state.key, state.finding)
        if state.finding is not None and (everything or is_of_scope):
            keys.add((state.key.name, state.key.content))
    for state in store.suppressed(unread):
        if any(suppressed.kind == "unmanaged" for suppressed in state.suppressed):
            keys.add((state.key.name, state.key.content))
    if everything:
        for key in store.due(NEVER, unread):
            keys.add((key.name, key.content))
    return (ResourceKey(*row) for row in keys)


def declare(store: PlanStore, desired: Iterable[Desired], scopes: tuple[Scope, ...], now: datetime) -> Plan:
    """Add the files' declarations to those of the default source; nothing is removed."""
    planned = plan(desired, scopes, DEFAULT_SOURCE, store)
    apply(planned, store, now)
    return planned


def apply(  # noqa: PLR0913 - the content of a generation
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
    """Write a plan, and make it current in one step.

    Args:
        planned: a plan that ``plan`` made just before.
        store: the store.
        now: the time of the apply.
        commit: revision of the repository, or empty.
        repo: URL of the repository, or empty.
        revision: the increasing number of the upload; 0 without an upload.
        states: serials of Terraform states, by lineage.
        advance: called with the number of written records, for a progress bar.

    Returns:
        The generation that is now current.

    Raises:
        Conflict: another apply of the same source has begun, and nothing of this one is current; apply again.
        Superseded: a later upload is current, and nothing of this one is applied.
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
        written = DeclaredVersion(planned.source, generation, written_at=now)
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
    """The new state of a source in the control record; ``content`` is the version of its object."""
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
    """Change the control record; retry from its current content after a conflict."""

    def update() -> Control:
        stored = store.control()
        control = change(stored.value)
        store.write_control(control, stored.version)
        return control

    return retry_on_conflict(update, what="the control record", then="apply again")


def version_of(change: PlannedChange, written: DeclaredVersion, repo: str, commit: str) -> DeclaredVersion:
    """The new version of a resource's declarations, with the revision for their links."""
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
    """A scope with the revision that wrote it; a scope that was kept has its own revision already."""
    if scope.source.repo or scope.source.commit:
        return scope
    return replace(scope, source=replace(scope.source, repo=repo, commit=commit))


def write_versions(store: DesiredStore, versions: Mapping[ResourceKey, DeclaredVersion], control: Control) -> None:
    """Add versions to their records; retry from the current records after a conflict."""

    def write() -> None:
        store.write_records(
            {
                key: StoredRecord(controlling.with_version(record.value, versions[key], control), record.version)
                for key, record in store.records(versions).items()
            }
        )

    retry_on_conflict(write, what="the declarations", then="apply again")
