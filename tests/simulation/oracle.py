"""What is true: a fresh comparison of everything that is declared with everything that is there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace

from setpoint.catalog.schemas import default_catalogue
from setpoint.detection import verdict as judging
from setpoint.detection.verdict import Verdict
from setpoint.model.declaration import Desired
from setpoint.model.events import CloudEvent, DriftData
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey, project_of
from setpoint.model.resource_state import Finding
from setpoint.model.sweep_records import LAG
from simulation.sources import Mirror
from simulation.world import Version, World


class Drift(NamedTuple):
    """What an open finding says."""

    kind: str
    fingerprint: str
    severity: str
    differences: tuple[str, ...]


def drift_of(drifting: Finding | DriftData | Verdict) -> Drift:
    differences = tuple(sorted(repr(replace(difference, declared_path="")) for difference in drifting.differences))
    return Drift(str(drifting.kind), drifting.fingerprint, drifting.severity, differences)


class Oracle:
    """Judges the world by the declarations; what was judged once is remembered."""

    def __init__(self, world: World, mirror: Mirror) -> None:
        self._world = world
        self._mirror = mirror
        self._known: dict[Any, Drift | None] = {}

    def expected(self) -> dict[ResourceKey, Drift]:
        """All drift that there is now, by the names that the inventory knows."""
        by_scope = rules(self._mirror.scopes)
        declared = {self._world.observed_key(key): key for key in self._mirror.declared()}
        drifts = {}
        for key, versions in self._world.history.items():
            named = declared.get(key)
            if named is not None:
                drifts[key] = self._of(named, self._mirror.desired(named), versions[-1])
            else:
                drifts[key] = self._unmanaged(key, versions[-1], by_scope)
        return {key: drift for key, drift in drifts.items() if drift is not None}

    def was_true(self, event: CloudEvent, lag: timedelta) -> bool:
        """Whether what an event tells was so in some moment around it, by some declarations.

        A listing shows what was so up to ``lag`` before; what it does not show is told of as of the inventory's lag
        before the listing.
        """
        key = ResourceKey(event.subject, event.data.content)
        drift = drift_of(event.data)
        versions = self._world.between(self._world.observed_key(key), event.time - lag, event.time + LAG)
        if event.data.kind == "unmanaged":
            return any(version.data is not None for version in versions)
        return any(
            self._of(key, desired, version) == drift
            for desired in self._mirror.ever.get(key, {}).values()
            for version in versions
        )

    def _of(self, key: ResourceKey, desired: Desired | None, version: Version) -> Drift | None:
        memo = (key, desired and desired.digest, id(version.data))  # the history keeps all data
        if memo not in self._known:
            self._known[memo] = self._judged(desired, Rules(), self._seen(key, version))
        return self._known[memo]

    def _unmanaged(self, key: ResourceKey, version: Version, by_scope: Rules) -> Drift | None:
        if version.data is None or not by_scope.scopes:
            return None
        return self._judged(None, by_scope, self._seen(key, version))

    def _judged(self, desired: Desired | None, by_scope: Rules, seen: Observation) -> Drift | None:
        verdict = judging.judge(desired, by_scope, seen, default_catalogue())
        return drift_of(verdict) if isinstance(verdict, Verdict) and verdict.kind is not None else None

    def _seen(self, key: ResourceKey, version: Version) -> Observation:
        """What there is to see; a policy that is not there is empty."""
        asset = self._world.assets[self._world.observed_key(key).name]
        data = version.data
        if data is None:
            data = {"resource": None, "iam_policy": {}, "org_policy": []}[key.content]
        return Observation(
            key,
            asset.asset_type,
            version.time,
            deleted=data is None,
            data=data,
            ancestors=asset.ancestors,
            project_id="" if project_of(key.name) == asset.project else asset.project,
        )


def consumed(published: dict[str, list[CloudEvent]]) -> dict[ResourceKey, Drift]:
    """The open findings of a consumer that has applied all events in their order, each once."""
    last = [events[-1].data for events in published.values()]
    return {ResourceKey(data.resource_name, data.content): drift_of(data) for data in last if data.status == "open"}
