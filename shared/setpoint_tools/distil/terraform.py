"""`python -m setpoint_tools.distil.terraform SCHEMA FIELDS`: writes facts about the provider's attributes.

SCHEMA is the output of `terraform providers schema -json` for hashicorp/google, gzipped or not: which attributes are
required, optional, computed and sensitive, and how blocks nest. FIELDS has one JSON object a line with a `type` and its
`fields`: where each attribute goes in Google's API, and why one goes nowhere. The result is
`setpoint/catalog/data/terraform_types.json.gz`; `setpoint.catalog.terraform_types` reads it, and names the keys.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from setpoint.catalog.terraform_types import FILE
from setpoint.model.naming import camel
from setpoint_tools.distil import documents, stated_defaults

_MARKS = re.compile(r"\[[^\]]*\]|\{[^}]*\}")
_KEYED = re.compile(r"\{[^}]+\}|\[[^\]]+\]|^\*$")
"""API paths that name the key of a map, an element of a list by its key, or the whole body."""

_REASONS = (
    ("virtual", "provider"),  # a switch of the provider's own
    ("write_only", "write_only"),  # sent, and kept neither in the state nor by the API
    ("url", "name"),  # in the resource's name
    ("ignore_read", "not_read"),  # sent, and not answered, or not read back by the provider
    ("from", "elsewhere"),  # kept in another resource
)
_UNCERTAIN_EMPTY = re.compile(
    r"absent|server_|empty|when_|auto|always|one_way|create_only|json|trim|prefix|version_|image|bq_schema|hash|md5"
)
"""Equivalences under which what is not set may be answered with a value."""

_FLAGS = frozenset(("firewall_log_config", "subnetwork_log_config"))
"""Functions of the provider that read a block from a flag."""

_OF_ALL = {"id": "name", "timeouts": "provider"}
"""Terraform's own name of a resource, and how long the provider waits."""


def main(arguments: list[str] | None = None) -> int:
    """Write the table, and say what came out."""
    parser = argparse.ArgumentParser(prog="python -m setpoint_tools.distil.terraform", description=__doc__)
    parser.add_argument("schema", type=Path, help="output of `terraform providers schema -json`, may be gzipped")
    parser.add_argument("fields", type=Path, help="JSON Lines: where each attribute of each type goes in the API")
    parser.add_argument("--version", default="", help="version of the provider")
    parser.add_argument("--out", type=Path, default=FILE, help="file to write (%(default)s)")
    options = parser.parse_args(arguments)
    raw = options.schema.read_bytes()
    provider = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    facts = (json.loads(line) for line in options.fields.read_text().splitlines() if line.strip())
    schemas = _resource_schemas(provider)
    defaults = stated_defaults.read(documents.read(documents.directory()))
    types = build(schemas, {fact["type"]: fact for fact in facts}, defaults)
    data = encode({"version": options.version, "types": types})
    options.out.write_bytes(data)
    attributes = sum(_count(entry["attributes"]) for entry in types.values())
    sys.stdout.write(f"{len(types):,} types, {attributes:,} attributes, {len(data) / 1e3:.0f} KB\n")
    return 0


