"""Label a grant by its origin or holder, if the grant alone shows it: Privileged Access Manager, a group.

Privileged Access Manager adds a binding with a condition for as long as a grant of an entitlement is active, and gives
the condition a title of its own. Whoever may set the policy may write that title, too: such a grant is named, and it is
reported like any other.
Sources: https://cloud.google.com/iam/docs/pam-best-practices, https://cloud.google.com/iam/docs/principal-identifiers
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PAM_TITLE = "Created by: PAM"
_BY_MEMBERSHIP: tuple[tuple[str, str], ...] = (
    ("group:", "everybody in the group"),
    ("domain:", "everybody in the domain"),
    ("principalSet:", "all identities of the set"),
    ("projectOwner:", "all owners of the project"),
    ("projectEditor:", "all editors of the project"),
    ("projectViewer:", "all viewers of the project"),
)
"""Prefixes of members that stand for several identities, with who these are."""


def origin(grant: Mapping[str, Any]) -> str:
    """How a grant came about and who has it, for people; empty if it is a grant to one identity.

    Args:
        grant: ``role``, ``member``, and ``condition`` if there is one.
    """
    member = str(grant.get("member", ""))
    whom = next((text for prefix, text in _BY_MEMBERSHIP if member.startswith(prefix)), "")
    parts = ("by Privileged Access Manager" if is_by_pam(grant) else "", f"to {whom}" if whom else "")
    return ", ".join(filter(None, parts))


def is_by_pam(grant: Mapping[str, Any]) -> bool:
    """Whether a grant looks like one by Privileged Access Manager."""
    condition = grant.get("condition")
    if not isinstance(condition, Mapping):
        return False
    return condition.get("title") == _PAM_TITLE and "request.time" in str(condition.get("expression", ""))
