"""The schema of each Terraform resource type's attributes, and the API field that each one sets.

The table is distilled by `python -m setpoint_tools.distil.terraform` from the provider's own schema. It is read when a
type is first asked for, and one type at a time is decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import msgspec

from setpoint.catalog.data_files import FOLDER, unpacked

FILE = FOLDER / "terraform_types.json.gz"


Class = Literal["optional", "required", "either", "computed"]
"""Who gives an attribute its value: the author may, the author must, the author or else the service, the service."""

Nesting = Literal["", "single", "list", "set", "map"]

Reason = Literal["", "provider", "name", "write_only", "not_read", "input", "elsewhere", "key", "unmapped"]
"""Why an attribute has no API field of its own:

- ``provider``: a switch of the provider's, as ``deletion_protection`` and ``timeouts``.
- ``name``: a part of the resource's name, or of its parent's.
- ``write_only``: sent, and kept in no state.
- ``not_read``: sent to an API field, and never answered, or not read back by the provider.
- ``input``: as ``not_read``, and no field of the resource.
- ``elsewhere``: kept by another resource of the API.
- ``key``: the key of a map's entry, or the whole body: placed by its shape.
- ``unmapped``: no place in the API is known.
"""


class Attribute(msgspec.Struct, frozen=True, rename={"class_": "class"}):
    """One attribute or block.

    Args:
        class_: Who gives it its value; of a block, whether the service may.
        nesting: What it holds: ``single`` is a block of which there is one at most; empty for a scalar.
        reason: Why it has no API field of its own, or empty.
        api: Its API path from where the block around it goes, without marks of lists; from the resource where it starts
            with a slash; empty where it is the attribute's name in camel case.
        default: Values that it has where nobody sets it, as provider and API document them.
        enum: The values that it may have, where they are few.
        sensitive: A secret by the provider's schema.
        labels: A map of which the provider owns the declared keys only.
        number: A number by the provider's schema; the API may write it as text.
        flag: The block stands for a flag of the API: it is there if the flag is set.
        uncertain: The provider takes some values as equal to none, so that emptiness says nothing.
        inside: The attributes of a block.
    """

    class_: Class = "optional"
    nesting: Nesting = ""
    reason: Reason = ""
    api: str = ""
    default: tuple[Any, ...] = ()
    enum: tuple[str, ...] = ()
    sensitive: bool = False
    labels: bool = False
    uncertain: bool = False
    number: bool = False
    flag: bool = False
    inside: Mapping[str, Attribute] = {}


class TerraformType(msgspec.Struct, frozen=True):
    """One resource type of the provider.

    Args:
        attributes: Its attributes and blocks by name.
        api: Service and version that its API paths are of, `compute/v1`.
        schema: The resource's name in the discovery document, or empty.
        asset_type: Cloud Asset Inventory's type, or empty.
        part_of: Where it is a part of another resource: that one's asset type, a colon, and the path in it.
    """

    attributes: Mapping[str, Attribute]
    api: str = ""
    schema: str = ""
    asset_type: str = ""
    part_of: str = ""


class _Stored(msgspec.Struct):
    version: str
    types: dict[str, msgspec.Raw]


_decode = msgspec.json.Decoder(TerraformType).decode


@cache
def _stored() -> _Stored:
    return msgspec.json.decode(unpacked(FILE), type=_Stored)


def version() -> str:
    """Return the provider's version that the table was distilled from."""
    return _stored().version


def names() -> tuple[str, ...]:
    """The resource types of the provider, `google_storage_bucket`, in the order of the table."""
    return tuple(_stored().types)


@cache
def of(terraform_type: str) -> TerraformType | None:
    """Return what is known of a type, or None where the provider's table does not have it."""
    raw = _stored().types.get(terraform_type)
    return _decode(raw) if raw is not None else None
