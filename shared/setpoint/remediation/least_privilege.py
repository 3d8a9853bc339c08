"""The least permissions for remediation of a resource type: to read it, to write it, and its policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from setpoint.catalog.methods import Methods, ResourceKind
from setpoint.catalog.permissions import permission
from setpoint.remediation.setter_methods import SPECIAL

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema

_OPERATIONS = {
    # https://cloud.google.com/iam/docs/permissions-reference
    "cloudfunctions": ("cloudfunctions.operations.get",),
    "compute": ("compute.globalOperations.get", "compute.regionOperations.get", "compute.zoneOperations.get"),
    "container": ("container.operations.get",),
    "redis": ("redis.operations.get",),
    "run": ("run.operations.get",),
    "spanner": ("spanner.databaseOperations.get", "spanner.instanceOperations.get"),
}
"""The permission to poll an operation, in APIs with a separate one."""

_BESIDES = {
    # https://cloud.google.com/firewall/docs/using-firewalls#permissions
    ("compute", "Firewall"): ("compute.networks.updatePolicy",),
}
"""Additional permissions for a write."""


def of_resource(schema: Schema, methods: Methods) -> tuple[str, ...]:
    """The permissions for reading and writing resources of a type; empty if no method writes them."""
    kinds = [kind for kind in methods.kinds(schema) if "get" in kind.methods]
    writing = {permission(method) for kind in kinds for method in _writers(schema, kind)}
    if not writing:
        return ()
    reading = {permission(kind.methods["get"].id) for kind in kinds}
    service = schema.service
    return tuple(sorted({*reading, *writing, *_OPERATIONS.get(service, ()), *_BESIDES.get((service, schema.name), ())}))


def of_policy(schema: Schema, methods: Methods) -> tuple[str, ...]:
    """The permissions for reading and writing the IAM policies of a type; empty if it has none."""
    both = ("getIamPolicy", "setIamPolicy")
    kinds = [kind for kind in methods.kinds(schema) if all(name in kind.methods for name in both)]
    return tuple(sorted({permission(kind.methods[name].id) for kind in kinds for name in both}))


def _writers(schema: Schema, kind: ResourceKind) -> Iterator[str]:
    if kind.writer is not None:
        yield kind.writer.id
    names = {setter.method for setter in SPECIAL if (setter.service, setter.schema) == (schema.service, schema.name)}
    if schema.service == "compute":
        names.add("setLabels")
    yield from (kind.methods[name].id for name in sorted(names) if name in kind.methods)
