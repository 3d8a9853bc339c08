"""The life of one event, from the message to the events that follow from it.

A crash between any two lines loses nothing: the message is delivered again, and what was stored with the transition
and not yet marked as published is published then, under the same ids.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.catalog.inventory_names import is_server_named
from setpoint.detection import api_readings, finding_state_machine, ownership
from setpoint.detection.finding_state_machine import Transition
from setpoint.detection.known_changes import may_change_actor, who
from setpoint.detection.name_bindings import NameBindings
from setpoint.detection.outbox import Failures, in_any_order, is_due, publish_pending
from setpoint.detection.project_ids import ProjectIdResolver, keys_by_number
from setpoint.detection.verdict import Schemas
from setpoint.errors import CorruptState, MalformedMessage, PermanentError, SetpointError, TransientError
from setpoint.model import observation as observations
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.decode_errors import readable
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.secrecy import Secrecy
from setpoint.ports.queues import DeadLetters, EventBus
from setpoint.ports.services import ProjectDirectory
from setpoint.ports.stores import Problems, Snapshot, Store
from setpoint.util import telemetry
from setpoint.util.external_sort import batches
from setpoint.util.retries import retry_on_conflict

_AT_ONCE = 100
"""Records that are read together."""

_TIMELY: frozenset[Outcome] = frozenset(
    ("opened", "changed", "drifted", "exempted", "settling", "resolved", "in_sync", "unknown", "unreadable")
)
"""Outcomes of what was declared and new: by these is measured how long a change takes to be known."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """What the flow works with.

    Args:
        store: desired state and findings.
        bus: where events go; None leaves them stored, for the next who has one.
        dead_letters: where messages go that can never be handled.
        schemas: what is known of asset types.
        clock: tells the time, by which is measured how long a drift has lasted.
        directory: is asked which project a number is of, where nothing observed tells it; None asks nobody.
        secret_key: by which secrets are hidden; the store's own where it is empty.
        secrecy: hides with that key.
        projects: what projects are called, over the store.
        refusals: what this process has told of declarations that sources may not make.
    """

    store: Store
    bus: EventBus | None
    dead_letters: DeadLetters
    schemas: Schemas | None = None
    clock: Callable[[], datetime] = _utc_now
    directory: ProjectDirectory | None = None
    secret_key: bytes = field(default=b"", repr=False)
    projects: ProjectIdResolver = field(init=False)
    secrecy: Secrecy = field(init=False, repr=False)
    refusals: ownership.KnownRefusals = field(init=False, default_factory=ownership.KnownRefusals)

    def __post_init__(self) -> None:
        object.__setattr__(self, "projects", ProjectIdResolver(self.store, NameBindings(self.store), self.directory))
        object.__setattr__(self, "secrecy", Secrecy(self.secret_key or self.store.secret_key))


def receive(message: bytes, attributes: Mapping[str, str], context: Context) -> Outcome:
    """Handle a message, and dead-letter it with the reason where it can never be handled.

    Raises:
        PermanentError: the installation is at fault, not the message: let it be delivered again when that is mended.
        TransientError: let the message be delivered again.
    """
    try:
        return handle_change(message, attributes, context)
    except MalformedMessage as error:
        context.dead_letters.put(message, attributes, str(error))
        return "rejected"


def handle_change(message: bytes, attributes: Mapping[str, str], context: Context) -> Outcome:
    """Compare what a feed message tells with what is desired, and publish what follows.

    Raises:
        PermanentError: the message can never be handled.
        TransientError: let the message be delivered again.
    """
    observation = observations.parse(message, attributes)
    if observation is None:
        return "welcome"
    telemetry.note(
        resource_name=observation.key.name, asset_type=observation.asset_type, content=observation.key.content
    )
    outcome = handle_observation(observation, context)
    if outcome in _TIMELY:
        late = context.clock() - observation.observed_at
        telemetry.note(detection_seconds=round(late.total_seconds(), 3))
    return outcome


def handle_observation(observation: Observation, context: Context) -> Outcome:
    """Judge an observation, store what follows, then publish it.

    Raises:
        PermanentError: what is stored of the resource cannot be read.
        TransientError: observe again.
    """
    news = context.projects.described_ids(observation)
    if news:
        context.projects.record(news)
    bound = record_bindings((observation,), context)
    outcome, snapshot, moves_onset, unknown = retry_on_conflict(
        lambda: _commit(observation, context), what=observation.key.name
    )
    if unknown and (learnt := context.projects.look_up(unknown)):
        outcome = reevaluate(snapshot.key, context)
        evaluate_deferred(learnt, context)
        return outcome
    if moves_onset:
        reevaluate(snapshot.key, context)
        snapshot = context.store.read(snapshot.key)
    publish_pending(snapshot, context)
    if snapshot.contest is not None:
        report_contest(snapshot, context)
    if outcome in BEGINNINGS and context.store.changes(snapshot.key) != snapshot.changes:
        reevaluate(snapshot.key, context)  # who did it was told between the read and the commit
    if news:
        evaluate_deferred(news, context)
    evaluate_bound(bound, context)
    return outcome


def report_contest(snapshot: Snapshot, context: Context) -> None:
    """Log what a source declares and may not, each once by a process, and add it to the finding of that source.

    Raises:
        TransientError: observe again.
    """
    contest = snapshot.contest
    if contest is None:
        return
    for refused in contest.refused:
        if context.refusals.is_known(snapshot.key, refused):
            continue
        ownership.log_refusal(snapshot.key, refused)
        observation = ownership.with_refusal(
            context.store.last_observation(ownership.source_key(refused.source)),
            snapshot.key,
            refused,
            context.clock(),
        )
        if observation is not None:
            handle_observation(observation, context)
        context.refusals.note(snapshot.key, refused)


BEGINNINGS: frozenset[Outcome] = frozenset(("opened", "changed", "settling"))
"""What becomes of an observation that shows a drift that was not there before."""


def record_project_ids(observed: Iterable[Observation], context: Context) -> None:
    """Take note of what observations tell of their projects' names, and of nothing else.

    Raises:
        TransientError: observe again.
    """
    for some in batches(observed, _AT_ONCE):
        news = {
            number: identifier
            for observation in some
            for number, identifier in context.projects.described_ids(observation).items()
        }
        context.projects.record(news)
        evaluate_deferred(news, context)


def record_bindings(observed: Iterable[Observation], context: Context) -> Collection[str]:
    """Bind names that only the server makes to the names by which the same resources are declared.

    Returns:
        The inventory names that were not bound before.

    Raises:
        TransientError: observe again.
    """
    names = context.projects.names
    if names is None:
        return ()
    described: dict[str, str] = {}
    for observation in observed:
        described |= names.described(observation)
        if observation.key.content == "resource" and is_server_named(observation.asset_type):
            keys = context.projects.alternative_keys(context.projects.with_project_id(observation))
            names.claim(observation, [key.name for key in keys])
    return tuple(names.record(described)) if described else ()


def evaluate_bound(unknown: Iterable[str], context: Context) -> None:
    """Judge the observations that waited for a name to be known.

    Args:
        unknown: inventory names that are bound by now, or ``projects/NUMBER`` whose ids are known.
        context: the context of detection.

    Raises:
        TransientError: observe again.
    """
    for name in unknown:
        waiting = context.store.names.waiting_for(name)
        for key in waiting:
            reevaluate(key, context)
        if waiting:
            context.store.names.stop_waiting_for(name)


def evaluate_deferred(numbers: Collection[str], context: Context) -> None:
    """Judge what was observed of projects before anybody knew their ids.

    Args:
        numbers: of the projects; they are news until all is judged that waits for them.
        context: what the flow works with.

    Raises:
        TransientError: observe again.
    """
    with context.projects.evaluating(numbers):
        for some in batches(chain.from_iterable(map(keys_by_number, numbers)), _AT_ONCE):
            for key, snapshot in context.store.read_many(some).items():
                if snapshot.state is not None and not snapshot.state.judged_by:
                    reevaluate(key, context)
        evaluate_bound([f"projects/{number}" for number in numbers], context)


def reevaluate(key: ResourceKey, context: Context) -> Outcome:
    """Judge the last observation of a resource again, since what is desired of it has changed.

    Returns:
        What became of it; ``unreadable`` where nothing was observed yet.
    """
    observation = context.store.last_observation(key)
    return "unreadable" if observation is None else handle_observation(observation, context)


def republish_pending(context: Context, problems: Problems | None = None) -> int:
    """Publish whatever a crash has left behind; one record that cannot be read holds back no other.

    Args:
        context: the store, and the bus; without a bus nothing is published.
        problems: why records cannot be read is added here.

    Returns:
        The number of resources of which something was published.

    Raises:
        CorruptState: at the end, without ``problems``: some records cannot be read; it names the first.
    """
    if context.bus is None:
        return 0
    unread: Problems = []
    published = 0
    failures = Failures()
    for key in in_any_order(context.store.unpublished(unread)):
        try:
            publish_pending(context.store.read(key), context)
        except CorruptState as error:
            unread.append(error)
        except TransientError as error:
            failures.add(error)
        else:
            published += 1
            failures.in_a_row = 0
    _hand_on(unread, problems)
    failures.end(published)
    return published


def promote_settled(context: Context, problems: Problems | None = None) -> Counter[Outcome]:
    """Evaluate again what drifted within its grace period; what has lasted long enough becomes a finding.

    A resource that does not change is not observed again, so that this is called every minute or so.

    Args:
        context: the store, the bus and the clock.
        problems: why records cannot be read is added here.

    Returns:
        How often what became of a record; ``unreadable`` where it could not be evaluated.

    Raises:
        CorruptState: at the end, without ``problems``: some records cannot be read; it names the first.
    """
    unread: Problems = []
    outcomes: Counter[Outcome] = Counter()
    failures = Failures()
    for key in in_any_order(context.store.due(context.clock(), unread)):
        try:
            if is_due(key, context):
                outcomes[reevaluate(key, context)] += 1
            failures.in_a_row = 0
        except CorruptState as error:  # a record that cannot be read keeps no other from being judged
            outcomes["unreadable"] += 1
            unread.append(error)
        except PermanentError:
            outcomes["unreadable"] += 1
        except TransientError as error:
            failures.add(error)
    _hand_on(unread, problems)
    failures.end(outcomes.total())
    return outcomes


def _hand_on(unread: Problems, problems: Problems | None) -> None:
    """Name the records that cannot be read to a caller that takes them, or raise."""
    if problems is not None:
        problems += unread
    else:
        any(readable(unread))


class Found(NamedTuple):
    """What is stored of a resource that was observed.

    Args:
        snapshot: all that is stored of it, under the name by which it is kept.
        observation: what was observed, under that name.
        left: what is stored under the observed name, where that is another one and was judged to be drift.
        is_ambiguous: another resource has the same natural name, so that nobody can tell which of them is declared.
    """

    snapshot: Snapshot
    observation: Observation
    left: Snapshot | None = None
    is_ambiguous: bool = False


def load(observation: Observation, context: Context, read: Callable[[ResourceKey], Snapshot] | None = None) -> Found:
    """What is stored of the resource, under the name that it is declared by.

    Where its own name is not declared, others are tried, and one by which it was declared before will do.

    Args:
        observation: what was observed.
        context: what the flow works with.
        read: reads what is stored; by default from the store.
    """
    read = read or context.store.read
    snapshot = read(observation.key)
    observation = context.projects.with_project_id(observation)
    snapshot = ownership.settled(snapshot, observation)
    if ownership.is_declared(snapshot):
        return Found(snapshot, observation)
    for key in context.projects.alternative_keys(observation):
        other = ownership.settled(read(key), observation)
        if ownership.is_declared(other) or other.state is not None:
            is_drift = snapshot.state is not None and bool(snapshot.state.fingerprint)
            names = context.projects.names
            is_ambiguous = names is not None and names.is_ambiguous(key.name, deleted=observation.deleted)
            seen = replace(observation, key=key, inventory_name=observation.key.name)
            return Found(other, seen, snapshot if is_drift else None, is_ambiguous)
    return Found(snapshot, observation)


def evaluate(stored: Found, context: Context) -> Transition:
    """What follows from an observation of a resource of which this much is stored."""
    snapshot, observation = stored.snapshot, stored.observation
    if stored.is_ambiguous:
        return Transition("unreadable")
    if waits_for(stored, context):
        if snapshot.state is not None and snapshot.state.observed_at >= observation.observed_at:
            return Transition("stale")
        return Transition("waiting", finding_state_machine.unjudged(observation))
    started = time.perf_counter()
    reading = snapshot.state.api_reading if snapshot.state is not None else None
    verdict = ownership.judge(
        snapshot, observation, context.schemas, who(snapshot, observation), reading, secrecy=context.secrecy
    )
    telemetry.add("compare_seconds", round(time.perf_counter() - started, 6))
    now = context.clock()
    transition = finding_state_machine.advance(snapshot.state, observation, verdict, now)
    return api_readings.scheduled(transition, snapshot, observation, verdict, now)


def waits_for(stored: Found, context: Context) -> str:
    """What has to be known of a name before anybody can tell who declares the resource; empty where nothing has."""
    snapshot, observation = stored.snapshot, stored.observation
    if ownership.is_declared(snapshot) or observation.deleted or observation.asset_type == ownership.SOURCE_TYPE:
        return ""
    if snapshot.state is not None and snapshot.state.judged_by:
        return ""
    return context.projects.unknown_name(observation)


class _Committed(NamedTuple):
    """What was stored of an observation.

    Args:
        outcome: what became of it.
        snapshot: what is stored then.
        moves_onset: whether an older observation has narrowed down when the drift began, and so who may be behind it.
        unknown: what has to be known of the name first, where that is so.
    """

    outcome: Outcome
    snapshot: Snapshot
    moves_onset: bool = False
    unknown: str = ""


def _commit(observed: Observation, context: Context) -> _Committed:
    """One read and at most one commit.

    Raises:
        Conflict: another writer was faster: begin again from the read.
    """
    stored = load(observed, context)
    snapshot, observation, left, _ = stored
    outcome, state = (transition := evaluate(stored, context)).outcome, transition.state
    unknown = waits_for(stored, context) if outcome == "waiting" else ""
    if unknown:
        context.store.names.wait_for(unknown, snapshot.key)
    if left is not None:
        _end(left, observed, context)
    if state is None:
        return _Committed(outcome, snapshot)
    if outcome == "stale":
        return _Committed(outcome, context.store.commit(snapshot, state), may_change_actor(snapshot, state))
    stored_now = context.store.commit(snapshot, state, observation)
    note_success(snapshot.state, stored_now, context)
    return _Committed(outcome, stored_now, unknown=unknown)


def note_success(before: ResourceState | None, after: Snapshot, context: Context) -> None:
    """Note in the trail that an observation has proved a remediation; nothing where it has not.

    Args:
        before: the record before the observation.
        after: what is stored since.
        context: the context of detection.
    """
    remediation = after.state.remediation if after.state is not None else None
    if remediation is None or remediation.outcome != "succeeded" or after.state is None:
        return
    if before is not None and before.remediation is not None and before.remediation.outcome == "succeeded":
        return
    entry = AuditEntry(
        recorded_at=context.clock(),
        what="succeeded",
        by="detection",
        fingerprint=remediation.fingerprint,
        observed_at=after.state.observed_at,
        summary=remediation.summary,
        outcome=remediation.outcome,
        proof=remediation.proof,
    )
    with suppress(SetpointError):  # what is stored says it all; the entry would not be written another time
        context.store.note(after.key, entry)


def _end(left: Snapshot, observation: Observation, context: Context) -> None:
    """End what was found under a name by which the resource is no longer kept, since another one is declared."""
    ended_at = max(observation.observed_at, left.state.observed_at) if left.state else observation.observed_at
    ended = finding_state_machine.advance(
        left.state, replace(observation, observed_at=ended_at), "undeclared", context.clock()
    ).state
    if ended is not None:
        publish_pending(context.store.commit(left, ended), context)
