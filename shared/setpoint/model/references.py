"""Whether two spellings name the same resource.

Google's APIs take and give a reference as a short name, a partial path, a relative resource name, a self link of any
host and API version, or a full resource name, with the project's id or its number
(https://cloud.google.com/apis/design/resource_names).
"""

from __future__ import annotations

import re
from typing import NamedTuple

ROOTS = frozenset(
    (
        "projects",
        "organizations",
        "folders",
        "billingAccounts",
        "accessPolicies",
        "global",
        "regions",
        "zones",
        "locations",
    )
)
"""Collections with which a relative resource name starts."""

_WILDCARD_PROJECTS = frozenset(("-", "_"))
_TOPS = frozenset(("projects", "organizations", "folders", "billingAccounts"))
_AREAS = frozenset(("regions", "zones", "locations", "projects"))
_FOREIGN_URL = re.compile(r"https?://(?![a-z0-9.-]*googleapis\.com/)", re.IGNORECASE)
_KEY_VERSION = re.compile(r"(/cryptoKeys/[^/]+)/cryptoKeyVersions/\d+\Z")
_LOOKS_LIKE_PATH = re.compile(
    r"(?:https?:)?//[a-z0-9.-]*googleapis\.com/|(?:" + "|".join(sorted(ROOTS)) + r")/[^/\s]+(?:/|\Z)"
)
_VERSION = re.compile(r"v\d+\w*\Z")
_GENERATED_ID = re.compile(r"\d{15,}\Z")


class Project(NamedTuple):
    """The project from which references are read.

    Args:
        id: the project's id; empty where unknown.
        number: the project's number; empty where unknown.
        alias: another id by which the author names the project; empty where there is none.
        ids_for_names: the other side may name a resource by the id that the server generated for it, and this side
            by its name; such two are then taken as one, since they cannot be told apart.
    """

    id: str = ""
    number: str = ""
    ids_for_names: bool = False
    alias: str = ""


def looks_like_path(value: str) -> bool:
    """Whether a string has the shape of a self link, a full or a relative resource name."""
    return "/" in value and _LOOKS_LIKE_PATH.match(value) is not None


def same(one: str, other: str, own: Project) -> bool:
    """Whether both name one resource, a shorter spelling being read as seen from the project ``own``.

    The address of a web site names no resource of Google's: there host and scheme count.
    """
    if ("://" in one or "://" in other) and (_FOREIGN_URL.match(one) or _FOREIGN_URL.match(other)):
        return one == other
    if _is_link_to(one, other) or _is_link_to(other, one):
        return True
    longer, shorter = segments(one), segments(other)
    if len(longer) < len(shorter):
        longer, shorter = shorter, longer
    if not shorter or not shorter[-1]:
        return False
    offset = len(longer) - len(shorter)
    for at, part in enumerate(shorter):
        counterpart = longer[offset + at]
        if part == counterpart:
            continue
        before = longer[offset + at - 1] if offset + at else ""
        if before == "projects":
            if not same_project(part, counterpart, own):
                return False
        elif at < len(shorter) - 1 or not own.ids_for_names or not _may_be_id_of(part, counterpart):
            return False
    return offset == 0 or _may_precede(longer[:offset], shorter[0], own)


def without_key_version(reference: str) -> str:
    """A key's name without the version of it that was used, which a server adds to what it encrypts."""
    return _KEY_VERSION.sub(r"\1", reference)


def _is_link_to(link: str, name: str) -> bool:
    """Whether one is a self link of the other's relative name: the usual case, known without taking either apart."""
    at = len(link) - len(name)
    return (
        at > 0
        and name.startswith("projects/")
        and link.endswith(name)
        and link.startswith("https://")
        and "projects/" not in link[:at]
    )


def same_project(one: str, other: str, own: Project) -> bool:
    """Whether two project names, ids or numbers, may mean one project.

    An id and a number of which nothing is known cannot be told apart: they are taken as one, since an alarm that
    nobody can act on is worse. The project that holds the resource is known by both, and decides where it takes part.
    """
    if own.alias:
        one, other = (own.id if name == own.alias else name for name in (one, other))
    if one == other or one in _WILDCARD_PROJECTS or other in _WILDCARD_PROJECTS:
        return True
    if one.isdigit() == other.isdigit():
        return False
    number, identifier = (one, other) if one.isdigit() else (other, one)
    if own.id and own.number and (number == own.number or identifier == own.id):
        return number == own.number and identifier == own.id
    return True


def _may_be_id_of(one: str, other: str) -> bool:
    """Whether one is an id that the server generated and the other a name, which cannot be told apart.

    Compute takes and gives either in a URL: https://cloud.google.com/compute/docs/naming-resources
    """
    return bool(_GENERATED_ID.match(one)) != bool(_GENERATED_ID.match(other))


def segments(reference: str) -> list[str]:
    """The path of a reference in any spelling, without host, API and version."""
    scheme, has_scheme, rest = reference.partition("//")
    if has_scheme and scheme in ("", "http:", "https:"):
        parts = rest.strip("/").split("/")[1:]
        while parts and parts[0] not in ROOTS and any(part in ROOTS or _VERSION.match(part) for part in parts):
            del parts[0]
    else:
        parts = reference.strip("/").split("/")
        if _VERSION.match(parts[0]) and len(parts) > 1:
            del parts[0]
    if "global" in parts:
        at = parts.index("global")
        if at + 1 < len(parts) and parts[at + 1] in _AREAS:  # written by controllers that prefix `global` blindly
            del parts[at]
    return parts


def _may_precede(prefix: list[str], first: str, own: Project) -> bool:
    """Whether a spelling that starts with ``first`` may leave ``prefix`` out.

    A name that starts at the top leaves nothing out; one that starts with a location leaves out its project; what a
    short spelling leaves out has to be in the project that holds the resource, where that can be known.
    """
    if first in _TOPS or (first in ROOTS and prefix[0] != "projects"):
        return False
    if "projects" not in prefix:
        return prefix[0] in ROOTS or len(prefix) == 1 or _VERSION.match(prefix[0]) is not None
    at = prefix.index("projects") + 1
    named = prefix[at] if at < len(prefix) else ""
    known = tuple(part for part in (own.id, own.number) if part)
    return not named or not known or any(same_project(named, part, own) for part in known)
