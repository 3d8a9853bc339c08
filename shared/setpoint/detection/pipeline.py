"""The life of one event, from the message to the resulting events.

A crash at any point loses nothing: the message is redelivered, and events that were stored but not marked as published
are published then, under the same ids.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.catalog.inventory_names import is_server_named
from setpoint.detection import api_readings, finding_state_machine, ownership
from setpoint.detection.claim_evidence import evidence_of
from setpoint.detection.finding_state_machine import Transition
from setpoint.detection.installation_key import InstallationKey
from setpoint.detection.known_changes import actor_lookup, may_change_actor
from setpoint.detection.name_bindings import NameBindings, NameClaim, claims_of
from setpoint.detection.observed_schema import Schemas
from setpoint.detection.outbox import Failures, Outbox, in_any_order, is_due, report_unread
from setpoint.detection.parent_index import ParentLookup
from setpoint.detection.project_ids import ProjectIdResolver, keys_by_number
from setpoint.errors import CorruptState, MalformedMessage, PermanentError, SetpointError, TransientError
from setpoint.model import observation as observations
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.secrecy import Secrecy
from setpoint.ports.queues import DeadLetters, EventBus
from setpoint.ports.services import ProjectDirectory
from setpoint.ports.stores import Problems, RemediationStore, Snapshot, Store
from setpoint.util import telemetry
from setpoint.util.clock import utc_now
from setpoint.util.external_sort import batches
from setpoint.util.retries import retry_on_conflict

_BATCH = 100
"""The number of records in one read."""

_TIMELY: frozenset[Outcome] = frozenset(
    ("opened", "changed", "drifted", "exempted", "settling", "resolved", "in_sync", "unknown", "unreadable")
)
"""Outcomes of new observations of declared resources, which detection time is measured for."""


@dataclass(frozen=True, slots=True)
class Context:
    """The ports of detection.

    Flow: an observation, from its message to the published events; other flows evaluate what they read or change by it.

    Args:
        store: desired state and findings.
        bus: publishes events; None leaves them pending in the store, for the next process with a bus.
        dead_letters: takes messages that can never be handled.
        schemas: the schemas of asset types; None if there are none.
        clock: gives the current time, which grace periods are measured with.
        directory: looks up the project of an unknown number; None looks nothing up.
        secret_key: the key for hiding secrets, or a function that fetches it; None for the store's own, kept in plain.
        secrecy: hides secrets with that key.
        projects: ids and numbers of projects, over the store.
        parents: the resources that controllers make others for, as sweeps have listed them.
        refusals: the refused declarations that this process reported.
        outbox: publishes the pending events of the store.
    """

    store: Store
    bus: EventBus | None
    dead_letters: DeadLetters
    schemas: Schemas | None = None
    clock: Callable[[], datetime] = utc_now
    directory: ProjectDirectory | None = None
    secret_key: bytes | Callable[[], bytes] | None = field(default=None, repr=False)
    projects: ProjectIdResolver = field(init=False)
    parents: ParentLookup = field(init=False)
    secrecy: Secrecy = field(init=False, repr=False)
    refusals: ownership.KnownRefusals = field(init=False, default_factory=ownership.KnownRefusals)
    outbox: Outbox = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "projects", ProjectIdResolver(self.store, NameBindings(self.store), self.directory))
        object.__setattr__(self, "parents", ParentLookup(lambda: self.store.sweeps))
        object.__setattr__(self, "secrecy", Secrecy(self.secret_key or InstallationKey(self.store).read))
        object.__setattr__(self, "outbox", Outbox(self.store, self.bus, self.dead_letters))


def receive(message: bytes, attributes: Mapping[str, str], context: Context) -> Outcome:
    """Handle a message; dead-letter it with the reason if it can never be handled.

    Raises:
        PermanentError: the installation is at fault, not the message; fix it and redeliver.
        TransientError: the message failed for now; redeliver it.
    """
    try:
        return handle_change(message, attributes, context)
    except MalformedMessage as error:
        context.dead_letters.put(message, attributes, str(error))
        return "rejected"


def handle_change(message: bytes, attributes: Mapping[str, str], context: Context) -> Outcome:
    """Compare the resource in a feed message with its desired state, and publish the resulting events.

    Raises:
        PermanentError: the message can never be handled.
        TransientError: the message failed for now; redeliver it.
    """
    observation = observations.parse(message, attributes)
    if observation is None:
        return "welcome"
    telemetry.note(
        resource_name=observation.key.name, asset_type=observation.asset_type, content=observation.key.content
    )
    try:
        outcome = handle_observation(observation, context)
    except RecursionError:  # no API has messages that deep
        raise MalformedMessage(f"{observation.key.name}: its data is nested too deeply to be compared") from None
    if outcome in _TIMELY:
        late = context.clock() - observation.observed_at
        telemetry.note(detection_seconds=round(late.total_seconds(), 3))
    return outcome


def handle_observation(observation: Observation, context: Context) -> Outcome:
    """Evaluate an observation, store the result, then publish it.

    Raises:
        PermanentError: the record of the resource cannot be read.
        TransientError: the observation failed for now; observe again.
    """
    news = context.projects.described_ids(observation)
    if news:
        context.projects.record(news)
    bound = record_bindings((observation,), context.projects)
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
    context.outbox.publish_pending(snapshot)
    if snapshot.contest is not None:
        report_conflicts(snapshot, context)
    if outcome in BEGINNINGS and context.store.changes(snapshot.key) != snapshot.changes:
        reevaluate(snapshot.key, context)  # the change was recorded between the read and the commit
    if news:
        evaluate_deferred(news, context)
    evaluate_bound(bound, context)
    return outcome


def report_conflicts(snapshot: Snapshot, context: Context) -> None:
    """Log each refused declaration once per process, and add it to the finding of its source.

    Raises:
        TransientError: the store or the bus is unavailable; observe again.
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
"""Outcomes of an observation that shows a new drift."""


