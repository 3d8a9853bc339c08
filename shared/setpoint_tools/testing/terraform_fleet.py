"""Raw Terraform states of a large organisation, as state buckets hold them, generated.

Each root module has a project of its own, a size that most are below and few far above, and a mix of types as found in
such organisations. Instances have every attribute of the provider's schema, most of them without a value.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from setpoint.catalog import terraform_types

_PROVIDER = 'provider["registry.terraform.io/hashicorp/google"]'
_REGION = "europe-west1"
_SPREAD = 1.1
"""Standard deviation of the logarithm of a root module's size."""
_OTHERS = (("random", "random_id"), ("null", "null_resource"))

Values = dict[str, Any]


class StateProject(NamedTuple):
    """A resource in a generated state.

    Args:
        project: the project of its root module.
        number: its number in the state.
        serial: serial of the state; resources change with it.
    """

    project: str
    number: int
    serial: int

    @property
    def name(self) -> str:
        """The short name of the resource."""
        return f"r-{self.number}"

    @property
    def account(self) -> str:
        """The address of the root module's service account."""
        return f"app@{self.project}.iam.gserviceaccount.com"


def paths(count: int) -> Iterator[str]:
    """Names of the objects of so many states."""
    for number in range(count):
        yield f"team-{number % 40:02}/root-{number:05}/default.tfstate"


def sizes(states: int, resources: int, seed: int = 1) -> list[int]:
    """Number of resources of each state: many are small, a few large; their sum is ``resources``."""
    chance = random.Random(seed)  # noqa: S311 - the same fleet in each run
    weights = [chance.lognormvariate(0, _SPREAD) for _ in range(states)]
    scale = (resources - states) / sum(weights)
    counts = [1 + int(weight * scale) for weight in weights]
    for number in range(resources - sum(counts)):
        counts[number % states] += 1
    return counts


def state(number: int, resources: int, serial: int = 1) -> bytes:
    """The state of a root module.

    Args:
        number: the number of the root module.
        resources: number of its managed resources of Google's provider.
        serial: its serial; each serial changes the labels of a bucket, topic or dataset.
    """
    chance = random.Random(number)  # noqa: S311 - the same fleet in each run
    project = f"team-{number % 40:02}-{number:05}"
    chosen = chance.choices(_KINDS, [kind.weight for kind in _KINDS], k=resources - 1)
    kinds = [_FIRST, *chosen]
    entries = [_entry(kind, StateProject(project, index, serial)) for index, kind in enumerate(kinds)]
    other, type_ = _OTHERS[number % len(_OTHERS)]
    provider = f'provider["registry.terraform.io/hashicorp/{other}"]'
    document = {
        "version": 4,
        "terraform_version": "1.9.8",
        "serial": serial,
        "lineage": f"lineage-{number:05}",
        "outputs": {"project": {"value": project, "type": "string"}},
        "resources": [
            _resource("data", "google_project", "this", {"project_id": project, "number": str(10**11 + number)}),
            _resource("managed", type_, "suffix", {"id": "x1"}, provider),
            *entries,
        ],
        "check_results": None,
    }
    return json.dumps(document, indent=2).encode()


def _entry(kind: _Kind, place: StateProject) -> Values:
    values = {**_unset(kind.type), **kind.values(place)}
    module = "module.services" if place.number % 3 == 0 else ""
    return _resource("managed", kind.type, place.name.replace("-", "_"), values, module=module)


def _resource(
    mode: str, type_: str, name: str, values: Mapping[str, Any], provider: str = _PROVIDER, module: str = ""
) -> Values:
    instance = {"schema_version": 1, "attributes": values, "sensitive_attributes": [], "private": "bnVsbA=="}
    described = {"mode": mode, "type": type_, "name": name, "provider": provider, "instances": [instance]}
    return {"module": module, **described} if module else described


