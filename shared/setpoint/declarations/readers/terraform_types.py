"""Map a Terraform resource type to the API, the asset type, and the collection in its names.

`google_secret_manager_secret` is the API `secretmanager` and its kind `Secret`: the words up to the longest name of an
API, with or without `cloud` before it, and the rest. The catalog confirms that the API has the kind. The tables hold
exceptions to the rule, each entry with its reason.

Sources: https://registry.terraform.io/providers/hashicorp/google/latest/docs,
https://cloud.google.com/asset-inventory/docs/asset-types
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from setpoint.catalog import terraform_types
from setpoint.catalog.schemas import FOLDER, default_catalogue

_HOST = ".googleapis.com"

# Words of Terraform → the API's name, if they differ.
PRODUCTS: dict[str, str] = {
    "active_directory": "managedidentities",  # the product's name, not the API's
    "bigquery_analytics_hub": "analyticshub",  # Terraform keeps it under BigQuery
    "bigquery_bi": "bigqueryreservation",  # BI Engine's reservations are that API's
    "bigquery_capacity": "bigqueryreservation",  # the commitments are that API's
    "bigtable": "bigtableadmin",  # what manages Bigtable is another API than what reads it
    "billing_budget": "billingbudgets",  # budgets have an API of their own
    "cloud_ids": "ids",  # the product's name has a word more
    "cloud_run": "run",  # as above
    "cloud_run_v2": "run",  # the API's version is no part of its name
    "cloudbuildv2": "cloudbuild",  # as above
    "clouddomains": "domains",  # the product's name has a word more
    "cloudfunctions2": "cloudfunctions",  # the API's version is no part of its name
    "colab": "aiplatform",  # Colab Enterprise is a part of Vertex AI
    "container_attached": "gkemulticloud",  # clusters elsewhere have an API of their own
    "container_aws": "gkemulticloud",  # as above
    "container_azure": "gkemulticloud",  # as above
    "database_migration_service": "datamigration",  # the product's name, not the API's
    "dataproc_gdc": "dataprocgdc",  # not in the catalogue: the rule cannot split it
    "dataproc_metastore": "metastore",  # the product's name has a word more
    "dialogflow_cx": "dialogflow",  # CX is a version of the API
    "document_ai_warehouse": "contentwarehouse",  # the product's name, not the API's
    "endpoints": "servicemanagement",  # as above
    "filestore": "file",  # as above
    "folder": "cloudresourcemanager",  # the hierarchy has no product name
    "gemini": "cloudaicompanion",  # the product's name, not the API's
    "identity_platform": "identitytoolkit",  # as above
    "integration_connectors": "connectors",  # the product's name has a word more
    "model_armor": "modelarmor",  # not in the catalogue: the rule cannot split it
    "ml_engine": "ml",  # the product's name has a word more
    "organization": "cloudresourcemanager",  # the hierarchy has no product name
    "os_config_v2": "osconfig",  # the API's version is no part of its name
    "privileged_access_manager": "privilegedaccessmanager",  # not in the catalogue: the rule cannot split it
    "project": "cloudresourcemanager",  # the hierarchy has no product name
    "scc": "securitycenter",  # short for Security Command Center
    "scc_management": "securitycentermanagement",  # as above
    "scc_v2": "securitycenter",  # as above; the API's version is no part of its name
    "secret_manager_regional": "secretmanager",  # the same API at a regional address
    "parameter_manager_regional": "parametermanager",  # as above
    "service_account": "iam",  # service accounts are IAM's
    "site_verification": "siteverification",  # not in the catalogue: the rule cannot split it
    "sql": "sqladmin",  # Cloud SQL's API
    "storage_control": "storage",  # a second API of the same host
    "storage_insights": "storageinsights",  # not in the catalogue: the rule cannot split it
    "tags": "cloudresourcemanager",  # tags are the hierarchy's
    "vertex_ai": "aiplatform",  # the API keeps the product's former name
    "workbench": "notebooks",  # the API keeps the product's former name
}

# Terraform type → asset type, if neither words nor schema determine it.
TYPES: dict[str, str] = {
    # Terraform says what the group of settings is for, the API what it is.
    "google_folder": "cloudresourcemanager.googleapis.com/Folder",
    "google_organization": "cloudresourcemanager.googleapis.com/Organization",
    "google_project": "cloudresourcemanager.googleapis.com/Project",
    "google_project_service": "serviceusage.googleapis.com/Service",
    "google_project_iam_custom_role": "iam.googleapis.com/Role",
    "google_organization_iam_custom_role": "iam.googleapis.com/Role",
    "google_service_account": "iam.googleapis.com/ServiceAccount",
    "google_service_account_key": "iam.googleapis.com/ServiceAccountKey",
    "google_iam_deny_policy": "iam.googleapis.com/PolicyV2",
    "google_billing_account": "cloudbilling.googleapis.com/BillingAccount",
    "google_billing_budget": "billingbudgets.googleapis.com/Budget",
    "google_billing_project_info": "cloudbilling.googleapis.com/ProjectBillingInfo",
    # The inventory numbers the functions of the first generation otherwise than those of the second.
    "google_cloudfunctions_function": "cloudfunctions.googleapis.com/CloudFunction",
    "google_cloudbuild_trigger": "cloudbuild.googleapis.com/BuildTrigger",
    "google_cloud_run_domain_mapping": "run.googleapis.com/DomainMapping",
    # The API writes in front of its kinds what the product is.
    "google_logging_linked_dataset": "logging.googleapis.com/Link",
    "google_logging_metric": "logging.googleapis.com/LogMetric",
    "google_bigquery_bi_reservation": "bigqueryreservation.googleapis.com/BiReservation",
    "google_bigquery_data_transfer_config": "bigquerydatatransfer.googleapis.com/TransferConfig",
    "google_storage_transfer_job": "storagetransfer.googleapis.com/TransferJob",
    "google_sql_database_instance": "sqladmin.googleapis.com/Instance",
    "google_sql_source_representation_instance": "sqladmin.googleapis.com/Instance",
    "google_storage_bucket_object": "storage.googleapis.com/Object",
    # Terraform says more, or less, than the API's kind.
    "google_compute_ha_vpn_gateway": "compute.googleapis.com/VpnGateway",
    "google_compute_vpn_gateway": "compute.googleapis.com/TargetVpnGateway",
    "google_compute_managed_ssl_certificate": "compute.googleapis.com/SslCertificate",
    "google_compute_instance_from_template": "compute.googleapis.com/Instance",
    "google_compute_firewall_policy_with_rules": "compute.googleapis.com/FirewallPolicy",
    "google_compute_network_firewall_policy_with_rules": "compute.googleapis.com/NetworkFirewallPolicy",
    "google_compute_region_network_firewall_policy_with_rules": "compute.googleapis.com/NetworkFirewallPolicy",
    "google_dns_record_set": "dns.googleapis.com/ResourceRecordSet",
    "google_kms_key_ring_import_job": "cloudkms.googleapis.com/ImportJob",
    "google_monitoring_slo": "monitoring.googleapis.com/ServiceLevelObjective",
    "google_monitoring_custom_service": "monitoring.googleapis.com/Service",
    "google_container_attached_cluster": "gkemulticloud.googleapis.com/AttachedCluster",
    "google_container_aws_cluster": "gkemulticloud.googleapis.com/AwsCluster",
    "google_container_aws_node_pool": "gkemulticloud.googleapis.com/AwsNodePool",
    "google_container_azure_client": "gkemulticloud.googleapis.com/AzureClient",
    "google_container_azure_cluster": "gkemulticloud.googleapis.com/AzureCluster",
    "google_container_azure_node_pool": "gkemulticloud.googleapis.com/AzureNodePool",
    "google_dataplex_datascan": "dataplex.googleapis.com/DataScan",
    "google_netapp_kmsconfig": "netapp.googleapis.com/KmsConfig",
    "google_parameter_manager_parameter_version": "parametermanager.googleapis.com/Version",
    "google_parameter_manager_regional_parameter_version": "parametermanager.googleapis.com/Version",
    "google_vmwareengine_network": "vmwareengine.googleapis.com/VmwareEngineNetwork",
    "google_sourcerepo_repository": "sourcerepo.googleapis.com/Repo",
    "google_app_engine_standard_app_version": "appengine.googleapis.com/Version",
    "google_app_engine_flexible_app_version": "appengine.googleapis.com/Version",
    "google_clouddomains_registration": "domains.googleapis.com/Registration",
    "google_discovery_engine_chat_engine": "discoveryengine.googleapis.com/Engine",
    "google_discovery_engine_search_engine": "discoveryengine.googleapis.com/Engine",
    "google_discovery_engine_recommendation_engine": "discoveryengine.googleapis.com/Engine",
    "google_vertex_ai_featurestore_entitytype": "aiplatform.googleapis.com/EntityType",
    "google_vertex_ai_featurestore_entitytype_feature": "aiplatform.googleapis.com/Feature",
    "google_vertex_ai_feature_group_feature": "aiplatform.googleapis.com/Feature",
    "google_vertex_ai_feature_online_store_featureview": "aiplatform.googleapis.com/FeatureView",
    "google_identity_platform_oauth_idp_config": "identitytoolkit.googleapis.com/OAuthIdpConfig",
}

# The inventory has separate kinds only for these; otherwise regional and global resources have the same kind.
# https://cloud.google.com/asset-inventory/docs/asset-types
_REGION_KINDS = frozenset(("BackendService", "Disk"))
_GLOBAL_KINDS = frozenset(("Address", "ForwardingRule", "PublicDelegatedPrefix"))

# Words before a kind that say where in the hierarchy it hangs, not what it is.
_SCOPES = (("billing", "account"), ("billing", "subaccount"), ("organization",), ("folder",), ("project",))


PARTS = frozenset(
    (
        # Entries of a list that others may write to as well: what is missing from one declaration is no drift.
        "google_access_context_manager_access_level_condition",
        "google_bigtable_gc_policy",
        "google_compute_attached_disk",
        "google_compute_network_endpoint",
        "google_compute_per_instance_config",
        "google_compute_region_per_instance_config",
        "google_storage_object_access_control",
        "google_access_context_manager_egress_policy",
        "google_access_context_manager_ingress_policy",
        "google_compute_global_network_endpoint",
        "google_compute_region_network_endpoint",
        # Resources whose full names follow another rule than all others: a wrong name would look like a deletion.
        "google_app_engine_application",
        "google_app_engine_domain_mapping",
        "google_app_engine_firewall_rule",
        "google_app_engine_flexible_app_version",
        "google_app_engine_standard_app_version",
        "google_billing_subaccount",
        "google_binary_authorization_policy",
        "google_firestore_document",
        "google_firestore_field",
        "google_iam_deny_policy",
        "google_iap_tunnel_dest_group",
        "google_os_login_ssh_public_key",
        "google_sql_ssl_cert",
        "google_sql_user",
        "google_storage_anywhere_cache",
        "google_storage_folder",
        "google_storage_managed_folder",
        "google_storage_notification",
        "google_tags_tag_binding",
        "google_vertex_ai_feature_group_feature",
        "google_vertex_ai_featurestore_entitytype_feature",
        # Acts and settings of something else, which the inventory does not list.
        "google_apigee_flowhook",
        "google_apigee_instance_attachment",
        "google_apihub_plugin_instance",
        "google_dialogflow_cx_generative_settings",
        "google_dialogflow_fulfillment",
        "google_discovery_engine_sitemap",
        "google_eventarc_google_channel_config",
        "google_firebase_app_check_app_attest_config",
        "google_firebase_app_check_debug_token",
        "google_firebase_app_check_device_check_config",
        "google_firebase_app_check_play_integrity_config",
        "google_firebase_app_check_recaptcha_enterprise_config",
        "google_firebase_app_check_recaptcha_v3_config",
        "google_firebase_app_hosting_traffic",
        "google_iam_oauth_client_credential",
        "google_iam_workforce_pool_provider_key",
        "google_iap_settings",
        "google_identity_platform_config",
        "google_kms_autokey_config",
        "google_logging_folder_settings",
        "google_logging_organization_settings",
        "google_public_ca_external_account_key",
        "google_scc_event_threat_detection_custom_module",
        "google_vertex_ai_rag_engine_config",
        "google_apigee_addons_config",
        "google_apigee_control_plane_access",
        "google_apigee_sync_authorization",
        "google_compute_disk_async_replication",
        "google_compute_instance_settings",
        "google_compute_snapshot_settings",
        "google_dialogflow_encryption_spec",
        "google_monitoring_monitored_project",
        "google_service_networking_connection",
        "google_service_networking_peered_dns_domain",
        "google_service_networking_vpc_service_controls",
        "google_storage_bucket_object",
    )
)
"""Types that declare a part of another resource, or nothing in the inventory."""


_SETTINGS = frozenset(
    (
        "google_folder_access_approval_settings",  # its id is the folder's
        "google_organization_access_approval_settings",  # the same
        "google_project_access_approval_settings",  # the same
        "google_tags_location_tag_binding",  # its id names what it is bound to
    )
)
"""Types in the provider's table whose ids are not their names."""


