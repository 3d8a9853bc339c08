"""The time and memory of a sweep of a generated fleet.

    python benchmarks/sweep.py 50000
    python benchmarks/sweep.py 50000 500000 --declared 50000

The fake inventory, the sweep and each apply are processes of their own, all on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.cloud.asset_v1 import AssetServiceClient
from google.cloud.asset_v1.services.asset_service.transports import AssetServiceGrpcTransport
from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]

ORG = "organizations/566099688680"
PROJECTS = 3_000
DRIFTED = 1_000
"""Of so many resources a single resource differs from its declaration, and another is missing."""
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

_KINDS = (
    (
        "storage.googleapis.com/Bucket",
        "//storage.googleapis.com/{project}-{at}",
        {"location": "EU", "storageClass": "STANDARD"},
    ),
    (
        "pubsub.googleapis.com/Topic",
        "//pubsub.googleapis.com/projects/{project}/topics/t{at}",
        {"messageRetentionDuration": "86400s"},
    ),
    (
        "compute.googleapis.com/Disk",
        "//compute.googleapis.com/projects/{project}/zones/europe-west1-b/disks/d{at}",
        {"sizeGb": "10", "type": "pd-ssd"},
    ),
    (
        "iam.googleapis.com/Role",
        "//iam.googleapis.com/projects/{project}/roles/r{at}",
        {"title": "reads", "stage": "GA", "includedPermissions": ["storage.objects.get"]},
    ),
)


def name_of(number: int) -> str:
    """The name of an asset by its number."""
    return _KINDS[number % len(_KINDS)][1].format(project=f"shop-{number % PROJECTS:04d}", at=number)


def made() -> Any:
    """Makes an asset by its number, out of one of each kind."""
    from setpoint_tools.testing.asset_inventory_state import bare_asset

    templates = []
    for kind, _, data in _KINDS:
        fields = {"assetType": kind, "updateTime": "2026-03-01T12:00:00Z"}
        labels = {f"label-{n}": "some value of it" for n in range(8)}
        resource_said = {"version": "v1", "location": "eu", "data": {**data, "labels": labels, "etag": "CAE="}}
        templates.append(ParseDict({**fields, "resource": resource_said}, bare_asset()))

    def make(number: int) -> Any:
        asset = bare_asset()
        asset.CopyFrom(templates[number % len(_KINDS)])
        asset.name = name_of(number)
        asset.ancestors.extend((f"projects/{100_000_000_000 + number % PROJECTS}", "folders/1", ORG))
        if number % DRIFTED == 0:
            asset.resource.data.update(
                {"labels": {"label-0": "another"}, "location": "US", "title": "writes", "sizeGb": "20"}
            )
        return asset

    return make


def declarations(declared: int) -> Iterator[Any]:
    """The declarations; of a thousand resources a single resource is missing."""
    from setpoint.model.declaration import Declaration, desired
    from setpoint.model.resource_key import ResourceKey

    for number in range(declared):
        kind, _, data = _KINDS[number % len(_KINDS)]
        name = name_of(number) + ("-gone" if number % DRIFTED == 1 else "")
        yield desired((Declaration(ResourceKey(name), kind, data, project=f"shop-{number % PROJECTS:04d}"),))


def serve(total: int) -> None:
    """Be the fake inventory until standard input ends."""
    from setpoint_tools.testing.asset_service import asset_service

    with asset_service() as service:
        service.generate(total, made(), [ORG], [kind for kind, _, _ in _KINDS])
        print(service.address, flush=True)
        sys.stdin.read()
    print(f"fake: {_peak():.0f} MB, {time.process_time():.1f} s", file=sys.stderr)


def apply(store: Path, declared: int) -> None:
    """Declare part of the fleet."""
    from setpoint.bootstrap import open_store
    from setpoint.declarations import apply

    opened = open_store(f"sqlite:///{store}")
    apply.declare(opened, declarations(declared), (), NOON)
    opened.close()


def sweep(store: Path, address: str) -> None:
    """Sweep it all, as `setpoint sweep` does, less the pace that the quota asks for."""
    import gc

    from setpoint import bootstrap, sweep

    gc.set_threshold(100_000, 50, 50)
    started = time.perf_counter()
    inventory = _inventory(address)
    deps = bootstrap.open_detection(f"sqlite:///{store}", None)
    swept = sweep.sweep([ORG], ["resource"], [], inventory, deps)
    took, used = time.perf_counter() - started, time.process_time()
    summary = swept.summary
    print(
        f"sweep: {swept.listed:,} assets in {took:.1f} s ({used:.1f} s of its own), {_peak():.0f} MB; declared "
        f"{summary.declared:,}, seen {summary.seen:,}, in sync {summary.in_sync:,}, drifted {summary.drifted:,}, "
        f"gone {summary.deleted:,}, unknown {summary.unknown:,}, unchecked {summary.unchecked:,}"
    )
    print(json.dumps({"assets": swept.listed, "seconds": took, "own_seconds": used, "peak_mb": _peak()}))
    deps.store.close()


def listed(address: str) -> None:
    """List it all and do nothing with it."""
    inventory = _inventory(address)
    started = time.perf_counter()
    assets = sum(len(page.observations) for page in inventory.pages(ORG, "resource"))
    took, used = time.perf_counter() - started, time.process_time()
    print(json.dumps({"assets": assets, "seconds": took, "own_seconds": used, "peak_mb": _peak()}))


def _inventory(address: str) -> Any:
    import grpc
    from google.auth.credentials import AnonymousCredentials

    from setpoint.adapters.google.asset_inventory import AssetInventory, QuotaRetryPolicy

    transport = AssetServiceGrpcTransport(
        channel=grpc.insecure_channel(address),
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
    )
    return AssetInventory(AssetServiceClient(transport=transport), QuotaRetryPolicy(calls_a_minute=10**9))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(total: int, declared: int) -> dict[str, Any]:
    """Measure one fleet, as it is found and as it is known, beside a bare listing of it."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    own = [sys.executable, __file__]
    with tempfile.TemporaryDirectory() as folder:
        store = f"{folder}/setpoint.db"
        subprocess.run([*own, "--apply", store, str(declared)], check=True)
        fake = subprocess.Popen([*own, "--serve", str(total)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert fake.stdout is not None
        address = fake.stdout.readline().strip()
        bare = _figures([*own, "--list", address])
        first, again = (_figures([*own, "--sweep", store, address]) for _ in range(2))
        fake.communicate()
    return {"first": first, "again": again, "bare": bare}


def _figures(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    *lines, last = done.stdout.splitlines()
    print(*lines, sep="\n", file=sys.stderr)
    figures: dict[str, float] = {name: round(value, 2) for name, value in json.loads(last).items()}
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("totals", nargs="*", type=int)
    parser.add_argument("--declared", type=int)
    for part, values in (("--serve", 1), ("--apply", 2), ("--sweep", 2), ("--list", 1)):
        parser.add_argument(part, nargs=values, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(int(options.serve[0]))
    elif options.apply:
        apply(Path(options.apply[0]), int(options.apply[1]))
    elif options.sweep:
        sweep(Path(options.sweep[0]), options.sweep[1])
    elif options.list:
        listed(options.list[0])
    else:
        print(json.dumps({str(total): run(total, options.declared or total) for total in options.totals}))
