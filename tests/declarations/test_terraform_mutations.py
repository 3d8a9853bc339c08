"""Each attribute that a person sets, changed once: what Terraform would put back is drift, and nothing else is.

The types are those whose drift nobody may miss. An attribute for which a change shows nothing needs a reason here.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from declarations.terraform_attributes import (
    NAMING,
    SetAttribute,
    attributes_that_people_set,
    changed,
    judged,
    name_of,
    plain,
    with_one_set,
)
from setpoint.detection.suppressions import UNDECLARED_CHANGE

_SERVER = "the service reports it, although the provider's schema lets authors write it"
_NAME = "a part of a name"
_UPGRADED = "the service upgrades beyond it"
_EMPTY_BLOCK = "a block without attributes; that it is there is compared"

UNNOTICED = {
    "google_cloud_run_service": {"metadata.namespace": _NAME},
    "google_compute_instance": {
        "desired_status": "an act: whether an instance runs is not configuration",
        "network_interface.subnetwork_project": _NAME,
        "zone": _NAME,
    },
    "google_container_cluster": {
        "control_plane_endpoints_config.dns_endpoint_config.endpoint": _SERVER,
        "location": _NAME,
        "maintenance_policy.maintenance_exclusion.exclusion_name": "the key of the exclusion: its fields are compared",
        "networking_mode": "says with a word what the API says with a group; it cannot change",
        "node_version": _UPGRADED,
    },
    "google_dns_managed_zone": {
        "dnssec_config.default_key_specs.kind": "a constant of the API",
        "dnssec_config.kind": "a constant of the API",
    },
    "google_pubsub_topic": {
        "ingestion_data_source_settings.cloud_storage.avro_format": _EMPTY_BLOCK,
        "ingestion_data_source_settings.cloud_storage.pubsub_avro_format": _EMPTY_BLOCK,
    },
    "google_sql_database_instance": {
        "replica_names": _SERVER,
        "replication_cluster.psa_write_endpoint": _SERVER,
    },
}
TYPES = (
    *UNNOTICED,
    "google_container_node_pool",
    "google_cloud_run_v2_job",
    "google_cloud_run_v2_service",
    "google_compute_firewall",
    "google_compute_network",
    "google_compute_subnetwork",
    "google_dns_record_set",
    "google_kms_crypto_key",
    "google_pubsub_subscription",
    "google_storage_bucket",
)


@cache
def written(terraform_type: str) -> dict[str, list[SetAttribute]]:
    """By the name of each attribute the resources in which the configuration writes it."""
    return {
        name_of(steps): list(with_one_set(terraform_type, steps, is_written=True))
        for steps in attributes_that_people_set(terraform_type)
    }


@pytest.mark.parametrize("terraform_type", TYPES)
def test_a_change_of_any_attribute_that_the_configuration_writes_is_drift(terraform_type: str) -> None:
    unnoticed = {
        name
        for name, resources in written(terraform_type).items()
        if not any(judged(resource.translated, changed(resource)).kind == "modified" for resource in resources)
    }
    assert unnoticed == set(UNNOTICED.get(terraform_type, {}))


@pytest.mark.parametrize("terraform_type", TYPES)
def test_what_has_not_changed_is_none(terraform_type: str) -> None:
    for name, resources in written(terraform_type).items():
        for resource in resources:
            assert judged(resource.translated, plain(resource.translated)).kind is None, name


def test_the_verdict_on_a_change_follows_from_the_class_of_the_attribute(capsys: pytest.CaptureFixture[str]) -> None:
    table: Counter[tuple[str, str, str]] = Counter()
    for terraform_type in ("google_compute_network", "google_compute_subnetwork", "google_pubsub_subscription"):
        for steps in attributes_that_people_set(terraform_type):
            if steps[0][0] in NAMING:
                continue  # every plan here writes it
            class_ = "either" if any(attribute.class_ == "either" for _, attribute in steps) else "author's"
            for is_written in (True, False):
                resource = next(with_one_set(terraform_type, steps, is_written=is_written), None)
                if resource is None:
                    continue
                judgement = judged(resource.translated, changed(resource))
                is_kept = any(kept.rule.endswith(UNDECLARED_CHANGE) for kept in judgement.suppressed)
                kinds = {difference.kind for difference in judgement.differences}
                outcome = "drift" if "" in kinds else "undeclared_change" if kinds or is_kept else "in sync"
                table[class_, "written" if is_written else "not written", outcome] += 1

    with capsys.disabled():
        for (class_, written, outcome), count in sorted(table.items()):
            print(f"\n{class_:10} {written:12} {outcome:18} {count:4}", end="")  # noqa: T201 - the table of agreement
    assert {(class_, written, outcome) for class_, written, outcome in table} == {
        ("author's", "written", "drift"),
        ("author's", "not written", "drift"),
        ("either", "written", "drift"),
        ("either", "not written", "undeclared_change"),
    }
