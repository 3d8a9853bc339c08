"""What counts of the declarations of an observed resource, and the findings about what sources may not declare."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from setpoint.detection import verdict as judging
from setpoint.detection.verdict import Schemas, Unjudged, Verdict, Who
from setpoint.model import contests
from setpoint.model.api_reading import ApiReading
from setpoint.model.contests import RefusedClaim
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.secrecy import THIS_PROCESS, Secrecy
from setpoint.ports.stores import Snapshot
from setpoint.util import telemetry

SOURCE_TYPE = "setpoint.dev/Source"
"""The type of the finding that says what a source declares and may not."""

_MOST_SHOWN = 100
"""Refused declarations that the finding of a source shows; the others are counted."""
_MOST_KNOWN = 10_000
"""Refusals that a process remembers to have told."""


class KnownRefusals:
    """What a process has told of declarations that sources may not make: each is told once."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[ResourceKey, RefusedClaim], None] = OrderedDict()

    def is_known(self, key: ResourceKey, refused: RefusedClaim) -> bool:
        """Whether it was told."""
        return (key, refused) in self._known

    def note(self, key: ResourceKey, refused: RefusedClaim) -> None:
        """Remember that it was told; what was told long before may be forgotten."""
        self._known[key, refused] = None
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


def settled(snapshot: Snapshot, observation: Observation) -> Snapshot:
    """The snapshot with what counts of the declarations, by where the resource was observed."""
    desired, contest = contests.settled(snapshot.desired, snapshot.rules.sources, observation)
    if contest is None and desired is snapshot.desired:
        return snapshot
    return replace(snapshot, desired=desired, contest=contest)


def is_declared(snapshot: Snapshot) -> bool:
    """Whether somebody who may declares the resource, or two do."""
    return snapshot.desired is not None or (snapshot.contest is not None and bool(snapshot.contest.disputed))


def judge(
    snapshot: Snapshot,
    observation: Observation,
    schemas: Schemas | None,
    who: Who = judging.nobody,
    reading: ApiReading | None = None,
    *,
    secrecy: Secrecy = THIS_PROCESS,
) -> Verdict | Unjudged:
    """Judge an observation by what counts of the declarations; see ``verdict.judge``."""
    if observation.asset_type == SOURCE_TYPE:
        return _judge_source(snapshot.rules, observation)
    if snapshot.contest is not None and snapshot.contest.disputed:
        return judging.disputed(snapshot.contest, snapshot.rules, observation)
    home = snapshot.state.home if snapshot.state is not None else ""
    return judging.judge(snapshot.desired, snapshot.rules, observation, schemas, who, reading, secrecy, home=home)


def _judge_source(rules: Rules, observation: Observation) -> Verdict:
    reasons: Mapping[str, str] = observation.data["refused"]
    return judging.refused(reasons, int(observation.data["count"]), rules, observation)


def source_key(source: str) -> ResourceKey:
    """The key under which the finding of a source is kept."""
    return ResourceKey(f"//setpoint.dev/sources/{source}")


def source_observation(source: str, refused: Mapping[str, str], now: datetime) -> Observation:
    """What there is to tell of a source: what it declares and may not, by the name of the resource."""
    shown = dict(sorted(refused.items())[:_MOST_SHOWN])
    data: dict[str, Any] = {"refused": shown, "count": len(refused)}
    return Observation(source_key(source), SOURCE_TYPE, now, data=data)


def refused_before(last: Observation | None) -> dict[str, str]:
    """What the finding of a source shows."""
    return dict(last.data["refused"]) if last is not None else {}


def with_refusal(
    last: Observation | None, key: ResourceKey, refused: RefusedClaim, now: datetime
) -> Observation | None:
    """What there is to tell of a source when one declaration more is refused; None where that is told already.

    Args:
        last: what was told before.
        key: the resource.
        refused: why its declaration does not count.
        now: the time.
    """
    before = refused_before(last)
    if before.get(key.name) == refused.reason or (key.name not in before and len(before) >= _MOST_SHOWN):
        return None
    return source_observation(refused.source, {**before, key.name: refused.reason}, now)


def log_refusal(key: ResourceKey, refused: RefusedClaim) -> None:
    """Log that a declaration does not count; a metric counts these lines, and an alert hangs on it."""
    telemetry.happened(
        "claim_refused",
        "ERROR",
        outcome=f"{refused.where}: {refused.reason}; it does not count;",
        resource_name=key.name,
        source=refused.source,
    )
