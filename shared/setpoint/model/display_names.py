"""Short display names of resources, types and values for messages and pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from setpoint.model.resource_key import Content

_LINK = re.compile(r"(?:https:)?//[a-z.]+/(?:[a-z0-9/]+/)?projects/.+/([^/]+/[^/]+)\Z")
_CONTENTS: Mapping[Content, str] = {"iam_policy": "IAM of ", "org_policy": "organisation policies of "}
_COMMON_KINDS = frozenset(("Instance", "Service", "Cluster", "Repository", "Policy", "Job"))


class Title(NamedTuple):
    """The display name of a resource and content.

    Args:
        kind: ``IAM of Bucket``.
        name: the last part of the resource's name.
        project: its project, where the name does not include it.
    """

    kind: str
    name: str
    project: str


def title(name: str, content: Content, asset_type: str, project: str) -> Title:
    """The display name of a resource and content, ``IAM of Bucket exports`` of project ``billing-prod``."""
    last = short_name(name).rpartition("/")[2].partition("@")[0]
    if last.isdigit() and project and asset_type.endswith("/Project"):
        last, project = project, ""
    return Title(kind_with_content(asset_type, content), last, project)


def kind_with_content(asset_type: str, content: Content) -> str:
    """``Bucket``, ``IAM of Bucket``, ``organisation policies of Project``."""
    return f"{_CONTENTS.get(content, '')}{kind_of(asset_type) or asset_type}"


def kind_of(asset_type: str) -> str:
    """The display name of an asset type; a name that several services use includes the service."""
    service, _, kind = asset_type.partition("/")
    return f"{service.removesuffix('.googleapis.com')} {kind}" if kind in _COMMON_KINDS else kind


def short_name(name: str) -> str:
    """A resource name without its well-known prefix."""
    service, _, path = name.removeprefix("//").partition("/")
    return f"{service.removesuffix('.googleapis.com')}/{path}"


def shortened(value: Any) -> Any:
    """A link without the prefix that all links share; any other value unchanged."""
    if isinstance(value, str) and (link := _LINK.match(value)):
        return f"…/{link.group(1)}"
    return value