def _resource_schemas(provider: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schemas of all resource types, whether of one provider or of `terraform providers schema` with several."""
    if "resource_schemas" in provider:
        schemas: Mapping[str, Any] = provider["resource_schemas"]
        return schemas
    return {
        name: schema
        for one_provider in provider.get("provider_schemas", {}).values()
        for name, schema in one_provider.get("resource_schemas", {}).items()
        if name.startswith("google_")
    }


def build(
    schemas: Mapping[str, Any], facts: Mapping[str, Any], defaults: stated_defaults.Defaults
) -> dict[str, dict[str, Any]]:
    """The table: type → what is known of it and of its attributes.

    Args:
        schemas: Resource schemas of the provider.
        facts: What is known of each type's fields, by type.
        defaults: What Google's documents say of defaults.

    Raises:
        SystemExit: an attribute is accounted for nowhere.
    """
    types = {}
    unknown: list[str] = []
    for name, schema in sorted(schemas.items()):
        fact = facts.get(name, {})
        if "iam" in fact:
            continue
        service, _, version = fact.get("api", "").partition("/")
        stated = defaults.of(service, version, fact.get("schema", ""))
        walk = _Walk(name, fact.get("fields", {}), stated, unknown)
        entry: dict[str, Any] = {"attributes": walk.block(schema["block"], "", "")}
        for key in ("api", "schema", "asset_type", "part_of"):
            if fact.get(key):
                entry[key] = fact[key]
        types[name] = entry
    if unknown:
        sys.exit(f"{len(unknown)} attributes are accounted for nowhere, first: {', '.join(unknown[:5])}")
    return types


class _Walk:
    """The walk over one type's blocks."""

    def __init__(
        self, terraform_type: str, fields: Mapping[str, Any], stated: Mapping[str, Any], unknown: list[str]
    ) -> None:
        self._type = terraform_type
        self._fields = {_MARKS.sub("", path): fact for path, fact in fields.items()}
        self._inside: dict[str, list[str]] = {}
        self._targets: dict[str, str] = {}
        for path, fact in self._fields.items():
            if "api" not in fact or _KEYED.search(fact["api"]):
                continue
            self._targets[path] = _MARKS.sub("", fact["api"])
            parts = path.split(".")
            for count in range(1, len(parts)):
                self._inside.setdefault(".".join(parts[:count]), []).append(_MARKS.sub("", fact["api"]))
        self._holders = {
            ".".join(path.split(".")[:count]) for path in self._fields for count in range(1, path.count(".") + 1)
        }
        self._stated = stated
        self._unknown = unknown

    def block(self, block: Mapping[str, Any], path: str, api: str) -> dict[str, Any]:
        """The attributes and blocks of a block.

        Args:
            block: As the provider's schema has it.
            path: Its path in Terraform, empty for the resource.
            api: Its path in the API, empty for the resource; both without marks of lists.
        """
        out = {}
        for name, attribute in sorted(block.get("attributes", {}).items()):
            out[name] = self._attribute(f"{path}{name}", name, attribute, api)
        for name, nested in sorted(block.get("block_types", {}).items()):
            if name == "timeouts":
                out[name] = {"reason": _OF_ALL[name]}
                continue
            entry = self._entry(f"{path}{name}", name, api, leaf=False)
            fact = self._fields.get(f"{path}{name}", {})
            if nested.get("min_items"):
                entry["class"] = "required"
            elif "default_from_api" in fact:
                entry["class"] = "either"
            single = nested["nesting_mode"] == "list" and nested.get("max_items") == 1
            entry["nesting"] = "single" if single else nested["nesting_mode"]
            entry["inside"] = self.block(nested["block"], f"{path}{name}.", _join(api, name, entry))
            out[name] = entry
        return out

    def _attribute(self, path: str, name: str, attribute: Mapping[str, Any], api: str) -> dict[str, Any]:
        entry = self._entry(path, name, api, leaf="type" in attribute)
        if attribute.get("required"):
            entry["class"] = "required"
        elif attribute.get("computed"):
            entry["class"] = "either" if attribute.get("optional") else "computed"
        if attribute.get("sensitive"):
            entry["sensitive"] = True
        kind = attribute.get("type")
        if kind == "number":
            entry["number"] = True
        if isinstance(kind, list) and kind[0] in {"list", "set", "map"}:
            entry["nesting"] = kind[0]
            if isinstance(kind[1], list) and kind[1][0] == "object":
                inner = {"attributes": {key: {"type": part} for key, part in kind[1][1].items()}}
                entry["inside"] = self.block(inner, f"{path}.", _join(api, name, entry))
        return entry

    def _entry(self, path: str, name: str, api: str, *, leaf: bool) -> dict[str, Any]:
        """What the facts say of one attribute, or of a block, which they leave out where only its parts matter."""
        fact = self._fields.get(path)
        if fact is None:
            if path in _OF_ALL:
                return {"reason": _OF_ALL[path]}
            if leaf and path not in self._holders and not self._is_computed(path):
                self._unknown.append(f"{self._type}.{path}")
            return self._placed({}, name, api, self._container(path, name, api))
        entry = _of_fact(fact)
        if "reason" not in entry and not fact.keys() & {"api", "computed"} and path not in self._holders:
            entry["reason"] = "unmapped"
        if "api" not in fact or _KEYED.search(fact["api"]):
            keyed = {"reason": "key"} if "api" in fact else {}
            return {**keyed, **entry, **({"reason": "input"} if entry.get("reason") == "not_read" else {})}
        return self._placed(entry, name, api, _MARKS.sub("", fact["api"]))

    def _container(self, path: str, name: str, api: str) -> str:
        """The API path of a block of which only the parts have one; empty where there is none."""
        common = _common(self._inside.get(path, ()))
        by_name = f"{api}.{camel(name)}" if api else camel(name)
        if f"{common}.".startswith(f"{by_name}."):
            return by_name
        direct = [target for part, target in self._targets.items() if part.rpartition(".")[0] == path]
        if not direct and common.startswith(f"{api}." if api else ""):
            depth = api.count(".") + 2 if api else 1
            return ".".join(common.split(".")[:depth])
        return common

    def _is_computed(self, path: str) -> bool:
        """Whether something around the attribute is computed, and so the attribute too."""
        parts = path.split(".")
        around = (".".join(parts[:count]) for count in range(1, len(parts)))
        return any(self._fields.get(holder, {}).get("computed") for holder in around)

    def _placed(self, entry: dict[str, Any], name: str, api: str, target: str) -> dict[str, Any]:
        """The entry with its API path: relative to what is around it, or from the root; left out by the common rule.

        A block that the API does not have, so that its attributes stand where the block does, has the path `.`.
        """
        if not target:
            return entry
        if target == api:
            return entry | {"api": "."}
        relative = target.removeprefix(f"{api}.") if api else target
        if api and relative == target:
            relative = f"/{target}"
        if relative != camel(name):
            entry["api"] = relative
        stated = self._stated.get(target)
        if stated is not None and stated not in entry.get("default", ()):
            entry["default"] = [*entry.get("default", ()), stated]
        return entry


def _of_fact(fact: Mapping[str, Any]) -> dict[str, Any]:
    """What the facts say of an attribute, its place in the API aside."""
    values: dict[str, Any] = {
        "class": "computed" if fact.get("computed") else None,
        "reason": next((word for flag, word in _REASONS if flag in fact), None),
        "sensitive": bool(fact.get("sensitive")),
        "labels": bool(fact.get("map_labels")),
        "nesting": "set" if fact.get("set") else None,
        "default": [fact["default"]] if "default" in fact else None,
        "enum": fact.get("enum"),
        "uncertain": bool(_UNCERTAIN_EMPTY.search(fact.get("suppress", ""))) or isinstance(fact.get("custom"), str),
        "flag": str(fact.get("custom", "")) in _FLAGS,
    }
    return {name: value for name, value in values.items() if value}


def _join(api: str, name: str, entry: Mapping[str, Any]) -> str:
    relative = entry.get("api", camel(name))
    if relative == ".":
        return api
    if relative.startswith("/"):
        return str(relative[1:])
    return f"{api}.{relative}" if api else relative


def _common(targets: Iterable[str]) -> str:
    """The API path that all targets lie in; empty where there is none."""
    parts = [target.split(".")[:-1] for target in targets]
    if not parts:
        return ""
    shared = []
    for steps in zip(*parts, strict=False):
        if len(set(steps)) > 1:
            break
        shared.append(steps[0])
    return ".".join(shared)


def _count(attributes: Mapping[str, Any]) -> int:
    return sum(1 + _count(entry.get("inside", {})) for entry in attributes.values())


def reasons(attributes: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Each attribute's path with how it is accounted for: `mapped`, `computed`, or the reason why it goes nowhere."""
    for name, entry in attributes.items():
        yield f"{path}{name}", entry.get("reason") or ("computed" if entry.get("class") == "computed" else "mapped")
        yield from reasons(entry.get("inside", {}), f"{path}{name}.")


def encode(content: Mapping[str, Any]) -> bytes:
    """The bytes of the file, the same for the same input."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


if __name__ == "__main__":
    raise SystemExit(main())
