"""One difference between a declaration and an observation, and the notes beside it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

DifferenceKind = Literal["", "undeclared_change"]
"""What a difference is: of what is declared, or a change of a value that a state only recorded."""

Operation = Literal["changed", "missing", "unexpected"]


MASK = "(sensitive)"
"""What stands for a secret in everything that leaves the detector."""


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field that is not as declared.

    Args:
        path: the field in the API's terms; an empty path is the whole.
        op: ``changed``, ``missing`` (declared, not there) or ``unexpected`` (there, not declared).
        declared: the declared value; unset where nothing is declared.
        observed: the observed value; unset where nothing is there.
        immutable: the API cannot change this field; putting it back means making the resource anew.
        kind: ``undeclared_change`` where a state recorded the value and nobody is known to have declared it.
        declared_path: the field in the author's terms, where the declaration is written in another format.
    """

    path: str
    op: Operation
    declared: Any = msgspec.UNSET
    observed: Any = msgspec.UNSET
    immutable: bool = False
    declared_path: str = ""
    kind: DifferenceKind = ""


class Explanation(msgspec.Struct, frozen=True):
    """Why a field is no difference although it is not literally equal, or why it was not compared."""

    path: str
    reason: str
