"""`python -m setpoint_tools.distil.import_ids FIELDS NAMES`: writes the ids by which Terraform imports resources.

FIELDS has one JSON object a line with a `type`, and where they are known its `asset_type`, its `id` and the `url` of
its API, as templates. NAMES has one JSON object a line with an `asset_type` and the `formats` of its full resource
names. A type gets a line where a format of the inventory gives all variables of the id. An asset type of which no id is
known gets lines with the id `{{import_id}}`, which whoever imports has to fill in. The result is
`setpoint/catalog/data/import_ids.tsv`; `setpoint.catalog.import_ids` reads it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from setpoint.catalog.import_ids import FILE, UNKNOWN, WHOLE, pattern

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

_SAME_BY_HAND = (
    # Types that the generator does not know, of which the relative name is the id. Source: as above.
    ("apikeys.googleapis.com/Key", "google_apikeys_key", "projects/{{project}}/locations/global/keys/{{name}}"),
    (
        "bigtableadmin.googleapis.com/AuthorizedView",
        "google_bigtable_authorized_view",
        "projects/{{project}}/instances/{{instance_name}}/tables/{{table_name}}/authorizedViews/{{name}}",
    ),
    ("bigtableadmin.googleapis.com/Instance", "google_bigtable_instance", "projects/{{project}}/instances/{{name}}"),
    (
        "bigtableadmin.googleapis.com/Table",
        "google_bigtable_table",
        "projects/{{project}}/instances/{{instance_name}}/tables/{{name}}",
    ),
    (
        "cloudbuild.googleapis.com/WorkerPool",
        "google_cloudbuild_worker_pool",
        "projects/{{project}}/locations/{{location}}/workerPools/{{name}}",
    ),
    (
        "clouddeploy.googleapis.com/DeliveryPipeline",
        "google_clouddeploy_delivery_pipeline",
        "projects/{{project}}/locations/{{location}}/deliveryPipelines/{{name}}",
    ),
    (
        "clouddeploy.googleapis.com/Target",
        "google_clouddeploy_target",
        "projects/{{project}}/locations/{{location}}/targets/{{name}}",
    ),
    (
        "cloudfunctions.googleapis.com/CloudFunction",
        "google_cloudfunctions_function",
        "projects/{{project}}/locations/{{region}}/functions/{{name}}",
    ),
    (
        "compute.googleapis.com/InstanceGroup",
        "google_compute_instance_group",
        "projects/{{project}}/zones/{{zone}}/instanceGroups/{{name}}",
    ),
    (
        "compute.googleapis.com/TargetPool",
        "google_compute_target_pool",
        "projects/{{project}}/regions/{{region}}/targetPools/{{name}}",
    ),
    (
        "dataplex.googleapis.com/Asset",
        "google_dataplex_asset",
        "projects/{{project}}/locations/{{location}}/lakes/{{lake}}/zones/{{dataplex_zone}}/assets/{{name}}",
    ),
    (
        "dataplex.googleapis.com/Lake",
        "google_dataplex_lake",
        "projects/{{project}}/locations/{{location}}/lakes/{{name}}",
    ),
    (
        "dataplex.googleapis.com/Zone",
        "google_dataplex_zone",
        "projects/{{project}}/locations/{{location}}/lakes/{{lake}}/zones/{{name}}",
    ),
    ("firebaserules.googleapis.com/Ruleset", "google_firebaserules_ruleset", "projects/{{project}}/rulesets/{{name}}"),
    ("iam.googleapis.com/Role", "google_organization_iam_custom_role", "organizations/{{org_id}}/roles/{{role_id}}"),
    ("iam.googleapis.com/Role", "google_project_iam_custom_role", "projects/{{project}}/roles/{{role_id}}"),
    (
        "logging.googleapis.com/LogBucket",
        "google_logging_project_bucket_config",
        "projects/{{project}}/locations/{{location}}/buckets/{{bucket_id}}",
    ),
    (
        "logging.googleapis.com/LogBucket",
        "google_logging_folder_bucket_config",
        "folders/{{folder}}/locations/{{location}}/buckets/{{bucket_id}}",
    ),
    (
        "logging.googleapis.com/LogBucket",
        "google_logging_organization_bucket_config",
        "organizations/{{organization}}/locations/{{location}}/buckets/{{bucket_id}}",
    ),
    (
        "logging.googleapis.com/LogBucket",
        "google_logging_billing_account_bucket_config",
        "billingAccounts/{{billing_account}}/locations/{{location}}/buckets/{{bucket_id}}",
    ),
    ("logging.googleapis.com/LogSink", "google_logging_folder_sink", "folders/{{folder}}/sinks/{{name}}"),
    ("logging.googleapis.com/LogSink", "google_logging_organization_sink", "organizations/{{org_id}}/sinks/{{name}}"),
    (
        "logging.googleapis.com/LogSink",
        "google_logging_billing_account_sink",
        "billingAccounts/{{billing_account}}/sinks/{{name}}",
    ),
    (
        "monitoring.googleapis.com/Dashboard",
        "google_monitoring_dashboard",
        "projects/{{project}}/dashboards/{{dashboard_id}}",
    ),
    (
        "osconfig.googleapis.com/OSPolicyAssignment",
        "google_os_config_os_policy_assignment",
        "projects/{{project}}/locations/{{location}}/osPolicyAssignments/{{name}}",
    ),
    ("recaptchaenterprise.googleapis.com/Key", "google_recaptcha_enterprise_key", "projects/{{project}}/keys/{{name}}"),
)

_OTHERWISE_BY_HAND = (
    # The name and the id differ; what the id needs besides the name is a field of the resource. Source: as above.
    ("appengine.googleapis.com/Application", "google_app_engine_application", "apps/{{project}}", "{{project}}"),
    (
        "cloudresourcemanager.googleapis.com/Lien",
        "google_resource_manager_lien",
        "liens/{{name}}",
        "{{parent}}/{{name}}",
    ),
    ("cloudresourcemanager.googleapis.com/Project", "google_project", "projects/{{project}}", "{{project}}"),
    (
        "dataproc.googleapis.com/WorkflowTemplate",
        "google_dataproc_workflow_template",
        "projects/{{project}}/regions/{{location}}/workflowTemplates/{{name}}",
        "projects/{{project}}/locations/{{location}}/workflowTemplates/{{name}}",
    ),
    (
        "dns.googleapis.com/ResourceRecordSet",
        "google_dns_record_set",
        "projects/{{project}}/locations/{{location_}}/managedZones/{{zone_number_}}/rrsets/{{record_}}",
        "projects/{{project}}/managedZones/{{managed_zone}}/rrsets/{{name}}/{{type}}",
    ),
    (
        "dns.googleapis.com/ResponsePolicy",
        "google_dns_response_policy",
        "projects/{{project}}/locations/{{location_}}/responsePolicies/{{response_policy_name}}",
        "projects/{{project}}/responsePolicies/{{response_policy_name}}",
    ),
    (
        "dns.googleapis.com/ResponsePolicyRule",
        "google_dns_response_policy_rule",
        "projects/{{project}}/locations/{{location_}}/responsePolicies/{{response_policy}}/rules/{{rule_name}}",
        "projects/{{project}}/responsePolicies/{{response_policy}}/rules/{{rule_name}}",
    ),
    (
        "identitytoolkit.googleapis.com/OauthIdpConfig",
        "google_identity_platform_tenant_oauth_idp_config",
        "projects/{{project}}/tenants/{{tenant}}/oauthidpconfigs/{{name}}",
        "projects/{{project}}/tenants/{{tenant}}/oauthIdpConfigs/{{name}}",
    ),
    (
        "serviceusage.googleapis.com/Service",
        "google_project_service",
        "projects/{{project}}/services/{{service}}",
        "{{project}}/{{service}}",
    ),
)

NOT_IMPORTED = frozenset(
    ("google_billing_subaccount", "google_dataproc_cluster", "google_dataproc_job", "google_service_account_key")
)
"""Types that the provider does not import, or that are not a resource of their own in the inventory."""

_USUAL = {"LOCATION": "global", "COLLECTION": "default_collection", "FLEET": "default"}
"""What some ids have where the inventory's format has a variable; only names with it fit the line."""