class Meaning(NamedTuple):
    """The asset type of a Terraform type.

    Args:
        asset_type: Cloud Asset Inventory's type.
        words: The words of the Terraform type that name the kind; attributes refer to the resource by them.
        known: Whether the catalog describes the asset type.
        by_id: Whether only the resource's id determines its name, and not its attributes.
    """

    asset_type: str
    words: tuple[str, ...]
    known: bool = True
    by_id: bool = False

    @property
    def service(self) -> str:
        """The host of the API."""
        return self.asset_type.partition("/")[0]

    @property
    def kind(self) -> str:
        """The kind without the host."""
        return self.asset_type.partition("/")[2]


@cache
def meaning(terraform_type: str) -> Meaning:
    """The asset type of a Terraform type: from the tables, from the rule, or guessed without a schema."""
    words = tuple(terraform_type.removeprefix("google_").split("_"))
    catalogue = default_catalogue()
    if terraform_type in TYPES:
        asset_type = TYPES[terraform_type]
        return Meaning(asset_type, words, bool(catalogue.schemas_for(asset_type)))
    guess = None
    for service, rest in _services(words):
        for named in _kinds(service, rest):
            asset_type = f"{service}{_HOST}/{_without_area(service, named)}"
            if catalogue.schemas_for(asset_type):
                return Meaning(asset_type, rest)
            guess = guess or Meaning(asset_type, rest, known=False)
    listed = terraform_types.of(terraform_type)
    if listed is not None and terraform_type not in _SETTINGS and catalogue.schemas_for(listed.asset_type):
        return Meaning(listed.asset_type, words, by_id=True)
    return guess or Meaning(f"{words[0]}{_HOST}/{_camel(words[1:] or words)}", words[1:] or words, known=False)


