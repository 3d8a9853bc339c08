from __future__ import annotations

from typing import Any

import pytest

from setpoint.declarations.readers import terraform_names
from setpoint.declarations.readers.terraform_documents import TerraformResource
from setpoint.declarations.readers.terraform_types import meaning

P = "projects/fleet-shop"


def name(kind: str, values: dict[str, Any], *, region: str = "") -> str:
    defaults = {"project": "fleet-shop", "region": region}
    block = TerraformResource(
        f"{kind}.x", kind, values, defaults, frozenset((*values, "region")) if region else frozenset(values)
    )
    return terraform_names.name_of(block, meaning(kind)).text


@pytest.mark.parametrize(
    ("terraform_type", "asset_type"),
    [
        ("google_pubsub_topic", "pubsub.googleapis.com/Topic"),
        ("google_secret_manager_secret", "secretmanager.googleapis.com/Secret"),
        ("google_kms_crypto_key", "cloudkms.googleapis.com/CryptoKey"),
        ("google_cloud_scheduler_job", "cloudscheduler.googleapis.com/Job"),
        ("google_sql_database_instance", "sqladmin.googleapis.com/Instance"),
        ("google_cloud_run_v2_service", "run.googleapis.com/Service"),
        ("google_vertex_ai_endpoint", "aiplatform.googleapis.com/Endpoint"),
        ("google_compute_global_address", "compute.googleapis.com/GlobalAddress"),
        ("google_compute_region_health_check", "compute.googleapis.com/HealthCheck"),
        ("google_compute_region_disk", "compute.googleapis.com/RegionDisk"),
        ("google_compute_vpn_gateway", "compute.googleapis.com/TargetVpnGateway"),
        ("google_logging_folder_sink", "logging.googleapis.com/LogSink"),
        ("google_bigquery_reservation", "bigqueryreservation.googleapis.com/Reservation"),
        ("google_project_iam_custom_role", "iam.googleapis.com/Role"),
    ],
)
def test_a_type_means_an_asset_type(terraform_type: str, asset_type: str) -> None:
    assert meaning(terraform_type).asset_type == asset_type
    assert meaning(terraform_type).known


def test_a_type_that_no_schema_confirms_is_a_guess() -> None:
    assert meaning("google_teleport_gate").asset_type == "teleport.googleapis.com/Gate"
    assert not meaning("google_teleport_gate").known


@pytest.mark.parametrize(
    ("kind", "values", "full_name"),
    [
        ("google_compute_instance", {"name": "vm", "zone": "us-east1-b"}, f"{P}/zones/us-east1-b/instances/vm"),
        ("google_compute_network", {"name": "net"}, f"{P}/global/networks/net"),
        ("google_compute_subnetwork", {"name": "s", "region": "us-east1"}, f"{P}/regions/us-east1/subnetworks/s"),
        ("google_compute_global_address", {"name": "ip"}, f"{P}/global/addresses/ip"),
    ],
)
def test_compute_names_zones_regions_and_global(kind: str, values: dict[str, Any], full_name: str) -> None:
    assert name(kind, values) == f"//compute.googleapis.com/{full_name}"


def test_the_providers_region_counts_where_the_type_has_one() -> None:
    assert "/regions/europe-west4/" in name("google_compute_subnetwork", {"name": "s"}, region="europe-west4")
    assert "/global/" in name("google_compute_network", {"name": "n"})


@pytest.mark.parametrize(
    ("kind", "values", "full_name"),
    [
        (
            "google_kms_crypto_key",
            {"name": "k", "key_ring": f"{P}/locations/eu/keyRings/r"},
            f"//cloudkms.googleapis.com/{P}/locations/eu/keyRings/r/cryptoKeys/k",
        ),
        (
            "google_bigquery_table",
            {"dataset_id": "d", "table_id": "t"},
            f"//bigquery.googleapis.com/{P}/datasets/d/tables/t",
        ),
        (
            "google_spanner_database",
            {"instance": "i", "name": "d"},
            f"//spanner.googleapis.com/{P}/instances/i/databases/d",
        ),
        (
            "google_container_node_pool",
            {"cluster": "c", "name": "n", "location": "us-east1"},
            f"//container.googleapis.com/{P}/locations/us-east1/clusters/c/nodePools/n",
        ),
        (
            "google_sql_database",
            {"instance": "i", "name": "d"},
            f"//cloudsql.googleapis.com/{P}/instances/i/databases/d",
        ),
        ("google_bigquery_dataset", {"dataset_id": "d", "location": "EU"}, f"//bigquery.googleapis.com/{P}/datasets/d"),
        ("google_storage_bucket", {"name": "b"}, "//storage.googleapis.com/b"),
        (
            "google_project_service",
            {"service": "run.googleapis.com"},
            f"//serviceusage.googleapis.com/{P}/services/run.googleapis.com",
        ),
        (
            "google_folder",
            {"name": "folders/7", "display_name": "Ops"},
            "//cloudresourcemanager.googleapis.com/folders/7",
        ),
        (
            "google_logging_folder_sink",
            {"folder": "folders/7", "name": "s"},
            "//logging.googleapis.com/folders/7/sinks/s",
        ),
    ],
)
def test_names_follow_the_collections_of_the_api(kind: str, values: dict[str, Any], full_name: str) -> None:
    assert name(kind, values) == full_name


def test_what_the_state_tells_comes_before_the_rule() -> None:
    values = {"id": "projects/other/locations/eu/repositories/apt", "repository_id": "apt", "location": "eu"}
    expected = "//artifactregistry.googleapis.com/projects/other/locations/eu/repositories/apt"
    assert name("google_artifact_registry_repository", values) == expected


def test_compute_numbers_its_resources_besides_naming_them() -> None:
    values = {"name": "vm", "zone": "us-east1-b", "instance_id": "4423"}
    assert name("google_compute_instance", values).endswith("/instances/vm")


@pytest.mark.parametrize(
    ("values", "account"),
    [
        ({"account_id": "ci"}, "ci@fleet-shop.iam.gserviceaccount.com"),
        ({"account_id": "ci", "unique_id": "1085"}, "1085"),
    ],
)
def test_a_service_account_is_named_by_its_number_where_it_is_known(values: dict[str, Any], account: str) -> None:
    expected = f"//iam.googleapis.com/{P}/serviceAccounts/{account}"
    assert name("google_service_account", values) == expected


def test_a_name_with_an_unknown_part_is_no_name() -> None:
    assert name("google_spanner_database", {"name": "d"}) == ""
    assert name("google_folder", {"display_name": "Ops"}) == ""
    assert name("google_cloudbuild_trigger", {"name": "on-push", "location": "global"}) == ""


def test_a_log_metric_may_have_slashes_in_its_name() -> None:
    expected = "//logging.googleapis.com/projects/fleet-shop/metrics/shop/orders"
    assert name("google_logging_metric", {"name": "shop/orders", "id": "shop/orders"}) == expected


def test_a_type_that_only_the_provider_s_table_knows_is_called_by_its_id_alone() -> None:
    kind = "google_data_loss_prevention_inspect_template"
    assert meaning(kind).asset_type == "dlp.googleapis.com/InspectTemplate"
    known = "projects/fleet-shop/locations/eu/inspectTemplates/t"
    assert name(kind, {"id": known, "display_name": "t"}) == f"//dlp.googleapis.com/{known}"
    assert name(kind, {"display_name": "t", "template_id": "t"}) == ""
