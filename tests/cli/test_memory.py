"""Memory does not grow with what is declared: ten times as many declarations, in all three formats."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FEW, MANY = 2_000, 20_000
MOST = 1.3
"""How much more memory ten times as many declarations may take; held in memory they would take twice as much."""

_PEAK = """
import resource, subprocess, sys
for _ in range(int(sys.argv[1])):
    subprocess.run(sys.argv[2:], check=True, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run from a process of its own: on Linux the peak of a process counts what it was forked from."""


def native(at: int) -> str:
    return f"""apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: //storage.googleapis.com/bucket-{at}, project: project-{at // 16}, owner: {{team: team-{at % 40}}}}}
spec:
  assetType: storage.googleapis.com/Bucket
  data: {{location: EU, labels: {{n: "{at}"}}, lifecycle: {{rule: [{{action: {{type: Delete}}, condition: {{age: 1}}}}]}}}}
"""


def krm(at: int) -> str:
    if at % 2:
        group, kind, name = "storage", "StorageBucket", f"bucket-{at}"
        spec = "{location: EU, uniformBucketLevelAccess: true}"
    else:
        group, kind, name = "iam", "IAMPolicyMember", f"grant-{at}"
        spec = f"{{member: 'group:a@x.com', role: r/{at}, resourceRef: {{kind: StorageBucket, name: bucket-{at + 1}}}}}"
    return (
        f"apiVersion: {group}.cnrm.cloud.google.com/v1beta1\nkind: {kind}\n"
        f"metadata: {{name: {name}, namespace: team-{at // 16}}}\nspec: {spec}\n"
    )


def terraform(first: int, last: int) -> str:
    resources = [
        {
            "address": f"google_pubsub_topic.t{at}",
            "mode": "managed",
            "type": "google_pubsub_topic",
            "name": f"t{at}",
            "provider_name": "registry.terraform.io/hashicorp/google",
            "values": {"name": f"topic-{at}", "project": f"project-{at // 16}", "labels": {"n": str(at)}},
        }
        for at in range(first, last)
    ]
    return json.dumps({"format_version": "1.0", "values": {"root_module": {"resources": resources}}})


def manifests(one: Callable[[int], str]) -> Callable[[int, int], str]:
    return lambda first, last: "---\n".join(map(one, range(first, last)))


FORMATS = {"native": (manifests(native), "yaml"), "krm": (manifests(krm), "yaml"), "terraform": (terraform, "json")}


def peak(folder: Path, kind: str, count: int, times: int) -> int:
    """The greatest memory of an apply, and of those after it that change nothing."""
    write, suffix = FORMATS[kind]
    fleet = folder / str(count)
    fleet.mkdir()
    for first in range(0, count, 200):
        (fleet / f"{first:06}.{suffix}").write_text(write(first, first + 200))
    command = [sys.executable, "-m", "setpoint", "apply", str(fleet), "--store", f"sqlite:///{folder}/{count}.db"]
    told = subprocess.run([sys.executable, "-c", _PEAK, str(times), *command], capture_output=True, check=True)
    return int(told.stdout)


@pytest.mark.parametrize(("kind", "times"), [("native", 2), ("krm", 1), ("terraform", 1)])
def test_an_apply_of_ten_times_as_many_declarations_takes_no_more_memory(tmp_path, kind, times):
    assert peak(tmp_path, kind, MANY, times) < MOST * peak(tmp_path, kind, FEW, times)
