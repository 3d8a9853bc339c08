"""Fast path of a comparison: every declared field is observed literally as declared."""

from __future__ import annotations

from typing import Any


def is_literal(declared: Any, observed: Any) -> bool:
    """Whether every declared field is observed literally as declared: the usual case, and a fast check.

    Fields that the server adds to objects, and to those in lists of equal length, are ignored. An empty object needs
    the full comparison, since it may be a choice with a meaning.
    """
    if not isinstance(declared, dict) or not isinstance(observed, dict):
        return False
    inner = []
    for key, want in declared.items():
        have = observed.get(key)
        if want == have:
            continue
        if not want or type(want) not in _NESTED:  # before anything deeper, since it ends the check
            return False
        inner.append((want, have))
    return all(_is_literal_part(want, have) for want, have in inner)


_NESTED = frozenset((dict, list))


def _is_literal_part(declared: Any, observed: Any) -> bool:
    if type(declared) is list:
        is_list = type(observed) is list and len(declared) == len(observed)
        return is_list and all(map(_is_literal_element, declared, observed))
    return is_literal(declared, observed)


def _is_literal_element(declared: Any, observed: Any) -> bool:
    return bool(declared) and is_literal(declared, observed)
