"""Schemas of what Setpoint reads, publishes and stores, from the models: ``python -m setpoint_tools.schemas``.

JSON Schemas of events and declarations, and BigQuery's schemas of the tables of the warehouse with their history: the
columns that each of them ever had, which tables in use have and therefore keep.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from setpoint.alerting.webhook_payloads import NOTICE_SCHEMA, WebhookNotice
from setpoint.cli import output_lists, output_models
from setpoint.cli.diff_jsonl import DiffRequest, DiffResponse
from setpoint.cli.doctor import DoctorOutput
from setpoint.declarations.guard import Review
from setpoint.declarations.readers.alerting import AlertingModel
from setpoint.declarations.readers.krm_defaults import DefaultsModel
from setpoint.declarations.readers.native import DeclarationModel, ScopeModel
from setpoint.declarations.readers.policies import PolicyModel
from setpoint.declarations.readers.policy_tests import PolicyTestModel
from setpoint.declarations.readers.source_documents import SourcesModel
from setpoint.model.events import DATA_SCHEMA, CloudEvent
from setpoint.reporting.bigquery_schema import grown
from setpoint.reporting.html.model import Report
from setpoint.reporting.tables import tables

FOLDER = Path("docs/schemas")
TABLES = Path("infra/bigquery")
HISTORY = "history.json"
OUTPUTS: dict[str, type[msgspec.Struct]] = {
    "findings": output_models.FindingList,
    "finding": output_models.FindingDetails,
    "validate": output_models.Validation,
    "diff": output_models.Comparison,
    "plan": output_models.PlanOutput,
    "apply": output_models.ApplyOutput,
    "guardrails": output_models.GuardrailsOutput,
    "policy-decision": output_models.PolicyDecision,
    "doctor": DoctorOutput,
    "coverage": output_models.CoverageOutput,
    "sweep": output_models.SweepOutput,
    "guard": Review,
    "report": Report,
    "watched": output_lists.WatchedResources,
    "types": output_lists.TypeList,
    "policy-check": output_lists.PolicyCheck,
    "notify": output_lists.NotifyMessage,
    "dead-letters": output_lists.DeadLetterList,
    "diff-request": DiffRequest,
    "diff-response": DiffResponse,
}
"""What commands write with ``--output json`` and read with ``--jsonl``, by the name of the schema."""


def schemas() -> dict[str, dict[str, Any]]:
    """Each schema by its file name."""
    return {
        "drift.v1.json": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": DATA_SCHEMA,
            **_schema(CloudEvent),
        },
        "notice.v1.json": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": NOTICE_SCHEMA,
            **_schema(WebhookNotice),
        },
        "declaration.v1.json": DeclarationModel.model_json_schema(by_alias=True),
        "scope.v1.json": ScopeModel.model_json_schema(by_alias=True),
        "policy.v1.json": PolicyModel.model_json_schema(by_alias=True),
        "alerting.v1.json": AlertingModel.model_json_schema(by_alias=True),
        "policy-test.v1.json": PolicyTestModel.model_json_schema(by_alias=True),
        "sources.v1.json": SourcesModel.model_json_schema(by_alias=True),
        "defaults.v1.json": DefaultsModel.model_json_schema(by_alias=True),
        **{f"{name}.v1.json": _output_schema(name, model) for name, model in OUTPUTS.items()},
    }


def _output_schema(name: str, model: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://setpoint.dev/schemas/{name}.v1.json",
        **_schema(model),
    }


def _schema(model: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a model, whose descriptions name fields as JSON does."""
    schema = msgspec.json.schema(model)
    for struct in _structs(msgspec.inspect.type_info(model)):
        definition = schema["$defs"][struct.cls.__name__]
        for field in struct.fields:
            line = f"\n        {field.name}: "
            definition["description"] = definition["description"].replace(line, f"\n        {field.encode_name}: ")
    return schema


def _structs(kind: msgspec.inspect.Type) -> Iterator[msgspec.inspect.StructType]:
    """The models within a type, itself included."""
    if isinstance(kind, msgspec.inspect.StructType):
        yield kind
        inner = [field.type for field in kind.fields]
    elif isinstance(kind, msgspec.inspect.UnionType):
        inner = list(kind.types)
    elif isinstance(kind, msgspec.inspect.VarTupleType):
        inner = [kind.item_type]
    else:
        return
    for part in inner:
        yield from _structs(part)


def table_schemas() -> dict[str, list[dict[str, Any]]]:
    """Each table's schema by its file name."""
    return {f"{name}.schema.json": table.columns for name, table in tables().items()}


def history(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Every column that the tables have or ever had, by the file name of the schema, from the history before."""
    path = folder / HISTORY
    before = json.loads(path.read_text()) if path.exists() else {}
    return {**before, **{name: grown(before.get(name, []), now) for name, now in table_schemas().items()}}


def written(schema: Any) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=2) + "\n"


def main() -> None:
    """Write the schemas into their folders below the working directory, or below the one given."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    files: dict[Path, Any] = {root / FOLDER / name: schema for name, schema in schemas().items()}
    files |= {root / TABLES / name: schema for name, schema in table_schemas().items()}
    files[root / TABLES / HISTORY] = history(root / TABLES)
    for path, schema in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(schema))


if __name__ == "__main__":
    main()
