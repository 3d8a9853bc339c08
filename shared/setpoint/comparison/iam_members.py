"""Compare principals: addresses of users, groups, domains and service accounts are case-insensitive, other parts not.

Source: https://cloud.google.com/iam/docs/principal-identifiers
"""

from __future__ import annotations

_CASELESS = ("user:", "group:", "domain:", "serviceAccount:")


def canonical(member: str) -> str:
    """A principal in canonical case: ``user:Ann@Example.com`` → ``user:ann@example.com``."""
    if member.startswith(_CASELESS):
        return member.lower().replace("serviceaccount:", "serviceAccount:", 1)
    if member.startswith("deleted:") and member[8:].startswith(_CASELESS):
        return member.lower()
    return member


def is_same(declared: str, observed: str) -> bool:
    """Whether two spellings are the same principal, or the same bare address."""
    if ":" not in declared and ":" not in observed and "@" in declared:
        return declared.casefold() == observed.casefold()
    return canonical(declared) == canonical(observed)
