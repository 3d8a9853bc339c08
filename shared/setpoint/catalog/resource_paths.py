"""From a full resource name to the path at which an API serves the resource, and back.

The rule: ``//compute.googleapis.com/projects/P/global/firewalls/F`` is served at ``projects/P/global/firewalls/F``
below the API's address and version. The table holds what the rule does not reach.
Source: https://cloud.google.com/asset-inventory/docs/asset-names
"""

from __future__ import annotations

import re
from typing import NamedTuple


class _Exception(NamedTuple):
    service: str
    schema: str
    """Empty for all of the service."""
    name: re.Pattern[str]
    """The part of the name after the host."""
    path: str
    """What stands for it in the path."""


_EXCEPTIONS = (
    # A bucket's name in the inventory is its own alone; the API has it in a collection.
    _Exception("storage", "Bucket", re.compile(r"(?:b/)?([^/]+)\Z"), r"b/\1"),
    # The zonal collections of GKE are deprecated and lack methods; every zone is a location there too.
    _Exception("container", "", re.compile(r"(projects/[^/]+)/zones/"), r"\1/locations/"),
    # The inventory names datasets and tables by the project's id, the API's older names by a colon.
    _Exception("bigquery", "", re.compile(r"projects/([^/:]+):"), r"projects/\1/"),
    # A service account's unique id and its address are both taken, and with `-` the project need not be known.
    _Exception("iam", "ServiceAccount", re.compile(r"projects/(?:_|)/serviceAccounts/"), "projects/-/serviceAccounts/"),
)


def path_of(name: str, service: str, schema: str) -> str:
    """The path of a resource after the API's address and version, or empty where the name is not a full resource name.

    Args:
        name: the full resource name.
        service: the API.
        schema: the schema that describes the resource.
    """
    if not name.startswith("//"):
        return ""
    path = name[2:].partition("/")[2]
    for exception in _EXCEPTIONS:
        if exception.service == service and exception.schema in ("", schema):
            path = exception.name.sub(exception.path, path, count=1)
    return path
