"""The JSON Schemas of what Setpoint reads and publishes, generated from the models: ``python -m setpoint.schemas``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from setpoint.core.events import DATA_SCHEMA, CloudEvent
from setpoint.core.webhooks import NOTICE_SCHEMA, Notice
from setpoint.declare.alerting import AlertingModel
from setpoint.declare.native import DeclarationModel, ScopeModel
from setpoint.declare.policies import PolicyModel
from setpoint.declare.policy_tests import PolicyTestModel

FOLDER = Path("docs/schemas")


def schemas() -> dict[str, dict[str, Any]]:
    """Each schema by its file name."""
    return {
        "drift.v1.json": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": DATA_SCHEMA,
            **msgspec.json.schema(CloudEvent),
        },
        "notice.v1.json": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": NOTICE_SCHEMA,
            **msgspec.json.schema(Notice),
        },
        "declaration.v1.json": DeclarationModel.model_json_schema(by_alias=True),
        "scope.v1.json": ScopeModel.model_json_schema(by_alias=True),
        "policy.v1.json": PolicyModel.model_json_schema(by_alias=True),
        "alerting.v1.json": AlertingModel.model_json_schema(by_alias=True),
        "policy-test.v1.json": PolicyTestModel.model_json_schema(by_alias=True),
    }


def written(schema: dict[str, Any]) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=2) + "\n"


def main() -> None:
    """Write the schemas into docs/schemas below the working directory, or below the one given."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(written(schema))


if __name__ == "__main__":
    main()
