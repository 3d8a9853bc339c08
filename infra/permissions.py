"""Write the permissions that remediation asks for, by asset type, where infra/remediation.tf reads them.

python infra/permissions.py
"""  # noqa: INP001 - a script

from __future__ import annotations

import json
import re
from pathlib import Path

from setpoint.catalog.methods import default_methods
from setpoint.catalog.schemas import default_catalogue
from setpoint.remediation import least_privilege

INFRA = Path(__file__).parent
TARGET = INFRA / "permissions.json"


def permissions() -> dict[str, dict[str, list[str]]]:
    """Of each type that feeds carry unless told otherwise: what its resources and its policies ask for."""
    text = (INFRA / "variables.tf").read_text()
    types = sorted(set(re.findall(r'"([a-z]+\.googleapis\.com/[A-Za-z]+)"', text)))
    permissions = {}
    for type_ in types:
        schema = default_catalogue().schema_for(type_)
        if schema is None:
            continue
        methods = default_methods()
        permissions[type_] = {
            "resource": list(least_privilege.of_resource(schema, methods)),
            "iam_policy": list(least_privilege.of_policy(schema, methods)),
        }
    return permissions


if __name__ == "__main__":
    TARGET.write_text(json.dumps(permissions(), indent=2) + "\n")
