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
    if declared.items() <= observed.items():
        return True
    for key, want in declared.items():
        have = observed.get(key)
        if want == have:
            continue
        if type(want) is list and type(have) is list and len(want) == len(have):
            if not all(map(_is_literal_part, want, have)):
                return False
        elif not _is_literal_part(want, have):
            return False
    return True


def _is_literal_part(declared: Any, observed: Any) -> bool:
    return bool(declared) and is_literal(declared, observed)
