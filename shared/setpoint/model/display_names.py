"""What things are called when people are told of them: kinds, names and values, short and in one line."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from setpoint.model.resource_key import Content

_LINK = re.compile(r"(?:https:)?//[a-z.]+/(?:[a-z0-9/]+/)?projects/.+/([^/]+/[^/]+)\Z")
_COMMON_KINDS = frozenset(("Instance", "Service", "Cluster", "Repository", "Policy", "Job"))
_SHORT = 60


class Title(NamedTuple):
    """What drifted, as people call it.

    Args:
        kind: ``IAM of Bucket``.
        name: the last part of the resource's name.
        project: its project, where the name does not say it.
    """

    kind: str
    name: str
    project: str


def title(name: str, content: Content, asset_type: str, project: str) -> Title:
    """What a resource and content is called, ``IAM of Bucket exports`` of project ``billing-prod``."""
    kind = kind_of(asset_type)
    about = {"iam_policy": f"IAM of {kind}", "org_policy": f"organisation policies of {kind}"}
    last = short_name(name).rpartition("/")[2].partition("@")[0]
    if last.isdigit() and project and asset_type.endswith("/Project"):
        last, project = project, ""
    return Title(about.get(content, kind), last, project)


def kind_of(asset_type: str) -> str:
    """An asset type as people call it; what is a word of many services names its service."""
    service, _, kind = asset_type.partition("/")
    return f"{service.removesuffix('.googleapis.com')} {kind}" if kind in _COMMON_KINDS else kind


def short_name(name: str) -> str:
    """A resource name less what everybody knows."""
    service, _, path = name.removeprefix("//").partition("/")
    return f"{service.removesuffix('.googleapis.com')}/{path}"


def shown(value: Any, most: int = _SHORT) -> str:
    """A value as JSON, shortened; of a link its end, which is what tells it from others."""
    if value is msgspec.UNSET:
        return "-"
    text = msgspec.json.encode(shortened(value)).decode()
    return text if len(text) <= most else text[: most - 1] + "…"


def shortened(value: Any) -> Any:
    """A link less what is the same in all of them; any other value as it is."""
    if isinstance(value, str) and (link := _LINK.match(value)):
        return f"…/{link.group(1)}"
    return value
