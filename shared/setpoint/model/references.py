"""Compare references: whether two spellings name the same resource.

Google's APIs accept and return a reference as a short name, a partial path, a relative resource name, a self link of
any host and API version, or a full resource name, with the project's id or its number
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
_USUAL_HOST = "https://www.googleapis.com/"
_PLACES = frozenset(("regions", "zones", "locations"))
_KEY_VERSION = re.compile(r"(/cryptoKeys/[^/]+)/cryptoKeyVersions/\d+\Z")
_LOOKS_LIKE_PATH = re.compile(
    r"(?:https?:)?//[a-z0-9.-]*googleapis\.com/|(?:" + "|".join(sorted(ROOTS)) + r")/[^/\s]+(?:/|\Z)"
)
_VERSION = re.compile(r"v\d+\w*\Z")
_GENERATED_ID = re.compile(r"\d{15,}\Z")


class Project(NamedTuple):
    """The project against which references are resolved.

    Args:
        id: the project's id; empty where unknown.
        number: the project's number; empty where unknown.
        alias: another project id in use by the author; empty where there is none.
        ids_for_names: one side may use a server-generated id where the other uses the name; the two then count as
            equal, since they cannot be distinguished.
        ancestors: ``projects/NUMBER``, ``folders/NUMBER`` and ``organizations/NUMBER`` above the resource, where known.
    """

    id: str = ""
    number: str = ""
    ids_for_names: bool = False
    alias: str = ""
    ancestors: tuple[str, ...] = ()


def looks_like_path(value: str) -> bool:
    """Whether a string has the shape of a self link, a full or a relative resource name."""
    return "/" in value and _LOOKS_LIKE_PATH.match(value) is not None


def same(first: str, second: str, own: Project) -> bool:
    """Whether both references name one resource; a shorter form is resolved against the project ``own``.

    Other URLs are not resource names: they are compared with host and scheme.
    """
    if second.startswith(_USUAL_HOST) and _is_link_to(second, first):
        return True  # the usual case
    if ("://" in first or "://" in second) and (_is_foreign(first) or _is_foreign(second)):
        return first == second
    if first.startswith("projects/") and second.startswith("projects/"):
        projects = _projects_of_one_rest(first, second)
        if projects is not None:
            return same_project(*projects, own)
    return _is_link_to(first, second) or _is_link_to(second, first) or _same_segments(first, second, own)


def _same_segments(first: str, second: str, own: Project) -> bool:
    """Whether both references name one resource, segment by segment from the end."""
    longer, shorter = segments(first), segments(second)
    if len(longer) < len(shorter):
        longer, shorter = shorter, longer
    if not shorter or not shorter[-1]:
        return False
    offset = len(longer) - len(shorter)
    for index, part in enumerate(shorter):
        counterpart = longer[offset + index]
        if part == counterpart:
            continue
        before = longer[offset + index - 1] if offset + index else ""
        if before == "projects":
            if not same_project(part, counterpart, own):
                return False
        elif index < len(shorter) - 1 or not own.ids_for_names or not _may_be_id_of(part, counterpart):
            return False
    return offset == 0 or _may_precede(longer[:offset], shorter[0], own)


def _is_foreign(url: str) -> bool:
    """Whether a URL is of another host than Google's APIs; the usual host needs no expression."""
    return not url.startswith(_USUAL_HOST) and _FOREIGN_URL.match(url) is not None


def _projects_of_one_rest(first: str, second: str) -> tuple[str, str] | None:
    """The projects of two relative names that have the rest in common, the usual case; None of any others."""
    project, _, rest = first[9:].partition("/")
    other, _, other_rest = second[9:].partition("/")
    if rest != other_rest or not rest.strip("/") or "global" in (project, other):
        return None
    return project, other


def without_key_version(reference: str) -> str:
    """A crypto key's name without the version that a server appends."""
    return _KEY_VERSION.sub(r"\1", reference)


def with_locations(reference: str) -> str:
    """A reference with one word for its place: ``locations`` for regions and zones, ``locations/global`` for global.

    Several APIs return another word than they accept: https://cloud.google.com/dataproc/docs/reference/rest
    """
    if _FOREIGN_URL.match(reference):
        return reference
    places: list[str] = []
    for part in segments(reference):
        if part in _PLACES and places:
            places.append("locations")
        elif part == "global" and places and places[-1] != "locations":
            places += ["locations", "global"]
        else:
            places.append(part)
    return "/".join(places)


def _is_link_to(link: str, name: str) -> bool:
    """Whether ``link`` is a self link of the relative name ``name``: a fast path for the usual case."""
    start = len(link) - len(name)
    return (
        start > 0
        and name.startswith("projects/")
        and link.endswith(name)
        and link.startswith("https://")
        and "projects/" not in link[:start]
    )


def same_project(first: str, second: str, own: Project) -> bool:
    """Whether two project ids or numbers may mean one project.

    An unknown id and an unknown number count as equal, to avoid a false alarm. The project that holds the resource is
    known by both, and decides where it takes part.
    """
    if own.alias:
        first, second = (own.id if name == own.alias else name for name in (first, second))
    if first == second or first in _WILDCARD_PROJECTS or second in _WILDCARD_PROJECTS:
        return True
    if first.isdigit() == second.isdigit():
        return False
    number, identifier = (first, second) if first.isdigit() else (second, first)
    if own.id and own.number and (number == own.number or identifier == own.id):
        return number == own.number and identifier == own.id
    return True


def _may_be_id_of(first: str, second: str) -> bool:
    """Whether exactly one of two segments is a server-generated id, so that both may mean one resource.

    Compute Engine accepts and returns either in a URL: https://cloud.google.com/compute/docs/naming-resources
    """
    return bool(_GENERATED_ID.match(first)) != bool(_GENERATED_ID.match(second))


def segments(reference: str) -> list[str]:
    """The path segments of a reference in any form, without host, API and version."""
    scheme, has_scheme, rest = reference.partition("//")
    if has_scheme and scheme in ("", "http:", "https:"):
        parts = rest.strip("/").split("/")[1:]
        start = next((index for index, part in enumerate(parts) if part in ROOTS), None)
        if start is None:  # then after the last version
            start = max((index + 1 for index, part in enumerate(parts) if _VERSION.match(part)), default=0)
        del parts[:start]
    else:
        parts = reference.strip("/").split("/")
        if _VERSION.match(parts[0]) and len(parts) > 1:
            del parts[0]
    if "global" in parts:
        position = parts.index("global")
        if position + 1 < len(parts) and parts[position + 1] in _AREAS:  # some controllers always prefix `global`
            del parts[position]
    return parts


def _may_precede(prefix: list[str], first: str, own: Project) -> bool:
    """Whether a short form that starts with ``first`` may omit ``prefix``.

    A name from a root collection omits nothing; one from a location omits its project; an omitted project must be the
    one that holds the resource, where that is known.
    """
    if first in _TOPS or (first in ROOTS and prefix[0] != "projects"):
        return False
    if "projects" not in prefix:
        return prefix[0] in ROOTS or len(prefix) == 1 or _VERSION.match(prefix[0]) is not None
    position = prefix.index("projects") + 1
    named = prefix[position] if position < len(prefix) else ""
    known = tuple(part for part in (own.id, own.number) if part)
    return not named or not known or any(same_project(named, part, own) for part in known)
