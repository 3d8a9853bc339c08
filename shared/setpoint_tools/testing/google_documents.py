"""Resolve a request by Google's discovery documents: its method, resource and schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from setpoint.catalog import schema_corrections
from setpoint_tools.distil import documents, flags
from setpoint_tools.distil.methods import located
from setpoint_tools.distil.schemas import methods as methods_of


class Document:
    """One discovery document, with its methods by where they are."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.service: str = content["name"]
        self.content = content
        self.schemas: Mapping[str, Any] = content.get("schemas", {})
        self.routes = sorted(self._routes(), key=lambda route: route.rank)

    def _routes(self) -> Iterator[Route]:
        gets: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        methods = []
        for collections, name, method in methods_of(self.content):
            where = located(self.content, method)
            if where is None:
                continue
            methods.append((collections, name, method, *where))
            if name.startswith("get") and method["httpMethod"] == "GET" and "IamPolicy" not in name:
                gets.setdefault(collections, []).append((where[1], method.get("response", {}).get("$ref", "")))
        for collections, name, method, base, pattern in methods:
            held = [candidate for candidate in gets.get(collections, ()) if pattern.startswith(candidate[0])]
            resource, schema = max(held, key=lambda candidate: len(candidate[0]), default=("", ""))
            yield Route(self, name, method, base, pattern, resource, schema)

    def properties(self, schema: str) -> Mapping[str, Any]:
        """The fields of a schema by name."""
        properties: Mapping[str, Any] = self.schemas.get(schema, {}).get("properties", {})
        return properties

    def fields(self, field: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The fields of what a field holds, if it is a message; None if it is anything else."""
        resolved = self.resolved(field)
        properties: Mapping[str, Any] | None = resolved.get("properties")
        return properties

    def resolved(self, field: Mapping[str, Any]) -> Mapping[str, Any]:
        """A field with the schema that it refers to laid open."""
        while "$ref" in field:
            field = self.schemas.get(field["$ref"], {})
        return field

    def is_output(self, schema: str, name: str, field: Mapping[str, Any]) -> bool:
        """Whether the server alone writes a field."""
        corrected = schema_corrections.of(self.service, schema).get(name, {}).get("output_only")
        if corrected is not None:
            return bool(corrected)
        return bool(field.get("readOnly")) or flags.OUTPUT_ONLY in flags.read(field.get("description", ""))


class Route(NamedTuple):
    """A method, and where it is.

    Args:
        document: the document that describes it.
        name: its short name.
        method: what the document says of it.
        base: the address up to the API's version.
        pattern: the path after that, with ``*`` for parameters.
        resource: the pattern of the resource that it belongs to; empty where it belongs to none.
        schema: what that resource's ``get`` answers.
    """

    document: Document
    name: str
    method: Mapping[str, Any]
    base: str
    pattern: str
    resource: str
    schema: str

    @property
    def rank(self) -> tuple[bool, int]:
        """A word after the path says more than a parameter, a literal more than a wildcard."""
        return ":" not in self.pattern, self.pattern.count("*")

    @property
    def suffix(self) -> str:
        """What follows the resource's path."""
        return self.pattern[len(self.resource) :] if self.resource else ""

    @property
    def request(self) -> str:
        """The schema of the body."""
        return str(self.method.get("request", {}).get("$ref", ""))

    @property
    def response(self) -> str:
        """The schema of the answer."""
        return str(self.method.get("response", {}).get("$ref", ""))


@cache
def of_host(host: str) -> tuple[Document, ...]:
    """The documents of the API behind a host, all versions.

    Raises:
        ModuleNotFoundError: ``google-api-python-client``, which carries the documents, is not installed.
    """
    label = host.partition(".")[0]
    read = []
    for path in sorted(documents.directory().glob(f"{label}.*.json")):
        content = json.loads(path.read_bytes())
        if content.get("rootUrl", "").startswith(f"https://{host}/"):
            read.append(Document(content))
    return tuple(read)


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", "[^/]+"))


@lru_cache(maxsize=10_000)
def route_of(host: str, verb: str, path: str) -> tuple[Route, str] | None:
    """The method that a request calls, and the path after the API's version; None where there is no such method."""
    url = f"https://{host}/{path}"
    for document in of_host(host):
        for route in document.routes:
            if route.method["httpMethod"] != verb or not url.startswith(route.base):
                continue
            rest = url[len(route.base) :]
            if _regex(route.pattern).fullmatch(rest):
                return route, rest
    return None
