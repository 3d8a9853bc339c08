"""The principals of an audit log entry: the originator of a delegation chain, and the accounts it acted through.

``serviceAccountDelegationInfo`` lists identities in the order of delegation, but published entries also have the
originator last, and Google's own service agents first where a service hands out a token of the customer's account.
Source: https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog#AuthenticationInfo
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from setpoint.catalog.principal_kinds import REDACTED, THIRD_PARTY, bare, is_originator, kind_of

_CLAIMS = ("email", "sub", "subject", "principal")


class _FirstParty(msgspec.Struct, rename="camel"):
    principal_email: str = ""


class _ThirdParty(msgspec.Struct, rename="camel"):
    third_party_claims: dict[str, Any] = {}


class _Delegation(msgspec.Struct, rename="camel"):
    first_party_principal: _FirstParty | None = None
    third_party_principal: _ThirdParty | None = None
    principal_subject: str = ""

    @property
    def principal(self) -> str:
        email = self.first_party_principal.principal_email if self.first_party_principal else ""
        claims = self.third_party_principal.third_party_claims if self.third_party_principal else {}
        return email or self.principal_subject or _claimed(claims)


class Authentication(msgspec.Struct, frozen=True, rename="camel"):
    """The ``authenticationInfo`` of an entry."""

    principal_email: str = ""
    principal_subject: str = ""
    original_principal: Any = None
    third_party_principal: dict[str, Any] | None = None
    service_account_delegation_info: tuple[_Delegation, ...] = ()


class Principals(NamedTuple):
    """The principals of an entry.

    Args:
        principal: the originator; ``third party`` or ``redacted`` if the entry names none; empty without
            ``authenticationInfo``.
        through: the accounts it acted through, in order.
    """

    principal: str
    through: tuple[str, ...] = ()


def principals_of(authentication: Authentication | None, metadata: Any = None) -> Principals:
    """The originator of a request, and the accounts it acted through.

    The originator is the original principal where the entry names one, else a person, a federated identity or a
    workload anywhere in the chain, else the first account that is not a service agent of Google, else the first.
    """
    if authentication is None:
        return Principals("")
    caller = authentication.principal_email or authentication.principal_subject
    if not caller and authentication.third_party_principal is not None:
        caller = _claimed(authentication.third_party_principal)
    delegations = [delegation.principal for delegation in authentication.service_account_delegation_info]
    chain = list(dict.fromkeys(bare(name) for name in (*delegations, caller) if name))
    if original := bare(_original(authentication, metadata)):
        return Principals(original, tuple(name for name in chain if name != original))
    if not chain:
        return Principals(REDACTED)
    originator = next((name for name in chain if is_originator(name)), "") or next(
        (name for name in chain if kind_of(name) != "google"), chain[0]
    )
    return Principals(originator, tuple(name for name in chain if name != originator))


def _original(authentication: Authentication, metadata: Any) -> str:
    """The principal on whose behalf a service acted, where the entry names it beside the caller."""
    named = metadata.get("originalPrincipal") if isinstance(metadata, dict) else None
    for value in (authentication.original_principal, named):
        email = value.get("principalEmail") if isinstance(value, dict) else value
        if isinstance(email, str) and email:
            return email
    return ""


def _claimed(claims: dict[str, Any]) -> str:
    """The subject of third-party claims; ``third party`` if they have none."""
    values = (claims.get(claim) for claim in _CLAIMS)
    return next((value for value in values if isinstance(value, str) and value), THIRD_PARTY)
