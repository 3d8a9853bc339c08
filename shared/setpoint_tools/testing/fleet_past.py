"""A fleet with a month of history and audit logs, made number by number, with the truth beside it.

Every bucket has drifted. The truth says of each field since when and by whom; some changes are older than the history,
some are not logged, and some have another change of the same bucket close by.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]

from setpoint_tools.testing.asset_inventory_state import HeldVersion, bare_asset
from setpoint_tools.testing.asset_service import AssetService
from setpoint_tools.testing.cloud_logging import CloudLogging

ORGANISATION = "organizations/566099688680"
BUCKET = "storage.googleapis.com/Bucket"
DECLARED: Mapping[str, Any] = {"location": "EU", "storageClass": "STANDARD"}
BUCKETS_OF_A_PROJECT = 17
APPLIER = "deploy@ci.iam.gserviceaccount.com"
_TWO_FIELDS, _OLD, _NOT_LOGGED, _NEAR, _BY_APPLIER = 0.15, 0.1, 0.05, 0.1, 0.1
"""The shares of buckets, fields and changes of which that is so."""
_DRIFTED = {"location": ("US", "ASIA"), "storageClass": ("NEARLINE", "COLDLINE")}
_AGENTS = {
    "console": "Mozilla/5.0 Chrome/134.0",
    "gcloud": "google-cloud-sdk gcloud/548.0.0",
    "terraform": "HashiCorp Terraform/1.9",
}


class Change(NamedTuple):
    """A change of a bucket.

    Args:
        time: when it is seen in the inventory.
        values: the fields that it sets.
        principal: who made it.
        caller: the tool.
        is_logged: whether the audit log has an entry.
        lag: seconds between the entry and the version.
    """

    time: datetime
    values: Mapping[str, Any]
    principal: str
    caller: str = "console"
    is_logged: bool = True
    lag: float = 20.0


class Truth(NamedTuple):
    """What is true of one field.

    Args:
        since: when it took its value; None if that is before the history.
        principal: the actor; empty if no log names it.
    """

    since: datetime | None
    principal: str


def serve(fleet: PastFleet, assets: AssetService, logs: CloudLogging) -> None:
    """Load the fleet, its history and its audit log into the fakes of Cloud Asset Inventory and Cloud Logging."""
    scopes = {place for index in range(fleet.projects) for place in fleet.ancestors(index)}
    for index in range(fleet.projects):
        assets.put(fleet.project(index))
        logs.name_project(fleet.ancestors(index)[0][9:], fleet.project_id(index))
    assets.generate(fleet.total, fleet.asset, scopes, [BUCKET])
    assets.generate_histories(fleet.history)
    logs.generate(fleet.entries)


class PastFleet:
    """The fleet.

    Args:
        total: number of buckets.
        now: the present time.
        seed: another seed makes another fleet.
    """

    def __init__(self, total: int, now: datetime, seed: int = 0) -> None:
        self.total, self.now, self.seed = total, now, seed
        self.projects = max(1, -(-total // BUCKETS_OF_A_PROJECT))

    def name(self, number: int) -> str:
        """The full resource name of a bucket."""
        return f"//storage.googleapis.com/bucket-{number:06d}"

    def project_id(self, number: int) -> str:
        """The id of a bucket's project."""
        return f"shop-{number % self.projects:05d}"

    def ancestors(self, number: int) -> list[str]:
        """The ancestors of a bucket."""
        return [f"projects/{700_000_000_000 + number % self.projects}", "folders/918177713511", ORGANISATION]

    def changes(self, number: int) -> list[Change]:
        """All changes of a bucket, the oldest first; the first one creates it long ago."""
        rng = random.Random(f"{self.seed} {number}")  # noqa: S311 - no secret
        changes = [Change(self.now - timedelta(days=rng.randint(100, 900)), dict(DECLARED), APPLIER, "terraform")]
        changes += [  # of what nobody declares
            self._change(rng, {"labels": {"touched": str(rng.randrange(9_999))}}) for _ in range(rng.randint(0, 2))
        ]
        fields = rng.sample(sorted(_DRIFTED), 2 if rng.random() < _TWO_FIELDS else 1)
        for field in fields:
            is_old = rng.random() < _OLD
            value = rng.choice(_DRIFTED[field])
            drift = self._change(rng, {field: value}, is_logged=rng.random() >= _NOT_LOGGED)
            if is_old:
                drift = drift._replace(time=self.now - timedelta(days=rng.randint(36, 90)))
            changes.append(drift)
            if rng.random() < _NEAR:  # another change of the same bucket shortly before
                near = self._change(rng, {"labels": {"near": str(rng.randrange(9_999))}})
                changes.append(near._replace(time=drift.time - timedelta(seconds=rng.randint(150, 600))))
        return sorted(changes, key=lambda change: change.time)

    def _change(self, rng: random.Random, values: Mapping[str, Any], *, is_logged: bool = True) -> Change:
        time = self.now - timedelta(seconds=rng.randint(3_600, 34 * 86_400))
        principal = f"person{rng.randrange(200)}@example.com"
        caller = rng.choice(sorted(_AGENTS))
        if rng.random() < _BY_APPLIER:
            principal, caller = APPLIER, "terraform"
        return Change(time, values, principal, caller, is_logged, rng.uniform(1, 90))

    def truth(self, number: int) -> dict[str, Truth]:
        """Since when, and by whom, each differing field has its value."""
        horizon = self.now - timedelta(days=35)
        truths: dict[str, Truth] = {}
        for change in self.changes(number):
            for field, value in change.values.items():
                if field in DECLARED and value != DECLARED[field]:
                    is_old = change.time <= horizon
                    who = change.principal if change.is_logged and not is_old else ""
                    truths[field] = Truth(None if is_old else change.time, who)
        return truths

    def history(self, name: str) -> Sequence[HeldVersion] | None:
        """The versions of a bucket, for ``AssetService.generate_histories``; None for a name that is none of them."""
        number = self._number(name)
        if number is None:
            return None
        values: dict[str, Any] = {}
        times, assets = [], []
        for change in self.changes(number):
            values = {**values, **change.values}
            times.append(change.time)
            assets.append(self._asset(number, values, change.time))
        ends = [*times[1:], None]
        return [HeldVersion(asset, begins, end) for asset, begins, end in zip(assets, times, ends, strict=True)]

    def asset(self, number: int) -> Any:
        """A bucket as it is now, for ``AssetService.generate``."""
        values: dict[str, Any] = {}
        time = self.now
        for change in self.changes(number):
            values = {**values, **change.values}
            time = change.time
        return self._asset(number, values, time)

    def project(self, index: int) -> Mapping[str, Any]:
        """A project, for ``AssetService.put``."""
        number, identifier = self.ancestors(index)[0], self.project_id(index)
        data = {"projectId": identifier, "projectNumber": number[9:], "lifecycleState": "ACTIVE"}
        return {
            "name": f"//cloudresourcemanager.googleapis.com/{number}",
            "assetType": "cloudresourcemanager.googleapis.com/Project",
            "ancestors": self.ancestors(index),
            "updateTime": "2025-01-01T00:00:00Z",
            "resource": {"version": "v1", "data": data},
        }

    def _asset(self, number: int, values: Mapping[str, Any], time: datetime) -> Any:
        ancestors = self.ancestors(number)
        data = {"name": self.name(number).rpartition("/")[2], "projectNumber": ancestors[0][9:], **values}
        held = {
            "name": self.name(number),
            "assetType": BUCKET,
            "ancestors": ancestors,
            "updateTime": _text(time),
            "resource": {"version": "v1", "data": data},
        }
        return ParseDict(held, bare_asset())

    def entries(self, container: str) -> list[Mapping[str, Any]]:
        """The audit log of a project, for ``CloudLogging.generate``."""
        index = int(container.rpartition("-")[2]) if container.startswith("projects/shop-") else self.total
        return [entry for number in range(index, self.total, self.projects) for entry in self._entries(number)]

    def _entries(self, number: int) -> Iterator[Mapping[str, Any]]:
        for position, change in enumerate(self.changes(number)):
            if change.is_logged:
                yield self._entry(number, position, change)

    def _entry(self, number: int, position: int, change: Change) -> Mapping[str, Any]:
        bucket, project = self.name(number).rpartition("/")[2], self.project_id(number)
        return {
            "logName": f"projects/{project}/logs/cloudaudit.googleapis.com%2Factivity",
            "insertId": f"{number}-{position}",
            "timestamp": _text(change.time - timedelta(seconds=change.lag)),
            "resource": {"type": "gcs_bucket", "labels": {"project_id": project, "bucket_name": bucket}},
            "protoPayload": {
                "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
                "authenticationInfo": {"principalEmail": change.principal},
                "requestMetadata": {
                    "callerIp": "203.0.113.77",
                    "callerSuppliedUserAgent": _AGENTS[change.caller],
                },
                "serviceName": "storage.googleapis.com",
                "methodName": "storage.buckets.update" if position else "storage.buckets.create",
                "resourceName": f"projects/_/buckets/{bucket}",
            },
        }

    def _number(self, name: str) -> int | None:
        text = name.removeprefix("//storage.googleapis.com/bucket-")
        return int(text) if text.isdigit() and int(text) < self.total else None


def _text(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
