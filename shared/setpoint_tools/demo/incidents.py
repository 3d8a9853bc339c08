"""What happened to the sample fleet in the last hour: the truth that the findings have to match."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, NamedTuple

from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.model.severity import Kind
from setpoint_tools.demo import organisation
from setpoint_tools.demo.mutations import Edit, drop, grant, put, revoke, unconditional, unenforced

Remediation = Literal["", "fixed", "approved", "asked", "stopped"]
"""What has to become of a drift: nothing, reverted, reverted after an approval, waiting for one, or stopped."""

APPROVER = "lea.koch@example.com"
SETPOINT = "setpoint-remediate@setpoint-prod.iam.gserviceaccount.com"


class Author(NamedTuple):
    """Who is behind a drift.

    Args:
        principal: the account.
        tool: ``console``, ``gcloud``, ``terraform`` or ``ansible``.
        ip: the address that the request comes from.
    """

    principal: str
    tool: str = "console"
    ip: str = "203.0.113.77"


_MAX = Author("max.weber@example.com")
_ANA = Author("ana.ruiz@example.com", "gcloud", "198.51.100.7")
_TOM = Author("tom.reed@example.com")
_SAM = Author("sam.kim@example.com", "gcloud")
_PIPELINE = Author("deploy@example-ci.iam.gserviceaccount.com", "terraform", "192.0.2.20")
_PLAYBOOK = Author("ops-automation@net-prod.iam.gserviceaccount.com", "ansible", "192.0.2.31")


@dataclass(frozen=True, slots=True)
class IncidentStep:
    """One change of a resource.

    Args:
        minutes: how long ago.
        outcome: what has to become of the message that tells of it.
        edits: what is then otherwise than declared; nothing means that all is well again.
        gone: the resource was deleted, and the message tells so with an ``asset`` or with ``priorAsset`` alone.
        is_reverted: Setpoint reverts it as soon as it is told.
    """

    minutes: float
    outcome: Outcome
    edits: tuple[Edit, ...] = ()
    gone: Literal["", "with asset", "without asset"] = ""
    is_reverted: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened to one resource, and the finding that this has to lead to.

    Args:
        key: the resource and content.
        kind: the kind of the drift.
        fields: the beginnings of the paths of the last differences; each must be there, and no other.
        steps: the changes, the oldest first.
        by: the actor in the audit log; None if unknown.
        remediation: what Setpoint has to do about it.
        age: how long it has been there, where it was there before Setpoint and is in the baseline; else zero.
    """

    key: ResourceKey
    kind: Kind
    fields: tuple[str, ...]
    steps: tuple[IncidentStep, ...]
    by: Author | None = None
    remediation: Remediation = ""
    age: timedelta = timedelta()

    @property
    def is_old(self) -> bool:
        """Whether it was there before Setpoint."""
        return bool(self.age)

    @property
    def is_over(self) -> bool:
        """Whether the finding is resolved at the end."""
        return self.steps[-1].outcome in ("resolved", "in_sync")


class Approval(NamedTuple):
    """An approval that a person gives.

    Args:
        minutes: how long ago.
        key: the resource and content.
        by: the approver.
    """

    minutes: float
    key: ResourceKey
    by: str = APPROVER


def approvals() -> list[Approval]:
    """What is approved, the oldest first."""
    return [Approval(22.5, _key("storage/example-lake-prod-raw"))]


def all_incidents(numbers: dict[str, str]) -> list[Incident]:
    """Everything that happened; ``numbers`` are those of the projects, by id."""
    return [
        *_exposed(numbers),
        *_weakened(numbers),
        *_gone_or_stray(),
        *_harmless(),
        *_fixed(),
        *_reverted(),
        *_beside_the_declaration(),
        *_one_cause(),
        *_old(),
    ]


