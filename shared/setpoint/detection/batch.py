"""Handle many messages with one read, one write and one publish call for the whole batch.

The effect is the same as handling the messages in their order. A message with a conflict, an event that cannot be
published or a record that cannot be read is handled alone, by ``pipeline``; the rest of the batch continues.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

from msgspec.structs import replace

from setpoint.catalog.inventory_names import is_server_named
from setpoint.detection import pipeline
from setpoint.detection.known_changes import may_change_actor
from setpoint.detection.outbox import Outbox
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.errors import Conflict, MalformedMessage, PermanentError, SetpointError, TransientError
from setpoint.model import observation as observations
from setpoint.model.events import CloudEvent
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.queues import EventBus
from setpoint.ports.stores import Commit, Snapshot, Store
from setpoint.util import telemetry

Result = Outcome | Exception
"""The outcome of a message, or the error for which it must be redelivered."""

_MAX_BUS_FAILURES = 3
"""After this many resources with failed publishes the bus counts as down, and the rest are not tried."""


def outcome_of(result: Result) -> Outcome:
    """The outcome of an observation; ``unreadable`` for any permanent error.

    Raises:
        TransientError: the observation failed for now; observe again.
    """
    if isinstance(result, TransientError):
        raise result
    if isinstance(result, Exception):
        if not isinstance(result, PermanentError):
            reason = f"{type(result).__name__}: {result}"
            telemetry.log_event("set_aside", "ERROR", kind="observation", reason=reason)
        return "unreadable"
    return result


class IncomingMessage(Protocol):
    """A message of a feed."""

    @property
    def data(self) -> bytes:
        """The body."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """The message attributes."""


def receive_many(messages: Sequence[IncomingMessage], context: Context) -> list[Result]:
    """Handle messages like ``pipeline.receive``, in their order.

    Args:
        messages: up to a few hundred messages.
        context: the context of detection.

    Returns:
        For each message the outcome, or the error for which it must be redelivered.
    """
    results: dict[int, Result] = {}
    observed: dict[int, Observation] = {}
    for position, message in enumerate(messages):
        observation = _read(message)
        if observation is None:
            results[position] = _handle_alone(pipeline.receive, message.data, message.attributes, context)
        else:
            observed[position] = observation
    if observed:
        results.update(zip(observed, handle_many(list(observed.values()), context), strict=True))
    for position, result in results.items():
        if isinstance(result, RecursionError):  # its data is nested too deeply
            message = messages[position]
            results[position] = _handle_alone(pipeline.receive, message.data, message.attributes, context)
    return [results[position] for position in range(len(messages))]


def _read(message: IncomingMessage) -> Observation | None:
    """The observation in a message; None if the message has none or is malformed."""
    try:
        return observations.parse(message.data, message.attributes)
    except MalformedMessage:
        return None


def handle_many(observed: Sequence[Observation], context: Context) -> list[Result]:
    """Handle observations like ``pipeline.handle_observation``, in their order; see ``receive_many``."""
    described = {
        position: news
        for position, observation in enumerate(observed)
        if (news := context.projects.described_ids(observation))
    }
    news = dict(chain.from_iterable(ids.items() for ids in described.values()))
    failure = _error_of(context.projects.record, news)
    bound: list[str] = []
    unbound = _error_of(lambda: bound.extend(pipeline.record_bindings(observed, context.projects)))
    known = [position for position in range(len(observed)) if failure is None or position not in described]
    results: dict[int, Result] = dict(
        zip(known, _handle([observed[position] for position in known], context), strict=True)
    )
    if news and failure is None:
        failure = _error_of(pipeline.evaluate_deferred, news, context)
    if bound and unbound is None:
        unbound = _error_of(pipeline.evaluate_bound, bound, context)
    if failure is not None:  # a failed lookup of project ids does not stop the rest
        results.update(dict.fromkeys(described, failure))
    if unbound is not None:
        named = [position for position, seen in enumerate(observed) if is_server_named(seen.asset_type)]
        results.update(dict.fromkeys(named, unbound))
    return [results[position] for position in range(len(observed))]


def _handle(observed: Sequence[Observation], context: Context) -> list[Result]:
    try:
        stored = context.store.read_many(_keys(observed, context.projects)) if observed else {}
    except TransientError as error:
        return [error] * len(observed)
    except Exception:  # noqa: BLE001 - a record that cannot be read does not stop the rest
        return [_handle_alone(pipeline.handle_observation, observation, context) for observation in observed]
    resources, alone = _evaluate_all(observed, stored, context)
    written, conflicting = _commit_all(resources, context.store, context.clock())
    _publish_all(written, context.bus, context.store, context.outbox)
    alone = sorted((*alone, *chain.from_iterable(resource.results for resource in conflicting)))
    results = {position: _handle_alone(pipeline.handle_observation, observed[position], context) for position in alone}
    _report_conflicts(written, context)
    _reevaluate_changed(written, context)
    for resource in written:
        results.update(resource.results)
    return [results[position] for position in range(len(observed))]


def _keys(observed: Iterable[Observation], projects: ProjectIdResolver) -> Iterator[ResourceKey]:
    """Every key under which a record of the observed resources may be stored, without duplicates."""
    named = (
        (observation.key, *projects.alternative_keys(projects.with_project_id(observation))) for observation in observed
    )
    return iter(dict.fromkeys(chain.from_iterable(named)))


@dataclass(slots=True, eq=False)
class _Resource:
    """A resource of a batch, with the observations of it that need not be handled alone.

    Args:
        stored: the records before the batch.
        latest: the records after the observations so far; from the write on, as they are stored.
        results: the outcome of each observation by its position in the batch, or the error for which it comes again.
        commit: the write; None if no observation changes the record.
    """

    stored: Snapshot
    latest: Snapshot
    results: dict[int, Result] = field(default_factory=dict)
    commit: Commit | None = None

    def fail(self, error: Exception) -> None:
        """Have every observation of the resource redelivered."""
        self.results = dict.fromkeys(self.results, error)

    @property
    def is_failed(self) -> bool:
        """Whether its observations come again."""
        return any(isinstance(result, Exception) for result in self.results.values())


def _evaluate_all(
    observed: Sequence[Observation], stored: Mapping[ResourceKey, Snapshot], context: Context
) -> tuple[list[_Resource], list[int]]:
    """Evaluate each observation after those before it.

    Returns:
        The resources by their first observation, and the positions of observations that must be handled alone.
    """
    resources = {key: _Resource(snapshot, snapshot) for key, snapshot in stored.items()}
    alone: list[int] = []
    alone_keys: set[ResourceKey] = set()
    for position, observation in enumerate(observed):
        key = observation.key
        if key not in alone_keys:
            key, result = _evaluate(observation, resources, context, alone_keys)
            if result is not None:
                resources[key].results[position] = result
                continue
        alone.append(position)
        alone_keys |= {observation.key, key}
    evaluated = [resource for resource in resources.values() if resource.results]
    return sorted(evaluated, key=lambda resource: min(resource.results)), alone


def _evaluate(
    observed: Observation,
    resources: Mapping[ResourceKey, _Resource],
    context: Context,
    alone_keys: Collection[ResourceKey],
) -> tuple[ResourceKey, Outcome | None]:
    """Evaluate an observation; return the key of its record, and None if it must be handled alone."""
    key = observed.key
    try:
        loaded = pipeline.load(observed, context.projects, lambda key: resources[key].latest)
        key = loaded.snapshot.key
        if loaded.left is not None or key in alone_keys:
            return key, None
        transition = pipeline.evaluate(loaded, context)
    except Exception:  # noqa: BLE001 - handled alone later, where its error is reported
        return key, None
    if transition.outcome == "waiting":
        return key, None
    resource = resources[key]
    observation: Observation | None = loaded.observation
    if transition.outcome == "stale" and transition.state is not None:
        if may_change_actor(loaded.snapshot, transition.state):
            return key, None
        observation = resource.commit.observation if resource.commit is not None else None
    if transition.state is not None:
        resource.latest = replace(loaded.snapshot, state=transition.state)
        resource.commit = Commit(resource.stored, transition.state, observation)
    return key, transition.outcome


def _commit_all(resources: Sequence[_Resource], store: Store, now: datetime) -> tuple[list[_Resource], list[_Resource]]:
    """Write the new records; return the resources that go on, and those that another process wrote meanwhile."""
    commits = [resource.commit for resource in resources if resource.commit is not None]
    changed = [resource for resource in resources if resource.commit is not None]
    written: Sequence[Snapshot | SetpointError] = ()
    try:
        written = store.commit_many(commits) if commits else ()
    except PermanentError as error:  # the store refuses one of them; handling alone shows which
        written = [error] * len(commits)
    except TransientError as error:
        for resource in changed:
            resource.fail(error)
        return list(resources), []
    conflicting = []
    for resource, result in zip(changed, written, strict=True):
        if isinstance(result, SetpointError):
            conflicting.append(resource)
        else:
            resource.latest = result
            pipeline.note_success(resource.stored.state, result, store, now)
    return [resource for resource in resources if resource not in conflicting], conflicting


def _publish_all(resources: Iterable[_Resource], bus: EventBus | None, store: Store, outbox: Outbox) -> None:
    """Publish all pending events, of all resources together."""
    pending = [resource for resource in resources if not resource.is_failed and _pending(resource.latest)]
    if bus is None or not pending:
        return
    try:
        bus.publish([event for resource in pending for event in _pending(resource.latest)])
        marked = store.commit_many([_published(resource.latest) for resource in pending])
    except Exception:  # noqa: BLE001 - an event that cannot be published does not stop the rest
        _publish_each(pending, outbox)
        return
    for resource, result in zip(pending, marked, strict=True):
        if isinstance(result, TransientError) and not isinstance(result, Conflict):
            resource.fail(result)


def _publish_each(resources: Iterable[_Resource], outbox: Outbox) -> None:
    """Publish the events of each resource by itself; stop when the bus counts as down."""
    failures: list[Exception] = []
    for resource in resources:
        if len(failures) < _MAX_BUS_FAILURES:
            error = _error_of(outbox.publish_pending, resource.latest)
            if error is None:
                continue
            failures.append(error)
        resource.fail(failures[-1])


def _report_conflicts(resources: Iterable[_Resource], context: Context) -> None:
    """Report the declarations that do not count."""
    for resource in resources:
        if not resource.is_failed and resource.latest.contest is not None:
            failure = _error_of(pipeline.report_conflicts, resource.latest, context)
            if failure is not None:
                resource.fail(failure)


def _reevaluate_changed(resources: Iterable[_Resource], context: Context) -> None:
    """Evaluate again where a change was recorded between the read and the write of a drift that began."""
    begun = {
        resource.latest.key: resource
        for resource in resources
        if any(result in pipeline.BEGINNINGS for result in resource.results.values())
    }
    try:
        known = context.store.changes_of(list(begun)) if begun else {}
    except Exception as error:  # noqa: BLE001 - as above: the error is reported after redelivery
        for resource in begun.values():
            resource.fail(error)
        return
    for key, changes in known.items():
        if changes != begun[key].stored.changes:
            failure = _error_of(pipeline.reevaluate, key, context)
            if failure is not None:
                begun[key].fail(failure)


def _pending(snapshot: Snapshot) -> tuple[CloudEvent, ...]:
    return snapshot.state.pending if snapshot.state is not None else ()


def _published(snapshot: Snapshot) -> Commit:
    """The record with its events marked as published."""
    assert snapshot.state is not None  # noqa: S101 - it has events; this tells the type checker
    return Commit(snapshot, replace(snapshot.state, pending=()))


def _handle_alone(work: Callable[..., Outcome], *arguments: Any) -> Result:
    try:
        return work(*arguments)
    except Exception as error:  # noqa: BLE001 - any error concerns this message only
        return error


def _error_of(work: Callable[..., object], *arguments: Any) -> Exception | None:
    try:
        work(*arguments)
    except Exception as error:  # noqa: BLE001 - as above
        return error
    return None
