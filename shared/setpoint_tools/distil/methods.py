"""`python -m setpoint_tools.distil.methods`: writes how the resources of each API are read and written.

A resource is what a `get` answers; its methods are those of the same collection whose path is the `get`'s, or goes on
from it by a word: `…/instances/{instance}/setLabels`, `…/topics/{topic}:setIamPolicy`. One small file per service
(`setpoint/catalog/data/methods/<service>.json.gz`), which `setpoint.catalog.methods` reads.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from setpoint.catalog.methods import FOLDER as METHODS
from setpoint.catalog.methods import ResourceKind
from setpoint_tools.distil import artefact, documents
from setpoint_tools.distil.lines import renamer
from setpoint_tools.distil.schemas import methods as methods_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_PARAMETER = re.compile(r"\{[^}]*\}")
_VERSION = re.compile(r"(?:v\d\w*|alpha|beta)")
_SUFFIX = re.compile(r"[:/][A-Za-z]+(?:/[A-Za-z]+)*")
_NO_RESOURCE = "Operation"
_MASK = "google-fieldmask"
_PRECONDITIONS = ("ifMetagenerationMatch", "etag")
_OF_USE = re.compile(r"(get|patch|update|partialUpdate|replace|set)([A-Z].*)?|delete|enable|disable")
_MAKING = ("insert", "create")
_POLICY_VERSION = re.compile(r"options\.?requestedPolicyVersion", re.IGNORECASE)


def main() -> int:
    """Write the methods of all APIs, and say how many there are."""
    METHODS.mkdir(parents=True, exist_ok=True)
    for stale in METHODS.glob("*.json.gz"):
        stale.unlink()
    size = services = kinds = methods = written = 0
    for service, versions in documents.read(documents.directory()).items():
        content = of_service(versions)
        resources = [resource for line in content["lines"] for resource in line["resources"]]
        if resources:
            size += artefact.write(METHODS, service, content)
            services += 1
            kinds += len(resources)
            methods += sum(len(resource["methods"]) for resource in resources)
            written += sum(msgspec.convert(resource, ResourceKind).writer is not None for resource in resources)
    sys.stdout.write(
        f"{services} services, {kinds:,} resources that are read, {written:,} of them written, "
        f"{methods:,} methods, {size / 1e3:.0f} KB\n"
    )
    return 0


def of_service(versions: Iterable[documents.Document]) -> dict[str, Any]:
    """Return what the file of one service holds: its lines of versions, those of the catalogue, with their resources.

    Where the stable version and a beta read one path, the stable one is taken, with the address of the beta beside it.
    """
    versions = list(versions)
    lines = []
    for line in documents.lines(versions):
        by_pattern: dict[str, dict[str, Any]] = {}
        operations: set[str] = set()
        for document in (line.base, *line.extras):
            rename = renamer(document.version, line.base.version)
            for resource in _resources(document.content, rename):
                stable = by_pattern.setdefault(resource["pattern"], resource)
                if stable["base"] != resource["base"] and _is_called_alike(stable, resource):
                    stable.setdefault("beta", resource["base"])
            operations.update(_operations(document.content))
        lines.append(
            {
                "version": line.base.version,
                "resources": [by_pattern[pattern] for pattern in sorted(by_pattern)],
                "operations": sorted(operations),
            }
        )
    return {"service": versions[0].service, "lines": lines}


def _is_called_alike(stable: Mapping[str, Any], beta: Mapping[str, Any]) -> bool:
    """Whether a beta's methods take a resource in the same way as the stable version's."""
    return all(
        beta["methods"].get(name, {}).get(part) == method.get(part)
        for name, method in stable["methods"].items()
        if method.get("whole") or method.get("wrap")
        for part in ("verb", "suffix", "whole", "wrap", "mask", "wrapped_mask")
    )


def _collections(content: Mapping[str, Any]) -> Iterator[dict[str, Mapping[str, Any]]]:
    """Yield the methods of each collection by name."""
    by_collection: dict[tuple[str, ...], dict[str, Mapping[str, Any]]] = {}
    for collections, name, method in methods_of(content):
        by_collection.setdefault(collections, {})[name] = method
    yield from by_collection.values()


def _resources(content: Mapping[str, Any], rename: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    for methods in _collections(content):
        gets = {
            name: where
            for name, method in methods.items()
            if name.startswith("get") and method["httpMethod"] == "GET" and "IamPolicy" not in name
            if not method.get("response", {}).get("$ref", _NO_RESOURCE).endswith(_NO_RESOURCE)
            if (where := located(content, method))
        }
        for name, (base, pattern) in gets.items():
            if any(other != pattern and pattern.startswith(f"{other}/") for _, other in gets.values()):
                continue  # a part of another resource of this collection
            if "*" not in pattern:
                continue
            schema = methods[name]["response"]["$ref"]
            held = dict(_held(content, methods, base, pattern, schema))
            made = next((method["id"] for short_name, method in methods.items() if short_name in _MAKING), "")
            packed = {
                short_name: {key: value for key, value in method.items() if value}
                for short_name, method in held.items()
            }
            resource = {"schema": rename(schema), "base": base, "pattern": pattern, "methods": packed, "create": made}
            yield resource


def located(content: Mapping[str, Any], method: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return where a method is: the address up to the version, and the path with `*` for each parameter."""
    path = content.get("servicePath", "") + (method.get("flatPath") or method.get("path", ""))
    parts = _PARAMETER.sub("*", path).strip("/").split("/")
    version = next((position for position, part in enumerate(parts) if _VERSION.fullmatch(part)), -1)
    pattern = "/".join(parts[version + 1 :])
    base = content["rootUrl"] + "".join(f"{part}/" for part in parts[: version + 1])
    return (base, pattern) if pattern else None


