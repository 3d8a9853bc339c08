"""The predefined roles of IAM, with suggestions for misspelt ones.

``data/predefined_roles.tsv`` lists them as documented at https://cloud.google.com/iam/docs/roles-permissions, which
gains some each month: a role that is like none of them may be a new one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache

from setpoint.catalog.data_files import FOLDER, rows
from setpoint.catalog.words import words

TABLE = FOLDER / "predefined_roles.tsv"

PREFIX = "roles/"
_CLOSE = 0.86
_CLOSE_SERVICE = 0.8
_FEWEST_LETTERS = 4
"""A shorter name that is one letter away from another is as likely a name of its own."""


@cache
def closest(role: str) -> str:
    """The predefined role that a misspelt one means; empty where it is known, or like none.

    Args:
        role: the role, ``roles/storage.objectViewer``; custom roles are like none.
    """
    name = role.removeprefix(PREFIX)
    if name == role or _is_known(name):
        return ""
    service, _, short = name.rpartition(".")
    table = _table()
    if service in table or not short:
        meant = [f"{service}.{near}" if service else near for near in _near(short, table.get(service, frozenset()))]
    else:
        services = difflib.get_close_matches(service, table, n=3, cutoff=_CLOSE_SERVICE) if service else []
        meant = [f"{near}.{short}" for near in services if short in table[near]]
        if not service:
            meant += _near(short, table[""])
    return f"{PREFIX}{meant[0]}" if meant else ""


def _is_known(name: str) -> bool:
    service, _, short = name.partition(".")
    return short in _table().get(service, ()) if short else service in _table()[""]


def _near(name: str, names: Iterable[str]) -> list[str]:
    by_letters = {known.lower(): known for known in names}
    if name.lower() in by_letters:
        return [by_letters[name.lower()]]
    if len(name) < _FEWEST_LETTERS or set(words(name)) <= _vocabulary():
        return []  # words that other roles have are spelled right: the role may be a new one
    return [by_letters[near] for near in difflib.get_close_matches(name.lower(), by_letters, n=1, cutoff=_CLOSE)]


@cache
def _vocabulary() -> frozenset[str]:
    """The words of all roles."""
    return frozenset(word for names in _table().values() for name in names for word in words(name))


@cache
def _table() -> Mapping[str, frozenset[str]]:
    """The roles by service, without it; basic roles have none."""
    return {service: frozenset(names.split()) for service, names in rows(TABLE)}
