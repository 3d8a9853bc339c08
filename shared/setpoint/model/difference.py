"""A difference between a declaration and an observation, and the explanations of fields without one."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

DifferenceKind = Literal["", "undeclared_change", "authority"]
"""Kinds of differences: of a declared value, a change of a value that a Terraform state only recorded, or of who may
declare."""

Operation = Literal["changed", "missing", "unexpected"]

SeenBy = Literal["", "api"]
"""Which source shows a difference: the inventory, or a reading of the resource through its own API."""


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field that is not as declared.

    Args:
        path: the field in the API's terms; an empty path is the whole.
        op: ``changed``, ``missing`` (declared, not there) or ``unexpected`` (there, not declared).
        declared: the declared value; unset where nothing is declared.
        observed: the observed value; unset where nothing is there. Of a ``missing`` field of which only one of several
            may be set, the name of the one that is.
        immutable: the API cannot change this field: reverting it means to replace the resource.
        kind: ``undeclared_change`` where a state recorded the value, and no configuration is known to declare it;
            ``authority`` where the declaration itself is at fault: two sources claim the resource, or it names another
            project than the inventory. Nothing is ever written of such a drift.
        declared_path: the field in the author's format, where that is not the API's.
        seen_by: ``api`` where the resource's own API shows it; empty where the inventory does.
        hidden: keyed digest of both values, where something of them is hidden; empty where nothing is.
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
    """Why a field is no difference although it is not literally equal, or why it was not compared."""

    path: str
    reason: str
