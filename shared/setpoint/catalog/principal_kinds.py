"""The kind of identity of a principal in an audit log.

Sources: https://cloud.google.com/iam/docs/principal-identifiers, https://cloud.google.com/iam/docs/service-agents,
https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
"""

from __future__ import annotations

import re
from typing import Literal

from setpoint.catalog import google_service_agents

PrincipalKind = Literal["person", "service", "google", "unknown"]
"""``person``: a user, also of a workforce pool; ``service``: a service account or a workload; ``google``: a system or
service agent of Google; ``unknown``: the log names nobody."""

THIRD_PARTY = "third party"
"""The principal of an entry whose caller is an identity outside Google that the log does not name."""
REDACTED = "redacted"
"""The principal of an entry from which Google removed the caller."""

_WORKLOAD = re.compile(r"\Aprincipal(?:Set)?://.*/workloadIdentityPools/|\.svc\.id\.goog(?:\[|/|\Z)")
_FEDERATED = re.compile(r"\Aprincipal(?:Set)?://")
_SERVICE_ACCOUNT = re.compile(r"@(?:[a-z0-9.-]+\.)?gserviceaccount\.com\Z")
_GOOGLE = re.compile(
    r"\A(?:"
    r"\d+@cloudservices\.gserviceaccount\.com"  # the Google APIs service agent of a project
    r"|[\w.-]+@system\.gserviceaccount\.com"  # Google's own systems, service-agent-manager@ among them
    r"|(?:system|cloud-logs|cloud-support)@google\.com"
    r"|[\w.-]+@prod\.google\.com"
    r")\Z"
)
_PREFIX = re.compile(r"\A(?:user|serviceAccount):")


def bare(principal: str) -> str:
    """A principal without the prefix of an IAM member; ``principal://…`` stays as it is."""
    return _PREFIX.sub("", principal, count=1)


def kind_of(principal: str) -> PrincipalKind:
    """The kind of a principal, with or without the prefix of an IAM member."""
    name = bare(principal)
    if name in ("", THIRD_PARTY, REDACTED):
        return "unknown"
    if _GOOGLE.match(name) or google_service_agents.is_service_agent(f"serviceAccount:{name}"):
        return "google"
    if _WORKLOAD.search(name) or _SERVICE_ACCOUNT.search(name):
        return "service"
    return "person"


def is_originator(principal: str) -> bool:
    """Whether a principal acts for itself wherever it stands in a delegation chain.

    People, federated identities and workloads of Kubernetes do; a service account may have been impersonated.
    """
    name = bare(principal)
    return bool(name) and (_FEDERATED.match(name) is not None or kind_of(name) == "person" or ".svc.id.goog[" in name)