@cache
def _unset(kind: str) -> Values:
    """Every attribute of a type without a value, as a state writes it; grants have none."""
    known = terraform_types.of(kind)
    attributes = known.attributes if known is not None else {}
    return {
        name: [] if attribute.inside and attribute.nesting in ("list", "set") else None
        for name, attribute in sorted(attributes.items())
    }


def _labels(place: StateProject) -> Values:
    labels = {"env": "prod", "team": place.project[:7], "release": f"v{place.serial}"}
    return {"labels": labels, "terraform_labels": labels, "effective_labels": labels}


def _service(place: StateProject) -> Values:
    service = f"service{place.number}.googleapis.com"
    named = {"id": f"{place.project}/{service}", "project": place.project, "service": service}
    return {**named, "disable_on_destroy": True, "disable_dependent_services": None}


def _project_member(place: StateProject) -> Values:
    role = f"roles/custom{place.number}.viewer"
    member = f"serviceAccount:{place.account}"
    return {"id": f"{place.project}/{role}/{member}", "project": place.project, "role": role, "member": member}


def _service_account(place: StateProject) -> Values:
    email = f"{place.name}@{place.project}.iam.gserviceaccount.com"
    name = f"projects/{place.project}/serviceAccounts/{email}"
    named = {"id": name, "name": name, "email": email, "account_id": place.name, "project": place.project}
    return {**named, "display_name": f"Service {place.number}", "description": "", "disabled": False}


def _bucket(place: StateProject) -> Values:
    name = f"{place.project}-{place.name}"
    rule = {
        "action": [{"type": "Delete", "storage_class": ""}],
        "condition": [{"age": 30 + place.number % 300, "with_state": "ANY", "num_newer_versions": 0}],
    }
    return {
        "id": name,
        "name": name,
        "project": place.project,
        "location": "EU",
        "storage_class": "STANDARD",
        "force_destroy": False,
        "public_access_prevention": "enforced",
        "uniform_bucket_level_access": True,
        "versioning": [{"enabled": True}],
        "lifecycle_rule": [rule],
        **_labels(place),
    }


def _bucket_member(place: StateProject) -> Values:
    bucket, role = f"b/{place.project}-data-{place.number}", "roles/storage.objectViewer"
    return {"id": f"{bucket}/{role}", "bucket": bucket, "role": role, "member": f"serviceAccount:{place.account}"}


def _topic(place: StateProject) -> Values:
    name = f"projects/{place.project}/topics/{place.name}"
    named = {"id": name, "name": place.name, "project": place.project}
    regions = [{"allowed_persistence_regions": [_REGION], "enforce_in_transit": False}]
    return {**named, "message_retention_duration": "86400s", "message_storage_policy": regions, **_labels(place)}


def _subscription(place: StateProject) -> Values:
    return {
        "id": f"projects/{place.project}/subscriptions/{place.name}",
        "name": place.name,
        "project": place.project,
        "topic": f"projects/{place.project}/topics/{place.name}",
        "ack_deadline_seconds": 20,
        "message_retention_duration": "604800s",
        "retain_acked_messages": False,
        "enable_message_ordering": False,
        "expiration_policy": [{"ttl": ""}],
        "retry_policy": [{"minimum_backoff": "10s", "maximum_backoff": "600s"}],
        **_labels(place),
    }


def _network(place: StateProject) -> str:
    return f"https://www.googleapis.com/compute/v1/projects/{place.project}/global/networks/main"


def _firewall(place: StateProject) -> Values:
    return {
        "id": f"projects/{place.project}/global/firewalls/{place.name}",
        "name": place.name,
        "project": place.project,
        "network": _network(place),
        "direction": "INGRESS",
        "priority": 1000,
        "disabled": False,
        "source_ranges": ["10.0.0.0/8", f"172.16.{place.number % 256}.0/24"],
        "allow": [{"protocol": "tcp", "ports": ["443", "8080-8090"]}],
        "log_config": [{"metadata": "INCLUDE_ALL_METADATA"}],
    }


