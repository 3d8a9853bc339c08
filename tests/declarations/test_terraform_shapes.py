"""Blocks and attributes whose shape in the API the schema alone does not tell."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from declarations.test_terraform_classes import GOOGLE, declared, judged, paths
from setpoint.declarations.readers import terraform
from setpoint.declarations.readers.documents import Document
from setpoint.model.declaration import Declaration

INDEX = {
    "name": "7",
    "id": "projects/fleet-shop/locations/europe-west1/indexes/7",
    "project": "fleet-shop",
    "region": "europe-west1",
    "display_name": "i",
    "metadata": [{"config": [{"dimensions": 3, "shard_size": "SHARD_SIZE_SMALL", "algorithm_config": []}]}],
}


def test_blocks_in_a_free_form_field_are_written_as_the_api_writes_them() -> None:
    declaration = declared("google_vertex_ai_index", INDEX)
    live = {"displayName": "i", "metadata": {"config": {"dimensions": 3, "shardSize": "SHARD_SIZE_SMALL"}}}
    assert paths(declaration, live) == []
    live = {"displayName": "i", "metadata": {"config": {"dimensions": 4, "shardSize": "SHARD_SIZE_SMALL"}}}
    assert paths(declaration, live) == ["metadata.config.dimensions"]


def test_an_address_that_the_service_makes_is_no_other_attribute() -> None:
    values = {"name": "f", "project": "fleet-shop", "region": "europe-west1", "https_trigger_url": "https://f"}
    declaration = declared("google_cloudfunctions_function", values)
    assert paths(declaration, {"name": "f", "httpsTrigger": {"url": "https://f"}}) == []


def test_a_name_inside_a_block_is_declared_to_be_absent() -> None:
    version = {"instance_template": "t", "name": "", "target_size": []}
    values = {"name": "g", "project": "fleet-shop", "zone": "europe-west1-b", "version": [version]}
    declaration = declared("google_compute_instance_group_manager", values)
    live = {"name": "g", "versions": [{"instanceTemplate": "t"}]}
    assert paths(declaration, live) == []
    assert paths(declaration, live | {"versions": [{"instanceTemplate": "t", "name": "canary"}]}) != []


def test_what_is_left_out_of_a_choice_does_not_declare_the_choice() -> None:
    pig = {"query_list": [], "query_file_uri": "gs://b/q.pig", "continue_on_failure": False}
    values = {"project": "fleet-shop", "region": "europe-west1", "reference": [{"job_id": "j"}], "pig_config": [pig]}
    declaration = declared("google_dataproc_job", values | {"id": "projects/fleet-shop/regions/europe-west1/jobs/j"})
    live = {"reference": {"jobId": "j"}, "pigJob": {"queryFileUri": "gs://b/q.pig"}}
    assert paths(declaration, live) == []


def test_one_more_entry_of_a_map_inside_a_list_is_drift() -> None:
    job = {"step_id": "one", "hadoop_job": [{"properties": {"a": "1"}, "main_class": "m"}]}
    values = {"name": "w", "project": "fleet-shop", "location": "europe-west1", "jobs": [job]}
    declaration = loaded("google_dataproc_workflow_template", values)
    properties = {"a": "1"}
    live = {"id": "w", "jobs": [{"stepId": "one", "hadoopJob": {"properties": properties, "mainClass": "m"}}]}
    assert paths(declaration, live) == []
    properties["b"] = "2"
    assert judged(declaration, live).kind == "modified"


def test_the_egress_of_a_worker_pool_is_compared() -> None:
    worker = {"disk_size_gb": 100, "machine_type": "e2-medium", "no_external_ip": True}
    values = {"name": "w", "project": "fleet-shop", "location": "europe-west1", "worker_config": [worker]}
    declaration = declared("google_cloudbuild_worker_pool", values)
    pool = {"workerConfig": {"diskSizeGb": "100", "machineType": "e2-medium"}}
    closed = {"privatePoolV1Config": pool | {"networkConfig": {"egressOption": "NO_PUBLIC_EGRESS"}}}
    opened = {"privatePoolV1Config": pool | {"networkConfig": {"egressOption": "PUBLIC_EGRESS"}}}
    assert paths(declaration, closed) == []
    assert paths(declaration, opened) == ["privatePoolV1Config.networkConfig.egressOption"]


def test_an_empty_attribute_does_not_empty_the_field_that_another_one_fills_after_apply() -> None:
    known = {"name": "p", "project": "fleet-shop", "url_map": "m", "certificate_manager_certificates": None}
    resource = {
        "address": "google_compute_target_https_proxy.a",
        "mode": "managed",
        "type": "google_compute_target_https_proxy",
        "name": "a",
        "provider_name": GOOGLE,
    }
    change = {"actions": ["create"], "before": None, "after": known, "after_unknown": {"ssl_certificates": True}}
    expressions = {"ssl_certificates": {"references": ["google_compute_ssl_certificate.c.id"]}}
    module = {"resources": [resource | {"expressions": expressions}]}
    document = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": [resource | {"values": known}]}},
        "resource_changes": [resource | {"change": change}],
        "configuration": {"root_module": module},
    }
    [translated] = terraform.read(Document("p.json", 1, 0, document, "", 1)).translated
    assert "sslCertificates" not in translated.declaration.data
    assert translated.pending == ("google_compute_target_https_proxy.a.ssl_certificates",)


def test_the_fingerprint_of_metadata_is_no_entry_of_it() -> None:
    values = {"name": "i", "project": "fleet-shop", "zone": "europe-west1-b", "metadata": {"a": "1"}}
    declaration = loaded("google_compute_instance", values)
    item = {"key": "a", "value": "1"}
    assert paths(declaration, {"name": "i", "metadata": {"fingerprint": "x", "items": [item]}}) == []
    added = [item, {"key": "enable-oslogin", "value": "FALSE"}]
    assert paths(declaration, {"name": "i", "metadata": {"fingerprint": "x", "items": added}}) != []


def test_an_instance_without_metadata_and_tags_has_fingerprints_of_them() -> None:
    values = {"name": "i", "project": "fleet-shop", "zone": "europe-west1-b", "metadata": {}, "tags": []}
    declaration = loaded("google_compute_instance", values)
    live = {"name": "i", "metadata": {"fingerprint": "x", "kind": "compute#metadata"}, "tags": {"fingerprint": "y"}}
    assert paths(declaration, live) == []
    assert paths(declaration, {"name": "i"}) == []
    assert paths(declaration, live | {"tags": {"fingerprint": "y", "items": ["open"]}}) == ["tags.items"]


def loaded(terraform_type: str, values: dict[str, Any]) -> Declaration:
    """The declaration of a state, with the maps that it owns whole."""
    resource = {"address": f"{terraform_type}.a", "mode": "managed", "type": terraform_type, "name": "a"}
    root = {"resources": [resource | {"provider_name": GOOGLE, "values": values}]}
    document = {"format_version": "1.0", "values": {"root_module": root}}
    [translated] = terraform.read(Document("s.json", 1, 0, document, "", 1)).translated
    return replace(translated.declaration, exhaustive_paths=translated.whole)
