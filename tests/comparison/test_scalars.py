from __future__ import annotations

from typing import Any

import pytest

from setpoint.catalog.schemas import Field
from setpoint.comparison.scalars import equal
from setpoint.model.references import Project

OWN = Project("billing-prod", "123456789012")


def field(form: str = "", kind: str = "string", **more: Any) -> Field:
    return Field("f", "scalar", kind, form, **more)


STATE = field("enum", enum=("STATE_UNSPECIFIED", "STATE_READY", "STATE_GONE"), zero="STATE_UNSPECIFIED")


@pytest.mark.parametrize(
    ("known", "name", "declared", "observed"),
    [
        (None, "f", 10, "10"),
        (None, "f", 10, 10.0),
        (None, "f", "10", 10.0),
        (field("int64", "integer"), "f", "10", "10.0"),
        (field("", "boolean"), "f", "true", True),
        (field("", "boolean"), "f", "yes", True),
        (field("duration"), "f", "1h", "3600s"),
        (field("duration"), "f", "3600.000s", "3600s"),
        (field("duration"), "f", "1h30m", "5400s"),
        (field("duration"), "f", 3600, "3600s"),
        (None, "f", "60s", "60.000s"),
        (field("timestamp"), "f", "2025-01-01T00:00:00Z", "2025-01-01T01:00:00.000+01:00"),
        (None, "f", "2025-01-01T00:00:00Z", "2025-01-01T00:00:00.000000Z"),
        (field("bytes"), "f", "-_8=", "+/8="),
        (field("bytes"), "f", "Zm9v", "Zm9v\n"),
        (field("fieldmask"), "f", "display_name,labels", "labels,displayName"),
        (STATE, "f", "state_ready", "STATE_READY"),
        (STATE, "f", "READY", "STATE_READY"),
        (STATE, "f", 1, "STATE_READY"),
        (None, "f", "standard", "STANDARD"),
        (None, "f", "10.0.0.1", "10.0.0.1/32"),
        (None, "f", "2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        (None, "location", "eu", "EU"),
        (field(), "IPProtocol", "TCP", "tcp"),
        (field(reference=True), "f", "main", "projects/billing-prod/global/networks/main"),
        (field(), "f", "projects/billing-prod/topics/t", "projects/123456789012/topics/t"),
        (field(), "project", "billing-prod", "123456789012"),
        (field(), "portRange", "80", "80-80"),
        (field(), "minMasterVersion", "1.34", "1.34.9-gke.100"),
        (field(), "imageVersion", "2.0-debian10", "2.0.27-debian10"),
        (field(), "clusterIpv4CidrBlock", "/20", "10.16.0.0/20"),
        (field(), "dashboard", '{"a": 1, "b": [2]}', '{"b":[2],"a":1}'),
        (field(), "type", "INT64", "INTEGER"),
        (field(), "role", "roles/bigquery.dataViewer", "READER"),
        (field(), "IPProtocol", "6", "tcp"),
        (field(), "groupByEmail", "Team@example.com", "team@example.com"),
        (field(), "cpu", "1000m", "1"),
        (field(), "memory", "0.5Gi", "512Mi"),
        (field(reference=True), "network", "projects/host-net/global/networks/main", "main"),
        (field(), "masterInstanceName", "main", "billing-prod:main"),
        (
            field(),
            "certificate",
            "-----BEGIN X-----\nabc\n-----END X-----\n",
            "-----BEGIN X-----\nabc\n-----END X-----",
        ),
        (field(), "ipRange", "10.0.0.5/24", "10.0.0.0/24"),
        (field(), "ipRange", "10.0.0.5/24", "10.0.0.5/24"),
        (
            field(),
            "sourceImage",
            "global/images/family/shop",
            "projects/billing-prod/global/images/shop-v7",
        ),
        (
            field(),
            "sourceImage",
            "https://www.googleapis.com/compute/beta/projects/debian-cloud/global/images/family/debian-12",
            "projects/debian-cloud/global/images/debian-12",
        ),
        (
            field(),
            "sourceImage",
            "projects/debian-cloud/global/images/family/debian-12",
            "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/images/debian-12-bookworm-v20250101",
        ),
    ],
)
def test_other_spellings_of_one_value_are_equal(known: Field | None, name: str, declared: Any, observed: Any) -> None:
    assert equal(known, name, declared, observed, OWN)


@pytest.mark.parametrize(
    ("known", "name", "declared", "observed"),
    [
        (None, "f", 10, "11"),
        (None, "f", True, False),
        (None, "f", True, "false"),
        (None, "f", 1, True),
        (field("duration"), "f", "1h", "3601s"),
        (field("timestamp"), "f", "2025-01-01T00:00:00Z", "2025-01-01T00:00:00.000002Z"),
        (field("bytes"), "f", "Zm9v", "Zm9w"),
        (STATE, "f", "STATE_GONE", "STATE_READY"),
        (STATE, "f", 2, "STATE_READY"),
        (field(), "f", "Name", "name"),
        (field(), "f", "1h", "3600s"),
        (field(), "f", "a/b", "b"),
        (field(), "f", "10.0.0.0/8", "10.0.0.0/16"),
        (field(), "f", "80", "8080"),
        (field(), "portRange", "80", "80-81"),
        (field(), "minMasterVersion", "1.3", "1.34.9-gke.100"),
        (field(), "minMasterVersion", "1.34.8", "1.34.9-gke.100"),
        (field(), "clusterIpv4CidrBlock", "/20", "10.16.0.0/14"),
        (field(), "f", '{"a": 1}', '{"a": 2}'),
        (field(), "f", "INT64", "INTEGER"),
        (field(), "f", "true ", "true"),
        (field(), "role", "roles/bigquery.dataViewer", "WRITER"),
        (field(), "IPProtocol", "6", "udp"),
        (field(), "cpu", "1000m", "2"),
        (field(), "memory", "512M", "512Mi"),
        (field(), "size", "1000m", "1"),
        (field(reference=True), "network", "projects/host-net/global/networks/main", "other"),
        (field(reference=True), "network", "main", "projects/host-net/global/networks/main"),
        (field(), "masterInstanceName", "main", "billing-dev:main"),
        (field(), "certificate", "-----BEGIN X-----\nabc\n-----END X-----", "-----BEGIN X-----\nabd\n-----END X-----"),
        (field(), "ipRange", "169.254.1.1/30", "169.254.1.2/30"),
        (field(), "ipRange", "10.0.0.0/24", "10.0.0.5/24"),
        (field(), "ipRange", "10.0.0.5/24", "10.0.0.0/25"),
        (
            field(),
            "sourceImage",
            "projects/debian-cloud/global/images/family/debian-12",
            "projects/evil-debian-cloud/global/images/debian-12-bookworm-v20250101",
        ),
        (
            field(),
            "sourceImage",
            "projects/debian-cloud/global/images/family/debian-1",
            "projects/debian-cloud/global/images/debian-12-bookworm-v20250101",
        ),
        (
            field(),
            "sourceImage",
            "global/images/family/shop",
            "projects/other/global/images/shop-v7",
        ),
        (
            field(),
            "sourceImage",
            "projects/debian-cloud/global/images/family/debian-12",
            "projects/debian-cloud/global/images/debian-11-bullseye-v20250101",
        ),
    ],
)
def test_other_values_are_not_equal(known: Field | None, name: str, declared: Any, observed: Any) -> None:
    assert not equal(known, name, declared, observed, OWN)
