"""Handle many messages with one read, one write and one publish call for the whole batch.

The effect is the same as handling the messages in their order. A message with a conflict, an event that cannot be
published or a record that cannot be read is handled alone, by ``pipeline``; the rest of the batch continues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

from msgspec.structs import replace

from setpoint.catalog.inventory_names import is_server_named
from setpoint.detection import pipeline
from setpoint.detection.known_changes import may_change_actor
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.errors import Conflict, MalformedMessage, PermanentError, SetpointError, TransientError
from setpoint.model import observation as observations
from setpoint.model.events import CloudEvent
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.stores import Commit, Snapshot
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
            telemetry.happened("set_aside", "ERROR", kind="observation", reason=reason)
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
    for place, message in enumerate(messages):
        observation = _read(message)
        if observation is None:
            results[place] = _handle_alone(pipeline.receive, message.data, message.attributes, context)
        else:
            observed[place] = observation
    if observed:
        results.update(zip(observed, handle_many(list(observed.values()), context), strict=True))
    for place, result in results.items():
        if isinstance(result, RecursionError):  # its data is nested too deeply
            message = messages[place]
            results[place] = _handle_alone(pipeline.receive, message.data, message.attributes, context)
    return [results[place] for place in range(len(messages))]


def _read(message: IncomingMessage) -> Observation | None:
    """The observation in a message; None if the message has none or is malformed."""
    try:
        return observations.parse(message.data, message.attributes)
    except MalformedMessage:
        return None


def handle_many(observed: Sequence[Observation], context: Context) -> list[Result]:
    """Handle observations like ``pipeline.handle_observation``, in their order; see ``receive_many``."""
    described = {
        place: news
        for place, observation in enumerate(observed)
        if (news := context.projects.described_ids(observation))
    }
    news = dict(chain.from_iterable(ids.items() for ids in described.values()))
    failure = _error_of(context.projects.record, news)
    bound: list[str] = []
    unbound = _error_of(lambda: bound.extend(pipeline.record_bindings(observed, context.projects)))
    known = [place for place in range(len(observed)) if failure is None or place not in described]
    results: dict[int, Result] = dict(zip(known, _handle([observed[place] for place in known], context), strict=True))
    if news and failure is None:
        failure = _error_of(pipeline.evaluate_deferred, news, context)
    if bound and unbound is None:
        unbound = _error_of(pipeline.evaluate_bound, bound, context)
    if failure is not None:  # a failed lookup of project ids does not stop the rest
        results.update(dict.fromkeys(described, failure))
    if unbound is not None:
        named = [place for place, seen in enumerate(observed) if is_server_named(seen.asset_type)]
        results.update(dict.fromkeys(named, unbound))
    return [results[place] for place in range(len(observed))]


def _handle(observed: Sequence[Observation], context: Context) -> list[Result]:
    try:
        stored = context.store.read_many(_keys(observed, context.projects)) if observed else {}
    except TransientError as error:
        return [error] * len(observed)
    except Exception:  # noqa: BLE001 - a record that cannot be read does not stop the rest
        return [_handle_alone(pipeline.handle_observation, observation, context) for observation in observed]
    batch = _Batch(observed, stored, context)
    batch.judge()
    batch.commit()
    batch.publish()
    batch.finish()
    return batch.results()


def _keys(observed: Iterable[Observation], projects: ProjectIdResolver) -> Iterator[ResourceKey]:
    """Every key under which a record of the observed resources may be stored, without duplicates."""
    named = (
        (observation.key, *projects.alternative_keys(projects.with_project_id(observation))) for observation in observed
    )
    return iter(dict.fromkeys(chain.from_iterable(named)))


class _Batch:
    """A batch of observations.

    Args:
        observed: the observations, in their order.
        stored: the stored records of their resources.
        context: the context of detection.
    """

    def __init__(
        self, observed: Sequence[Observation], stored: Mapping[ResourceKey, Snapshot], context: Context
    ) -> None:
        self._observed = observed
        self._stored = stored
        self._context = context
        self._now = dict(stored)
        self._commits: dict[ResourceKey, Commit] = {}
        self._places: dict[ResourceKey, list[int]] = {}
        self._alone_keys: set[ResourceKey] = set()
        self._alone_places: set[int] = set()
        self._results: dict[int, Result] = {}

    def judge(self) -> None:
        """Evaluate each observation after those before it."""
        for place, observed in enumerate(self._observed):
            key = self._judge_one(place, observed)
            if key is None:
                self._alone_keys.add(observed.key)
                self._alone_places.add(place)
            else:
                self._places.setdefault(key, []).append(place)

    def _judge_one(self, place: int, observed: Observation) -> ResourceKey | None:
        """Evaluate an observation; return the key of its record, or None if it must be handled alone."""
        if observed.key in self._alone_keys:
            return None
        try:
            stored = pipeline.load(observed, self._context.projects, self._now.__getitem__)
            key = stored.snapshot.key
            if stored.left is not None or key in self._alone_keys:
                self._alone_keys.add(key)
                return None
            transition = pipeline.evaluate(stored, self._context)
            if transition.outcome == "waiting":
                self._alone_keys.add(key)
                return None
        except Exception:  # noqa: BLE001 - handled alone later, where its error is reported
            return None
        observation: Observation | None = stored.observation
        if transition.outcome == "stale" and transition.state is not None:
            if may_change_actor(stored.snapshot, transition.state):
                self._alone_keys.add(key)
                return None
            observation = self._commits[key].observation if key in self._commits else None
        if transition.state is not None:
            self._now[key] = replace(stored.snapshot, state=transition.state)
            self._commits[key] = Commit(self._stored[key], transition.state, observation)
        self._results[place] = transition.outcome
        return key

    def commit(self) -> None:
        """Write the new records; those with a conflict are handled alone."""
        commits = list(self._commits.values())
        written: Sequence[Snapshot | SetpointError] = ()
        try:
            written = self._context.store.commit_many(commits) if commits else ()
        except PermanentError as error:  # the store refuses one of them; handling alone shows which
            written = [error] * len(commits)
        except TransientError as error:
            for commit in commits:
                self._fail(commit.snapshot.key, error)
            return
        for commit, result in zip(commits, written, strict=True):
            key = commit.snapshot.key
            if isinstance(result, SetpointError):
                self._alone_places.update(self._places.pop(key))
            else:
                self._now[key] = result
                pipeline.note_success(commit.snapshot.state, result, self._context.store, self._context.clock())

    def publish(self) -> None:
        """Publish all pending events, of all resources together."""
        pending = [
            snapshot
            for key in self._places
            if (snapshot := self._now[key]).state is not None and snapshot.state.pending
        ]
        if self._context.bus is None or not pending:
            return
        try:
            self._context.bus.publish([event for snapshot in pending for event in _pending(snapshot)])
            marked = self._context.store.commit_many([_published(snapshot) for snapshot in pending])
        except Exception:  # noqa: BLE001 - an event that cannot be published does not stop the rest
            self._publish_each(pending)
            return
        for snapshot, result in zip(pending, marked, strict=True):
            if isinstance(result, TransientError) and not isinstance(result, Conflict):
                self._fail(snapshot.key, result)

    def _publish_each(self, pending: Iterable[Snapshot]) -> None:
        """Publish the events of each resource by itself; stop when the bus counts as down."""
        failures: list[Exception] = []
        for snapshot in pending:
            if len(failures) < _MAX_BUS_FAILURES:
                error = _error_of(self._context.outbox.publish_pending, snapshot)
                if error is None:
                    continue
                failures.append(error)
            self._fail(snapshot.key, failures[-1])

    def finish(self) -> None:
        """Handle the remaining observations alone, in their order; then check for late attributions."""
        for place in sorted(self._alone_places):
            self._results[place] = _handle_alone(pipeline.handle_observation, self._observed[place], self._context)
        for key in list(self._places):
            if self._now[key].contest is not None:
                failure = _error_of(pipeline.report_conflicts, self._now[key], self._context)
                if failure is not None:
                    self._fail(key, failure)
        begun = [key for key, places in self._places.items() if any(self._began(place) for place in places)]
        try:
            known = self._context.store.changes_of(begun) if begun else {}
        except Exception as error:  # noqa: BLE001 - as above: the error is reported after redelivery
            for key in begun:
                self._fail(key, error)
            return
        for key, changes in known.items():
            if changes != self._stored[key].changes:
                failure = _error_of(pipeline.reevaluate, key, self._context)
                if failure is not None:
                    self._fail(key, failure)

    def _began(self, place: int) -> bool:
        return self._results[place] in pipeline.BEGINNINGS

    def results(self) -> list[Result]:
        """The result of each observation."""
        return [self._results[place] for place in range(len(self._observed))]

    def _fail(self, key: ResourceKey, error: Exception) -> None:
        """Mark every observation of a resource for redelivery."""
        for place in self._places.pop(key):
            self._results[place] = error


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
