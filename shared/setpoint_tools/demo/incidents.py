"""What happened to the sample fleet in the last hour: the truth that the findings have to match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.model.severity import Kind
from setpoint_tools.demo import organisation
from setpoint_tools.demo.mutations import Edit, drop, grant, put, revoke, unconditional, unenforced


@dataclass(frozen=True, slots=True)
class IncidentStep:
    """One change of a resource.

    Args:
        minutes: how long ago.
        outcome: what has to become of the message that tells of it.
        edits: what is then otherwise than declared; nothing means that all is well again.
        gone: the resource was deleted, and the message tells so with an ``asset`` or with ``priorAsset`` alone.
    """

    minutes: float
    outcome: Outcome
    edits: tuple[Edit, ...] = ()
    gone: Literal["", "with asset", "without asset"] = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened to one resource, and the finding that this has to lead to.

    Args:
        key: the resource and content.
        kind: the kind of the drift.
        fields: the beginnings of the paths of the last differences; each has to be there, and no other.
        steps: the changes, the oldest first.
    """

    key: ResourceKey
    kind: Kind
    fields: tuple[str, ...]
    steps: tuple[IncidentStep, ...]

    @property
    def is_open(self) -> bool:
        """Whether the finding is still open at the end."""
        return self.steps[-1].outcome != "resolved"


def all_incidents(numbers: dict[str, str]) -> list[Incident]:
    """Everything that happened; ``numbers`` are those of the projects, by id."""
    return [*_exposed(numbers), *_weakened(numbers), *_gone_or_stray(), *_harmless(), *_fixed()]


def _exposed(numbers: dict[str, str]) -> list[Incident]:
    """Somebody can reach what they should not."""
    return [
        _opened(
            _project(numbers["payments-prod"]),
            "bindings[role=roles/owner]",
            IncidentStep(23.4, "opened", (grant("roles/owner", "user:max.weber@example.com"),)),
            content="iam_policy",
        ),
        _opened(
            "storage/example-billing-prod-exports",
            "bindings[role=roles/storage.objectViewer]",
            IncidentStep(8.7, "opened", (grant("roles/storage.objectViewer", "allUsers"),)),
            content="iam_policy",
        ),
        _opened(
            "compute/projects/net-prod/global/firewalls/allow-office-admin",
            "sourceRanges",
            IncidentStep(41.2, "opened", (put("sourceRanges", ["198.51.100.0/28", "0.0.0.0/0"]),)),
        ),
        Incident(
            _key("cloudsql/projects/billing-prod/instances/billing-main"),
            "modified",
            ("settings.ipConfiguration.ipv4Enabled", "settings.ipConfiguration.authorizedNetworks"),
            (
                IncidentStep(36.1, "opened", (_PUBLIC_ADDRESS,)),
                IncidentStep(
                    33.5, "changed", (_PUBLIC_ADDRESS, put(_NETWORKS, [{"value": "0.0.0.0/0", "name": "home"}]))
                ),
            ),
        ),
        _opened(
            "container/projects/training-prod/locations/europe-west4/clusters/ml-training",
            "masterAuthorizedNetworksConfig.enabled",
            IncidentStep(19.8, "opened", (drop("masterAuthorizedNetworksConfig.enabled"),)),
        ),
        Incident(
            _key("run/projects/storefront-staging/locations/europe-west3/services/storefront-api"),
            "modified",
            ("ingress",),
            (
                IncidentStep(50.3, "opened", (_ALL_INGRESS,)),
                IncidentStep(44.9, "resolved"),
                IncidentStep(6.2, "opened", (_ALL_INGRESS,)),
            ),
        ),
        Incident(
            _key(_project(numbers["keys-prod"]), "iam_policy"),
            "modified",
            ("bindings[role=roles/cloudkms.viewer",),
            (IncidentStep(27.7, "opened", (unconditional("roles/cloudkms.viewer"),)),),
        ),
    ]


def _weakened(numbers: dict[str, str]) -> list[Incident]:
    """A protection is off, mostly by a field that is there no longer."""
    return [
        _opened(
            "cloudsql/projects/payments-prod/instances/payments-main",
            "settings.deletionProtectionEnabled",
            IncidentStep(14.6, "opened", (drop("settings.deletionProtectionEnabled"),)),
        ),
        _opened(
            "storage/example-lake-prod-raw",
            "versioning.enabled",
            IncidentStep(31.9, "opened", (drop("versioning"),)),
        ),
        _opened(
            "cloudkms/projects/keys-prod/locations/europe-west1/keyRings/payments/cryptoKeys/database",
            "rotationPeriod",
            IncidentStep(12.3, "opened", (drop("rotationPeriod"), drop("nextRotationTime"))),
        ),
        _opened(
            "redis/projects/storefront-prod/locations/europe-west3/instances/storefront-sessions",
            "authEnabled",
            IncidentStep(47.5, "opened", (drop("authEnabled"),)),
        ),
        _opened(
            "logging/projects/audit-prod/sinks/audit-archive",
            "disabled",
            IncidentStep(9.9, "opened", (put("disabled", value=True),)),
        ),
        _opened(
            f"cloudresourcemanager/folders/{organisation.FOLDER}",
            "[constraint=constraints/sql.restrictPublicIp]",
            IncidentStep(37.0, "opened", (unenforced("sql.restrictPublicIp"),)),
            content="org_policy",
        ),
        _opened(
            _project(numbers["warehouse-prod"]),
            "bindings[role=roles/bigquery.dataViewer]",
            IncidentStep(17.2, "opened", (revoke("roles/bigquery.dataViewer", "group:analysts@example.com"),)),
            content="iam_policy",
        ),
    ]


