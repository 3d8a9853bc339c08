"""Reads resources through their own APIs where the policy asks for it, and has the detector judge each reading."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.detection import api_readings, pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import AccessDenied, Conflict, Refused, TransientError
from setpoint.model.api_reading import ApiReading
from setpoint.model.policy import Limits
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sources import rules_of
from setpoint.ports.stores import Problems, Snapshot
from setpoint.remediation.live_resources import LiveResources
from setpoint.util.retries import retry_on_conflict

_MINUTE = timedelta(minutes=1)
_SOON = timedelta(minutes=5)
"""After an API that did not answer."""
_LATER = timedelta(hours=1)
"""After an answer that only a person can change: a missing permission, a resource that the API does not know."""
_COUNTED = 10_000
"""No more due readings are counted."""


class ReadBudget:
    """How many calls a process may make within any minute."""

    def __init__(self) -> None:
        self._calls: deque[datetime] = deque()

    def left(self, per_minute: int, now: datetime) -> int:
        """How many calls may be made now."""
        while self._calls and self._calls[0] <= now - _MINUTE:
            self._calls.popleft()
        return max(0, per_minute - len(self._calls))

    def take(self, now: datetime) -> None:
        """Count a call."""
        self._calls.append(now)


class DeepReads(NamedTuple):
    """What came of the readings that were due.

    Args:
        read: resources that were read and judged.
        left: resources that are still due; they come with the next minute.
        problems: why others could not be read, and the next step.
    """

    read: int = 0
    left: int = 0
    problems: tuple[str, ...] = ()


def is_asked_for(context: Context) -> bool:
    """Whether the policy of the fleet asks for any reading."""
    policy = rules_of(context.store.control().value).policy
    return policy is not None and any(rule.source == "api" for rule in policy.observe)


def read_due(context: Context, live_resources: LiveResources, budget: ReadBudget) -> DeepReads:
    """Read what is due, the longest due first, as far as the budget goes.

    Args:
        context: the context of detection.
        live_resources: the APIs that hold the resources.
        budget: kept from one call to the next.

    Raises:
        Unavailable: the store does not answer.
    """
    policy = rules_of(context.store.control().value).policy
    per_minute = (policy.limits if policy is not None else Limits()).readings_per_minute
    unread: Problems = []
    problems: list[str] = []
    read = 0
    for key in context.store.readings_due(context.clock(), budget.left(per_minute, context.clock()), unread):
        budget.take(context.clock())
        try:
            problem = _read(key, context, live_resources)
        except TransientError as error:  # one resource keeps no other from being read
            problem = str(error)
        if problem:
            problems.append(problem)
        else:
            read += 1
    left = len(context.store.readings_due(context.clock(), _COUNTED, unread))
    return DeepReads(read, left, tuple(dict.fromkeys([*problems, *map(str, unread)])))


def _read(key: ResourceKey, context: Context, live_resources: LiveResources) -> str:
    """Read a resource and have it judged; why that was not possible, else an empty string."""
    snapshot = context.store.read(key)
    state = snapshot.state
    if state is None or snapshot.desired is None or not api_readings.is_selected(snapshot, state.asset_type):
        return _postpone(key, None, "", context)
    try:
        reading = live_resources.read(
            snapshot.desired.declarations[0], context.store.last_observation(key), context.clock()
        )
    except (AccessDenied, Refused) as error:
        return _postpone(key, _LATER, str(error), context)
    except TransientError as error:
        return _postpone(key, _SOON, str(error), context)
    if reading is None:
        return _postpone(key, None, f"{key.name}: no known method reads a {state.asset_type}", context)
    if (
        reading.observation.deleted
    ):  # the inventory tells of deletions; a 404 alone may be a name that is spelt otherwise
        return _postpone(key, _LATER, f"{key.name}: its API does not know it, and the inventory does", context)
    pipeline.handle_observation(reading.observation, context)
    return ""


def _postpone(key: ResourceKey, wait: timedelta | None, problem: str, context: Context) -> str:
    """Store why a resource was not read, and when to try again; None for not before the next change."""

    def write() -> Snapshot | None:
        snapshot = context.store.read(key)
        if snapshot.state is None:
            return None
        due = context.clock() + wait if wait is not None else None
        reading = replace(snapshot.state.api_reading or ApiReading(), due=due, problem=problem)
        return context.store.commit(snapshot, replace(snapshot.state, api_reading=reading))

    try:
        retry_on_conflict(write, what=key.name)
    except Conflict:
        return problem or f"{key.name}: written by others again and again; it is read with the next minute"
    return problem
