"""Generated histories of findings as events: any number, the same in each run.

Findings open, change, resolve and open again, are exempted, remediated or blocked. Some have no team and no actor,
some events arrive twice, and some are old.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from msgspec.structs import replace

from setpoint.model.actors import Actor
from setpoint.model.declaration import Owner, Source
from setpoint.model.difference import Difference
from setpoint.model.events import CloudEvent, DriftData, EventType, RemediationData, drift_event
from setpoint.model.resource_key import ResourceKey

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_TYPES = (
    "storage.googleapis.com/Bucket",
    "pubsub.googleapis.com/Topic",
    "compute.googleapis.com/Firewall",
    "iam.googleapis.com/ServiceAccount",
)
_TEAMS = ("", *(f"team-{number:02d}" for number in range(1, 25)))
_ACTORS = (
    None,
    Actor(
        principal="ann@example.com",
        kind="person",
        confidence="certain",
        method="storage.buckets.update",
        requested_at=_LONG_AGO,
    ),
    Actor(
        principal="bob@example.com",
        kind="person",
        confidence="likely",
        method="compute.firewalls.patch",
        requested_at=_LONG_AGO,
    ),
    Actor(
        principal="ci@shop.iam.gserviceaccount.com",
        kind="service",
        confidence="likely",
        method="SetIamPolicy",
        requested_at=_LONG_AGO,
    ),
)
_CALLERS = ("", "console", "gcloud", "terraform")
_REASONS = ("10 writes an hour are the limit", "it was remediated 3 times within a day", "outside of the window")


def history(
    total: int, until: datetime, days: int = 400, seed: str = "history"
) -> Iterator[tuple[CloudEvent, datetime]]:
    """Events with the times at which they were published, one finding after the other.

    Args:
        total: how many.
        until: when the history ends.
        days: how long it is.
        seed: another one gives another history.
    """
    rng = random.Random(seed)  # noqa: S311 - a sample, no secret
    yield from islice(_all(rng, until, days), total)


def _all(rng: random.Random, until: datetime, days: int) -> Iterator[tuple[CloudEvent, datetime]]:
    number = 0
    while True:
        number += 1
        for event, delay in _life(number, rng, until - timedelta(days=days), until):
            published = max(event.time, event.data.observed_at) + timedelta(seconds=delay)
            recorded = replace(event, recordedtime=published)
            yield recorded, published
            if rng.random() < 0.02:  # noqa: PLR2004 - one of fifty comes twice
                yield recorded, published + timedelta(seconds=rng.uniform(1, 600))


def _life(number: int, rng: random.Random, start: datetime, until: datetime) -> Iterator[tuple[CloudEvent, float]]:
    """The events of one finding, and how long each took to be published."""
    data, sequence = _begun(number, rng), 0
    time = start + (until - start) * rng.random()
    for episode in range(1, rng.choice((1, 1, 1, 2, 5)) + 1):
        actor = rng.choice(_ACTORS)
        data = replace(
            data,
            episodes=episode,
            status="open",
            reason="",
            first_seen=time,
            last_seen=time,
            resolved_at=None,
            actor=None,
        )
        steps: list[EventType] = ["drift.opened"]
        if actor is not None:
            steps.append("drift.attributed")
        if rng.random() < 0.3:  # noqa: PLR2004 - three of ten change
            steps.append("drift.changed")
        steps += rng.choice(_ENDS)
        for step in steps:
            if time >= until:
                return
            sequence += 1
            if step == "drift.attributed" and actor is not None:
                data = replace(data, actor=replace(actor, requested_at=time, caller=rng.choice(_CALLERS)))
            data = _after(step, replace(data, observed_at=time, last_seen=time), time)
            reported = replace(data, remediation=_remediation(step, rng)) if step.startswith("remediation.") else data
            yield drift_event(step, sequence, reported), rng.expovariate(1 / 20)
            time += timedelta(seconds=rng.expovariate(1 / 40_000))
        time += timedelta(seconds=rng.expovariate(1 / 400_000))


_ENDS: tuple[list[EventType], ...] = (
    [],
    ["drift.resolved"],
    ["drift.resolved"],
    ["drift.exempted"],
    ["drift.exempted", "drift.resolved"],
    ["remediation.requested", "remediation.blocked"],
    ["remediation.started", "remediation.failed"],
    ["remediation.requested", "remediation.started", "drift.resolved", "remediation.succeeded"],
)


def _begun(number: int, rng: random.Random) -> DriftData:
    kind = rng.choice(_TYPES)
    project = f"shop-{rng.randrange(3_000):04d}"
    key = ResourceKey(f"//{kind.partition('/')[0]}/projects/{project}/things/{number}")
    fields = ("labels.team", "versioning.enabled", "location")[: rng.randrange(1, 4)]
    return DriftData(
        finding_id=key.id,
        resource_name=key.name,
        asset_type=kind,
        content="resource",
        project=project,
        kind="modified",
        status="open",
        severity=rng.choice(("low", "medium", "high", "critical")),
        mode="alert",
        owner=Owner(team=rng.choice(_TEAMS)),
        differences=tuple(Difference(field, "changed", declared="a", observed="b") for field in fields),
        difference_count=len(fields),
        fingerprint=key.id[:16],
        observed_at=_LONG_AGO,
        first_seen=_LONG_AGO,
        last_seen=_LONG_AGO,
        count=1,
        episodes=1,
        declared_in=Source(file=f"fleet/{project}.yaml", line=1),
        ancestors=(f"projects/{number}", "organizations/566099688680"),
    )


def _after(step: EventType, data: DriftData, time: datetime) -> DriftData:
    if step == "drift.resolved":
        reason = ("in sync", "in sync", "in sync", "gone", "no longer declared")[time.microsecond % 5]
        return replace(data, status="resolved", resolved_at=time, reason=reason)
    if step == "drift.exempted":
        return replace(data, status="exempted", reason="a migration")
    return data


def _remediation(step: EventType, rng: random.Random) -> RemediationData:
    reason = rng.choice(_REASONS) if step in ("remediation.blocked", "remediation.failed") else ""
    return RemediationData(step="acting", executor=rng.choice(("api", "handoff")), rule="all", reason=reason)