def _exposed(numbers: dict[str, str]) -> list[Incident]:
    """Somebody can reach what they should not."""
    return [
        _opened(
            _project(numbers["payments-prod"]),
            "bindings[role=roles/owner]",
            IncidentStep(23.4, "opened", (grant("roles/owner", "user:max.weber@example.com"),)),
            content="iam_policy",
            by=_MAX,
            remediation="asked",
        ),
        _opened(
            "storage/example-billing-prod-exports",
            "bindings[role=roles/storage.objectViewer]",
            IncidentStep(8.7, "opened", (grant("roles/storage.objectViewer", "allUsers"),)),
            content="iam_policy",
            by=_SAM,
        ),
        Incident(
            _key("compute/projects/net-prod/global/firewalls/allow-office-admin"),
            "modified",
            ("sourceRanges",),
            (
                IncidentStep(
                    41.2, "opened", (put("sourceRanges", ["198.51.100.0/28", "0.0.0.0/0"]),), is_reverted=True
                ),
                IncidentStep(40.9, "in_sync"),
            ),
            by=_ANA,
            remediation="fixed",
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
            by=_TOM,
            remediation="asked",
        ),
        _opened(
            "container/projects/training-prod/locations/europe-west4/clusters/ml-training",
            "masterAuthorizedNetworksConfig.enabled",
            IncidentStep(19.8, "opened", (drop("masterAuthorizedNetworksConfig.enabled"),)),
            by=_SAM,
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
            by=_PIPELINE,
        ),
        Incident(
            _key(_project(numbers["keys-prod"]), "iam_policy"),
            "modified",
            ("bindings[role=roles/cloudkms.viewer",),
            (IncidentStep(27.7, "opened", (unconditional("roles/cloudkms.viewer"),)),),
            by=_MAX,
        ),
    ]


def _weakened(numbers: dict[str, str]) -> list[Incident]:
    """A protection is off, mostly by a removed field."""
    return [
        _opened(
            "cloudsql/projects/payments-prod/instances/payments-main",
            "settings.deletionProtectionEnabled",
            IncidentStep(14.6, "opened", (drop("settings.deletionProtectionEnabled"),)),
            by=_TOM,
            remediation="asked",
        ),
        Incident(
            _key("storage/example-lake-prod-raw"),
            "modified",
            ("versioning.enabled",),
            (IncidentStep(31.9, "opened", (drop("versioning"),)), IncidentStep(22.1, "resolved")),
            by=_SAM,
            remediation="approved",
        ),
        Incident(
            _key("cloudkms/projects/keys-prod/locations/europe-west1/keyRings/payments/cryptoKeys/database"),
            "modified",
            ("rotationPeriod",),
            (
                IncidentStep(12.3, "opened", (drop("rotationPeriod"), drop("nextRotationTime")), is_reverted=True),
                IncidentStep(12.0, "in_sync"),
            ),
            by=_ANA,
            remediation="fixed",
        ),
        _opened(
            "redis/projects/storefront-prod/locations/europe-west3/instances/storefront-sessions",
            "authEnabled",
            IncidentStep(47.5, "opened", (drop("authEnabled"),)),
            by=_PLAYBOOK,
        ),
        _opened(
            "logging/projects/audit-prod/sinks/audit-archive",
            "disabled",
            IncidentStep(9.9, "opened", (put("disabled", value=True),)),
            by=_MAX,
        ),
        _opened(
            f"cloudresourcemanager/folders/{organisation.FOLDER}",
            "[constraint=constraints/sql.restrictPublicIp]",
            IncidentStep(37.0, "opened", (unenforced("sql.restrictPublicIp"),)),
            content="org_policy",
            by=_TOM,
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
            by=_PIPELINE,
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
            by=_ANA,
        ),
        Incident(
            _key("iam/projects/payments-prod/serviceAccounts/quick-fix@payments-prod.iam.gserviceaccount.com"),
            "unmanaged",
            (),
            (IncidentStep(39.4, "opened"), IncidentStep(25.6, "resolved", gone="with asset")),
            by=_SAM,
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
            by=_SAM,
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
            by=_PIPELINE,
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
            by=_TOM,
        ),
        Incident(
            _key("dns/projects/net-prod/managedZones/public"),
            "modified",
            ("dnssecConfig.state",),
            (IncidentStep(35.0, "opened", (put("dnssecConfig.state", "off"),)), IncidentStep(22.2, "resolved")),
            by=_PLAYBOOK,
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
            by=_PIPELINE,
        ),
    ]


_NETWORKS = "settings.ipConfiguration.authorizedNetworks"
_PUBLIC_ADDRESS = put("settings.ipConfiguration.ipv4Enabled", value=True)
_ALL_INGRESS = put("ingress", "INGRESS_TRAFFIC_ALL")


_INTERNAL = put("sourceRanges", ["10.10.0.0/20", "10.12.0.0/20", "10.0.0.0/8"])


def _reverted() -> list[Incident]:
    """Setpoint and a playbook disagree about a firewall, until a guardrail stops Setpoint."""
    return [
        Incident(
            _key("compute/projects/net-prod/global/firewalls/allow-internal-postgres"),
            "modified",
            ("sourceRanges",),
            (
                IncidentStep(49.0, "opened", (_INTERNAL,), is_reverted=True),
                IncidentStep(48.7, "in_sync"),
                IncidentStep(42.0, "opened", (_INTERNAL,), is_reverted=True),
                IncidentStep(38.5, "in_sync"),
                IncidentStep(29.0, "opened", (_INTERNAL,)),
            ),
            by=_PLAYBOOK,
            remediation="stopped",
        ),
    ]


