"""Organization policies by constraint.

Cloud Asset Inventory sends the policies of a resource as a list in the format of API v1; a declaration names one or
several of them: ``{constraint: …}``, ``{policies: [{constraint: …}, …]}``.
Source: https://cloud.google.com/resource-manager/reference/rest/v1/Policy
"""

from __future__ import annotations

from typing import Any

KINDS = frozenset(("booleanPolicy", "listPolicy", "restoreDefault"))
"""The effect of a policy on its constraint: one of the three."""

_SERVER_KEPT = frozenset(("etag", "updateTime", "version"))


def by_constraint(data: Any) -> dict[str, dict[str, Any]]:
    """The policies by constraint, prefixed with ``constraints/``, without output-only fields."""
    if isinstance(data, dict):
        data = data.get("policies") or data.get("orgPolicy") or [data]
    policies = {}
    for policy in data if isinstance(data, list) else []:
        if isinstance(policy, dict) and policy.get("constraint"):
            constraint = "constraints/" + str(policy["constraint"]).removeprefix("constraints/")
            policies[constraint] = {key: part for key, part in policy.items() if key not in _SERVER_KEPT}
    return policies
