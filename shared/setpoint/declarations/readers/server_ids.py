"""Ids of the service that a state or a status has beside the declared name: by them the inventory names the resource.

They are no part of a declaration. Applied with it, they bind the inventory's name to the declared one before the
resource is first observed. An id counts only beside a declared name, so that it says nothing of another place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from setpoint.catalog.inventory_names import is_server_made

OF_TERRAFORM: Mapping[str, str] = {
    "google_apikeys_key": "uid",
    "google_dns_managed_zone": "managed_zone_id",
    "google_service_account": "unique_id",  # its IAM policy is listed by it
}
"""The attribute of a state that has the id, by Terraform type (the provider's schema, 7.45)."""
OF_CONFIG_CONNECTOR: Mapping[str, str] = {
    "APIKeysKey": "uid",
    "DNSManagedZone": "managedZoneId",
    "IAMServiceAccount": "uniqueId",
}
"""The field of a status that has the id, by kind (the CRDs of Config Connector)."""
_ID = re.compile(r"[A-Za-z0-9-]+\Z")


def inventory_name(declared: str, value: Any) -> str:
    """The name of a resource by an id of the service; empty where the value is none.

    Args:
        declared: its declared full resource name.
        value: what the state or status says.
    """
    head, _, last = declared.rpartition("/")
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    name = f"{head}/{text}"
    return name if _ID.match(text) and text != last and is_server_made(name) else ""


def of_object(value: Mapping[str, Any]) -> Any:
    """The id that the status of a Config Connector object tells; None where it tells none."""
    status = value.get("status")
    field = OF_CONFIG_CONNECTOR.get(str(value.get("kind", "")))
    if not field or not isinstance(status, Mapping):
        return None
    observed = status.get("observedState")
    return status.get(field) or (observed.get(field) if isinstance(observed, Mapping) else None)
