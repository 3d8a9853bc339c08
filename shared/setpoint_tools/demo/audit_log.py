"""Audit log entries of the changes behind the drift of the sample fleet.

Source: https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from setpoint_tools.demo import asset_types as types
from setpoint_tools.demo.fleet import Fleet
from setpoint_tools.demo.incidents import Author, Incident, IncidentStep
from setpoint_tools.demo.samples import Data, Sample
from setpoint_tools.demo.server_defaults import stamp

_USER_AGENTS = {
    "console": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/134.0.0.0 Safari/537.36,"
    "gzip(gfe),gzip(gfe)",
    "gcloud": "google-cloud-sdk gcloud/512.0.0 command/gcloud.compute.firewall-rules.update,gzip(gfe)",
    "terraform": "Terraform/1.9.5 (+https://www.terraform.io) terraform-provider-google/6.14,gzip(gfe)",
    "ansible": "ansible/2.17.5 google-auth/2.37.0,gzip(gfe)",
}
_FASTEST, _SLOWEST = 0.5, 20.0
"""Seconds after which an entry arrives; the feed's message may come before it."""


class Entry(NamedTuple):
    """An audit log entry.

    Args:
        data: the LogEntry as JSON.
        arrives_at: when it is delivered.
    """

    data: bytes
    arrives_at: datetime


class _Methods(NamedTuple):
    """What audit logs call the changes of a type."""

    service: str
    update: str
    delete: str = ""
    create: str = ""


_RESOURCES: dict[str, _Methods] = {
    types.BUCKET.asset_type: _Methods("storage", "storage.buckets.update", "storage.buckets.delete"),
    types.FIREWALL.asset_type: _Methods(
        "compute", "v1.compute.firewalls.patch", "v1.compute.firewalls.delete", "v1.compute.firewalls.insert"
    ),
    types.SUBNETWORK.asset_type: _Methods("compute", "v1.compute.subnetworks.patch"),
    types.INSTANCE.asset_type: _Methods("compute", "v1.compute.instances.setMachineType"),
    types.ZONE.asset_type: _Methods("dns", "dns.managedZones.patch"),
    types.DATABASE.asset_type: _Methods("cloudsql", "cloudsql.instances.update"),
    types.CLUSTER.asset_type: _Methods("container", "google.container.v1.ClusterManager.UpdateCluster"),
    types.SERVICE.asset_type: _Methods("run", "google.cloud.run.v2.Services.UpdateService"),
    types.KEY.asset_type: _Methods("cloudkms", "UpdateCryptoKey"),
    types.REDIS.asset_type: _Methods("redis", "google.cloud.redis.v1.CloudRedis.UpdateInstance"),
    types.SINK.asset_type: _Methods("logging", "google.logging.v2.ConfigServiceV2.UpdateSink"),
    types.TOPIC.asset_type: _Methods(
        "pubsub", "google.pubsub.v1.Publisher.UpdateTopic", "google.pubsub.v1.Publisher.DeleteTopic"
    ),
    types.SUBSCRIPTION.asset_type: _Methods(
        "pubsub", "google.pubsub.v1.Subscriber.UpdateSubscription", "google.pubsub.v1.Subscriber.DeleteSubscription"
    ),
    types.DATASET.asset_type: _Methods(
        "bigquery",
        "google.cloud.bigquery.v2.DatasetService.UpdateDataset",
        "google.cloud.bigquery.v2.DatasetService.DeleteDataset",
    ),
    types.ACCOUNT.asset_type: _Methods(
        "iam",
        "google.iam.admin.v1.UpdateServiceAccount",
        "google.iam.admin.v1.DeleteServiceAccount",
        "google.iam.admin.v1.CreateServiceAccount",
    ),
}
_POLICIES: dict[tuple[str, str], _Methods] = {
    (types.PROJECT.asset_type, "iam_policy"): _Methods("cloudresourcemanager", "SetIamPolicy"),
    (types.BUCKET.asset_type, "iam_policy"): _Methods("storage", "storage.setIamPermissions"),
    (types.FOLDER.asset_type, "org_policy"): _Methods("cloudresourcemanager", "SetOrgPolicy"),
}


def entries(fleet: Fleet, incidents: Iterable[Incident], now: datetime) -> list[Entry]:
    """The entries of all changes whose author is known, in the order in which they arrive."""
    rng = random.Random("audit")  # noqa: S311 - a sample, no secret
    samples = {sample.key: sample for sample in fleet.samples}
    made = [
        entry
        for incident in incidents
        if incident.by is not None
        for entry in _of_incident(samples[incident.key], incident, incident.by, now, rng)
    ]
    return sorted(made, key=lambda entry: entry.arrives_at)


def past_entries(fleet: Fleet, incidents: Iterable[Incident], now: datetime) -> list[Entry]:
    """The entries of what was changed before Setpoint."""
    samples = {sample.key: sample for sample in fleet.samples}
    entries = []
    for number, incident in enumerate(incidents):
        if incident.is_old and incident.by is not None:
            happened = now - incident.age - timedelta(seconds=2)
            data = _entry(samples[incident.key], incident.steps[0], incident.by, happened, number)
            entries.append(Entry(json.dumps(data).encode(), happened))
    return entries


def _of_incident(
    sample: Sample, incident: Incident, author: Author, now: datetime, rng: random.Random
) -> Iterator[Entry]:
    for step in incident.steps:
        if step.outcome in ("opened", "changed"):
            happened = now - timedelta(minutes=step.minutes, seconds=rng.uniform(0.8, 3))
            data = _entry(sample, step, author, happened, rng.getrandbits(48))
            is_first = incident.remediation in ("fixed", "stopped")
            took = _FASTEST if is_first else rng.uniform(_FASTEST, _SLOWEST)
            yield Entry(json.dumps(data).encode(), happened + timedelta(seconds=took))


def _entry(sample: Sample, step: IncidentStep, author: Author, time: datetime, number: int) -> Data:
    methods = _POLICIES.get((sample.kind.asset_type, sample.key.content)) or _RESOURCES[sample.kind.asset_type]
    is_new = sample.declared is None and sample.key.content == "resource"
    method = (step.gone and methods.delete) or (is_new and methods.create) or methods.update
    project = sample.project.id if sample.project is not None else ""
    payload: Data = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "serviceName": f"{methods.service}.googleapis.com",
        "methodName": method,
        "resourceName": _resource_name(sample, project),
        "authenticationInfo": {"principalEmail": author.principal},
        "requestMetadata": {"callerIp": author.ip, "callerSuppliedUserAgent": _USER_AGENTS[author.tool]},
    }
    labels = {"project_id": project} if project else {}
    place = f"projects/{project}" if project else payload["resourceName"]
    if method == "google.iam.admin.v1.CreateServiceAccount":
        email = sample.key.name.rpartition("/")[2]
        payload |= {
            "resourceName": f"projects/{project}",
            "request": {"account_id": email.partition("@")[0]},
            "response": {"name": f"projects/{project}/serviceAccounts/{email}"},
        }
    return {
        "logName": f"{place}/logs/cloudaudit.googleapis.com%2Factivity",
        "insertId": f"{number:x}",
        "timestamp": stamp(time),
        "severity": "NOTICE",
        "resource": {"type": "audited_resource", "labels": labels},
        "protoPayload": payload,
    }


def _resource_name(sample: Sample, project: str) -> str:
    """The resource as audit logs name it."""
    path = sample.key.name.removeprefix("//").partition("/")[2]
    if sample.kind == types.BUCKET:
        return f"projects/_/buckets/{path}"
    return f"projects/{project}" if sample.kind == types.PROJECT else path
