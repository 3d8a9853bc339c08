"""Roles that a resource needs to remain administrable, and their holders after a change of a policy."""

from __future__ import annotations

from collections.abc import Iterable

from setpoint.comparison.iam_policies import Grant

HOLDERS = {
    "roles/owner": "owner",
    "roles/resourcemanager.organizationAdmin": "organisation administrator",
    "roles/resourcemanager.folderAdmin": "folder administrator",
}
"""Roles that include ``setIamPolicy`` of a project, an organisation or a folder, as people call their holders.

Source: https://cloud.google.com/resource-manager/docs/access-control-org
"""


def lost(before: Iterable[Grant], after: Iterable[Grant]) -> tuple[str, ...]:
    """The roles of ``HOLDERS`` of which a grant is removed and none remains, each role by itself.

    A grant with a condition does not count as remaining, since it may have expired or never be met.

    Args:
        before: the grants of the policy; those to deleted members are none, see ``iam_policies.grants``.
        after: the grants that remain.
    """
    left = frozenset(after)
    remaining = {grant.role for grant in left if not (grant.title or grant.expression)}
    removed = {grant.role for grant in before if grant not in left}
    return tuple(role for role in HOLDERS if role in removed - remaining)
