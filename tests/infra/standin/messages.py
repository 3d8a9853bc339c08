"""Terraform's plugin protocol 5, as far as Terraform core speaks it to a provider.

The messages are those of ``tfplugin5.proto`` beside this file; ``tfplugin5.binpb`` is what ``protoc
--descriptor_set_out`` makes of it, so that no compiler is needed to run the tests. Source:
https://github.com/hashicorp/terraform/blob/main/docs/plugin-protocol/tfplugin5.proto
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from msgspec.msgpack import Ext

PACKAGE = "tfplugin5"
UNKNOWN = Ext(0, b"\0")
"""What is known only after apply; extension 12 is the same with refinements, and is handed back as it came."""

_FILES = descriptor_pb2.FileDescriptorSet.FromString(Path(__file__).with_name("tfplugin5.binpb").read_bytes())
_POOL = descriptor_pool.DescriptorPool()
for _file in _FILES.file:
    _POOL.Add(_file)


def message(name: str) -> type[Message]:
    """The class of a message, ``GetProviderSchema.Response``."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))


def is_unknown(value: Any) -> bool:
    """Whether a value is known only after apply."""
    return isinstance(value, Ext)


def decode(value: Any) -> Any:
    """The value in a ``DynamicValue``. Numbers beyond 64 bits come as strings and stay so."""
    if value.msgpack:
        return msgspec.msgpack.decode(value.msgpack, strict=False)
    return json.loads(value.json or b"null")


def encode(value: Any) -> Any:
    """A ``DynamicValue`` of a value."""
    return message("DynamicValue")(msgpack=msgspec.msgpack.encode(value))


def error(summary: str, detail: str = "", path: tuple[str | int, ...] = ()) -> Any:
    """A diagnostic at a path of attribute names and indexes."""
    step = message("AttributePath.Step")
    steps = [step(attribute_name=part) if isinstance(part, str) else step(element_key_int=part) for part in path]
    attribute = message("AttributePath")(steps=steps) if steps else None
    return message("Diagnostic")(severity=1, summary=summary, detail=detail, attribute=attribute)
