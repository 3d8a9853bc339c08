"""Apply many small sources in one batch, each of them whole: a bucket may hold thousands of Terraform states.

The control record is written twice for the whole batch, and other records are written in batches across sources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from setpoint.declarations import apply
from setpoint.declarations.plan import BATCH, Plan
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import Unavailable
from setpoint.model import sources as controlling
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sources import Control, SourceState, Version
from setpoint.util.external_sort import batches

NO_BINDINGS: Mapping[str, str] = {}


class PlannedSource(NamedTuple):
    """A source in a batch.

    Args:
        planned: its plan.
        states: serials of its Terraform states, by lineage.
        content: version of its object.
        bindings: declared names by inventory name, from the states.
    """

    planned: Plan
    states: Mapping[str, int]
    content: str
    bindings: Mapping[str, str] = NO_BINDINGS


def apply_together(sources: Sequence[PlannedSource], deps: Context, now: datetime) -> Counter[Outcome]:
    """Apply a batch of sources, and evaluate the changes; no two sources may change the same resource.

    Args:
        sources: sources with different names, planned just before.
        deps: the context of detection.
        now: the time of the apply.

    Returns:
        The number of evaluated findings by outcome.

    Raises:
        Conflict: another process applied one of them, and none of this batch is current; apply again.
        Unavailable: all are current, but not all findings were evaluated; apply again.
    """
    states = {source.planned.source: _state(source, now) for source in sources}
    changed = [source.planned for source in sources if source.planned.changes]
    same = [source.planned for source in sources if not source.planned.changes]
    control = apply.update_control(deps.store, lambda control: _begun(control, changed, same, states))
    for batch in batches(_versions(sources, control, now), BATCH):
        apply.write_versions(deps.store, dict(batch), control)
    for planned in changed:
        generation = control.sources[planned.source].pending
        deps.store.write_manifest(planned.source, generation, planned.manifest)
    apply.update_control(deps.store, lambda present: _finished(present, changed, control, states))
    for source in sources:
        apply.bind(source.bindings, source.planned, deps)
    outcomes = _judge(changed, deps)
    for planned in changed:
        apply.tell_refused(planned, deps)
        if planned.generation:
            deps.store.drop_manifest(planned.source, planned.generation)
    judged = {planned.source: control.sources[planned.source].pending for planned in changed}
    judged |= {planned.source: planned.generation for planned in same}
    apply.update_control(deps.store, lambda present: _judged(present, judged))
    return outcomes


def _state(source: PlannedSource, now: datetime) -> SourceState:
    revision = revision_of(source.states)
    return apply.state_of(source.planned, now, commit=revision, states=source.states, content=source.content)


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


def _judged(control: Control, generations: Mapping[str, int]) -> Control:
    for source, generation in generations.items():
        control = controlling.judged(control, source, generation)
    return control


def _versions(
    sources: Iterable[PlannedSource], control: Control, now: datetime
) -> Iterator[tuple[ResourceKey, Version]]:
    for source in sources:
        planned, revision = source.planned, revision_of(source.states)
        written = Version(planned.source, control.sources[planned.source].pending, written_at=now)
        for change in planned.changes:
            yield change.key, apply.version_of(change, written, "", revision)


def _judge(plans: Iterable[Plan], deps: Context) -> Counter[Outcome]:
    """Evaluate the last observations of everything that the plans change."""
    judging = apply.Judging()
    for keys in batches((key for planned in plans for key in planned.touched), BATCH):
        for key in deps.store.last_observations(keys):
            with judging.isolated():
                judging.outcomes[pipeline.reevaluate(key, deps)] += 1
    if judging.waiting or judging.failed:
        first = next(iter((*judging.waiting, *judging.failed)))
        raise Unavailable(
            f"not all findings could be judged again, first: {first}; apply again, and they are all judged"
        )
    return judging.outcomes
