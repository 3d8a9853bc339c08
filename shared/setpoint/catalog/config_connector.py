"""What Config Connector's own sources say of its kinds: who chooses a resource's id, and how its name is made up.

The table is distilled by `python -m setpoint_tools.distil.krm_kinds`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Literal, NamedTuple

import msgspec

from setpoint.catalog.data_files import FOLDER, unpacked

FILE = FOLDER / "config_connector.json.gz"

SUFFIX = ".cnrm.cloud.google.com"
"""What every API group of Config Connector ends with."""

_CLOSE = 0.84
"""How alike a kind or group has to be to a known one to be taken for a slip of it."""
_IDS: tuple[Literal["user", "service", "fields"], ...] = ("user", "service", "fields")


class ConnectorKind(msgspec.Struct, frozen=True):
    """One kind.

    Args:
        urls: Templates of the relative resource name, `projects/{project}/topics/{topic}`.
        id: Who chooses the last part, as an index of `_IDS`.
        parents: The fields of the spec that say what holds the resource.
        types: Cloud Asset Inventory's types; several where the place decides.
        status: The field of the status that has the id which the service chose.
        host: The API's host.
        terraform: The Terraform types whose fields it has.
        part: What it is a part of, where the inventory has no asset of its own for it.
    """

    urls: tuple[str, ...] = ()
    id: int = 0
    parents: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    status: str = ""
    host: str = ""
    terraform: tuple[str, ...] = ()
    part: str = ""

    @property
    def id_chosen_by(self) -> Literal["user", "service", "fields"]:
        """`user`: the object's name is the id. `service`: the API makes it. `fields`: fields of the spec are it."""
        return _IDS[self.id]


class FieldCorrection(NamedTuple):
    """What was meant by a misspelt kind or group.

    Args:
        field: `kind` or `apiVersion`.
        message: What is wrong, and the nearest right name.
    """

    field: str
    message: str


class _Table(msgspec.Struct, frozen=True):
    """The file."""

    kinds: dict[str, ConnectorKind]
    fields: dict[str, dict[str, str]]


@cache
def _table() -> _Table:
    return msgspec.json.decode(unpacked(FILE), type=_Table)


def _all() -> dict[str, ConnectorKind]:
    return _table().kinds


def moved_fields(name: str) -> Mapping[str, str]:
    """Where fields of a kind's spec go in the API, if the names differ.

    Args:
        name: The kind.

    Returns:
        Names from the spec, joined by dots → the API's path from where the group around the field goes.
    """
    return _table().fields.get(name, {})


@cache
def _groups() -> dict[str, tuple[str, ...]]:
    """Kind → the groups that have it."""
    groups: dict[str, tuple[str, ...]] = {}
    for key in _all():
        group, _, kind = key.partition("/")
        groups[kind] = (*groups.get(kind, ()), group)
    return groups


def kind(group: str, name: str) -> ConnectorKind | None:
    """The entry of a kind, or None where the table has none.

    Args:
        group: The API group, with or without its suffix.
        name: The kind, `ComputeFirewall`.
    """
    return _all().get(f"{group.removesuffix(SUFFIX)}/{name}")


def groups_of(name: str) -> tuple[str, ...]:
    """The API groups that have a kind of this name, without `.cnrm.cloud.google.com`; empty for an unknown kind."""
    return _groups().get(name, ())


@lru_cache(maxsize=4096)
def kind_ending(group: str, stem: str) -> str:
    """The shortest kind of a group that ends with a word in lower case, or an empty string."""
    label = group.removesuffix(SUFFIX)
    own = [key.partition("/")[2] for key in _all() if key.startswith(f"{label}/")]
    ends = [name for name in own if name.lower().endswith(stem)]
    return min(ends, key=len) if ends else ""


def is_known_group(group: str) -> bool:
    """Whether any kind of the table is in an API group, given with or without `.cnrm.cloud.google.com`."""
    return any(key.startswith(f"{group.removesuffix(SUFFIX)}/") for key in _all())


def correction(group: str, name: str) -> FieldCorrection | None:
    """What was meant by a group and a kind of which the table has no entry; None where nothing is like them.

    Args:
        group: The API group, with or without its suffix.
        name: The kind.
    """
    label = group.removesuffix(SUFFIX)
    if groups := groups_of(name):
        return FieldCorrection(
            "apiVersion", f"{label}{SUFFIX} has no kind {name}; did you mean {' or '.join(_full(groups))}?"
        )
    own = [known.partition("/")[2] for known in _all() if known.startswith(f"{label}/")]
    if meant := _nearest(name, own) or _nearest(name, _groups()):
        return FieldCorrection("kind", f"{name} is not a kind of Config Connector; did you mean {meant}?")
    if not own and (meant := _nearest(label, {key.partition("/")[0] for key in _all()})):
        return FieldCorrection(
            "apiVersion", f"{group} is not an API group of Config Connector; did you mean {meant}{SUFFIX}?"
        )
    return None


def _full(groups: Iterable[str]) -> list[str]:
    return [f"{group}{SUFFIX}" for group in groups]


def _nearest(word: str, known: Iterable[str]) -> str:
    lowered = {name.lower(): name for name in sorted(known)}
    matches = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=_CLOSE)
    return lowered[matches[0]] if matches else ""


def kinds_of(asset_type: str) -> list[tuple[str, str, ConnectorKind]]:
    """The group's first label, the name and the entry of each kind that has an asset type."""
    listed = (full.partition("/") for full, each in sorted(_all().items()) if asset_type in each.types)
    return [(group, name, _all()[f"{group}/{name}"]) for group, _, name in listed]