def _beside_the_declaration() -> list[Incident]:
    """What no declaration names: a value, an entry of a map that is declared in full, a grant in a scope of IAM."""
    return [
        Incident(
            _key("compute/projects/net-prod/global/firewalls/allow-internal-metrics"),
            "modified",
            ("sourceTags",),
            (
                IncidentStep(24.2, "opened", (put("sourceTags", ["debug"]),), is_reverted=True),
                IncidentStep(23.9, "in_sync"),
            ),
            by=_ANA,
            remediation="fixed",
        ),
        _opened(
            "cloudsql/projects/storefront-prod/instances/storefront-main",
            "settings.ipConfiguration.requireSsl",
            IncidentStep(13.4, "opened", (drop("settings.ipConfiguration.requireSsl"),)),
            by=_TOM,
        ),
        _opened(
            "redis/projects/payments-prod/locations/europe-west1/instances/payments-sessions",
            "redisConfigs.notify-keyspace-events",
            IncidentStep(20.3, "opened", (put("redisConfigs.notify-keyspace-events", "KEA"),)),
            by=_PLAYBOOK,
        ),
        Incident(
            _key("storage/example-storefront-prod-uploads", "iam_policy"),
            "modified",
            ("bindings[role=roles/storage.admin]",),
            (IncidentStep(15.2, "opened", (grant("roles/storage.admin", "user:contractor@partner.example.com"),)),),
            by=_MAX,
        ),
    ]


def _one_cause() -> list[Incident]:
    """A pipeline changes the same field of many buckets within a minute."""
    names = [f"example-{team}-{place}-uploads" for team in _PRODUCTS for place in ("staging", "dev")]
    names += [f"example-{project}-{stage}" for project in _LAKES for stage in ("raw", "curated", "scratch")]
    return [
        _opened(
            f"storage/{name}",
            "iamConfiguration.publicAccessPrevention",
            IncidentStep(7.5 - 0.05 * number, "opened", (put("iamConfiguration.publicAccessPrevention", "inherited"),)),
            by=_PIPELINE,
        )
        for number, name in enumerate(names)
    ]


def _old() -> list[Incident]:
    """It was there before Setpoint; the baseline has it. The last one is older than the history."""
    return [
        _old_drift(
            "storage/example-training-dev-models", "labels.cost-center", put("labels.cost-center", "900"), 23, _SAM
        ),
        _old_drift("pubsub/projects/storefront-dev/topics/orders", "messageStoragePolicy", _ONE_REGION, 12, _TOM),
        _old_drift("pubsub/projects/payments-dev/topics/invoices", "messageStoragePolicy", _ONE_REGION, 12, _TOM),
        _old_drift(
            "dns/projects/net-dev/managedZones/public",
            "dnssecConfig.state",
            put("dnssecConfig.state", "off"),
            31,
            _PLAYBOOK,
        ),
        _old_drift("storage/example-storefront-dev-exports", "labels.team", put("labels.team", "growth"), 8, _PIPELINE),
        _old_drift(
            "storage/example-payments-dev-exports",
            "bindings[role=roles/storage.objectViewer]",
            grant("roles/storage.objectViewer", "user:contractor@partner.example.com"),
            5,
            _MAX,
            content="iam_policy",
        ),
        _old_drift("storage/example-serving-staging-models", "labels.team", put("labels.team", "research"), 60),
    ]


_OTHER_COST_CENTER = put("labels.cost-center", "900")
_ONE_REGION = put("messageStoragePolicy.allowedPersistenceRegions", ["europe-west1"])
_PRODUCTS = ("payments", "billing", "storefront")
_LAKES = ("lake-staging", "warehouse-staging")


def _opened(
    path: str,
    field: str,
    step: IncidentStep,
    content: Content = "resource",
    *,
    by: Author | None = None,
    remediation: Remediation = "",
) -> Incident:
    return Incident(_key(path, content), "modified", (field,), (step,), by, remediation)


def _old_drift(
    path: str, field: str, edit: Edit, days: float, by: Author | None = None, *, content: Content = "resource"
) -> Incident:
    step = IncidentStep(60.0, "drifted", (edit,))
    return Incident(_key(path, content), "modified", (field,), (step,), by, age=timedelta(days=days, minutes=17))


def _key(path: str, content: Content = "resource") -> ResourceKey:
    service, _, rest = path.partition("/")
    return ResourceKey(f"//{service}.googleapis.com/{rest}", content)


def _project(number: str) -> str:
    return f"cloudresourcemanager/projects/{number}"
