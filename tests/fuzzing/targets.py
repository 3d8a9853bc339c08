"""What is fuzzed: each reader of bytes from outside, with a first input that it takes."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from setpoint.attribution import audit_log_parser
from setpoint.cli import feed
from setpoint.declarations.readers import hcl, load
from setpoint.declarations.readers.hcl import NotHclError
from setpoint.errors import SetpointError
from setpoint.model import events
from setpoint.model import observation as observations

CORPUS = Path(__file__).with_name("corpus")
_ASSET = (
    b'{"name":"//storage.googleapis.com/b","assetType":"storage.googleapis.com/Bucket",'
    b'"updateTime":"2026-03-01T12:00:00Z"'
)
_FEED = b'{"asset":' + _ASSET + b',"resource":{"version":"v1","data":{"location":"EU"}}},"window":{}}'
_AUDIT = (
    b'{"logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","timestamp":"2026-03-01T12:00:00Z","protoPayload":'
    b'{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","serviceName":"storage.googleapis.com","methodName":'
    b'"storage.buckets.update","resourceName":"projects/_/buckets/b","authenticationInfo":{"principalEmail":"a@b.c"}}}'
)
_KRM = b"""apiVersion: storage.cnrm.cloud.google.com/v1beta1
kind: StorageBucket
metadata: {name: exports, namespace: shop}
spec: {location: EU, lifecycleRule: [{action: {type: Delete}, condition: {age: 1}}]}
"""
_STATE = json.dumps({
    "version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "a", "resources": [{
        "mode": "managed", "type": "google_storage_bucket", "name": "b", "instances": [
            {"attributes": {"name": "b", "location": "EU", "project": "shop"}}],
        "provider": 'provider["hashicorp/google"]',
    }],
}).encode()  # fmt: skip


def _file(name: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_bytes(data)
        load.load([str(file)])


def _ignore_file(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.yaml").write_bytes(_KRM)
        Path(folder, ".setpointignore").write_bytes(data)
        load.load([folder])


TARGETS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "feed": (observations.parse, _FEED),
    "recorded-feed": (lambda data: list(feed.messages(io.BytesIO(data))), _FEED + b"\n" + _ASSET + b"}\n"),
    "drift-event": (events.read, b'{"specversion":"1.0","id":"a/1","type":"drift.opened"}'),
    "audit-log": (partial(audit_log_parser.parse, mask_ip=False), _AUDIT),
    "yaml": (partial(_file, "a.yaml"), _KRM),
    "json": (partial(_file, "a.json"), b'{"apiVersion":"setpoint.dev/v1","kind":"Declaration"}'),
    "terraform-state": (partial(_file, "a.tfstate"), _STATE),
    "archive": (partial(_file, "a.tar.gz"), b"\x1f\x8b\x08\x00"),
    "ignore-file": (_ignore_file, b"*.yaml\n!a.yaml\nspec.location\n"),
    "hcl": (
        lambda data: hcl.parse(data.decode(errors="replace")),
        b'resource "google_storage_bucket" "b" { name = "b" }\n',
    ),
}


def run(name: str, data: bytes) -> None:
    """Read an input; an error of the product's own is an answer, and any other is a fault."""
    read, _ = TARGETS[name]
    with suppress(SetpointError, NotHclError):
        read(data)
