"""Terraform code for an undeclared resource: an `import` block, and the configuration as far as it is certain.

The configuration is read back by the reader of plans. An attribute that would not mean what was observed is left out.

Source: https://developer.hashicorp.com/terraform/language/import
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from setpoint.catalog import terraform_types
from setpoint.catalog.import_ids import ImportId, import_ids
from setpoint.catalog.schemas import Catalogue
from setpoint.catalog.terraform_types import Attribute
from setpoint.declarations.readers import hcl, terraform
from setpoint.declarations.readers.terraform_documents import TerraformResource
from setpoint.detection import verdict
from setpoint.model import field_path
from setpoint.model.declaration import Declaration
from setpoint.model.naming import camel
from setpoint.model.observation import Observation
from setpoint.util.texts import as_name

_ROUNDS = 8
_LIST = ("list", "set")
_INTEGER = re.compile(r"-?\d+", re.ASCII)
"""How the API's JSON has integers of 64 bits, https://protobuf.dev/programming-guides/json/."""
_PAGES = "https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources"


class SingleBlock(list[Any]):
    """The block of an object, of which the API has one."""


class TerraformCode(NamedTuple):
    """The code of one resource.

    Args:
        text: the `import` block and the `resource` block.
        type: the Terraform type.
        values: the attributes in the `resource` block; a block is a list.
        attributes: what is known of the type's attributes.
    """

    text: str
    type: str
    values: Mapping[str, Any]
    attributes: Mapping[str, Attribute]


def as_terraform(
    declaration: Declaration, observation: Observation, schemas: Catalogue, project: str = ""
) -> TerraformCode | None:
    """Write the code of one resource; None where its import id is not known.

    Args:
        declaration: the exported declaration.
        observation: what it was exported from.
        schemas: the API's schemas.
        project: the id of its project; empty where it is not known.
    """
    if declaration.key.content != "resource":
        return None
    project = project or observation.project_id
    imports = import_ids(declaration.asset_type, declaration.key.name, project, observation.data)
    if not imports:
        return None
    target = imports[0]
    known = terraform_types.of(target.type)
    attributes = known.attributes if known is not None else {}
    values = {**_values(attributes, declaration.data, declaration.data), **_naming(attributes, target)}
    values = _proven(target, values, declaration, observation, schemas)
    label = _label(declaration.key.name)
    missing = tuple(name for name, each in attributes.items() if each.class_ == "required" and name not in values)
    text = _text(target, label, values, attributes, missing, imports[1:])
    return TerraformCode(text, target.type, values, attributes)


def _naming(attributes: Mapping[str, Attribute], target: ImportId) -> dict[str, Any]:
    """The attributes that the resource's name gives."""
    return {
        name: value
        for name, value in target.variables.items()
        if name in attributes and attributes[name].class_ != "computed"
    }


def _values(attributes: Mapping[str, Attribute], data: Any, root: Any) -> dict[str, Any]:
    """The attributes of a block for data in the API's shape; a block is a list of such."""
    values = {}
    for name, attribute in attributes.items():
        if attribute.class_ == "computed" or attribute.sensitive or attribute.reason or attribute.flag:
            continue
        value = _value_at(data, root, attribute.api or camel(name))
        if (made := _value(attribute, value, root)) is not None:
            values[name] = made
    return values


def _value_at(data: Any, root: Any, path: str) -> Any:
    node = root if path.startswith("/") else data
    for part in path.strip("/").split("."):
        if not isinstance(node, Mapping) or part not in node:
            return None
        node = node[part]
    return node


def _value(attribute: Attribute, value: Any, root: Any) -> Any:
    """The value of an attribute, or its blocks; None where the API's value has another shape."""
    if value is None or attribute.inside:
        return None if value is None else _blocks(attribute, value, root)
    if attribute.nesting == "map":
        return dict(value) if isinstance(value, Mapping) and all(map(_is_scalar, value.values())) else None
    if attribute.nesting in _LIST:
        return list(value) if isinstance(value, list) and all(map(_is_scalar, value)) else None
    if attribute.number and isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else None
    return value if _is_scalar(value) else None


