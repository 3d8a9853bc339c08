"""A provider's schema as JSON: as the protocol has it, and values in its shape.

A value of a block is a dict with every attribute and block of the schema; a set is a list, null is None.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra.standin.messages import is_unknown, message

Block = Mapping[str, Any]
_FLAGS = ("required", "optional", "computed", "sensitive", "deprecated", "write_only")


def schema_message(schema: Mapping[str, Any]) -> Any:
    """The schema of a resource, a data source or a provider, as the protocol has it."""
    return message("Schema")(version=schema.get("version", 0), block=_block_message(schema["block"]))


def _block_message(block: Block) -> Any:
    return message("Schema.Block")(
        deprecated=block.get("deprecated", False),
        attributes=[
            message("Schema.Attribute")(
                name=name,
                type=json.dumps(attribute["type"]).encode(),
                **{flag: attribute.get(flag, False) for flag in _FLAGS},
            )
            for name, attribute in block.get("attributes", {}).items()
        ],
        block_types=[
            message("Schema.NestedBlock")(
                type_name=name,
                block=_block_message(nested["block"]),
                nesting=nested["nesting_mode"].upper(),
                min_items=nested.get("min_items", 0),
                max_items=nested.get("max_items", 0),
            )
            for name, nested in block.get("block_types", {}).items()
        ],
    )


def walk(block: Block, value: dict[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[Any]:
    """Every block in a value with its schema and path, the outermost first; nothing is seen of unknown ones."""
    yield block, value, path
    for name, nested in block.get("block_types", {}).items():
        inner = value.get(name)
        if is_unknown(inner) or not inner:
            continue
        listed = isinstance(inner, list)
        for index, item in enumerate(inner if listed else [inner]):
            if isinstance(item, dict):
                step = (name, index) if listed and nested["nesting_mode"] == "list" else (name,)
                yield from walk(nested["block"], item, path + step)


def conform(block: Block, value: Mapping[str, Any]) -> dict[str, Any]:
    """A stored value in the shape of the schema: what is missing becomes null, what the schema no longer has goes."""
    shaped = {
        name: _conform_attribute(attribute["type"], value.get(name))
        for name, attribute in block.get("attributes", {}).items()
    }
    for name, nested in block.get("block_types", {}).items():
        inner = value.get(name)
        if nested["nesting_mode"] in ("single", "group"):
            shaped[name] = inner and conform(nested["block"], inner)
        else:
            shaped[name] = [conform(nested["block"], item) for item in inner or []]
    return shaped


def _conform_attribute(kind: Any, value: Any) -> Any:
    if value is None or isinstance(kind, str):
        return value
    if kind[0] == "object":
        return {name: _conform_attribute(inner, value.get(name)) for name, inner in kind[1].items()}
    if kind[0] == "map":
        return {key: _conform_attribute(kind[1], item) for key, item in value.items()}
    return [_conform_attribute(kind[1], item) for item in value]
