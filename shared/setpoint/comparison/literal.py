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
    inner: list[tuple[Any, Any]] = []
    for key, want in declared.items():
        have = observed.get(key)
        if want == have:
            continue
        kind = type(want)
        if not want or kind is not type(have) or kind not in _NESTED:  # before anything deeper, since it ends the check
            return False
        inner.append((want, have))
    for want, have in inner:
        if type(want) is dict:
            if not is_literal(want, have):
                return False
        elif len(want) != len(have) or not all(map(_is_literal_element, want, have)):
            return False
    return True


_NESTED = frozenset((dict, list))


def _is_literal_element(declared: Any, observed: Any) -> bool:
    return bool(declared) and (declared == observed or is_literal(declared, observed))