def _subnetwork(place: StateProject) -> Values:
    return {
        "id": f"projects/{place.project}/regions/{_REGION}/subnetworks/{place.name}",
        "name": place.name,
        "project": place.project,
        "region": _REGION,
        "network": _network(place),
        "ip_cidr_range": f"10.{place.number % 256}.0.0/20",
        "private_ip_google_access": True,
        "secondary_ip_range": [{"range_name": "pods", "ip_cidr_range": f"10.{place.number % 256}.64.0/18"}],
        "log_config": [{"flow_sampling": 0.5, "metadata": "EXCLUDE_ALL_METADATA"}],
    }


def _address(place: StateProject) -> Values:
    named = {"name": place.name, "project": place.project, "region": _REGION}
    address = f"34.76.{place.number % 256}.{place.number % 250}"
    return {**named, "address": address, "address_type": "EXTERNAL", "network_tier": "PREMIUM", **_labels(place)}


def _instance(place: StateProject) -> Values:
    return {
        "id": f"projects/{place.project}/zones/{_REGION}-b/instances/{place.name}",
        "name": place.name,
        "project": place.project,
        "zone": f"{_REGION}-b",
        "machine_type": "e2-standard-4",
        "can_ip_forward": False,
        "deletion_protection": True,
        "tags": ["web", "internal"],
        "metadata": {"enable-oslogin": "TRUE", "startup-script": "#!/bin/sh\nexec /opt/start\n"},
        "boot_disk": [{
            "auto_delete": True,
            "device_name": "boot",
            "mode": "READ_WRITE",
            "source": f"projects/{place.project}/zones/{_REGION}-b/disks/{place.name}",
            "initialize_params": [{"image": "debian-12", "size": 20, "type": "pd-balanced"}],
        }],
        "network_interface": [{"network": _network(place), "subnetwork": "main", "network_ip": "10.0.0.7"}],
        "service_account": [{"email": place.account, "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}],
        "shielded_instance_config": [{
            "enable_secure_boot": True, "enable_vtpm": True, "enable_integrity_monitoring": True,
        }],
        **_labels(place),
    }  # fmt: skip


def _record_set(place: StateProject) -> Values:
    name = f"{place.name}.{place.project}.example.com."
    zone = {"managed_zone": "main", "project": place.project, "name": name, "type": "A"}
    return {**zone, "ttl": 300, "rrdatas": [f"10.0.{place.number % 256}.7"]}


def _secret(place: StateProject) -> Values:
    name = f"projects/{place.project}/secrets/{place.name}"
    named = {"id": name, "name": name, "secret_id": place.name, "project": place.project}
    return {**named, "replication": [{"auto": [{"customer_managed_encryption": []}]}], **_labels(place)}


def _key(place: StateProject) -> Values:
    ring = f"projects/{place.project}/locations/{_REGION}/keyRings/main"
    return {
        "id": f"{ring}/cryptoKeys/{place.name}",
        "name": place.name,
        "key_ring": ring,
        "purpose": "ENCRYPT_DECRYPT",
        "rotation_period": "7776000s",
        "destroy_scheduled_duration": "2592000s",
        "version_template": [{"algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION", "protection_level": "SOFTWARE"}],
        **_labels(place),
    }


def _dataset(place: StateProject) -> Values:
    id_ = place.name.replace("-", "_")
    named = {"id": f"projects/{place.project}/datasets/{id_}", "dataset_id": id_, "project": place.project}
    access = {"role": "OWNER", "special_group": "projectOwners", "user_by_email": ""}
    return {**named, "location": "EU", "max_time_travel_hours": "168", "access": [access], **_labels(place)}


def _sql(place: StateProject) -> Values:
    settings = {
        "tier": "db-custom-2-7680",
        "edition": "ENTERPRISE",
        "availability_type": "REGIONAL",
        "disk_autoresize": True,
        "disk_size": 50,
        "disk_type": "PD_SSD",
        "backup_configuration": [{"enabled": True, "point_in_time_recovery_enabled": True, "start_time": "03:00"}],
        "ip_configuration": [{"ipv4_enabled": False, "private_network": _network(place), "ssl_mode": "ENCRYPTED_ONLY"}],
        "database_flags": [{"name": "max_connections", "value": "200"}],
        "user_labels": {"env": "prod"},
    }
    named = {"name": place.name, "project": place.project, "region": _REGION}
    return {**named, "database_version": "POSTGRES_16", "deletion_protection": True, "settings": [settings]}


def _node_pool(place: StateProject) -> Values:
    node = {
        "machine_type": "n2-standard-8",
        "disk_size_gb": 100,
        "disk_type": "pd-balanced",
        "image_type": "COS_CONTAINERD",
        "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "service_account": place.account,
        "shielded_instance_config": [{"enable_integrity_monitoring": True, "enable_secure_boot": True}],
    }
    return {
        "id": f"projects/{place.project}/locations/{_REGION}/clusters/main/nodePools/{place.name}",
        "name": place.name,
        "project": place.project,
        "location": _REGION,
        "cluster": "main",
        "autoscaling": [{"min_node_count": 1, "max_node_count": 5, "location_policy": "BALANCED"}],
        "management": [{"auto_repair": True, "auto_upgrade": True}],
        "node_config": [node],
    }


def _run_service(place: StateProject) -> Values:
    container = {
        "image": f"europe-docker.pkg.dev/{place.project}/apps/web:v{place.serial}",
        "env": [{"name": f"SETTING_{index}", "value": str(index), "value_source": []} for index in range(6)],
        "resources": [{"limits": {"cpu": "1000m", "memory": "512Mi"}, "cpu_idle": True, "startup_cpu_boost": False}],
    }
    template = {
        "service_account": place.account,
        "timeout": "300s",
        "max_instance_request_concurrency": 80,
        "scaling": [{"min_instance_count": 0, "max_instance_count": 20}],
        "containers": [container],
    }
    return {
        "id": f"projects/{place.project}/locations/{_REGION}/services/{place.name}",
        "name": place.name,
        "project": place.project,
        "location": _REGION,
        "ingress": "INGRESS_TRAFFIC_INTERNAL_ONLY",
        "template": [template],
        "traffic": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}],
        **_labels(place),
    }


