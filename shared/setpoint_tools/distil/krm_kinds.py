"""`python -m setpoint_tools.distil.krm_kinds KINDS [FIELDS]`: writes the table of Config Connector's kinds.

KINDS is a file of JSON lines, one a kind: `group`, `kind`, `url` (one template or several, of relative resource names),
`id` (`user`, `service` or `fields`: who chooses the last part of the name), `parent_fields`, `asset_type`, `host`,
`part_of`, `service_field`, `tf` (the Terraform types whose fields it has). FIELDS has one field per line: `kind`,
`spec` (its path there) and `api`. They come from Config Connector's own sources, its resource identities, service
mappings and mappers
(https://github.com/GoogleCloudPlatform/k8s-config-connector, Apache-2.0).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from setpoint.catalog.config_connector import FILE
from setpoint_tools.distil import artefact

_PLACEHOLDER = re.compile(r"\{+([^{}?]*)\??\}+")
_WELL_FORMED = re.compile(r"(?:[A-Za-z0-9_.-]+|\{[A-Za-z0-9_]+\})(?:/(?:[A-Za-z0-9_.-]+|\{[A-Za-z0-9_]+\}))*\Z")
_IDS = ("user", "service", "fields")

_SERVICE_CHOOSES = frozenset(
    (
        # Their create method takes no id, and the API numbers them; the sources leave the id to `spec.resourceID`.
        "BigQueryConnectionConnection",
        "BillingBudgetsBudget",
        "CloudBuildTrigger",
        "ComputeFirewallPolicy",
        "DataflowJob",
        "DialogflowConversationDataset",
        "DialogflowKnowledgeBase",
        "DocumentAIProcessor",
        "IdentityPlatformTenant",
        "MonitoringUptimeCheckConfig",
        "RecaptchaEnterpriseKey",
        "SecretManagerSecretVersion",
        "VertexAICustomJob",
        "VertexAIDataLabelingJob",
        "VertexAISchedule",
        "VertexAISpecialistPool",
        "VertexAIStudy",
        "VertexAITrainingPipeline",
        "VertexAITuningJob",
        "WorkflowsExecution",
    )
)
"""Kinds whose id the service makes, although the sources do not say so."""


def table(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The packed table: `group/kind` → what `config_connector.Kind` holds, empty parts left out."""
    packed: dict[str, dict[str, Any]] = {}
    for row in rows:
        urls = [template for template in map(_template, _several(row.get("url"))) if template]
        chosen_by = "service" if row["kind"] in _SERVICE_CHOOSES else row["id"]
        entry = {
            "urls": list(dict.fromkeys(urls)),
            "id": _IDS.index(chosen_by),
            "parents": [field for field in row.get("parent_fields", ()) if not field.startswith("annotation:")],
            "types": _several(row.get("asset_type")),
            "status": _camel(row.get("service_field") or ""),
            "host": row.get("host") or "",
            "terraform": _several(row.get("tf")),
            "part": row.get("part_of") or "",
        }
        packed[f"{row['group']}/{row['kind']}"] = {name: value for name, value in entry.items() if value}
    return packed


def fields(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Where fields of a kind's spec go: kind → names from the spec, joined by dots → the path below what is around.

    What the API keeps as a map by key, or as an item with a certain key, is not a path; `krm_shapes` brings it into
    shape.
    """
    paths: dict[str, dict[str, str]] = {}
    known: dict[tuple[str, str], str] = {(row["kind"], _names(row["spec"])): _names(row["api"]) for row in rows}
    for (kind, author), api in known.items():
        if "*" in api:
            continue
        above, _, _ = author.rpartition(".")
        around = known.get((kind, above), "") if above else ""
        if above and not around:
            around = _placed(above, api)
        if not above:
            paths.setdefault(kind, {})[author] = api
        elif around and api.startswith(f"{around}."):
            paths.setdefault(kind, {})[author] = api.removeprefix(f"{around}.")
    return {kind: dict(sorted(targets.items())) for kind, targets in sorted(paths.items())}


def _names(path: str) -> str:
    """A path without the marks of lists and maps; what is kept under a key becomes a star."""
    return re.sub(r"\[\]|\{\}", "", re.sub(r"\[[^\]]+\]|\{key\}", "*", path))


def _placed(above: str, api: str) -> str:
    """The part of an API path that the group around a field went to: up to the word that the group is called by."""
    last = _stem(above.rpartition(".")[2])
    parts = api.split(".")[:-1]
    for end in range(len(parts), 0, -1):
        if _stem(parts[end - 1]) == last:
            return ".".join(parts[:end])
    return ""


def _stem(name: str) -> str:
    return name.lower().removesuffix("s").removesuffix("e")


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _several(value: Any) -> list[str]:
    if not value:
        return []
    return list(value) if isinstance(value, list) else [str(value)]


def _template(url: str) -> str:
    """A template in one spelling, or an empty string where it is not a path of names."""
    text = _PLACEHOLDER.sub(lambda match: "{" + match[1] + "}", url)
    if text.startswith("{project}/"):
        text = f"projects/{text}"
    return (
        text if _WELL_FORMED.match(text) and "}/{" not in text and not text.endswith("/images/family/{family}") else ""
    )


def main(arguments: list[str] | None = None) -> int:
    """Write the table and say how large it is."""
    parser = argparse.ArgumentParser(prog="python -m setpoint_tools.distil.krm_kinds", description=__doc__)
    parser.add_argument("facts", type=Path, help="JSON lines, one a kind")
    parser.add_argument("fields", type=Path, nargs="?", help="JSON lines, one a field")
    parser.add_argument("--out", type=Path, default=FILE, help="file to write (%(default)s)")
    options = parser.parse_args(arguments)
    rows = [json.loads(line) for line in options.facts.read_text("utf-8").splitlines() if line.strip()]
    moved = [json.loads(line) for line in options.fields.read_text("utf-8").splitlines()] if options.fields else []
    data = artefact.encode({"kinds": table(rows), "fields": fields(moved)})
    options.out.write_bytes(data)
    sys.stdout.write(f"{len(rows)} kinds, {len(data) / 1000:.1f} kB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