def _held(
    content: Mapping[str, Any], methods: Mapping[str, Mapping[str, Any]], base: str, pattern: str, schema: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the methods that a resource has: those of its own path, and those one word further."""
    for name, method in methods.items():
        where = located(content, method)
        if where is None or where[0] != base or not where[1].startswith(pattern) or not _OF_USE.fullmatch(name):
            continue
        suffix = where[1][len(pattern) :]
        if suffix and not _SUFFIX.fullmatch(suffix):
            continue
        if suffix and method["httpMethod"] == "GET" and "IamPolicy" not in name:
            continue
        yield (
            name,
            {"id": method["id"], "verb": method["httpMethod"], "suffix": suffix}
            | _shape(content, method, method.get("response", {}).get("$ref", "") if "IamPolicy" in name else schema),
        )


def _shape(content: Mapping[str, Any], method: Mapping[str, Any], schema: str) -> dict[str, Any]:
    """Return what a method takes and answers: the body's schema, wrappers, masks, preconditions, operations."""
    query = {
        name: parameter
        for name, parameter in method.get("parameters", {}).items()
        if parameter.get("location") == "query"
    }
    request = method.get("request", {}).get("$ref", "")
    fields = content.get("schemas", {}).get(request, {}).get("properties", {})
    response = method.get("response", {}).get("$ref", "")
    shape: dict[str, Any] = {
        "request": request,
        "mask": next((name for name, parameter in query.items() if parameter.get("format") == _MASK), ""),
        "policy_version": next((name for name in query if _POLICY_VERSION.fullmatch(name)), ""),
        "query": [name for name in query if name in _PRECONDITIONS],
        "long_running": response.endswith("Operation"),
    }
    if request and request == schema:
        shape["whole"] = True
    elif request:
        shape["wrap"] = next((name for name, parameter in fields.items() if parameter.get("$ref") == schema), "")
        shape["wrapped_mask"] = next(
            (name for name, parameter in fields.items() if parameter.get("format") == _MASK), ""
        )
    if "options" in fields and method["id"].endswith("getIamPolicy"):
        shape["policy_version"] = "options"
    return shape


def _operations(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the patterns of the paths at which the operations of an API are read."""
    for collections, name, method in methods_of(content):
        of_operations = bool(collections) and collections[-1].lower().endswith("operations")
        if name == "get" and of_operations and (where := located(content, method)):
            yield where[1]


if __name__ == "__main__":
    raise SystemExit(main())
