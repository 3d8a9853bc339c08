"""Changes of a resource that its declaration does not have."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

Edit = Callable[[Any], None]
"""Changes the live side of a resource in place."""


def edited(live: Any, edits: Iterable[Edit]) -> Any:
    """The live side after some edits; the original stays as it is."""
    changed = copy.deepcopy(live)
    for edit in edits:
        edit(changed)
    return changed


def put(path: str, value: Any) -> Edit:
    """Set the field at a path of keys, ``settings.ipConfiguration.ipv4Enabled``."""

    def edit(live: Any) -> None:
        *parents, last = path.split(".")
        for key in parents:
            live = live.setdefault(key, {})
        live[last] = value

    return edit


def drop(path: str) -> Edit:
    """Take the field at a path away; this is also how ``false`` and ``0`` look in the API's JSON."""

    def edit(live: Any) -> None:
        *parents, last = path.split(".")
        for key in parents:
            live = live[key]
        del live[last]

    return edit


def grant(role: str, *members: str) -> Edit:
    """Give a role to members."""

    def edit(live: Any) -> None:
        live["bindings"] = [*live["bindings"], {"role": role, "members": list(members)}]

    return edit


def revoke(role: str, member: str) -> Edit:
    """Take a role from a member."""

    def edit(live: Any) -> None:
        for binding in live["bindings"]:
            if binding["role"] == role:
                binding["members"] = [present for present in binding["members"] if present != member]
        live["bindings"] = [kept for kept in live["bindings"] if kept["members"]]

    return edit


def unconditional(role: str) -> Edit:
    """Let a grant that was for a time be for ever."""

    def edit(live: Any) -> None:
        for binding in live["bindings"]:
            if binding["role"] == role:
                binding.pop("condition", None)

    return edit


def unenforced(constraint: str) -> Edit:
    """Let a boolean organisation policy no longer be enforced."""

    def edit(live: Any) -> None:
        for policy in live:
            if policy["constraint"] == f"constraints/{constraint}":
                policy["booleanPolicy"] = {}

    return edit