def _services(words: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The APIs that the first words may name, the longest first, with the other words."""
    known = _known()
    for count in range(len(words), 0, -1):
        joined = "".join(words[:count])
        named = PRODUCTS.get("_".join(words[:count]))
        rest = words[count:] or words[-1:]
        for service in (named, joined, f"cloud{joined}"):
            if service and (service == named or service in known):
                yield service, rest


@cache
def _known() -> frozenset[str]:
    return frozenset(file.name.partition(".")[0] for file in FOLDER.glob("*.json.gz"))


def _kinds(service: str, words: tuple[str, ...]) -> Iterator[str]:
    """The kinds that the words may name, the most likely first."""
    shorter = [words]
    for scope in _SCOPES:
        if words[: len(scope)] == scope and len(words) > len(scope):
            shorter.append(words[len(scope) :])
            break
    for name_words in shorter:
        # Cloud Logging writes in front of its kinds what they are of: LogSink, LogBucket.
        prefixes = ("Log", "") if service == "logging" else ("",)
        ends = (name_words, name_words[:-1]) if name_words[-1] == "config" and len(name_words) > 1 else (name_words,)
        yield from (f"{prefix}{_camel(end)}" for end in ends for prefix in prefixes)


def _without_area(service: str, kind: str) -> str:
    if service != "compute":
        return kind
    for area, own in (("Region", _REGION_KINDS), ("Global", _GLOBAL_KINDS)):
        rest = kind.removeprefix(area)
        if rest != kind and rest and rest not in own:
            return rest
    return kind


def _camel(words: tuple[str, ...]) -> str:
    return "".join(word[:1].upper() + word[1:] for word in words)
