"""A bucket with a past in the fake inventory and the fake log, and a first sweep of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from setpoint import sweep
from setpoint.adapters.google.asset_history import GoogleAssetHistory
from setpoint.adapters.google.asset_inventory import AssetInventory
from setpoint.adapters.google.asset_inventory import QuotaRetryPolicy as ListingPatience
from setpoint.adapters.google.call_pace import CallBudget, CallPace
from setpoint.adapters.google.cloud_logging import GoogleActivityLogs
from setpoint.adapters.google.rest import GoogleRest, RetryPolicy
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.attribution.history import HistoryReader
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration, Scope, desired
from setpoint.model.resource_key import ResourceKey

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
ORG = "organizations/566099688680"
ANCESTORS = ["projects/20318464073", "folders/918177713511", ORG]
BUCKET = "storage.googleapis.com/Bucket"
ALICE, BOB = "alice@example.com", "bob@example.com"
_PATIENT = ListingPatience(first=0.01, longest=0.1, call=600)  # the fake makes large fleets while it is asked
CHROME = "Mozilla/5.0 Chrome/134.0"


def ago(days: float = 0, **more: float) -> datetime:
    return NOW - timedelta(days=days, **more)


def name_of(bucket: str) -> str:
    return f"//storage.googleapis.com/{bucket}"


def asset(bucket: str, time: datetime, data: dict[str, Any] | None = None, policy: Any = None) -> dict[str, Any]:
    held: dict[str, Any] = {
        "name": name_of(bucket),
        "assetType": BUCKET,
        "ancestors": ANCESTORS,
        "updateTime": time.isoformat().replace("+00:00", "Z"),
    }
    if data is not None:
        held["resource"] = {"version": "v1", "data": {"name": bucket, "projectNumber": "20318464073", **data}}
    if policy is not None:
        held["iamPolicy"] = {"bindings": policy}
    return held


def entry(bucket: str, time: datetime, principal: str = ALICE, **more: Any) -> dict[str, Any]:
    """An entry of the Admin Activity log."""
    return {
        "logName": "projects/shop/logs/cloudaudit.googleapis.com%2Factivity",
        "insertId": f"{bucket}{time.isoformat()}{principal}",
        "timestamp": time.isoformat().replace("+00:00", "Z"),
        "resource": {"type": "gcs_bucket", "labels": {"project_id": "shop", "bucket_name": bucket}},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "authenticationInfo": {"principalEmail": principal} if principal else {},
            "requestMetadata": {"callerIp": "203.0.113.77", "callerSuppliedUserAgent": CHROME},
            "serviceName": "storage.googleapis.com",
            "methodName": "storage.buckets.update",
            "resourceName": f"projects/_/buckets/{bucket}",
        }
        | more,
    }


class World:
    """The fakes, a store, and a simulated clock that goes on while somebody sleeps."""

    def __init__(self, assets: Any, logs: Any, address: str, store: Any = None) -> None:
        self.assets, self.logs = assets, logs
        self.seconds = 0.0
        self.store = store or MemoryStore()
        self.bus = MemoryBus()
        self.context = Context(self.store, self.bus, MemoryDeadLetters(), default_catalogue(), clock=self.now)
        self.rest = GoogleRest(requests.Session(), address, RetryPolicy(tries=1))
        assets.set_clock(self.now)
        project = "//cloudresourcemanager.googleapis.com/projects/20318464073"
        data = {"projectId": "shop", "projectNumber": "20318464073", "lifecycleState": "ACTIVE"}
        assets.put(
            {
                "name": project,
                "assetType": "cloudresourcemanager.googleapis.com/Project",
                "ancestors": ANCESTORS,
                "updateTime": "2025-01-01T00:00:00Z",
                "resource": {"version": "v1", "data": data},
            }
        )

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def declare(self, *declarations: Declaration, scopes: tuple[Scope, ...] = ()) -> None:
        apply.declare(self.store, [desired((declaration,)) for declaration in declarations], scopes, ago(300))

    def sweep(self, *contents: str) -> None:
        inventory = AssetInventory(self.assets.client(), _PATIENT)
        sweep.sweep([ORG], contents or ["resource"], [], inventory, self.context)

    def reader(self, calls: int | None = None, **more: Any) -> HistoryReader:
        budget = CallBudget(calls)
        pace = [CallPace(quota, budget, clock=lambda: self.seconds, sleep=self.sleep) for quota in (100, 60)]
        page_size = more.pop("page_size", 1000)
        history = GoogleAssetHistory(self.assets.client(), pace[0])
        return HistoryReader(self.context, history, GoogleActivityLogs(self.rest, pace[1], page_size=page_size), **more)

    def finding(self, bucket: str, content: Any = "resource") -> Any:
        return self.store.read(ResourceKey(name_of(bucket), content)).state.finding

    def history(self, bucket: str, content: Any = "resource") -> Any:
        return self.finding(bucket, content).history


def declared(bucket: str, **data: Any) -> Declaration:
    return Declaration(ResourceKey(name_of(bucket)), BUCKET, data, project="shop")
