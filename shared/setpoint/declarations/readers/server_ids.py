"""Server-generated ids in states and statuses, which name the resources in the inventory.

They are not part of a declaration. An apply binds the inventory name to the declared name before the resource is first
observed. An id is used only together with a declared name, so that it cannot refer to another place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from setpoint.catalog.inventory_names import is_server_made

OF_TERRAFORM: Mapping[str, tuple[str, str]] = {
    "google_apikeys_key": ("uid", "name"),
    "google_dns_managed_zone": ("managed_zone_id", "name"),
    "google_service_account": ("unique_id", "email"),  # its IAM policy is listed by the one and declared by the other
}
"""The attributes of a state with the id and the name, by Terraform type (schema of provider 7.45)."""
OF_CONFIG_CONNECTOR: Mapping[str, str] = {
    "APIKeysKey": "uid",
    "DNSManagedZone": "managedZoneId",
    "IAMServiceAccount": "uniqueId",
}
"""The field of a status with the id, by kind (the CRDs of Config Connector)."""
_ID = re.compile(r"[A-Za-z0-9-]+\Z")


def bound(declared: str, server_id: Any, own: Any = None) -> tuple[str, str] | None:
    """The inventory name of a resource with a server-generated id, and its declared name; None without an id.

    Args:
        declared: its full resource name.
        server_id: the id from a state or status.
        own: the name that the id replaces, if the full resource name may contain the id.
    """
    if server_id is None:
        return None
    head, _, last = declared.rpartition("/")
    text = str(server_id) if isinstance(server_id, (str, int)) and not isinstance(server_id, bool) else ""
    name = str(own).rpartition("/")[2] if isinstance(own, str) and own else last
    listed = f"{head}/{text}"
    is_id = _ID.match(text) is not None and text != name and is_server_made(listed)
    return (listed, f"{head}/{name}") if is_id else None


def of_state(terraform_type: str, attributes: Mapping[str, Any]) -> tuple[Any, Any]:
    """The id and the name in a Terraform resource; None if it has none."""
    names = OF_TERRAFORM.get(terraform_type)
    return (attributes.get(names[0]), attributes.get(names[1])) if names else (None, None)


def of_object(value: Mapping[str, Any]) -> tuple[Any, Any]:
    """The id and the name in the status of a Config Connector object; None if it has none."""
    status = value.get("status")
    field = OF_CONFIG_CONNECTOR.get(str(value.get("kind", "")))
    if not field or not isinstance(status, Mapping):
        return None, None
    observed = status.get("observedState")
    return status.get(field) or (observed.get(field) if isinstance(observed, Mapping) else None), None
