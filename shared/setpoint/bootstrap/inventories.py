"""The inventories that commands list: Cloud Asset Inventory, and its exported files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from datetime import datetime

    from setpoint.adapters.asset_files import FileInventory
    from setpoint.ports.services import Inventory


def open_inventory(read_at: datetime | None = None) -> Inventory:
    """Cloud Asset Inventory, with the credentials of the environment.

    Args:
        read_at: list what was there at this time, up to 35 days ago; None for now.

    Raises:
        BadRequest: there are none.
    """
    from setpoint.adapters.google.asset_inventory import AssetInventory, client

    return AssetInventory(client(), read_at=read_at)


def open_file(name: str) -> AbstractContextManager[BinaryIO]:
    """Open a file, or an object ``gs://BUCKET/OBJECT``, for reading.

    Raises:
        OSError: it cannot be opened.
        BadRequest: there are no credentials for Cloud Storage.
    """
    if not name.startswith("gs://"):
        return Path(name).open("rb")
    from setpoint.adapters.google.cloud_storage import client, open_object

    return open_object(client(), name)


def open_inventory_files(names: Sequence[str]) -> FileInventory:
    """An inventory in exported files.

    Raises:
        BadRequest: a file cannot be read, or none holds an asset.
    """
    from setpoint.adapters.asset_files import FileInventory

    return FileInventory(names, open_file)
