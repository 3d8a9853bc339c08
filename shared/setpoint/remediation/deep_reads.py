"""Read resources through their own APIs if the policy asks for it, and evaluate each read as an observation."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.detection import api_readings, pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import AccessDenied, Conflict, Refused, TransientError
from setpoint.model.api_reading import ApiReading
from setpoint.model.observation import Observation
from setpoint.model.policy import Limits
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sources import rules_of
from setpoint.ports.stores import DesiredStore, Problems, Snapshot, StateStore, Store
from setpoint.remediation.live_resources import LiveResources
from setpoint.util.retries import retry_on_conflict

_MINUTE = timedelta(minutes=1)
_SOON = timedelta(minutes=5)
"""The wait after an API that did not answer."""
_LATER = timedelta(hours=1)
"""The wait after an error that only a person can resolve: a missing permission, a resource unknown to the API."""
_COUNTED = 10_000
"""The most due reads that are counted."""


class ReadBudget:
    """A rate limit on the API calls of a process, per minute."""

    def __init__(self) -> None:
        self._calls: deque[datetime] = deque()

    def left(self, per_minute: int, now: datetime) -> int:
        """The number of calls that are allowed now."""
        while self._calls and self._calls[0] <= now - _MINUTE:
            self._calls.popleft()
        return max(0, per_minute - len(self._calls))

    def take(self, now: datetime) -> None:
        """Record a call."""
        self._calls.append(now)


class DeepReads(NamedTuple):
    """The result of the due reads.

    Args:
        read: number of resources that were read and evaluated.
        left: number of resources that are still due; the next run continues with them.
        problems: the errors of other reads, each with the next step.
    """

    read: int = 0
    left: int = 0
    problems: tuple[str, ...] = ()


def is_asked_for(store: DesiredStore) -> bool:
    """Whether the policy asks for any read."""
    policy = rules_of(store.control().value).policy
    return policy is not None and any(rule.source == "api" for rule in policy.observe)


def read_due(context: Context, live_resources: LiveResources, budget: ReadBudget) -> DeepReads:
    """Read what is due, the longest due first, within the budget.

    Args:
        context: the context of detection.
        live_resources: reads the resources.
        budget: the rate limit, shared by all runs of a process.

    Raises:
        Unavailable: the store does not answer; try again.
    """
    policy = rules_of(context.store.control().value).policy
    per_minute = (policy.limits if policy is not None else Limits()).readings_per_minute
    unread: Problems = []
    problems: list[str] = []
    read = 0
    for key in context.store.readings_due(context.clock(), budget.left(per_minute, context.clock()), unread):
        budget.take(context.clock())
        try:
            reading = _read(key, context.store, live_resources, context.clock())
            if isinstance(reading, Observation):
                pipeline.handle_observation(reading, context)
            problem = reading if isinstance(reading, str) else ""
        except TransientError as error:  # a resource that cannot be read does not stop the others
            problem = str(error)
        if problem:
            problems.append(problem)
        else:
            read += 1
    left = len(context.store.readings_due(context.clock(), _COUNTED, unread))
    return DeepReads(read, left, tuple(dict.fromkeys([*problems, *map(str, unread)])))


def _read(key: ResourceKey, store: Store, live_resources: LiveResources, now: datetime) -> Observation | str:
    """Read a resource; where it is not read now, record when to retry, and give the error, or an empty text."""

    def postponed(wait: timedelta | None, problem: str) -> str:
        return _postpone(key, wait, problem, store, now)

    snapshot = store.read(key)
    state = snapshot.state
    if state is None or snapshot.desired is None or not api_readings.is_selected(snapshot, state.asset_type):
        return postponed(None, "")
    try:
        reading = live_resources.read(snapshot.desired.declarations[0], store.last_observation(key), now)
    except (AccessDenied, Refused) as error:
        return postponed(_LATER, str(error))
    except TransientError as error:
        return postponed(_SOON, str(error))
    if reading is None:
        return postponed(None, f"{key.name}: no known method reads a {state.asset_type}")
    if reading.observation.deleted:
        # The inventory reports deletions; a 404 alone may be due to another spelling of the name.
        return postponed(_LATER, f"{key.name}: its API does not know it, and the inventory does")
    return reading.observation


def _postpone(key: ResourceKey, wait: timedelta | None, problem: str, store: StateStore, now: datetime) -> str:
    """Record why a resource was not read, and when to retry; None to wait for its next change."""

    def write() -> Snapshot | None:
        snapshot = store.read(key)
        if snapshot.state is None:
            return None
        due = now + wait if wait is not None else None
        reading = replace(snapshot.state.api_reading or ApiReading(), due=due, problem=problem)
        return store.commit(snapshot, replace(snapshot.state, api_reading=reading))

    try:
        retry_on_conflict(write, what=key.name)
    except Conflict:
        return problem or f"{key.name}: written by others again and again; it is read with the next minute"
    return problem
