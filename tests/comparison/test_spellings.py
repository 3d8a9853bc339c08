"""Spellings by the type of a field: what means the same is not drift, and the nearest other thing is."""

# ruff: noqa: E501 - tables read best as tables
from __future__ import annotations

from typing import Any

import pytest

from comparison.compared import OWN, drift
from setpoint.comparison import dns_records, iam_members, images, spellings
from setpoint.comparison.compare import Comparison
from setpoint.model.references import Project

RECORDS = "dns.googleapis.com/ResourceRecordSet"


@pytest.mark.parametrize(
    ("record_type", "declared", "observed"),
    [
        ("TXT", "v=spf1", '"v=spf1"'),
        ("TXT", "v=DKIM1; k=rsa", '"v=DKIM1;" "k=rsa"'),
        ("TXT", '"a" "b"', '"a"  "b"'),
        ("TXT", '"' + "x" * 255 + "yz" + '"', '"' + "x" * 255 + '" "yz"'),
        ("MX", "10 MAIL.example.com.", "10 mail.example.com."),
        ("CNAME", "Other.Example.com.", "other.example.com."),
        ("DS", "2371 13 2 AB12CD", "2371 13 2 ab12cd"),
        ("AAAA", "2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("CAA", '0 issue "pki.goog"', "0 issue pki.goog"),
    ],
)
def test_record_data_is_read_by_the_type_of_the_record(record_type: str, declared: str, observed: str) -> None:
    assert dns_records.is_same(declared, observed, record_type)
    want, have = ({"name": "a.b.", "type": record_type, "rrdatas": [data]} for data in (declared, observed))
    assert drift(RECORDS, want, have) == []


@pytest.mark.parametrize(
    ("record_type", "declared", "observed"),
    [
        ("TXT", "v=spf1 A", '"v=spf1" "a"'),
        ("TXT", '"a" "b"', '"ab"'),
        ("MX", "10 mail.example.com.", "20 mail.example.com."),
        ("DNSKEY", "257 3 8 AwEA", "257 3 8 awea"),
        ("A", "10.0.0.1", "10.0.0.2"),
        ("CNAME", "a.example.com.", "b.example.com."),
        ("OTHER", "a", "A"),
    ],
)
def test_other_record_data_is_drift(record_type: str, declared: str, observed: str) -> None:
    assert not dns_records.is_same(declared, observed, record_type)


SAME = [
    ("compute.googleapis.com/ResourcePolicy", "snapshotSchedulePolicy.schedule.dailySchedule.startTime", "4:00", "04:00", "04:30"),
    ("container.googleapis.com/Cluster", "maintenancePolicy.window.recurringWindow.recurrence", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "FREQ=WEEKLY;BYDAY=MO,TU"),
    ("logging.googleapis.com/LogSink", "filter", " severity>=ERROR\n", "severity>=ERROR", "severity>= ERROR"),
    ("compute.googleapis.com/SslCertificate", "managed.domains", ["a.example.com."], ["a.example.com"], ["b.example.com"]),
    ("monitoring.googleapis.com/UptimeCheckConfig", "httpCheck.path", "health", "/health", "/healthz"),
    ("cloudscheduler.googleapis.com/Job", "httpTarget.uri", "https://example.com", "https://example.com/", "https://example.com/x"),
    ("sqladmin.googleapis.com/Database", "charset", "utf8", "UTF8", "utf8mb4"),
    ("sqladmin.googleapis.com/Instance", "masterInstanceName", "main", "billing-prod:main", "other-prod:main"),
    ("sqladmin.googleapis.com/Instance", "databaseVersion", "MYSQL_8_0", "MYSQL_8_0_36", "MYSQL_8_4"),
    ("sqladmin.googleapis.com/Instance", "maintenanceVersion", "MYSQL_8_0_31.R20230101.00_00", "MYSQL_8_0_31.R20230601.00_00", "MYSQL_8_0_32.R20230601.00_00"),
    ("bigquery.googleapis.com/Table", "externalDataConfiguration.connectionId", "projects/billing-prod/locations/US/connections/c", "billing-prod.us.c", "billing-prod.us.d"),
    ("datastream.googleapis.com/Stream", "destinationConfig.bigqueryDestinationConfig.singleTargetDataset.datasetId", "projects/billing-prod/datasets/d", "billing-prod:d", "other-prod:d"),
    ("container.googleapis.com/Cluster", "databaseEncryption.state", "ENCRYPTED", "ALL_OBJECTS_ENCRYPTION_ENABLED", "DECRYPTED"),
    ("bigqueryreservation.googleapis.com/CapacityCommitment", "plan", "FLEX_FLAT_RATE", "FLEX", "ANNUAL"),
    ("file.googleapis.com/Instance", "tier", "STANDARD", "BASIC_HDD", "BASIC_SSD"),
    ("dataproc.googleapis.com/Cluster", "config.softwareConfig.imageVersion", "2.0.prodcurrent-debian10", "2.0.80-debian10", "2.1.80-debian10"),
    ("dataproc.googleapis.com/Cluster", "config.autoscalingConfig.policyUri", "projects/billing-prod/locations/l/autoscalingPolicies/a", "projects/billing-prod/regions/l/autoscalingPolicies/a", "projects/billing-prod/regions/m/autoscalingPolicies/a"),
    ("composer.googleapis.com/Environment", "storageConfig.bucket", "gs://dags", "dags", "dags2"),
    ("compute.googleapis.com/Instance", "serviceAccounts.email", "default", "123456789012-compute@developer.gserviceaccount.com", "sa@billing-prod.iam.gserviceaccount.com"),
    ("compute.googleapis.com/Instance", "serviceAccounts.scopes", ["compute-ro"], ["https://www.googleapis.com/auth/compute.readonly"], ["https://www.googleapis.com/auth/compute"]),
    ("compute.googleapis.com/InstanceGroupManager", "versions.instanceTemplate", "projects/billing-prod/global/instanceTemplates/t", "https://www.googleapis.com/compute/v1/projects/billing-prod/global/instanceTemplates/t?uniqueId=1", "https://www.googleapis.com/compute/v1/projects/billing-prod/global/instanceTemplates/u?uniqueId=1"),
]  # fmt: skip


def at_path(path: str, value: Any) -> dict[str, Any]:
    *around, last = path.split(".")
    whole: dict[str, Any] = {last: value}
    for name in reversed(around):
        whole = {name: [whole] if name in ("serviceAccounts", "versions") else whole}
    return whole


@pytest.mark.parametrize(("asset_type", "path", "declared", "observed", "other"), SAME)
def test_another_spelling_is_no_drift_and_the_next_value_is(
    asset_type: str, path: str, declared: Any, observed: Any, other: Any
) -> None:
    assert drift(asset_type, at_path(path, declared), at_path(path, observed)) == []
    assert drift(asset_type, at_path(path, declared), at_path(path, other)) != []


def test_white_space_counts_where_no_line_of_the_table_says_otherwise() -> None:
    assert drift("compute.googleapis.com/Firewall", {"name": "a "}, {"name": "a"}) != []


@pytest.mark.parametrize(
    "other",
    [
        "https://workflowexecutions.googleapis.com/v2/projects/p/locations/l/workflows/w/executions",
        "https://evil.googleapis.com/v1/projects/p/locations/l/workflows/w/executions",
        "https://evil.example.com/v1/projects/p/locations/l/workflows/w/executions",
    ],
)
def test_an_address_that_is_called_counts_with_host_and_version(other: str) -> None:
    uri = "https://workflowexecutions.googleapis.com/v1/projects/p/locations/l/workflows/w/executions"
    job = "cloudscheduler.googleapis.com/Job"
    assert drift(job, {"httpTarget": {"uri": uri}}, {"httpTarget": {"uri": other}}) == [("httpTarget.uri", "changed")]


@pytest.mark.parametrize(
    ("asset_type", "path", "name", "literal"),
    [
        ("compute.googleapis.com/GlobalForwardingRule", "IPAddress", "projects/billing-prod/global/addresses/a", "203.0.113.9"),
        ("file.googleapis.com/Instance", "networks.reservedIpRange", "filestore-range", "10.1.0.0/29"),
        ("redis.googleapis.com/Instance", "reservedIpRange", "redis-range", "10.1.0.0/29"),
    ],
)  # fmt: skip
def test_a_reference_that_is_answered_as_its_target_is_unchecked_and_two_literals_are_compared(
    asset_type: str, path: str, name: str, literal: str
) -> None:
    def entry_at(value: str) -> dict[str, Any]:
        return {"networks": [{"network": "n", "reservedIpRange": value}]} if "." in path else {path: value}

    assert drift(asset_type, entry_at(name), entry_at(literal)) == []
    assert drift(asset_type, entry_at("203.0.113.8"), entry_at("203.0.113.9")) != []


FAMILIES = [
    ("projects/debian-cloud/global/images/family/debian-12", "debian-cloud", "debian-12-bookworm-v20240101", True),
    ("projects/ubuntu-os-cloud/global/images/family/ubuntu-2204-lts", "ubuntu-os-cloud", "ubuntu-2204-jammy-v20240110", True),
    ("ubuntu-os-cloud/ubuntu-2404-lts-amd64", "ubuntu-os-cloud", "ubuntu-2404-noble-amd64-v20240423", True),
    ("projects/windows-sql-cloud/global/images/family/sql-std-2019-win-2022", "windows-sql-cloud", "sql-2019-standard-windows-2022-dc-v20240111", True),
    ("debian-12", "debian-cloud", "debian-12-bookworm-v20240101", True),
    ("family/web", "billing-prod", "build-17", True),
    ("projects/debian-cloud/global/images/family/debian-12", "debian-cloud", "debian-11-bullseye-v20240101", False),
    ("projects/debian-cloud/global/images/family/debian-12", "debian-cloud", "debian-12-bookworm-arm64-v20240101", False),
    ("projects/deeplearning-platform-release/global/images/family/pytorch-latest-gpu", "deeplearning-platform-release", "pytorch-2-4-cu124-v20241118-debian-11-py310", True),
    ("projects/deeplearning-platform-release/global/images/family/tf-latest-gpu", "deeplearning-platform-release", "tf2-ent-2-13-cu118-v20231105-debian-11", True),
    ("projects/deeplearning-platform-release/global/images/family/common-gpu", "deeplearning-platform-release", "common-cu118-v20240922-debian-11", True),
    ("projects/deeplearning-platform-release/global/images/family/common-cpu-debian-11", "deeplearning-platform-release", "common-cpu-v20240922-debian-11-py310", True),
    ("projects/deeplearning-platform-release/global/images/family/pytorch-latest-cpu", "deeplearning-platform-release", "pytorch-2-4-cu124-v20241118-debian-11-py310", False),
    ("projects/deeplearning-platform-release/global/images/family/tf-latest-gpu", "deeplearning-platform-release", "pytorch-2-4-cu124-v20241118-debian-11-py310", False),
    ("projects/deeplearning-platform-release/global/images/family/common-cu118", "deeplearning-platform-release", "common-cu121-v20240922-debian-11", False),
    ("projects/deeplearning-platform-release/global/images/family/pytorch-2-3-cu121", "deeplearning-platform-release", "pytorch-2-4-cu121-v20241118-debian-11", False),
    ("projects/deeplearning-platform-release/global/images/family/common-cu121-ubuntu-2204", "deeplearning-platform-release", "common-cu121-v20240922-debian-11", False),
    ("projects/rhel-sap-cloud/global/images/family/rhel-8-6-sap-ha", "rhel-sap-cloud", "rhel-8-6-sap-v20240815", True),
    ("projects/debian-cloud/global/images/family/debian-12", "evil-cloud", "debian-12-bookworm-v20240101", False),
    ("projects/rocky-linux-cloud/global/images/family/rocky-linux-9", "rocky-linux-cloud", "rocky-linux-9-optimized-gcp-v20240111", False),
    ("ubuntu-os-cloud/ubuntu-2404-lts", "ubuntu-os-cloud", "ubuntu-2404-noble-amd64-v20240601", False),
    ("projects/ubuntu-os-cloud/global/images/family/ubuntu-2204-lts", "ubuntu-os-cloud", "ubuntu-minimal-2204-jammy-v20240110", False),
    ("debian-12-bookworm-v20240101", "debian-cloud", "debian-12-bookworm-v20240202", False),
]  # fmt: skip


@pytest.mark.parametrize(("family", "project", "image", "is_of_it"), FAMILIES)
def test_an_image_is_of_a_family_unless_something_contradicts_it(
    family: str, project: str, image: str, *, is_of_it: bool
) -> None:
    link = f"https://www.googleapis.com/compute/v1/projects/{project}/global/images/{image}"
    assert images.is_of_family("sourceImage", family, link, OWN) is is_of_it
    differences = drift("compute.googleapis.com/Disk", {"sourceImage": family}, {"sourceImage": link})
    assert (differences == []) is is_of_it


def test_an_address_has_no_case_and_a_subject_has_one() -> None:
    assert iam_members.is_same("user:Ann@Example.com", "user:ann@example.com")
    assert iam_members.is_same("Ann@example.com", "ann@example.com")
    subject = "principal://iam.googleapis.com/locations/global/workforcePools/p/subject/Ann"
    assert not iam_members.is_same(subject, subject.lower())
    level = "accesscontextmanager.googleapis.com/AccessLevel"
    declared = {"basic": {"conditions": [{"members": [subject]}]}}
    assert drift(level, declared, {"basic": {"conditions": [{"members": [subject.lower()]}]}}) != []


def test_every_comparison_has_a_value_that_it_takes_for_another() -> None:
    context = Comparison(Project("p", "1"))
    assert not any(spellings.is_same(name, "one-thing", "quite-another", context) for name in spellings.NAMES)


@pytest.mark.parametrize(
    ("asset_type", "path", "declared", "observed", "other"),
    [
        ("bigquery.googleapis.com/Table", "externalDataConfiguration.sourceFormat", "csv", "CSV", "AVRO"),
        ("storagetransfer.googleapis.com/TransferJob", "transferSpec.gcsDataSink.bucketName", "gs://b", "b", "c"),
        ("cloudbuild.googleapis.com/BuildTrigger", "serviceAccount", "sa@p.iam.gserviceaccount.com", "projects/p/serviceAccounts/sa@p.iam.gserviceaccount.com", "projects/p/serviceAccounts/sb@p.iam.gserviceaccount.com"),
        ("pubsub.googleapis.com/Subscription", "bigqueryConfig.table", "billing-prod.d.t", "billing-prod:d.t", "billing-prod.d.u"),
        ("pubsub.googleapis.com/Subscription", "pushConfig.pushEndpoint", "https://x.example.com", "https://x.example.com/", "https://x.example.com/y"),
        ("networkconnectivity.googleapis.com/Spoke", "group", "projects/p/locations/global/hubs/h/groups/g", "projects/p/global/hubs/h/groups/g", "projects/p/global/hubs/h/groups/k"),
        ("compute.googleapis.com/Firewall", "sourceRanges", ["10.0.0.0/8", "10.0.0.0/8"], ["10.0.0.0/8"], ["10.0.0.0/9"]),
    ],
)  # fmt: skip
def test_the_name_and_the_description_of_a_field_tell_its_spellings(
    asset_type: str, path: str, declared: Any, observed: Any, other: Any
) -> None:
    assert drift(asset_type, at_path(path, declared), at_path(path, observed)) == []
    assert drift(asset_type, at_path(path, declared), at_path(path, other)) != []


def test_a_host_is_one_whatever_the_range_that_it_is_given_with() -> None:
    rule = "compute.googleapis.com/ForwardingRule"
    assert drift(rule, {"IPAddress": "2001:db8::1/96"}, {"IPAddress": "2001:db8::1"}) == []
    assert drift(rule, {"IPAddress": "2001:db8::1/96"}, {"IPAddress": "2001:db8::2"}) != []


def test_an_issuer_is_compared_letter_by_letter() -> None:
    provider = "iam.googleapis.com/WorkloadIdentityPoolProvider"
    declared = {"oidc": {"issuerUri": "https://token.example.com"}}
    assert drift(provider, declared, {"oidc": {"issuerUri": "https://token.example.com/"}}) != []