def record_project_ids(observed: Iterable[Observation], context: Context) -> None:
    """Record the ids and numbers of projects in observations, and nothing else.

    Raises:
        TransientError: the store is unavailable; observe again.
    """
    for some in batches(observed, _BATCH):
        news = {
            number: identifier
            for observation in some
            for number, identifier in context.projects.described_ids(observation).items()
        }
        context.projects.record(news)
        evaluate_deferred(news, context)


def record_bindings(observed: Iterable[Observation], projects: ProjectIdResolver) -> Collection[str]:
    """Bind inventory names with server-generated ids to the declared names of the same resources.

    Returns:
        The inventory names that are newly bound.

    Raises:
        TransientError: the store is unavailable; observe again.
    """
    names = projects.names
    if names is None:
        return ()
    described: dict[str, str] = {}
    claims: list[NameClaim] = []
    for observation in observed:
        described |= names.described(observation)
        if observation.key.content == "resource" and is_server_named(observation.asset_type):
            keys = projects.alternative_keys(projects.with_project_id(observation))
            claims += claims_of(observation, [key.name for key in keys])
    return tuple(names.record(described, claims))


def evaluate_bound(unknown: Iterable[str], context: Context) -> None:
    """Evaluate the observations that were deferred until a name was known.

    Args:
        unknown: inventory names that are now bound, or ``projects/NUMBER`` with a known id.
        context: the context of detection.

    Raises:
        TransientError: the store or the bus is unavailable; observe again.
    """
    for name in unknown:
        waiting = context.store.names.waiting_for(name)
        for key in waiting:
            reevaluate(key, context)
        if waiting:
            context.store.names.stop_waiting_for(name)


