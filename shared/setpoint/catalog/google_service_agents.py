"""Google's service agents in a project, and the roles that Google grants to them.

A service agent lives in a project of Google's, and its name holds the number of the project, folder or organisation
that it works for. Anybody's project may hold a `service-1@…`, and anybody owns a project whose agents, default
accounts and editors are named like one's own: numbers and ids decide who an identity belongs to, never its shape.

`data/service_agents.tsv` has the agents and the roles that Google documents for them.
Sources: https://cloud.google.com/iam/docs/service-agents, https://cloud.google.com/compute/docs/access/service-accounts,
https://cloud.google.com/iam/docs/principal-identifiers
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

_TABLE = Path(__file__).resolve().parent / "data" / "service_agents.tsv"

_AGENT = re.compile(
    r"serviceAccount:(?:service-(?P<holder>org-|folder-|[pfo])?(?P<number>\d+)"
    r"|(?P<short>[pfob])(?P<short_number>\d+)-\w+"
    r"|(?P<long>bq|project|organizations)-(?P<long_number>\d+)"
    r"|(?:bqcx|connection|vault|blirc)-(?P<part_number>\d+)-\w+)"
    r"@(?P<domain>[a-z0-9.-]+)\.iam\.gserviceaccount\.com\Z"
)
_HOLDERS = {
    "org-": "organizations",
    "o": "organizations",
    "organizations": "organizations",
    "folder-": "folders",
    "f": "folders",
}

_COMPUTE = r"\d+-compute@developer\.gserviceaccount\.com"
_APP_ENGINE = r"[a-z][a-z0-9.:-]*@appspot\.gserviceaccount\.com"
_FIREBASE = r"firebase-adminsdk-[a-z0-9]{5}@[a-z0-9.:-]+\.iam\.gserviceaccount\.com"
_DEFAULT_ACCOUNT = re.compile(rf"{_COMPUTE}|{_APP_ENGINE}|{_FIREBASE}")

_DEFAULT_GRANTS: tuple[tuple[str, str], ...] = (
    # Role, member; in the order of the sources below.
    (r"roles/editor", r"serviceAccount:\d+@cloudservices\.gserviceaccount\.com"),
    (r"roles/editor", rf"serviceAccount:({_COMPUTE}|{_APP_ENGINE})"),
    (r"roles/cloudbuild\.builds\.builder", r"serviceAccount:\d+@cloudbuild\.gserviceaccount\.com"),
    (r"roles/firebase\.sdkAdminServiceAgent", rf"serviceAccount:{_FIREBASE}"),
    (r"roles/storage\.legacyBucketOwner", r"project(Editor|Owner):.+"),
    (r"roles/storage\.legacyBucketReader", r"projectViewer:.+"),
    (r"roles/storage\.legacyObjectOwner", r"project(Editor|Owner):.+"),
    (r"roles/storage\.legacyObjectReader", r"projectViewer:.+"),
)
"""Grants that come with a project, an API that is switched on, or a bucket.

Sources: https://cloud.google.com/compute/docs/access/service-accounts#google_apis_service_agent,
https://cloud.google.com/appengine/docs/standard/python/service-account,
https://cloud.google.com/build/docs/cloud-build-service-account,
https://firebase.google.com/support/guides/service-accounts,
https://cloud.google.com/storage/docs/access-control/iam
"""
_GRANTED = tuple((re.compile(role), re.compile(member)) for role, member in _DEFAULT_GRANTS)


class IdentityOwner(NamedTuple):
    """What an identity belongs to.

    Args:
        kind: ``projects``, ``folders`` or ``organizations``.
        name: a number, or a project's id.
    """

    kind: Literal["projects", "folders", "organizations"]
    name: str


_HELD: tuple[re.Pattern[str], ...] = (
    re.compile(r"serviceAccount:(?P<projects>\d+)@(?:cloudservices|cloudbuild)\.gserviceaccount\.com\Z"),
    re.compile(r"serviceAccount:(?P<projects>\d+)-compute@developer\.gserviceaccount\.com\Z"),
    re.compile(r"serviceAccount:(?P<dotted>[^@/]+)@appspot\.gserviceaccount\.com\Z"),
    # An account of example.com's project web is x@web.example.com.iam.gserviceaccount.com.
    re.compile(r"serviceAccount:[^@/]+@(?P<dotted>[^@/]+)\.iam\.gserviceaccount\.com\Z"),
    re.compile(r"serviceAccount:(?P<projects>[^@/\[]+)\.svc\.id\.goog(?:\[|/|\Z)"),
    re.compile(r"project(?:Owner|Editor|Viewer):(?P<projects>.+)\Z"),
    re.compile(r"principal(?:Set)?://(?:cloudresourcemanager|iam)\.googleapis\.com/projects/(?P<projects>[^/]+)"),
    re.compile(r"principalSet://cloudresourcemanager\.googleapis\.com/folders/(?P<folders>\d+)"),
    re.compile(r"principalSet://cloudresourcemanager\.googleapis\.com/organizations/(?P<organizations>\d+)"),
    re.compile(r"principal(?:Set)?://[a-z.]+/projects/(?P<projects>[^/]+)"),
)


@cache
def _documented() -> Mapping[str, frozenset[str]]:
    """The roles of service agents by the project of Google's in which they live, in lower case."""
    rows = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            domain, _, roles = line.partition("\t")
            rows[domain] = frozenset(role.lower() for role in roles.split() if role != "-")
    return rows