def _gone_or_stray() -> list[Incident]:
    """A resource is gone, or there is one that nobody declared."""
    return [
        Incident(
            _key("pubsub/projects/payments-prod/subscriptions/warehouse-invoices"),
            "deleted",
            (),
            (IncidentStep(21.5, "opened", gone="with asset"),),
        ),
        Incident(
            _key("bigquery/projects/warehouse-staging/datasets/warehouse_scratch"),
            "deleted",
            (),
            (IncidentStep(28.8, "opened", gone="without asset"),),
        ),
        Incident(
            _key("compute/projects/net-prod/global/firewalls/temp-debug-rdp"),
            "unmanaged",
            (),
            (IncidentStep(11.1, "opened"),),
        ),
        Incident(
            _key("iam/projects/payments-prod/serviceAccounts/quick-fix@payments-prod.iam.gserviceaccount.com"),
            "unmanaged",
            (),
            (IncidentStep(39.4, "opened"), IncidentStep(25.6, "resolved", gone="with asset")),
        ),
        Incident(
            _key("compute/projects/net-prod/global/firewalls/default-allow-ssh"),
            "unmanaged",
            (),
            (IncidentStep(48.2, "opened"), IncidentStep(46.0, "resolved", gone="without asset")),
        ),
    ]


def _harmless() -> list[Incident]:
    """It costs money or order rather than safety."""
    machine = "https://www.googleapis.com/compute/v1/projects/serving-prod/zones/europe-west4-b/machineTypes"
    return [
        _opened(
            "compute/projects/serving-prod/zones/europe-west4-b/instances/worker-2",
            "machineType",
            IncidentStep(34.3, "opened", (put("machineType", f"{machine}/n2-highmem-32"),)),
        ),
        _opened(
            "pubsub/projects/billing-staging/topics/invoices",
            "messageRetentionDuration",
            IncidentStep(26.4, "opened", (put("messageRetentionDuration", "86400s"),)),
        ),
        _opened(
            "storage/example-storefront-prod-uploads",
            "labels.team",
            IncidentStep(16.0, "opened", (put("labels.team", "growth"),)),
        ),
    ]


def _fixed() -> list[Incident]:
    """It was resolved meanwhile."""
    return [
        Incident(
            _key("storage/example-audit-logs"),
            "modified",
            ("iamConfiguration.publicAccessPrevention",),
            (
                IncidentStep(43.7, "opened", (put("iamConfiguration.publicAccessPrevention", "inherited"),)),
                IncidentStep(40.6, "resolved"),
            ),
        ),
        Incident(
            _key("dns/projects/net-prod/managedZones/public"),
            "modified",
            ("dnssecConfig.state",),
            (IncidentStep(35.0, "opened", (put("dnssecConfig.state", "off"),)), IncidentStep(22.2, "resolved")),
        ),
        Incident(
            _key("compute/projects/net-staging/regions/europe-west3/subnetworks/main-europe-west3"),
            "modified",
            ("enableFlowLogs", "logConfig.enable"),
            (
                IncidentStep(30.5, "opened", (drop("enableFlowLogs"), drop("logConfig.enable"))),
                IncidentStep(5.3, "resolved"),
            ),
        ),
        Incident(
            _key("pubsub/projects/lake-staging/topics/changes"),
            "deleted",
            (),
            (IncidentStep(24.9, "opened", gone="with asset"), IncidentStep(18.4, "resolved")),
        ),
    ]


_NETWORKS = "settings.ipConfiguration.authorizedNetworks"
_PUBLIC_ADDRESS = put("settings.ipConfiguration.ipv4Enabled", value=True)
_ALL_INGRESS = put("ingress", "INGRESS_TRAFFIC_ALL")


def _opened(path: str, field: str, step: IncidentStep, content: Content = "resource") -> Incident:
    return Incident(_key(path, content), "modified", (field,), (step,))


def _key(path: str, content: Content = "resource") -> ResourceKey:
    service, _, rest = path.partition("/")
    return ResourceKey(f"//{service}.googleapis.com/{rest}", content)


def _project(number: str) -> str:
    return f"cloudresourcemanager/projects/{number}"