def evaluate_deferred(numbers: Collection[str], context: Context) -> None:
    """Evaluate the observations of projects that were deferred until the project's id was known.

    Args:
        numbers: the project numbers; they count as new until every deferred observation is evaluated.
        context: the context of detection.

    Raises:
        TransientError: the store or the bus is unavailable; observe again.
    """
    with context.projects.evaluating(numbers):
        for some in batches(chain.from_iterable(map(keys_by_number, numbers)), _BATCH):
            for key, snapshot in context.store.read_many(some).items():
                if snapshot.state is not None and not snapshot.state.judged_by:
                    reevaluate(key, context)
        evaluate_bound([f"projects/{number}" for number in numbers], context)


def reevaluate(key: ResourceKey, context: Context) -> Outcome:
    """Evaluate the last observation of a resource again after a change of its desired state.

    Returns:
        The outcome; ``unreadable`` if the resource was never observed.
    """
    observation = context.store.last_observation(key)
    return "unreadable" if observation is None else handle_observation(observation, context)


def promote_settled(context: Context, problems: Problems | None = None) -> Counter[Outcome]:
    """Evaluate drifts within their grace period again; those that lasted long enough become findings.

    An unchanged resource is not observed again, so a scheduler calls this every minute.

    Args:
        context: the store, the bus and the clock.
        problems: takes the errors of records that cannot be read.

    Returns:
        The number of records for each outcome; ``unreadable`` for records that could not be evaluated.

    Raises:
        CorruptState: at the end, without ``problems``: some records cannot be read; the error names the first.
    """
    unread: Problems = []
    outcomes: Counter[Outcome] = Counter()
    failures = Failures()
    for key in in_any_order(context.store.due(context.clock(), unread)):
        try:
            if is_due(key, context.store, context.clock()):
                outcomes[reevaluate(key, context)] += 1
            failures.in_a_row = 0
        except CorruptState as error:  # a record that cannot be read does not stop the others
            outcomes["unreadable"] += 1
            unread.append(error)
        except PermanentError:
            outcomes["unreadable"] += 1
        except TransientError as error:
            failures.add(error)
    report_unread(unread, problems)
    failures.end(outcomes.total())
    return outcomes


class LoadedResource(NamedTuple):
    """The stored records of an observed resource.

    Args:
        snapshot: the stored records, under the declared name.
        observation: the observation, under the declared name.
        left: the stored records under the observed name, if the names differ and those records show drift.
        is_ambiguous: another resource has the same natural name; the declared one cannot be determined.
    """

    snapshot: Snapshot
    observation: Observation
    left: Snapshot | None = None
    is_ambiguous: bool = False


def load(
    observation: Observation, projects: ProjectIdResolver, read: Callable[[ResourceKey], Snapshot]
) -> LoadedResource:
    """Load the stored records of a resource under its declared name.

    If the observed name is not declared, the alternative names are tried, then a name that was declared before.

    Args:
        observation: the observation.
        projects: the ids of projects and the names of resources.
        read: reads the records of a key.
    """
    snapshot = read(observation.key)
    observation = projects.with_project_id(observation)
    snapshot = ownership.settled(snapshot, observation)
    if ownership.is_declared(snapshot):
        return LoadedResource(snapshot, observation)
    for key in projects.alternative_keys(observation):
        other = ownership.settled(read(key), observation)
        if ownership.is_declared(other) or other.state is not None:
            is_drift = snapshot.state is not None and bool(snapshot.state.fingerprint)
            names = projects.names
            is_ambiguous = names is not None and names.is_ambiguous(key.name, deleted=observation.deleted)
            seen = replace(observation, key=key, inventory_name=observation.key.name)
            return LoadedResource(other, seen, snapshot if is_drift else None, is_ambiguous)
    return LoadedResource(snapshot, observation)


