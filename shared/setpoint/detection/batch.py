"""Many messages at once: one read, one write and one publishing for the whole batch.

The effect is that of handling the messages one after the other. A message that meets a conflict, an event that cannot
be published or a record that cannot be read is handled alone, by ``pipeline``; the rest of the batch goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

from msgspec.structs import replace

from setpoint.catalog.inventory_names import is_server_named
from setpoint.detection import outbox, pipeline
from setpoint.detection.known_changes import may_change_actor
from setpoint.detection.pipeline import Context
from setpoint.errors import Conflict, MalformedMessage, PermanentError, SetpointError, TransientError
from setpoint.model import observation as observations
from setpoint.model.events import CloudEvent
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.stores import Commit, Snapshot
from setpoint.util import telemetry

Result = Outcome | Exception
"""What became of a message, or why it has to be delivered again."""

_TOLD_ENOUGH = 3
"""After so many resources of which nobody takes the events, the bus is down, and the others are not tried."""


def outcome_of(result: Result) -> Outcome:
    """What became of an observation; ``unreadable`` where it can never be judged, whatever the reason is.

    Raises:
        TransientError: observe again.
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
        """What it says."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """What was sent beside it."""


def receive_many(messages: Sequence[IncomingMessage], context: Context) -> list[Result]:
    """What ``pipeline.receive`` does with each message, in their order.

    Args:
        messages: up to some hundred.
        context: what the flow works with.

    Returns:
        For each, what became of it, or the error for which it has to be delivered again.
    """
    results: dict[int, Result] = {}
    observed: dict[int, Observation] = {}
    for place, message in enumerate(messages):
        observation = _read(message)
        if observation is None:
            results[place] = _singly(pipeline.receive, message.data, message.attributes, context)
        else:
            observed[place] = observation
    if observed:
        results.update(zip(observed, handle_many(list(observed.values()), context), strict=True))
    return [results[place] for place in range(len(messages))]


def _read(message: IncomingMessage) -> Observation | None:
    """What a message observes; None where that takes a closer look."""
    try:
        return observations.parse(message.data, message.attributes)
    except MalformedMessage:
        return None


def handle_many(observed: Sequence[Observation], context: Context) -> list[Result]:
    """What ``pipeline.handle_observation`` does with each observation, in their order; see ``receive_many``."""
    described = {
        place: news
        for place, observation in enumerate(observed)
        if (news := context.projects.described_ids(observation))
    }
    news = dict(chain.from_iterable(ids.items() for ids in described.values()))
    failure = _error_of(context.projects.record, news)
    bound: list[str] = []
    unbound = _error_of(lambda: bound.extend(pipeline.record_bindings(observed, context)))
    known = [place for place in range(len(observed)) if failure is None or place not in described]
    results: dict[int, Result] = dict(zip(known, _handle([observed[place] for place in known], context), strict=True))
    if news and failure is None:
        failure = _error_of(pipeline.evaluate_deferred, news, context)
    if bound and unbound is None:
        unbound = _error_of(pipeline.evaluate_bound, bound, context)
    if failure is not None:  # what projects are called keeps nothing else from being judged
        results.update(dict.fromkeys(described, failure))
    if unbound is not None:
        named = [place for place, seen in enumerate(observed) if is_server_named(seen.asset_type)]
        results.update(dict.fromkeys(named, unbound))
    return [results[place] for place in range(len(observed))]


def _handle(observed: Sequence[Observation], context: Context) -> list[Result]:
    try:
        stored = context.store.read_many(_keys(observed, context)) if observed else {}
    except TransientError as error:
        return [error] * len(observed)
    except Exception:  # noqa: BLE001 - a record that cannot be read keeps no other from being judged
        return [_singly(pipeline.handle_observation, observation, context) for observation in observed]
    batch = _Batch(observed, stored, context)
    batch.judge()
    batch.commit()
    batch.publish()
    batch.finish()
    return batch.results()


def _keys(observed: Iterable[Observation], context: Context) -> Iterator[ResourceKey]:
    """Every name under which something may be stored of what was observed, each once."""
    named = (
        (observation.key, *context.projects.alternative_keys(context.projects.with_project_id(observation)))
        for observation in observed
    )
    return iter(dict.fromkeys(chain.from_iterable(named)))


class _Batch:
    """Some observations on their way through the flow.

    Args:
        observed: the observations, in their order.
        stored: what is stored of the resources.
        context: what the flow works with.
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
        self._apart: set[ResourceKey] = set()
        self._singles: set[int] = set()
        self._results: dict[int, Result] = {}

    def judge(self) -> None:
        """What follows from each observation, once those before it have had their effect."""
        for place, observed in enumerate(self._observed):
            key = self._judge_one(place, observed)
            if key is None:
                self._apart.add(observed.key)
                self._singles.add(place)
            else:
                self._places.setdefault(key, []).append(place)

    def _judge_one(self, place: int, observed: Observation) -> ResourceKey | None:
        """Judge an observation; the name that it is kept by, or None where it is to be done singly."""
        if observed.key in self._apart:
            return None
        try:
            stored = pipeline.load(observed, self._context, self._now.__getitem__)
            key = stored.snapshot.key
            if stored.left is not None or key in self._apart:
                self._apart.add(key)
                return None
            transition = pipeline.evaluate(stored, self._context)
            if transition.outcome == "waiting":
                self._apart.add(key)
                return None
        except Exception:  # noqa: BLE001 - done singly, it will be told and troubles nobody else
            return None
        observation: Observation | None = stored.observation
        if transition.outcome == "stale" and transition.state is not None:
            if may_change_actor(stored.snapshot, transition.state):
                self._apart.add(key)
                return None
            observation = self._commits[key].observation if key in self._commits else None
        if transition.state is not None:
            self._now[key] = replace(stored.snapshot, state=transition.state)
            self._commits[key] = Commit(self._stored[key], transition.state, observation)
        self._results[place] = transition.outcome
        return key

    def commit(self) -> None:
        """Write what follows; what somebody else was in the way of is left to be done singly."""
        commits = list(self._commits.values())
        written: Sequence[Snapshot | SetpointError] = ()
        try:
            written = self._context.store.commit_many(commits) if commits else ()
        except PermanentError as error:  # one of them is refused: singly it will be told which
            written = [error] * len(commits)
        except TransientError as error:
            for commit in commits:
                self._fail(commit.snapshot.key, error)
            return
        for commit, result in zip(commits, written, strict=True):
            key = commit.snapshot.key
            if isinstance(result, SetpointError):
                self._singles.update(self._places.pop(key))
            else:
                self._now[key] = result
                pipeline.note_success(commit.snapshot.state, result, self._context)

    def publish(self) -> None:
        """Publish what is stored and not known to be published, of all resources together."""
        waiting = [
            snapshot
            for key in self._places
            if (snapshot := self._now[key]).state is not None and snapshot.state.pending
        ]
        if self._context.bus is None or not waiting:
            return
        try:
            self._context.bus.publish([event for snapshot in waiting for event in _pending(snapshot)])
            marked = self._context.store.commit_many([_published(snapshot) for snapshot in waiting])
        except Exception:  # noqa: BLE001 - one that cannot be told of keeps no other from being so
            self._publish_singly(waiting)
            return
        for snapshot, result in zip(waiting, marked, strict=True):
            if isinstance(result, TransientError) and not isinstance(result, Conflict):
                self._fail(snapshot.key, result)

    def _publish_singly(self, waiting: Iterable[Snapshot]) -> None:
        """Tell of one resource after the other, as long as there is hope."""
        failures: list[Exception] = []
        for snapshot in waiting:
            if len(failures) < _TOLD_ENOUGH:
                error = _error_of(outbox.publish_pending, snapshot, self._context)
                if error is None:
                    continue
                failures.append(error)
            self._fail(snapshot.key, failures[-1])

    def finish(self) -> None:
        """Do singly what is left, in its order; then look once more who changed it, as the pipeline does."""
        for place in sorted(self._singles):
            self._results[place] = _singly(pipeline.handle_observation, self._observed[place], self._context)
        for key in list(self._places):
            if self._now[key].contest is not None:
                failure = _error_of(pipeline.report_contest, self._now[key], self._context)
                if failure is not None:
                    self._fail(key, failure)
        begun = [key for key, places in self._places.items() if any(self._began(place) for place in places)]
        try:
            known = self._context.store.changes_of(begun) if begun else {}
        except Exception as error:  # noqa: BLE001 - as above: delivered again, it will be told
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
        """What became of each observation."""
        return [self._results[place] for place in range(len(self._observed))]

    def _fail(self, key: ResourceKey, error: Exception) -> None:
        """Have everything of a resource delivered again."""
        for place in self._places.pop(key):
            self._results[place] = error


def _pending(snapshot: Snapshot) -> tuple[CloudEvent, ...]:
    return snapshot.state.pending if snapshot.state is not None else ()


def _published(snapshot: Snapshot) -> Commit:
    """The record with its events marked as published."""
    assert snapshot.state is not None  # noqa: S101 - it has events; this tells the type checker
    return Commit(snapshot, replace(snapshot.state, pending=()))


def _singly(work: Callable[..., Outcome], *arguments: Any) -> Result:
    try:
        return work(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is about one message
        return error


def _error_of(work: Callable[..., object], *arguments: Any) -> Exception | None:
    try:
        work(*arguments)
    except Exception as error:  # noqa: BLE001 - as above
        return error
    return None
