"""What is wrong with a member of an IAM policy.

Source: https://cloud.google.com/iam/docs/principal-identifiers
"""

from __future__ import annotations

import difflib
import re
from typing import Any

_ANYBODY = frozenset(("allUsers", "allAuthenticatedUsers"))
_WITH_ADDRESS = frozenset(("user", "group", "serviceAccount"))
_KINDS = (*sorted(_WITH_ADDRESS), "domain", "projectOwner", "projectEditor", "projectViewer", "deleted")
_PRINCIPAL = re.compile(r"(?:principal|principalSet|principalHierarchy)://\S+\Z")
_MEMBER = re.compile(r"([A-Za-z]+):(\S+)\Z")
_CLOSE = 0.7
_EXAMPLES = "user:ann@example.com or group:team@example.com"


def fault(member: Any) -> str:
    """Why this is not a member, with what may have been meant; empty where it is one.

    A kind that is like none that are known may be newer than this version, and is not a fault.
    """
    if isinstance(member, str) and (member in _ANYBODY or _PRINCIPAL.match(member)):
        return ""
    parts = _MEMBER.match(member) if isinstance(member, str) else None
    if parts is None:
        nearest = difflib.get_close_matches(str(member), sorted(_ANYBODY), n=1, cutoff=_CLOSE)
        meant = f"; did you mean {nearest[0]}?" if nearest else f"; use the form {_EXAMPLES}"
        if isinstance(member, str) and "@" in member and " " not in member:
            kind = "serviceAccount" if member.endswith(".gserviceaccount.com") else "user"
            meant = f"; use the form {_EXAMPLES}; did you mean {kind}:{member}?"
        return f"{member} is not a member{meant}"
    kind, name = parts.groups()
    if kind not in _KINDS and (near := difflib.get_close_matches(kind, _KINDS, n=1, cutoff=_CLOSE)):
        return f"{kind} is not a kind of member; did you mean {near[0]}:{name}?"
    if kind in _WITH_ADDRESS and "@" not in name and "{" not in name and "[" not in name:
        return f"{member} names no address; use the form {kind}:{name}@example.com"
    return ""