class _Kind(NamedTuple):
    """A resource type, and its share of an organisation's resources.

    Args:
        type: the type of the provider.
        weight: its share, in percent.
        values: the attributes that have a value.
    """

    type: str
    weight: float
    values: Callable[[StateProject], Values]


_FIRST = _Kind("google_storage_bucket", 8, _bucket)
_KINDS = (
    _FIRST,
    _Kind("google_project_iam_member", 17, _project_member),
    _Kind("google_project_service", 14, _service),
    _Kind("google_service_account", 10, _service_account),
    _Kind("google_storage_bucket_iam_member", 7, _bucket_member),
    _Kind("google_compute_firewall", 7, _firewall),
    _Kind("google_pubsub_topic", 5, _topic),
    _Kind("google_pubsub_subscription", 5, _subscription),
    _Kind("google_dns_record_set", 5, _record_set),
    _Kind("google_secret_manager_secret", 5, _secret),
    _Kind("google_compute_subnetwork", 4, _subnetwork),
    _Kind("google_compute_instance", 4, _instance),
    _Kind("google_compute_address", 2, _address),
    _Kind("google_bigquery_dataset", 2, _dataset),
    _Kind("google_kms_crypto_key", 2, _key),
    _Kind("google_cloud_run_v2_service", 2, _run_service),
    _Kind("google_sql_database_instance", 0.5, _sql),
    _Kind("google_container_node_pool", 0.5, _node_pool),
)