def is_service_agent(member: str) -> bool:
    """Whether a member, ``serviceAccount:…``, lives in a project of Google's in which service agents live."""
    match = _AGENT.match(member)
    return match is not None and (match["domain"].startswith("gcp-sa-") or match["domain"] in _documented())


def is_default_account(address: str) -> bool:
    """Whether a service account came with Compute Engine, App Engine or Firebase."""
    return _DEFAULT_ACCOUNT.fullmatch(address) is not None


def owner_of(member: str) -> IdentityOwner | None:
    """The project, folder or organisation that an identity belongs to; None of people, groups, domains, the public."""
    if is_service_agent(member):
        match = _AGENT.match(member)
        assert match is not None  # noqa: S101 - is_service_agent has matched it
        parts = match.groupdict()
        number = next(filter(None, (parts[key] for key in _NUMBERS)))
        return IdentityOwner(_kind(parts["holder"] or parts["short"] or parts["long"] or ""), number)
    for pattern in _HELD:
        if match := pattern.match(member):
            return _owner_of(match.groupdict())
    return None


_NUMBERS = ("number", "short_number", "long_number", "part_number")


def _kind(word: str) -> Literal["projects", "folders", "organizations"]:
    kind = _HOLDERS.get(word, "projects")
    return kind if kind in ("folders", "organizations") else "projects"  # type: ignore[return-value]


def _owner_of(parts: Mapping[str, str]) -> IdentityOwner:
    kind, name = next(iter(parts.items()))
    if kind != "dotted":
        return IdentityOwner(kind, name)  # type: ignore[arg-type]
    project, _, domain = name.partition(".")
    return IdentityOwner("projects", f"{domain}:{project}" if domain and ":" not in name else name)


def belongs_to(member: str, project_id: str, project_number: str, ancestors: Sequence[str] = ()) -> bool | None:
    """Whether an identity belongs to the project that holds the resource, or to one of its ancestors.

    Args:
        member: ``serviceAccount:…``, ``projectEditor:…``, ``principalSet://…``.
        project_id: of the project that holds the resource; empty where it is unknown.
        project_number: the same.
        ancestors: ``folders/NUMBER`` and ``organizations/NUMBER`` above the resource.

    Returns:
        None of an identity that belongs to nothing, such as a person's, and where the resource's side is not known.
    """
    holder = owner_of(member)
    if holder is None:
        return None
    if holder.kind != "projects":
        return f"{holder.kind}/{holder.name}" in ancestors if ancestors else None
    if own := project_number if holder.name.isdigit() else project_id:
        return holder.name == own
    # Assets directly in a folder or an organisation have no project.
    return False if ancestors and not project_number else None


def is_granted_by_google(role: str, member: str) -> bool:
    """Whether Google gives this role to such a member by itself: to an agent of its own, or by default.

    ``belongs_to`` returns the owner of an agent or account.
    """
    match = _AGENT.match(member)
    if match is not None and role.lower() in _documented().get(match["domain"], ()):
        return True
    return any(
        role_pattern.fullmatch(role) and member_pattern.fullmatch(member) for role_pattern, member_pattern in _GRANTED
    )
