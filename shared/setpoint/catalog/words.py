"""The words that names of fields, kinds and collections are made of."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words(name: str) -> tuple[str, ...]:
    """The words of a name in camelCase, snake_case or any other spelling, and its numbers; in lower case."""
    return tuple(word.lower() for word in _WORD.findall(name))


def singular(word: str) -> str:
    """`policies` → `policy`, `addresses` → `address`, `rules` → `rule`."""
    if word.endswith("ies") and len(word) > 4:  # noqa: PLR2004 - `ties` is no plural of `ty`
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def plural(word: str) -> str:
    """`policy` → `policies`, `address` → `addresses`, `rule` → `rules`."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