def _blocks(attribute: Attribute, value: Any, root: Any) -> list[Any] | None:
    elements = value if isinstance(value, list) else [value]
    if not all(isinstance(element, Mapping) for element in elements):
        return None
    blocks = [_values(attribute.inside, element, root) for element in elements]
    if not blocks or not all(blocks):
        return None
    return blocks if isinstance(value, list) else SingleBlock(blocks)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool))


def _proven(
    target: ImportId, values: dict[str, Any], declaration: Declaration, observation: Observation, schemas: Catalogue
) -> dict[str, Any]:
    """The attributes that mean what was observed, by reading them as those of a plan."""
    for _ in range(_ROUNDS):
        wrong = _wrong(target, values, declaration, observation, schemas)
        if not wrong:
            return values
        values = {name: value for name, value in values.items() if name not in wrong or name in target.variables}
    return {name: value for name, value in values.items() if name in target.variables}


def _wrong(
    target: ImportId, values: Mapping[str, Any], declaration: Declaration, observation: Observation, schemas: Catalogue
) -> set[str]:
    """The attributes that would be a difference, or lead nowhere."""
    address = f"{target.type}.it"
    block = TerraformResource(address, target.type, values, {"project": observation.project_id}, frozenset(values))
    for part in terraform.parts(block):
        if part.means.asset_type == declaration.asset_type and part.prefix == address:
            translated = terraform.translate(part, schemas.schemas_for(part.means.asset_type))
            read = msgspec.structs.replace(
                declaration, data=translated.declaration.data, origins=dict(translated.origins)
            )
            differences = verdict.differences(read, observation, schemas)
            paths = [each.declared_path or f"{address}.{each.path}" for each in differences]
            return {_first(path, address) for path in (*paths, *translated.unchecked)} & set(values) - set(
                target.variables
            )
    return set(values) - set(target.variables)


def _first(path: str, address: str) -> str:
    parts = field_path.readable(path.removeprefix(f"{address}."))
    return parts[0] if parts else ""


def _label(name: str) -> str:
    """The name of the resource in its module: the last part of its full name, and its place."""
    parts = name.removeprefix("//").split("/")[1:]
    places = [part for collection, part in pairwise(parts) if collection in ("zones", "regions", "locations")]
    label = as_name("_".join([parts[-1].partition("@")[0], *places]))
    return label if re.match(r"[A-Za-z_]", label) else f"_{label}"


def _text(
    target: ImportId,
    label: str,
    values: Mapping[str, Any],
    attributes: Mapping[str, Attribute],
    missing: Sequence[str],
    others: Sequence[ImportId],
) -> str:
    lines = [f"# fill in {{{{{name}}}}} of the id: {_PAGES}/{_page(target.type)}#import" for name in target.missing]
    lines += ["import {", f"  to = {target.type}.{label}", f"  id = {hcl.literal(target.id)}", "}", ""]
    lines += [f"# or {other.type}, with the id {hcl.literal(other.id)}" for other in others]
    lines += [f'resource "{target.type}" "{label}" {{']
    lines += [f"  # {name}: required, and not known" for name in missing]
    lines += [*_body(values, attributes, "  "), "}"]
    return "\n".join(lines) + "\n"


def _page(terraform_type: str) -> str:
    return terraform_type.removeprefix("google_")


def _body(values: Mapping[str, Any], attributes: Mapping[str, Attribute], pad: str) -> Iterator[str]:
    """The lines of a block: attributes first, then blocks."""
    plain = [name for name in values if not attributes[name].inside]
    width = max(map(len, plain), default=0)
    for name in plain:
        yield f"{pad}{name:<{width}} = {_expression(values[name], pad)}"
    for name, blocks in values.items():
        if attributes[name].inside:
            for block in blocks:
                yield f"{pad}{name} {{"
                yield from _body(block, attributes[name].inside, f"{pad}  ")
                yield f"{pad}}}"


def _expression(value: Any, pad: str) -> str:
    if isinstance(value, Mapping):
        entries = [f"{pad}  {hcl.literal(key)} = {hcl.literal(entry)}" for key, entry in value.items()]
        return "\n".join(["{", *entries, f"{pad}}}"]) if entries else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(hcl.literal, value))}]"
    return hcl.literal(value)