def main(arguments: list[str] | None = None) -> int:
    """Write the table, and say what came out."""
    parser = argparse.ArgumentParser(prog="python -m setpoint_tools.distil.import_ids", description=__doc__)
    parser.add_argument("fields", type=Path, help="JSON Lines: id and url of each Terraform type")
    parser.add_argument("names", type=Path, help="JSON Lines: formats of full resource names of each asset type")
    parser.add_argument("--out", type=Path, default=FILE, help="file to write (%(default)s)")
    options = parser.parse_args(arguments)
    rows = sorted(complete(_read(options.fields), _read(options.names)), key=_order)
    head = "# asset type, Terraform type, template of the relative resource name, template of the import id\n"
    options.out.write_text(head + "".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    sys.stdout.write(f"{len(rows)} lines, {len({row[0] for row in rows})} asset types\n")
    return 0


def _order(row: tuple[str, str, str, str]) -> tuple[Any, ...]:
    """By asset type, common types first, and the newer version of a service before the older one."""
    return row[0], row not in BY_HAND, "_v2_" not in row[1], row[1:]


def _read(path: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def complete(types: Sequence[Mapping[str, Any]], names: Sequence[Mapping[str, Any]]) -> set[tuple[str, str, str, str]]:
    """All lines: the built ones, those by hand, and those of asset types of which no id is known."""
    same = {(asset_type, type_, name, name) for asset_type, type_, name in _SAME_BY_HAND}
    rows = {*build(types, names), *BY_HAND, *same, *_OTHERWISE_BY_HAND}
    known = {row[0] for row in rows}
    formats = _formats(names)
    unknown = {
        (fact["asset_type"], fact["type"], _numbered(form), UNKNOWN)
        for fact in types
        if _is_resource(fact) and fact["asset_type"] not in known and fact["type"] not in NOT_IMPORTED
        for form in formats.get(fact["asset_type"], ())
        if _is_plain(form) and "/" in form
    }
    return rows | unknown


def build(
    types: Iterable[Mapping[str, Any]], names: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, str, str, str]]:
    """The lines of the types of which the id is in FIELDS."""
    formats = _formats(names)
    for fact in types:
        if _is_resource(fact) and fact.get("id"):
            yield from _of_type(fact, formats.get(fact["asset_type"], []))


def _is_resource(fact: Mapping[str, Any]) -> bool:
    return "iam" not in fact and bool(fact.get("asset_type"))


def _formats(names: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    formats: dict[str, list[str]] = {}
    for entry in names:
        paths = (form.removeprefix("//").partition("/")[2] for form in entry["formats"])
        formats.setdefault(entry["asset_type"], []).extend(paths)
    return formats


def _of_type(fact: Mapping[str, Any], formats: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
    identifier = fact["id"].replace("{{%", "{{")
    url = fact.get("url") or ""
    lines = {line for form in formats for line in _of_format(form.replace("{{%", "{{"), identifier, url)}
    if not formats and identifier.startswith("projects/{{project}}/"):
        lines = {(identifier, identifier)}  # a relative name by https://google.aip.dev/122, as the inventory has them
    for name, wanted in sorted(lines):
        yield fact["asset_type"], fact["type"], name, wanted


def _of_format(form: str, identifier: str, url: str) -> Iterator[tuple[str, str]]:
    """The template of the name and of the id for one format of the inventory; nothing where it does not give the id."""
    variables = _VARIABLE.findall(identifier)
    example = _VARIABLE.sub("x", form)
    usual = _VARIABLE.sub(lambda name: _USUAL.get(name[1], "x"), form)
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
    elif variables and any(pattern(identifier).fullmatch(each) for each in (example, usual)):
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
    """A format with variables that are not attributes: the id is the whole name."""
    return _VARIABLE.sub(lambda var: f"{{{{{var[1].lower()}_}}}}", form)


if __name__ == "__main__":
    sys.exit(main())
