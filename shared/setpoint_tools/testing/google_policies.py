"""IAM policies as Google's APIs keep them: guarded by an etag, with conditions only for who asks for version 3.

Source: https://cloud.google.com/iam/docs/policies#versions
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from setpoint_tools.testing.google_bodies import ApiError, invalid

_CONDITIONAL = 3


def shown(policy: Mapping[str, Any], version: int) -> dict[str, Any]:
    """The policy as it is answered to who asks for a version; below 3 a conditional role loses its condition."""
    made = copy.deepcopy(dict(policy))
    conditional = any("condition" in binding for binding in made.get("bindings", ()))
    if conditional and version < _CONDITIONAL:
        for binding in made["bindings"]:
            if condition := binding.pop("condition", None):
                digest = hashlib.sha256(json.dumps(condition, sort_keys=True).encode()).hexdigest()
                binding["role"] += f"_withcond_{digest[:20]}"
    made["version"] = _CONDITIONAL if conditional and version >= _CONDITIONAL else 1
    return made


def replaced(live: Mapping[str, Any], policy: Mapping[str, Any], mask: str, token: str) -> dict[str, Any]:
    """The policy put in place of the live one.

    Raises:
        ApiError: it is meant for another state, or has conditions without saying version 3.
    """
    if policy.get("etag") and policy["etag"] != live.get("etag"):
        raise ApiError(409, "ABORTED", "there were concurrent policy changes")
    if policy.get("version") not in (None, 0, 1, _CONDITIONAL):
        raise invalid("there is no such version of a policy")
    either = (*policy.get("bindings", ()), *live.get("bindings", ()))
    if any("condition" in binding for binding in either) and policy.get("version") != _CONDITIONAL:
        raise invalid("a policy with conditions takes version 3")
    paths = [part for part in mask.split(",") if part] or ["bindings", "etag"]
    made = copy.deepcopy(dict(live))
    for path in paths:
        if path in policy:
            made[path] = copy.deepcopy(policy[path])
        elif path != "etag":
            made.pop(path, None)
    return {**made, "version": policy.get("version", 1), "etag": token}