def evaluate(stored: LoadedResource, context: Context) -> Transition:
    """Evaluate an observation with the stored records of its resource."""
    snapshot, observation = stored.snapshot, stored.observation
    if stored.is_ambiguous:
        return Transition("unreadable")
    if waits_for(stored, context.projects):
        if snapshot.state is not None and snapshot.state.observed_at >= observation.observed_at:
            return Transition("stale")
        return Transition("waiting", finding_state_machine.without_verdict(observation))
    started = time.perf_counter()
    reading = snapshot.state.api_reading if snapshot.state is not None else None
    now = context.clock()
    known = actor_lookup(snapshot, observation)
    evidence = evidence_of(snapshot, context.parents.index)
    verdict = ownership.judge(
        snapshot, observation, context.schemas, known, reading, secrecy=context.secrecy, now=now, evidence=evidence
    )
    telemetry.add("compare_seconds", round(time.perf_counter() - started, 6))
    transition = finding_state_machine.advance(snapshot.state, observation, verdict, now)
    return api_readings.scheduled(transition, snapshot, observation, verdict, now)


def waits_for(stored: LoadedResource, projects: ProjectIdResolver) -> str:
    """The name that must be known before the declaration can be determined; empty if none."""
    snapshot, observation = stored.snapshot, stored.observation
    if ownership.is_declared(snapshot) or observation.deleted or observation.asset_type == ownership.SOURCE_TYPE:
        return ""
    if snapshot.state is not None and snapshot.state.judged_by:
        return ""
    return projects.unknown_name(observation)


class _Committed(NamedTuple):
    """The result of a commit.

    Args:
        outcome: the outcome of the observation.
        snapshot: the stored records after the commit.
        moves_onset: whether an older observation narrowed down the onset of the drift, and so the possible actors.
        unknown: the name that must be known first; empty if none.
    """

    outcome: Outcome
    snapshot: Snapshot
    moves_onset: bool = False
    unknown: str = ""


def _commit(observed: Observation, context: Context) -> _Committed:
    """Read once and commit at most once.

    Raises:
        Conflict: another process wrote the record; retry from the read.
    """
    stored = load(observed, context.projects, context.store.read)
    snapshot, observation, left, _ = stored
    outcome, state = (transition := evaluate(stored, context)).outcome, transition.state
    unknown = waits_for(stored, context.projects) if outcome == "waiting" else ""
    if unknown:
        context.store.names.wait_for(unknown, snapshot.key)
    if left is not None and (ended := _ended(left, observed, context.clock())) is not None:
        context.outbox.publish_pending(context.store.commit(left, ended))
    if state is None:
        return _Committed(outcome, snapshot)
    if outcome == "stale":
        return _Committed(outcome, context.store.commit(snapshot, state), may_change_actor(snapshot, state))
    stored_now = context.store.commit(snapshot, state, observation)
    note_success(snapshot.state, stored_now, context.store, context.clock())
    return _Committed(outcome, stored_now, unknown=unknown)


def note_success(before: ResourceState | None, after: Snapshot, store: RemediationStore, now: datetime) -> None:
    """Add an entry to the audit trail if an observation verified a remediation.

    Args:
        before: the record before the observation.
        after: the stored records after it.
        store: the audit trail.
        now: the current time.
    """
    remediation = after.state.remediation if after.state is not None else None
    if remediation is None or remediation.outcome != "succeeded" or after.state is None:
        return
    if before is not None and before.remediation is not None and before.remediation.outcome == "succeeded":
        return
    entry = AuditEntry(
        recorded_at=now,
        what="succeeded",
        by="detection",
        fingerprint=remediation.fingerprint,
        observed_at=after.state.observed_at,
        summary=remediation.summary,
        outcome=remediation.outcome,
        proof=remediation.proof,
    )
    with suppress(SetpointError):  # the record is complete without the entry, and a retry would not write it
        store.note(after.key, entry)


def _ended(left: Snapshot, observation: Observation, now: datetime) -> ResourceState | None:
    """The record under an old name of a resource that is declared under another name: without a finding."""
    ended_at = max(observation.observed_at, left.state.observed_at) if left.state else observation.observed_at
    observed = replace(observation, observed_at=ended_at)
    return finding_state_machine.advance(left.state, observed, "undeclared", now).state
