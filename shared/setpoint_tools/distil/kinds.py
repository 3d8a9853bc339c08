"""The names that the resources of an API may have in an asset type.

`run.googleapis.com/Service` is `GoogleCloudRunV2Service`: the kind without the prefix of package and version.
`sqladmin.googleapis.com/Instance` is `DatabaseInstance`: the kind is the singular of the collection,
`instances`. Both hold everywhere, so they are rules; what they do not reach is in
`setpoint.catalog.asset_types`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setpoint_tools.distil.schemas import Rank

_PREFIX = re.compile(r"(?:Google|Devtools)\w*?V\d+(?:p\d+)?(?:(?:alpha|beta|main)\d*)?_*(?P<kind>[A-Z]\w*)")
_PLURALS = (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("s", ""))


def index(resources: Mapping[str, Mapping[str, Rank]], service: str, version: str) -> dict[str, str]:
    """Map each kind, in lower case, to its schema.

    Args:
        resources: The schemas that are resources, each with the collections that hold it and how surely.
        service: The API's name: some prefix theirs, as in `ApigatewayApiConfig`.
        version: The document's version: of two schemas with one kind, that of the document's own version is
        meant.
    """
    mark = version[:1].upper() + version[1:]
    own_first = sorted(resources, key=lambda name: (mark not in name, len(name), name))
    by_kind: dict[str, str] = {}
    for name in own_first:
        by_kind.setdefault(name.lower(), name)
    for name in own_first:
        if stripped := _PREFIX.fullmatch(name):
            by_kind.setdefault(stripped["kind"].lower(), name)
    for name in own_first:
        if name.lower().startswith(service):
            by_kind.setdefault(name.lower()[len(service) :], name)
    held = [(rank, name, collection) for name in own_first for collection, rank in resources[name].items()]
    for _, name, collection in sorted(held, key=lambda entry: entry[0]):
        by_kind.setdefault(singular(collection).lower(), name)
    return by_kind


def singular(collection: str) -> str:
    """Return the singular of a collection's name: `routers` → `router`, `policies` → `policy`."""
    for plural, ending in _PLURALS:
        if collection.endswith(plural):
            return collection[: -len(plural)] + ending
    return collection
