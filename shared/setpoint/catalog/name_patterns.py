"""How the resources of Google's APIs are named: `projects/*/regions/*/subnetworks/*`.

The patterns are the paths of the APIs' own `get` methods, distilled by `python -m setpoint_tools.distil.patterns`.
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

import msgspec

from setpoint.catalog import asset_types

FILE = Path(__file__).resolve().parent / "data" / "name_patterns.json.gz"

_GZIP = 31  # zlib's way of saying that the data has gzip's header

HOSTS: dict[str, str] = {
    # Resource names keep the product's host where asset types have the managing API's.
    "bigtableadmin.googleapis.com": "bigtable.googleapis.com",
    "sqladmin.googleapis.com": "cloudsql.googleapis.com",
}
"""Host in asset types → host in resource names (https://cloud.google.com/asset-inventory/docs/asset-names)."""


@cache
def _all() -> dict[str, dict[str, tuple[str, ...]]]:
    return msgspec.json.decode(zlib.decompress(FILE.read_bytes(), _GZIP), type=dict[str, dict[str, tuple[str, ...]]])


def of(asset_type: str, schema: str) -> tuple[str, ...]:
    """Return the patterns of a resource's relative name, or none.

    Args:
        asset_type: Cloud Asset Inventory's type, for the API.
        schema: The name of the resource's schema.
    """
    return _all().get(asset_types.resolve(asset_type).service, {}).get(schema, ())


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
