"""The usual case of a comparison: every declared field is observed as it is declared."""

from __future__ import annotations

from typing import Any


def is_literal(declared: Any, observed: Any) -> bool:
    """Whether every declared field is there, letter by letter as it is declared: the usual case, and fast to tell.

    What the server adds to objects, and to those in a list of the same length, is nobody's. An empty object inside
    needs the walk: it may be a choice that says something.
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
