"""Time and greatest memory of `setpoint apply` into SQLite, the first time and when nothing has changed.

Run as a process of its own that imports little: on Linux the peak of a process counts what it was forked from.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_FILE = 100
"""Declarations a file."""
_BARE = """
import pathlib, sys, yaml
for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    for document in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader):
        pass
"""
_KIB = 1 if sys.platform != "darwin" else 1 / 1024


def native(number: int) -> str:
    """A bucket in the native format."""
    return f"""apiVersion: setpoint.dev/v1
kind: Declaration
metadata:
  name: //storage.googleapis.com/bucket-{number}
  project: project-{number // 16}
  owner: {{team: team-{number % 40}, slack: "#team-{number % 40}"}}
spec:
  assetType: storage.googleapis.com/Bucket
  data:
    location: EU
    storageClass: STANDARD
    versioning: {{enabled: true}}
    labels: {{env: prod, n: "{number}"}}
    lifecycle: {{rule: [{{action: {{type: Delete}}, condition: {{age: {number % 90 + 1}}}}}]}}
  remediation: {{mode: approve}}
"""


def krm(number: int) -> str:
    """A Config Connector object: a bucket, or a grant on the bucket after it."""
    if number % 2:
        group, kind, name = "storage", "StorageBucket", f"bucket-{number}"
        spec = "{location: EU, uniformBucketLevelAccess: true, versioning: {enabled: true}}"
    else:
        group, kind, name = "iam", "IAMPolicyMember", f"grant-{number}"
        bucket = f"{{kind: StorageBucket, name: bucket-{number + 1}}}"
        spec = f"{{member: 'group:a@example.com', role: roles/storage.objectViewer, resourceRef: {bucket}}}"
    return f"""apiVersion: {group}.cnrm.cloud.google.com/v1beta1
kind: {kind}
metadata: {{name: {name}, namespace: team-{number // 16}}}
spec: {spec}
"""


def terraform(first: int, last: int) -> str:
    """A state with topics."""
    resources = [
        {
            "address": f"google_pubsub_topic.t{number}",
            "mode": "managed",
            "type": "google_pubsub_topic",
            "name": f"t{number}",
            "provider_name": "registry.terraform.io/hashicorp/google",
            "values": {"name": f"topic-{number}", "project": f"project-{number // 16}", "labels": {"n": str(number)}},
        }
        for number in range(first, last)
    ]
    return json.dumps({"format_version": "1.0", "values": {"root_module": {"resources": resources}}})


def _together(document_of: Callable[[int], str]) -> Callable[[int, int], str]:
    return lambda first, last: "---\n".join(map(document_of, range(first, last)))


FORMATS: dict[str, tuple[Callable[[int, int], str], str]] = {
    "native": (_together(native), "yaml"),
    "krm": (_together(krm), "yaml"),
    "terraform": (terraform, "json"),
}


def measure(kind: str, count: int) -> dict[str, float]:
    """Seconds and MiB of the first apply of so many declarations, and of the second; seconds of parsing them alone."""
    write, suffix = FORMATS[kind]
    with tempfile.TemporaryDirectory() as folder:
        fleet = Path(folder, "fleet")
        fleet.mkdir()
        for first in range(0, count, _FILE):
            (fleet / f"{first:09}.{suffix}").write_text(write(first, min(first + _FILE, count)))
        command = [sys.executable, "-m", "setpoint", "apply", str(fleet), "--store", f"sqlite:///{folder}/store.db"]
        bare_s, _ = _run([sys.executable, "-c", _BARE, str(fleet)])
        (first_s, first_mib), (again_s, again_mib) = _run(command), _run(command)
    return {"bare_s": bare_s, "first_s": first_s, "first_mib": first_mib, "again_s": again_s, "again_mib": again_mib}


def _run(command: list[str]) -> tuple[float, float]:
    started = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return round(time.perf_counter() - started, 2), round(usage.ru_maxrss * _KIB / 1024, 1)


def main() -> None:
    """Measure each number of declarations in each format; one line of JSON each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[1_000, 10_000, 50_000])
    parser.add_argument("--formats", nargs="+", choices=list(FORMATS), default=list(FORMATS))
    options = parser.parse_args()
    for kind in options.formats:
        for count in options.counts:
            print(json.dumps({"format": kind, "declarations": count, **measure(kind, count)}), flush=True)


if __name__ == "__main__":
    main()
