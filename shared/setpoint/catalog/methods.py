"""How Google's APIs read and write a resource, by rule from their own discovery documents.

The package ships one small file per service (`setpoint/catalog/data/methods/<service>.json.gz`, made by
`python -m setpoint_tools.distil.methods`); a service is read when one of its resources is first asked for, and
nothing is read at import.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from setpoint.catalog import data_files
from setpoint.catalog.name_patterns import compiled
from setpoint.catalog.resource_paths import path_of

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema

FOLDER = data_files.FOLDER / "methods"


class Method(msgspec.Struct, frozen=True):
    """One method of a resource.

    Args:
        id: as Google names it, ``compute.firewalls.patch``.
        verb: of HTTP.
        suffix: what follows the resource's path, ``/setLabels`` or ``:setIamPolicy``; empty for the resource itself.
        request: the schema of the body, or empty.
        whole: the body is the resource itself.
        wrap: the field of the body that holds the resource, or empty.
        mask: the query parameter that takes the update mask, or empty.
        wrapped_mask: the field of the body that takes it, or empty.
        policy_version: the query parameter that asks for a version of an IAM policy; ``options`` where the body does.
        query: the preconditions that the query takes.
        long_running: it answers with an operation to be watched.
    """

    id: str
    verb: str
    suffix: str = ""
    request: str = ""
    whole: bool = False
    wrap: str = ""
    mask: str = ""
    wrapped_mask: str = ""
    policy_version: str = ""
    query: tuple[str, ...] = ()
    long_running: bool = False

    @property
    def masked(self) -> bool:
        """Whether a field mask, in the query or in the body, limits what the method changes."""
        return bool(self.mask or self.wrapped_mask)

    @property
    def takes_resource(self) -> bool:
        """Whether the method takes the resource, or a part of it, at the resource's own path."""
        return not self.suffix and (self.whole or bool(self.wrap))


class ResourceKind(msgspec.Struct, frozen=True):
    """One kind of resource, as one collection of an API serves it.

    Args:
        schema: the name of the schema that its ``get`` answers.
        base: the address up to the API's version, ``https://compute.googleapis.com/compute/v1/``.
        pattern: the resource's path after it, ``projects/*/global/firewalls/*``.
        methods: by their short name.
        create: the id of the method that makes such a resource, or empty.
        beta: the same address of the beta version, which knows further fields; empty where there is none.
    """

    schema: str
    base: str
    pattern: str
    methods: dict[str, Method]
    create: str = ""
    beta: str = ""

    def matches(self, path: str) -> bool:
        """Whether a path, without the address and version of the API, names a resource of this kind."""
        return compiled(self.pattern).fullmatch(path) is not None

    @property
    def writer(self) -> Method | None:
        """The method that writes fields: a PATCH with a mask, else one without, else a PUT; None for none."""
        candidates = [
            method for method in self.methods.values() if method.takes_resource and method.verb in ("PATCH", "PUT")
        ]
        candidates = [method for method in candidates if not method.id.endswith((".create", ".insert"))]
        return min(candidates, key=lambda method: (method.verb != "PATCH", not method.masked, method.id), default=None)


class ApiResource(msgspec.Struct, frozen=True):
    """One resource of the fleet, with the methods that reach it.

    Args:
        name: the full resource name.
        kind: its kind.
        path: its path after the API's version.
        operations: the paths at which the operations of its API are, with ``*`` for parameters.
    """

    name: str
    kind: ResourceKind
    path: str
    operations: tuple[str, ...] = ()

    def url(self, method: Method) -> str:
        """The URL to call a method of this resource with, without query parameters."""
        return f"{self.kind.base}{self.path}{method.suffix}"

    def in_beta(self) -> ApiResource:
        """The resource at the beta version of its API; itself where there is none."""
        return replace(self, kind=replace(self.kind, base=self.kind.beta)) if self.kind.beta else self


class _Line(msgspec.Struct):
    version: str
    resources: tuple[ResourceKind, ...]
    operations: tuple[str, ...]


class _Stored(msgspec.Struct):
    service: str
    lines: tuple[_Line, ...]


def _by_version(data: bytes) -> dict[str, _Line]:
    return {line.version: line for line in msgspec.json.decode(data, type=_Stored).lines}


class Methods:
    """The methods of all services, read as they are asked for; safe to share between threads."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._services = data_files.FilesByService[dict[str, _Line]](folder, _by_version, {})

    def kinds(self, schema: Schema) -> tuple[ResourceKind, ...]:
        """The kinds that a schema describes, such as regional and global ones; empty where no method reads it."""
        line = self._line(schema)
        return tuple(kind for kind in line.resources if kind.schema == schema.name) if line else ()

    def patterns(self, service: str) -> frozenset[str]:
        """The paths of all kinds of resources of an API, of all its versions; none where the API is not known.

        Args:
            service: the API's name in its discovery document, ``compute``.
        """
        return frozenset(kind.pattern for line in self._services.of(service).values() for kind in line.resources)

    def resource(self, name: str, schema: Schema) -> ApiResource | None:
        """The resource of a full resource name, or None where no method reads it.

        Args:
            name: the full resource name.
            schema: what describes it; the version of the API follows from it.
        """
        line = self._line(schema)
        path = path_of(name, schema.service, schema.name)
        if line is None or not path:
            return None
        matching = [kind for kind in line.resources if kind.schema == schema.name and kind.matches(path)]
        kind = min(matching, key=lambda candidate: candidate.pattern.count("*"), default=None)
        return None if kind is None else ApiResource(name, kind, path, line.operations)

    def _line(self, schema: Schema) -> _Line | None:
        return self._services.of(schema.service).get(schema.version)


@cache
def default_methods() -> Methods:
    """The methods that the package ships, from Google's discovery documents; cached for the process."""
    return Methods()
