"""`python -m setpoint_tools.distil.import_ids FIELDS NAMES`: writes the ids by which Terraform imports resources.

FIELDS has one JSON object a line with a `type`, and where they are known its `asset_type`, its `id` and the `url` of
its API, as templates. NAMES has one JSON object a line with an `asset_type` and the `formats` of its full resource
names. A type gets a line where a format of the inventory gives all variables of the id. The result is
`setpoint/catalog/data/import_ids.tsv`; `setpoint.catalog.import_ids` reads it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from setpoint.catalog.import_ids import FILE, WHOLE, pattern

_VARIABLE = re.compile(r"\{\{%?([^{}]+)\}\}")
_LOWER = re.compile(r"\{\{%?[a-z]\w*\}\}")

BY_HAND = (
    # Types that the provider's generator does not know. Source: the section Import of each type's page at
    # https://registry.terraform.io/providers/hashicorp/google/latest/docs
    (
        "bigquery.googleapis.com/Table",
        "google_bigquery_table",
        "projects/{{project}}/datasets/{{dataset}}/tables/{{table_id}}",
        WHOLE,
    ),
    (
        "cloudresourcemanager.googleapis.com/Folder",
        "google_folder",
        "folders/{{folder_id}}",
        WHOLE,
    ),
    (
        "composer.googleapis.com/Environment",
        "google_composer_environment",
        "projects/{{project}}/locations/{{region}}/environments/{{name}}",
        "projects/{{project}}/locations/{{region}}/environments/{{name}}",
    ),
    (
        "compute.googleapis.com/Instance",
        "google_compute_instance",
        "projects/{{project}}/zones/{{zone}}/instances/{{name}}",
        "projects/{{project}}/zones/{{zone}}/instances/{{name}}",
    ),
    (
        "compute.googleapis.com/InstanceGroupManager",
        "google_compute_instance_group_manager",
        "projects/{{project}}/zones/{{zone}}/instanceGroupManagers/{{name}}",
        "projects/{{project}}/zones/{{zone}}/instanceGroupManagers/{{name}}",
    ),
    (
        "compute.googleapis.com/InstanceTemplate",
        "google_compute_instance_template",
        "projects/{{project}}/global/instanceTemplates/{{name}}",
        "projects/{{project}}/global/instanceTemplates/{{name}}",
    ),
    (
        "container.googleapis.com/Cluster",
        "google_container_cluster",
        "projects/{{project}}/locations/{{location}}/clusters/{{name}}",
        "projects/{{project}}/locations/{{location}}/clusters/{{name}}",
    ),
    (
        "container.googleapis.com/Cluster",
        "google_container_cluster",
        "projects/{{project}}/zones/{{location}}/clusters/{{name}}",
        "projects/{{project}}/locations/{{location}}/clusters/{{name}}",
    ),
    (
        "container.googleapis.com/NodePool",
        "google_container_node_pool",
        "projects/{{project}}/locations/{{location}}/clusters/{{cluster}}/nodePools/{{name}}",
        "{{project}}/{{location}}/{{cluster}}/{{name}}",
    ),
    (
        "container.googleapis.com/NodePool",
        "google_container_node_pool",
        "projects/{{project}}/zones/{{location}}/clusters/{{cluster}}/nodePools/{{name}}",
        "{{project}}/{{location}}/{{cluster}}/{{name}}",
    ),
    (
        "iam.googleapis.com/ServiceAccount",
        "google_service_account",
        "projects/{{project}}/serviceAccounts/{{account_id}}@{{domain}}",
        "projects/{{project}}/serviceAccounts/{{account_id}}@{{domain}}",
    ),
    (
        "logging.googleapis.com/LogSink",
        "google_logging_project_sink",
        "projects/{{project}}/sinks/{{name}}",
        "projects/{{project}}/sinks/{{name}}",
    ),
    (
        "sqladmin.googleapis.com/Instance",
        "google_sql_database_instance",
        "projects/{{project}}/instances/{{name}}",
        "projects/{{project}}/instances/{{name}}",
    ),
    (
        "storage.googleapis.com/Bucket",
        "google_storage_bucket",
        "{{name}}",
        "{{name}}",
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Write the table, and say what came out."""
    parser = argparse.ArgumentParser(prog="python -m setpoint_tools.distil.import_ids", description=__doc__)
    parser.add_argument("fields", type=Path, help="JSON Lines: id and url of each Terraform type")
    parser.add_argument("names", type=Path, help="JSON Lines: formats of full resource names of each asset type")
    parser.add_argument("--out", type=Path, default=FILE, help="file to write (%(default)s)")
    options = parser.parse_args(arguments)
    rows = sorted({*build(_read(options.fields), _read(options.names)), *BY_HAND}, key=_order)
    head = "# asset type, Terraform type, template of the relative resource name, template of the import id\n"
    options.out.write_text(head + "".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    sys.stdout.write(f"{len(rows)} lines, {len({row[0] for row in rows})} asset types\n")
    return 0


def _order(row: tuple[str, str, str, str]) -> tuple[Any, ...]:
    """By asset type, common types first, and the newer version of a service before the older one."""
    return row[0], row not in BY_HAND, "_v2_" not in row[1], row[1:]


def _read(path: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def build(
    types: Iterable[Mapping[str, Any]], names: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, str, str, str]]:
    """The lines of the table."""
    formats: dict[str, list[str]] = {}
    for entry in names:
        paths = (form.removeprefix("//").partition("/")[2] for form in entry["formats"])
        formats.setdefault(entry["asset_type"], []).extend(paths)
    for fact in types:
        if "iam" not in fact and fact.get("asset_type") and fact.get("id"):
            yield from _of_type(fact, formats.get(fact["asset_type"], []))


def _of_type(fact: Mapping[str, Any], formats: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
    identifier = fact["id"].replace("{{%", "{{")
    url = fact.get("url") or ""
    lines = {line for form in formats for line in _of_format(form.replace("{{%", "{{"), identifier, url)}
    for name, wanted in sorted(lines):
        yield fact["asset_type"], fact["type"], name, wanted


def _of_format(form: str, identifier: str, url: str) -> Iterator[tuple[str, str]]:
    """The template of the name and of the id for one format of the inventory; nothing where it does not give the id."""
    variables = _VARIABLE.findall(identifier)
    example = _VARIABLE.sub("x", form)
    route = re.sub(r"\Av\d\w*/|\?.*", "", url)
    if len(set(variables)) != len(variables):
        return
    if variables and _is_lower(form) and set(variables) <= set(_VARIABLE.findall(form)) and "/" in form:
        yield form, identifier
    elif identifier == "{{name}}":
        if route in ("", identifier) and "/" in form and _is_plain(form):
            yield _numbered(form), WHOLE
        elif _VARIABLE.findall(route) == ["name"] and pattern(route).fullmatch(example):
            yield route, identifier
    elif variables and pattern(identifier).fullmatch(example):
        yield identifier, identifier
    elif set(variables) <= set(_VARIABLE.findall(route)) and route != identifier and _fits(route, example):
        yield route, identifier


def _fits(route: str, example: str) -> bool:
    names = _VARIABLE.findall(route)
    return len(set(names)) == len(names) and bool(pattern(route).fullmatch(example))


def _is_lower(form: str) -> bool:
    return all(_LOWER.fullmatch(f"{{{{{name}}}}}") for name in _VARIABLE.findall(form))


def _is_plain(form: str) -> bool:
    """Whether each variable of a format is a word, and appears once."""
    names = _VARIABLE.findall(form)
    return len(set(names)) == len(names) and all(re.fullmatch(r"\w+", name) for name in names)


def _numbered(form: str) -> str:
    """A format with variables that are no attributes: the id is the whole name."""
    return _VARIABLE.sub(lambda var: f"{{{{{var[1].lower()}_}}}}", form)


if __name__ == "__main__":
    sys.exit(main())
