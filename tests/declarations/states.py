"""Raw Terraform states of buckets and topics."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

GOOGLE = 'provider["registry.terraform.io/hashicorp/google"]'


def topic(name: str, retention: str = "86400s", project: str = "shop-prod") -> dict[str, Any]:
    values = {"name": name, "project": project, "message_retention_duration": retention, "labels": {"team": "shop"}}
    return {"type": "google_pubsub_topic", "name": name.replace("-", "_"), "values": values}


def state(resources: Sequence[Mapping[str, Any]], serial: int = 1, lineage: str = "network") -> bytes:
    document = {
        "version": 4,
        "terraform_version": "1.9.0",
        "serial": serial,
        "lineage": lineage,
        "outputs": {},
        "resources": [
            {
                "mode": "managed",
                "type": resource["type"],
                "name": resource["name"],
                "provider": GOOGLE,
                "instances": [{"schema_version": 0, "attributes": resource["values"], "sensitive_attributes": []}],
            }
            for resource in resources
        ],
    }
    return json.dumps(document).encode()
