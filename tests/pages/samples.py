"""Findings made up for reports: as many as wanted, the same each time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from setpoint.model.actors import Actor
from setpoint.model.declaration import Owner, Source
from setpoint.model.difference import Difference
from setpoint.model.remediation_attempt import AppliedFix, RemediationState
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.model.sources import Control, SourceState
from setpoint.model.sweep_records import Summary, Sweep, SweepStart
from setpoint.reporting.html.build import Facts, build
from setpoint.reporting.html.model import Report

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
PERIOD = timedelta(days=30)

TEAMS = ("payments", "search", "identity", "data-platform", "checkout", "billing", "mobile", "growth", "")
TYPES = (
    ("compute.googleapis.com/Firewall", "//compute.googleapis.com/projects/{project}/global/firewalls/{name}"),
    ("storage.googleapis.com/Bucket", "//storage.googleapis.com/{project}-{name}"),
    ("container.googleapis.com/Cluster", "//container.googleapis.com/projects/{project}/locations/eu/clusters/{name}"),
    ("sqladmin.googleapis.com/Instance", "//cloudsql.googleapis.com/projects/{project}/instances/{name}"),
    ("pubsub.googleapis.com/Topic", "//pubsub.googleapis.com/projects/{project}/topics/{name}"),
)
FIELDS: tuple[tuple[str, Any, Any], ...] = (
    ("sourceRanges", ["10.0.0.0/8"], ["0.0.0.0/0"]),
    ("versioning.enabled", True, False),
    ("settings.ipConfiguration.ipv4Enabled", False, True),
    ("nodePools[name=default].config.machineType", "e2-standard-4", "n2-highmem-8"),
    ("messageRetentionDuration", "604800s", "86400s"),
)
PEOPLE = ("max.weber@example.com", "ana.silva@example.com", "li.wei@example.com")


def finding(**changes: Any) -> Finding:
    """An open finding of one field; ``changes`` say what is otherwise."""
    first = changes.pop("first_seen", NOW - timedelta(hours=3))
    usual: dict[str, Any] = {
        "kind": "modified",
        "status": "open",
        "severity": "medium",
        "mode": "approve",
        "owner": Owner("payments", "#payments-alerts"),
        "project": "shop-prod",
        "source": Source("fleet/shop.yaml", 12),
        "differences": (Difference("versioning.enabled", "changed", declared=True, observed=False),),
        "difference_count": 1,
        "fingerprint": "f",
        "first_seen": first,
        "last_seen": first,
    }
    return Finding(**(usual | changes))


def state(name: str = "//storage.googleapis.com/shop-exports", /, **changes: Any) -> ResourceState:
    """The record of a finding; ``remediation``, ``exemption``, ``content`` and ``asset_type`` are the record's own."""
    own = {key: changes.pop(key) for key in ("remediation", "exemption") if key in changes}
    key = ResourceKey(name, changes.pop("content", "resource"))
    asset_type = changes.pop("asset_type", "storage.googleapis.com/Bucket")
    return ResourceState(key, asset_type, NOW, finding=finding(**changes), **own)


def many(count: int, seed: int = 7) -> Iterator[ResourceState]:
    """As many records as wanted, of all sorts."""
    chance = random.Random(seed)  # noqa: S311 - the same each time
    for number in range(count):
        asset_type, form = chance.choice(TYPES)
        project = (
            f"{chance.choice(('shop', 'pay', 'lake', 'edge'))}-{chance.choice(('prod', 'dev'))}-{number % 997:03d}"
        )
        name = form.format(project=project, name=f"{chance.choice(('ingress', 'exports', 'main', 'api'))}-{number}")
        yield _made(chance, name, asset_type, project)


def _made(chance: random.Random, name: str, asset_type: str, project: str) -> ResourceState:
    first = NOW - timedelta(seconds=chance.randrange(60, 40 * 86_400))
    status = chance.choices(("open", "resolved", "exempted", "accepted"), (60, 30, 5, 5))[0]
    lasted = timedelta(seconds=chance.randrange(60, 5 * 86_400))
    is_grant = chance.random() < 0.2
    team = chance.choice(TEAMS)
    who = chance.choice(PEOPLE)
    differences: Sequence[Difference] = (
        (Difference("bindings[…]", "unexpected", observed={"role": "roles/owner", "member": f"user:{who}"}),)
        if is_grant
        else tuple(Difference(path, "changed", want, have) for path, want, have in chance.sample(FIELDS, 3))
    )
    step = chance.choice(("asked", "verifying", "stopped", "waiting")) if status == "open" else "done"
    attempt = RemediationState(
        "f", step, first, attempts=1, claimed_at=first, applied_fixes=(AppliedFix(min(NOW, first + lasted), ("a",)),)
    )
    actor = Actor(
        principal=who,
        kind="person",
        confidence="likely",
        method="compute.firewalls.patch",
        requested_at=first,
        caller="console",
    )
    return state(
        name,
        asset_type=asset_type,
        content="iam_policy" if is_grant else "resource",
        kind="modified",
        status=status,
        severity=chance.choices(("low", "medium", "high", "critical"), (3, 5, 3, 1))[0],
        owner=Owner(team, f"#{team}-alerts" if team else ""),
        project=project,
        source=Source(
            f"teams/{team}/{project}.yaml", chance.randrange(1, 200), 0, "https://github.com/a/fleet", "4f1c"
        ),
        differences=tuple(differences),
        difference_count=len(differences),
        first_seen=first,
        last_seen=min(NOW, first + lasted),
        count=chance.randrange(1, 40),
        episodes=chance.choice((1, 1, 2)),
        resolved_at=min(NOW, first + lasted) if status == "resolved" else None,
        reason="in sync" if status == "resolved" else "",
        actor=actor if chance.random() < 0.7 else None,
        remediation=attempt if chance.random() < 0.2 else None,
    )


def sweep(**changes: Any) -> Sweep:
    """A sweep that ended two hours ago; ``changes`` say what its summary tells otherwise."""
    usual: dict[str, Any] = {
        "ended_at": NOW - timedelta(hours=2),
        "listed": 51_000,
        "declared": 50_000,
        "in_sync": 48_700,
        "drifted": 1_010,
        "unknown": 240,
        "unchecked": 50,
    }
    scopes = SweepStart(("organizations/566099688680",))
    return Sweep("all", "r1", scopes, NOW - timedelta(hours=3), summary=Summary(**(usual | changes)))


def facts(*states: ResourceState, **changes: Any) -> Facts:
    """What a report is made of, in a fleet that was swept."""
    control = Control({"git": SourceState(1, declared=50_000)})
    usual: dict[str, Any] = {"control": control, "sweeps": [sweep()], "store": "firestore://fleet-ops/setpoint"}
    return Facts(states, **(usual | changes))


def report(*states: ResourceState, **changes: Any) -> Report:
    """The report of a month."""
    return build(facts(*states, **changes), NOW - PERIOD, NOW)
