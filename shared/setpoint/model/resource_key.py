"""Full resource names, and the key of a resource's records."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Literal

import msgspec

Content = Literal["resource", "iam_policy", "org_policy", "access_policy"]
"""A part of a resource; each feed carries one content type, and each finding concerns one."""

CONTENTS: tuple[Content, ...] = ("resource", "iam_policy", "org_policy", "access_policy")

WHOLE: frozenset[Content] = frozenset(("resource", "access_policy"))
"""Contents that are resources themselves and can be deleted, rather than policies of a resource.

The inventory sends access policies, access levels and service perimeters as a separate content.
"""


class ResourceKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """A resource and one of its contents.

    Args:
        name: full resource name, ``//service.googleapis.com/path``
            (https://cloud.google.com/asset-inventory/docs/resource-name-format).
        content: content type.
    """

    name: str
    content: Content = "resource"

    @property
    def id(self) -> str:
        """Stable id of 32 hexadecimal digits; safe as a document id."""
        return _id(self.content, self.name)


@lru_cache(maxsize=1024)
def _id(content: str, name: str) -> str:
    """Cached, since one event computes the same id several times."""
    return hashlib.blake2b(f"{content}\n{name}".encode(), digest_size=16).hexdigest()


_ACCESS_TYPES = frozenset(
    f"{host}accesscontextmanager.googleapis.com/{kind}"
    for kind in ("AccessPolicy", "AccessLevel", "ServicePerimeter")
    for host in ("", "identity.")
)


def content_of(asset_type: str) -> Content:
    """The content in which the inventory sends the whole of a resource of this type."""
    return "access_policy" if asset_type in _ACCESS_TYPES else "resource"


def segment_after(name: str, collection: str) -> str:
    """The path segment that follows ``collection`` in a resource name, or an empty string."""
    _, separator, rest = name.partition(f"/{collection}/")
    return rest.partition("/")[0] if separator else ""


@lru_cache(maxsize=1024)
def project_of(name: str) -> str:
    """The project id or number in a full resource name, or an empty string; cached for repeated use."""
    return segment_after(name, "projects")


def is_full_name(name: str) -> bool:
    """Whether ``name`` has the shape of a full resource name."""
    service, _, path = name[2:].partition("/")
    return name.startswith("//") and "." in service and bool(path) and name.split() == [name]
