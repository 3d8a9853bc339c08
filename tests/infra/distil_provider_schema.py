"""Distil what Google's Terraform provider knows of the types that infra/ uses into provider_schema.json.

The provider cannot be asked offline; the npm package `@cdktf/provider-google` is generated from its schema and carries
it in declarations of types. Install it somewhere else, with `--ignore-scripts --legacy-peer-deps`, and run

    python tests/infra/distil_provider_schema.py FOLDER/node_modules/@cdktf/provider-google
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from hcl import Block, read

ROOT = Path(__file__).parents[2]
TARGET = Path(__file__).with_name("provider_schema.json")
_MEMBER = re.compile(
    r"/\*\*(?P<comment>(?:(?!\*/).)*)#(?P<name>\w+)\}(?:(?!\*/).)*\*/\s*readonly \w+(?P<optional>\??): (?P<type>[^;]+)",
    re.DOTALL,
)
_INTERFACE = re.compile(r"export interface (\w+) (?:extends [\w.]+ )?\{(.*?)\n\}", re.DOTALL)
_CLASS = re.compile(r"export declare class (\w+) extends [\w.]+ \{(.*?)\n\}", re.DOTALL)
_GETTER = re.compile(r"^    get (\w+)\(\)", re.MULTILINE)


def types_used() -> list[str]:
    """The types of resources and data sources in infra/; those of data sources with `data.` before them."""
    blocks: list[Block] = read(ROOT / "infra").blocks
    prefixes = {"resource": "", "data": "data."}
    return sorted({prefixes[block.kind] + block.labels[0] for block in blocks if block.kind in prefixes})


def distil(package: Path, used: str) -> dict[str, Any]:
    """The attributes, blocks and read-only attributes of a type."""
    folder = used.replace("data.", "data-").removeprefix("google_").replace("_", "-")
    text = (package / "lib" / folder / "index.d.ts").read_text()
    interfaces, classes = dict(_INTERFACE.findall(text)), dict(_CLASS.findall(text))
    (own,) = (name for name, body in classes.items() if "static readonly tfResourceType" in body)
    return _members(interfaces, classes, f"{own}Config", own)


def _members(interfaces: dict[str, str], classes: dict[str, str], interface: str, own: str) -> dict[str, Any]:
    attributes, blocks = {}, {}
    for found in _MEMBER.finditer(interfaces[interface]):
        need = "optional" if found["optional"] else "required"
        inner = re.match(r"\w+", found["type"])
        if f"* {found['name']} block" in found["comment"] and inner:
            members = _members(interfaces, classes, inner[0], f"{inner[0]}OutputReference")
            blocks[found["name"]] = {"need": need, **members}
        else:
            attributes[found["name"]] = need
    getters = {_snake(name) for name in _GETTER.findall(classes.get(own, "")) if not name.endswith("Input")}
    computed = sorted(getters - {*attributes, *blocks, "internal_value"})
    return {"attributes": attributes, "blocks": blocks, "computed": computed}


def _snake(camel: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", camel).lower()


if __name__ == "__main__":
    package = Path(sys.argv[1])
    version = json.loads((package / "package.json").read_text())["cdktf"]["provider"]["version"]
    schema = {"provider": version, "types": {used: distil(package, used) for used in types_used()}}
    TARGET.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")
