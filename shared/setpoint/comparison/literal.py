"""Fast path of a comparison: every declared field is observed literally as declared."""

from __future__ import annotations

from typing import Any


def unlike(declared: Any, observed: Any) -> list[str] | None:
    """The declared top-level fields that are not observed literally as declared; None if a side is not an object."""
    if type(declared) is not dict or type(observed) is not dict:
        return None
    keys = []
    for key, want in declared.items():
        have = observed.get(key)
        if want == have:
            continue
        kind = type(want)
        if not want or kind is not type(have) or kind not in NESTED or not _is_literal_part(want, have):
            keys.append(key)
    return keys


def is_literal(declared: Any, observed: Any) -> bool:
    """Whether every declared field is observed literally as declared: the usual case, and a fast check.

    Fields that the server adds to objects, and to those in lists of equal length, are ignored. An empty object needs
    the full comparison, since it may be a choice with a meaning.
    """
    if not isinstance(declared, dict) or not isinstance(observed, dict):
        return False
    inner: list[tuple[Any, Any]] = []
    for key, want in declared.items():
        have = observed.get(key)
        if want == have:
            continue
        kind = type(want)
        if not want or kind is not type(have) or kind not in NESTED:  # before anything deeper, since it ends the check
            return False
        inner.append((want, have))
    return all(_is_literal_part(want, have) for want, have in inner) if inner else True


def _is_literal_part(want: Any, have: Any) -> bool:
    if type(want) is dict:
        return is_literal(want, have)
    return len(want) == len(have) and all(map(_is_literal_element, want, have))


NESTED = frozenset((dict, list))


def _is_literal_element(declared: Any, observed: Any) -> bool:
    return bool(declared) and (declared == observed or is_literal(declared, observed))


def leaves(value: Any) -> int:
    """The number of scalars in a value; an empty object or list counts as one, null as none."""
    if isinstance(value, dict):
        return sum(map(leaves, value.values())) if value else 1
    if isinstance(value, list):
        return sum(map(leaves, value)) if value else 1
    return value is not None
