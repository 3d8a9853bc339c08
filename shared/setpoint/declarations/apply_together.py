"""Apply many small sources in one batch, each of them whole: a bucket may hold thousands of Terraform states.

The control record is written twice for the whole batch, and other records are written in batches across sources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.declarations import apply
from setpoint.declarations.plan import BATCH, Plan
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model import sources as controlling
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sources import Control, DeclaredVersion, SourceState
from setpoint.ports.stores import Store
from setpoint.util.external_sort import batches

NO_BINDINGS: Mapping[str, str] = {}


class PlannedSource(NamedTuple):
    """A source in a batch.

    Args:
        planned: its plan.
        states: serials of its Terraform states, by lineage.
        content: version of its object.
        bindings: declared names by inventory name, from the states.
        grace_seconds: the grace period that it was loaded with; None for the default.
    """

    planned: Plan
    states: Mapping[str, int]
    content: str
    bindings: Mapping[str, str] = NO_BINDINGS
    grace_seconds: float | None = None


@dataclass(slots=True)
class AppliedTogether:
    """The result of a batch.

    Args:
        outcomes: number of evaluated findings by outcome.
        failed: the first error of each source that is current and whose findings were not all evaluated.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)


def apply_together(sources: Sequence[PlannedSource], detection: Context, now: datetime) -> AppliedTogether:
    """Apply a batch of sources, and evaluate the changes; no two sources may change the same resource.

    Args:
        sources: sources with different names, planned just before.
        detection: evaluates findings again.
        now: the time of the apply.

    Raises:
        Conflict: another process applied one of them, and none of this batch is current; apply again.
    """
    states = {source.planned.source: _state(source, now) for source in sources}
    changed = [source.planned for source in sources if source.planned.changes]
    same = [source.planned for source in sources if not source.planned.changes]
    control = apply.update_control(detection.store, lambda control: _begun(control, changed, same, states))
    for batch in batches(_versions(sources, control, now), BATCH):
        apply.write_versions(detection.store, dict(batch), control)
    for planned in changed:
        generation = control.sources[planned.source].pending
        detection.store.write_manifest(planned.source, generation, planned.manifest)
    current = apply.update_control(detection.store, lambda present: _finished(present, changed, control, states))
    for planned in changed:
        if not planned.removed:
            detection.store.drop_manifest(planned.source, planned.generation)
    return _judge_again(sources, current, detection)


def _judge_again(sources: Sequence[PlannedSource], current: Control, detection: Context) -> AppliedTogether:
    """Evaluate what changed in sources that are current; an error concerns its own source alone."""
    judging = {source.planned.source: apply.Evaluation() for source in sources}
    for source in sources:
        with judging[source.planned.source].isolated():
            bound = apply.bind(source.bindings, source.planned, detection.store, detection.projects)
            pipeline.evaluate_bound(bound, detection)
    _judge([source.planned for source in sources], current, judging, detection)
    for source in sources:
        with judging[source.planned.source].isolated():
            if not source.planned.changes:
                continue
            refused = apply.observation_of_refused(source.planned, detection.store, detection.clock())
            if refused is not None:
                pipeline.handle_observation(refused, detection)
    done = AppliedTogether()
    for name, judged in judging.items():
        done.outcomes += judged.outcomes
        for error in (*judged.waiting, *judged.failed)[:1]:
            done.failed[name] = error
    generations = {name: current.sources[name].generation for name in judging if name not in done.failed}
    for name in generations:
        for earlier in current.sources[name].earlier:
            detection.store.drop_manifest(name, earlier)
    apply.update_control(detection.store, lambda present: _with_evaluated(present, generations))
    return done


def _state(source: PlannedSource, now: datetime) -> SourceState:
    revision = revision_of(source.states)
    state = apply.state_of(source.planned, now, commit=revision, states=source.states, content=source.content)
    return replace(state, grace_seconds=source.grace_seconds)


def revision_of(states: Mapping[str, int]) -> str:
    """The name of a state's revision: ``serial 7``; empty unless there is exactly one serial."""
    return f"serial {next(iter(states.values()))}" if len(states) == 1 else ""


def _begun(
    control: Control, changed: Iterable[Plan], same: Iterable[Plan], states: Mapping[str, SourceState]
) -> Control:
    for planned in same:
        control = controlling.touch(control, planned.source, planned.generation, states[planned.source])
    for planned in changed:
        control = controlling.begin(control, planned.source, planned.generation)
    return control


def _finished(control: Control, changed: Iterable[Plan], begun: Control, states: Mapping[str, SourceState]) -> Control:
    for planned in changed:
        control = controlling.finish(
            control,
            planned.source,
            begun.sources[planned.source].pending,
            states[planned.source],
            removes=bool(planned.removed),
        )
    return control


def _with_evaluated(control: Control, generations: Mapping[str, int]) -> Control:
    for source, generation in generations.items():
        control = controlling.with_evaluated(control, source, generation)
    return control


def _versions(
    sources: Iterable[PlannedSource], control: Control, now: datetime
) -> Iterator[tuple[ResourceKey, DeclaredVersion]]:
    for source in sources:
        planned, revision = source.planned, revision_of(source.states)
        written = DeclaredVersion(planned.source, control.sources[planned.source].pending, written_at=now)
        for change in planned.changes:
            yield change.key, apply.version_of(change, written, "", revision)


def _judge(
    plans: Iterable[Plan], current: Control, judging: Mapping[str, apply.Evaluation], detection: Context
) -> None:
    """Evaluate the last observations of everything that was not evaluated since a change of its source."""
    for keys in batches(_unjudged(plans, current, detection.store), BATCH):
        observed = detection.store.last_observations({key for _, key in keys})
        for source, key in keys:
            if key in observed:
                with judging[source].isolated():
                    judging[source].outcomes[pipeline.reevaluate(key, detection)] += 1


def _unjudged(plans: Iterable[Plan], current: Control, store: Store) -> Iterator[tuple[str, ResourceKey]]:
    for planned in plans:
        state = current.sources[planned.source]
        if state.judged < state.generation:
            parts = apply.unevaluated_keys(planned, state.generation, state, store)
            yield from ((planned.source, key) for key in apply.merged(parts))
