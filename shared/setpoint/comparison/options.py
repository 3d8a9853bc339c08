"""The options of a comparison, as every function takes them that compares."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from setpoint.model.compare_rules import FieldRule

if TYPE_CHECKING:
    from setpoint.model.declaration import Declaration


class CompareOptions(TypedDict, total=False):
    """How two sides are compared; what is left out is as in ``Comparison``.

    Args:
        exact: whether undeclared fields are differences.
        whole: paths of maps that are owned with every entry; ``[*]`` stands for any element of a list.
        null_is_absent: whether a declared null means that the field must be absent.
        overrides: comparison rules of the policy, in place of the built-in rules.
    """

    exact: bool
    whole: tuple[str, ...]
    null_is_absent: bool
    overrides: tuple[FieldRule, ...]


def options_of(declaration: Declaration) -> CompareOptions:
    """How a declaration is compared with what is observed."""
    return CompareOptions(
        exact=declaration.exact,
        whole=declaration.exhaustive_paths,
        null_is_absent=declaration.null_is_absent,
        overrides=declaration.compare,
    )
