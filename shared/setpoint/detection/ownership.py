"""Select the declarations that count for a resource, and report what sources declare without permission."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from setpoint.detection import authority_verdicts, unmanaged_grants
from setpoint.detection import verdict as judging
from setpoint.detection.claim_evidence import NO_EVIDENCE, Evidence
from setpoint.detection.observed_schema import Schemas
from setpoint.detection.verdict import ActorLookup, Unjudged, Verdict
from setpoint.model import claim_conflicts
from setpoint.model.api_reading import ApiReading
from setpoint.model.claim_conflicts import RefusedClaim
from setpoint.model.fleet_rules import Rules
from setpoint.model.identity import identity_of, is_other
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.secrecy import THIS_PROCESS, Secrecy
from setpoint.ports.stores import Snapshot
from setpoint.util import telemetry

SOURCE_TYPE = "setpoint.dev/Source"
"""The type of the finding about a source's refused declarations."""

_MAX_SHOWN = 100
"""The most refused declarations that the finding of a source shows; the rest are counted."""
_MAX_KNOWN = 10_000
"""The most reported refusals that a process remembers."""


class KnownRefusals:
    """The refusals that this process reported; each is reported once."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[ResourceKey, RefusedClaim], None] = OrderedDict()

    def is_known(self, key: ResourceKey, refused: RefusedClaim) -> bool:
        """Whether the refusal was reported."""
        return (key, refused) in self._known

    def note(self, key: ResourceKey, refused: RefusedClaim) -> None:
        """Remember a reported refusal; the oldest ones are forgotten."""
        self._known[key, refused] = None
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)


def settled(snapshot: Snapshot, observation: Observation) -> Snapshot:
    """The snapshot with the declarations that count, given where the resource was observed."""
    desired, contest = claim_conflicts.settled(snapshot.desired, snapshot.rules.sources, observation)
    if contest is None and desired is snapshot.desired:
        return snapshot
    return replace(snapshot, desired=desired, contest=contest)


def is_declared(snapshot: Snapshot) -> bool:
    """Whether one source, or two, declare the resource with permission."""
    return snapshot.desired is not None or (snapshot.contest is not None and bool(snapshot.contest.disputed))


def judge(  # noqa: PLR0913 - the inputs of a verdict
    snapshot: Snapshot,
    observation: Observation,
    schemas: Schemas | None,
    who: ActorLookup = judging.unknown_actor,
    reading: ApiReading | None = None,
    *,
    secrecy: Secrecy = THIS_PROCESS,
    now: datetime | None = None,
    evidence: Evidence = NO_EVIDENCE,
) -> Verdict | Unjudged:
    """Evaluate an observation by the declarations that count; see ``verdict.judge``."""
    if observation.asset_type == SOURCE_TYPE:
        return _judge_source(snapshot.rules, observation)
    if snapshot.contest is not None and snapshot.contest.disputed:
        return authority_verdicts.disputed(snapshot.contest, snapshot.rules, observation)
    state = snapshot.state
    good, home = (state.last_good, state.home) if state is not None else (None, "")
    if good is not None and is_other(state.identity if state is not None else {}, identity_of(observation.data)):
        good = None
    wanted = unmanaged_grants.with_scope(snapshot.desired, snapshot.rules, observation)
    return judging.judge(
        wanted,
        snapshot.rules,
        observation,
        schemas,
        who,
        reading,
        secrecy,
        home=home,
        good=good,
        quiet=state.suppressed if state is not None else (),
        now=now,
        evidence=evidence,
    )


def _judge_source(rules: Rules, observation: Observation) -> Verdict:
    reasons: Mapping[str, str] = observation.data["refused"]
    return authority_verdicts.refused(reasons, int(observation.data["count"]), rules, observation)


def source_key(source: str) -> ResourceKey:
    """The key of the finding about a source."""
    return ResourceKey(f"//setpoint.dev/sources/{source}")


def source_observation(source: str, refused: Mapping[str, str], now: datetime, count: int = 0) -> Observation:
    """An observation of a source's refused declarations, by resource name.

    Args:
        source: the source's name.
        refused: the reasons by resource name.
        now: the current time.
        count: the number of refused declarations, where more are known than have a reason here.
    """
    shown = dict(sorted(refused.items())[:_MAX_SHOWN])
    data: dict[str, Any] = {"refused": shown, "count": max(count, len(refused))}
    return Observation(source_key(source), SOURCE_TYPE, now, data=data)


def refused_before(last: Observation | None) -> dict[str, str]:
    """The refusals that the finding of a source shows."""
    return dict(last.data["refused"]) if last is not None else {}


def with_refusal(
    last: Observation | None, key: ResourceKey, refused: RefusedClaim, now: datetime
) -> Observation | None:
    """An observation of a source with another refused declaration; None if its finding has it already.

    Args:
        last: the last observation of the source.
        key: the resource.
        refused: the reason of the refusal.
        now: the current time.
    """
    before = refused_before(last)
    if before.get(key.name) == refused.reason or (key.name not in before and len(before) >= _MAX_SHOWN):
        return None
    count = int(last.data["count"]) + (key.name not in before) if last is not None else 1
    return source_observation(refused.source, {**before, key.name: refused.reason}, now, count)


def log_refusal(key: ResourceKey, refused: RefusedClaim) -> None:
    """Log that a declaration does not count; a log-based metric counts these lines, and an alert watches the metric."""
    telemetry.log_event(
        "claim_refused",
        "ERROR",
        outcome=f"{refused.where}: {refused.reason}; it does not count;",
        resource_name=key.name,
        source=refused.source,
    )
