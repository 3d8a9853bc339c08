"""How the resources of Google's APIs are named: `projects/*/regions/*/subnetworks/*`.

The patterns are the paths of the APIs' own `get` methods, distilled by `python -m setpoint_tools.distil.patterns`.
"""

from __future__ import annotations

import re
from functools import cache

import msgspec

from setpoint.catalog import asset_types
from setpoint.catalog.data_files import FOLDER, unpacked
from setpoint.catalog.inventory_names import HOSTS

FILE = FOLDER / "name_patterns.json.gz"


@cache
def _all() -> dict[str, dict[str, tuple[str, ...]]]:
    return msgspec.json.decode(unpacked(FILE), type=dict[str, dict[str, tuple[str, ...]]])


def of(asset_type: str, schema: str) -> tuple[str, ...]:
    """Return the patterns of a resource's relative name, or none.

    Args:
        asset_type: Cloud Asset Inventory's type, for the API.
        schema: The name of the resource's schema.
    """
    return _all().get(asset_types.resolve(asset_type).service, {}).get(schema, ())


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression: ``*`` is one segment."""
    return re.compile(re.escape(pattern).replace(r"\*", "[^/]+"))


def full_name(asset_type: str, path: str) -> str:
    """Return the full resource name of a relative one.

    Args:
        asset_type: Cloud Asset Inventory's type, for the host.
        path: The relative resource name; a bucket's `b/NAME` is its name alone in the inventory.
    """
    host = asset_type.partition("/")[0]
    if host == "storage.googleapis.com":
        path = path.removeprefix("b/")
    return f"//{HOSTS.get(host, host)}/{path}"
