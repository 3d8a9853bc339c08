"""The guard of a review on a large fleet: its time, its memory, and its correctness for each resource.

``python benchmarks/guard.py [DECLARED [FINDINGS [CHANGED]]]``: 50,000 buckets are declared, 5,000 of them have drifted,
and a Terraform plan changes 200. The plan is made with the truth beside it.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROVIDER = "registry.terraform.io/hashicorp/google"
SETPOINT = [sys.executable, "-m", "setpoint"]
KINDS = ("resolves", "overwrites", "destroys", "replaced", "in sync")


def bucket(number: int) -> str:
    """The name of a bucket."""
    return f"fleet-{number:05}"


def declarations(count: int) -> Iterator[str]:
    """All buckets, each with versioning."""
    for number in range(count):
        yield json.dumps({
            "apiVersion": "setpoint.dev/v1",
            "kind": "Declaration",
            "metadata": {"name": f"//storage.googleapis.com/{bucket(number)}", "project": f"p-{number % 300:03}"},
            "spec": {"assetType": "storage.googleapis.com/Bucket", "data": {"versioning": {"enabled": True}}},
        })  # fmt: skip


def observation(number: int, *, versioning: bool) -> str:
    """A message of the feed about a bucket."""
    data = {"name": bucket(number), "versioning": {"enabled": versioning}}
    asset = {"name": f"//storage.googleapis.com/{bucket(number)}", "assetType": "storage.googleapis.com/Bucket"}
    times = {"updateTime": "2026-03-01T12:00:00Z", "ancestors": [f"projects/{number % 300 + 1}"]}
    return json.dumps({"asset": {**asset, **times, "resource": {"data": data}}})


def plan(drifted: range, declared: int, changed: int) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """A Terraform plan, and the effects that each changed bucket must be given."""
    chosen = random.Random(1)  # noqa: S311 - the same plan in each run
    truth: dict[str, list[str]] = {}
    planned, changes = [], []
    numbers = {*chosen.sample(drifted, min(changed // 2, len(drifted))), *chosen.sample(range(declared), changed // 2)}
    for number in sorted(numbers):
        kind = chosen.choice(KINDS[:-1]) if number in drifted else chosen.choice(("overwrites", "destroys"))
        is_declared_as_observed = kind == "resolves"
        before, after = _resource(number, versioning=True), _resource(number, versioning=not is_declared_as_observed)
        if kind != "destroys":
            planned.append(after)
        actions = {"destroys": ["delete"], "replaced": ["delete", "create"]}.get(kind, ["update"])
        named = {key: value for key, value in after.items() if key != "values"}
        changes.append({**named, "change": {"actions": actions, "before": before["values"]}})
        if number in drifted:
            truth[bucket(number)] = ["destroys" if kind == "replaced" else kind]
    return {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
    }, truth


def _resource(number: int, *, versioning: bool) -> dict[str, Any]:
    name = bucket(number)
    values = {"name": name, "project": f"p-{number % 300:03}", "versioning": [{"enabled": versioning}]}
    kind = {"mode": "managed", "type": "google_storage_bucket", "name": name, "provider_name": PROVIDER}
    return {"address": f"google_storage_bucket.{name}", **kind, "values": values}


def main(declared: int = 50_000, findings: int = 5_000, changed: int = 200) -> None:
    """Build the fleet, run the guard in a process of its own, and print what was measured."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        environment = {**os.environ, "SETPOINT_STORE": f"sqlite:///{place}/fleet.db"}
        (place / "fleet.yaml").write_text("\n---\n".join(declarations(declared)))
        drifted = range(0, declared, max(declared // findings, 1))
        (place / "feed.jsonl").write_text("\n".join(observation(n, versioning=False) for n in drifted) + "\n")
        document, truth = plan(drifted, declared, changed)
        (place / "plan.json").write_text(json.dumps(document))
        for command in (["apply", "fleet.yaml"], ["detect", "--feed", "feed.jsonl"]):
            subprocess.run([*SETPOINT, *command], cwd=place, env=environment, check=False, stdout=subprocess.DEVNULL)

        begun = time.monotonic()
        guard = [*SETPOINT, "guard", "plan.json", "--output", "json"]
        done = subprocess.run(guard, cwd=place, env=environment, check=True, capture_output=True)
        seconds = time.monotonic() - begun
        resources = json.loads(done.stdout)["resources"]
        answers = {item["resource_name"].rpartition("/")[2]: item["effects"] for item in resources}
        right = sum(answers.get(name) == effects for name, effects in truth.items())
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{declared} declared, {len(drifted)} findings, {changed} changed, {len(truth)} of them drifted")
        print(f"guard: {seconds:.2f} s, {right} of {len(truth)} right, {len(answers) - len(truth)} too many")
        print(f"memory: at most {memory:.0f} MB in any of the processes, apply included")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
