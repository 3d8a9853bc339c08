"""A difference between a declaration and an observation, and the explanations of fields without one."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

DifferenceKind = Literal["", "undeclared_change", "authority"]
"""Kinds of differences: of a declared value, of a value that a Terraform state only recorded, or of the permission to
declare."""

Operation = Literal["changed", "missing", "unexpected"]

SeenBy = Literal["", "api"]
"""The source of a difference: the inventory, or a read of the resource through its own API."""


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field that is not as declared.

    Args:
        path: the field in the API's terms; an empty path is the whole.
        op: ``changed``, ``missing`` (declared and absent) or ``unexpected`` (present and not declared).
        declared: the declared value; unset if nothing is declared.
        observed: the observed value; unset if nothing is observed. For a ``missing`` field of a oneof group, the name
            of
            the field that is set instead.
        immutable: the API cannot change this field: reverting it means to replace the resource.
        kind: ``undeclared_change`` if a state recorded the value and no configuration is known to declare it;
            ``authority`` if the declaration itself is at fault: two sources declare the resource, or it names another
            project than the inventory. Such a drift is never remediated.
        declared_path: the field in the author's format, if that is not the API's.
        seen_by: ``api`` if the resource's own API shows it; empty for the inventory.
        hidden: keyed digest of both values, if a part of them is hidden; empty otherwise.
    """

    path: str
    op: Operation
    declared: Any = msgspec.UNSET
    observed: Any = msgspec.UNSET
    immutable: bool = False
    declared_path: str = ""
    kind: DifferenceKind = ""
    seen_by: SeenBy = ""
    hidden: str = ""


class Explanation(msgspec.Struct, frozen=True):
    """Why a field is not a difference although it is not literally equal, or why it was not compared."""

    path: str
    reason: str
