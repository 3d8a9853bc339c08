from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from detection.weakened_guards import BUCKET, HAND_PICKED, INSTANCE
from setpoint.catalog.schemas import Field, Schema, default_catalogue
from setpoint.detection.finding_state_machine import advance
from setpoint.detection.verdict import Verdict, judge
from setpoint.model import resource_state, security_meaning
from setpoint.model.actors import Actor
from setpoint.model.declaration import Declaration, Source, desired
from setpoint.model.exemptions import Exemption
from setpoint.model.fleet_rules import Rules
from setpoint.model.last_known_good import LastKnownGood, unpack
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy, Undeclared, UndeclaredMatch, UndeclaredReport
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState

START = datetime(2026, 3, 1, tzinfo=UTC)
FLEET = Source("fleet/a.yaml", 7)

EXPORTS = {
    "name": "exports",
    "location": "EU",
    "storageClass": "STANDARD",
    "iamConfiguration": {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": {"enabled": True}},
    "versioning": {"enabled": True},
    "labels": {"cost": "a"},
    "timeCreated": "2026-02-01T00:00:00Z",
    "metageneration": "3",
}
OPEN = EXPORTS | {"iamConfiguration": {"publicAccessPrevention": "inherited"}}


class Watched:
    """One resource, observed again and again."""

    def __init__(self, asset_type: str = BUCKET, declared: Any = None, policy: Policy | None = None) -> None:
        self.asset_type = asset_type
        self.key = ResourceKey("//example.googleapis.com/exports")
        self.state: ResourceState | None = None
        self.policy = policy
        self.verdict: Verdict | None = None
        self.now = START
        self.data: Any = None
        self.declare({"location": "EU"} if declared is None else declared)

    def declare(self, data: Any, **more: Any) -> None:
        declaration = Declaration(self.key, self.asset_type, data, source=FLEET, **more)
        self.desired = desired((declaration,))
        if self.state is not None:
            self.see(self.data, hours=0)

    def see(
        self, data: Any, *, hours: float = 2, actor: Actor | None = None, through: str = "inventory", **more: Any
    ) -> list[tuple[str, str]]:
        """Observe; the path and severity of each undeclared change that is reported."""
        self.now += timedelta(hours=hours)
        self.data = data
        observation = Observation(self.key, self.asset_type, self.now, data=data, through=through, **more)  # type: ignore[arg-type]
        good = self.state.last_good if self.state is not None else None
        verdict = judge(
            self.desired,
            Rules(policy=self.policy),
            observation,
            default_catalogue(),
            lambda *_: actor,
            good=good,
            now=self.now,
        )
        assert isinstance(verdict, Verdict)
        transition = advance(self.state, observation, verdict, self.now)
        if transition.state is not None:
            self.state = resource_state.decode_state(resource_state.encode_state(transition.state))
        self.verdict = verdict
        return [(change.path, verdict.severity) for change in verdict.differences if change.kind == "undeclared_change"]

    @property
    def quiet(self) -> list[str]:
        assert self.verdict is not None
        return [entry.difference.path for entry in self.verdict.suppressed if entry.difference is not None]


def watched(data: Any = EXPORTS, **more: Any) -> Watched:
    """A resource that is declared, and was observed since."""
    resource = Watched(**more)
    assert resource.see(data) == []
    return resource


def test_a_field_that_nobody_declares_and_that_opens_a_resource_is_reported_until_it_is_as_before():
    exports = watched()
    path = "iamConfiguration.publicAccessPrevention"
    assert exports.see(OPEN) == [(path, "high"), ("iamConfiguration.uniformBucketLevelAccess.enabled", "high")]
    (change, _) = exports.verdict.differences
    assert (change.declared, change.observed, exports.verdict.mode) == ("enforced", "inherited", "alert")
    assert len(exports.see(OPEN)) == 2
    assert exports.see(EXPORTS) == []
    assert exports.state.finding.status == "resolved"


def test_what_the_server_writes_and_what_means_the_same_is_no_change():
    exports = watched()
    assert exports.see(EXPORTS | {"metageneration": "4", "updated": "2026-03-01T00:00:00Z", "etag": "x"}) == []
    assert exports.see(EXPORTS | {"storageClass": "STANDARD", "labels": {"cost": "a", "goog-managed": "x"}}) == []
    assert exports.quiet == []


def test_a_change_without_weight_is_kept_quiet_and_reported_where_the_policy_says_so():
    nearline = EXPORTS | {"storageClass": "NEARLINE"}
    exports = watched()
    assert exports.see(nearline) == []
    assert exports.quiet == ["storageClass"]
    exports = watched(policy=Policy(undeclared=Undeclared("all")))
    assert exports.see(nearline) == [("storageClass", "low")]


def test_the_policy_switches_it_off():
    exports = watched(policy=Policy(undeclared=Undeclared("off")))
    assert exports.see(OPEN) == []
    assert exports.state.last_good is None


@pytest.mark.parametrize(
    ("ignored", "report"),
    [
        (UndeclaredMatch(paths=("iamConfiguration",)), False),
        (UndeclaredMatch(asset_types=("storage.googleapis.com/*",)), False),
        (UndeclaredMatch(paths=("versioning",)), True),
        (UndeclaredMatch(paths=("iamConfiguration",), asset_types=("compute.googleapis.com/*",)), True),
    ],
)
def test_the_policy_leaves_alone_what_it_names_and_no_more(ignored: UndeclaredMatch, report: bool):
    exports = watched(policy=Policy(undeclared=Undeclared(ignore=(ignored,))))
    assert bool(exports.see(OPEN)) is report


def test_a_declaration_that_ignores_a_path_ignores_its_undeclared_changes():
    exports = Watched()
    exports.declare({"location": "EU"}, ignore=("iamConfiguration",))
    exports.see(EXPORTS)
    assert exports.see(OPEN) == []
    assert len(exports.quiet) == 2


def test_an_apply_accepts_what_it_names_and_nothing_beside_it():
    exports = watched()
    off = OPEN | {"versioning": {"enabled": False}}
    assert len(exports.see(off)) == 3
    exports.declare({"location": "EU", "iamConfiguration": OPEN["iamConfiguration"]})
    assert [change.path for change in exports.verdict.differences] == [
        "iamConfiguration.uniformBucketLevelAccess.enabled",
        "versioning.enabled",
    ]
    assert len(exports.see(off)) == 2


def test_the_first_observation_after_an_apply_is_good_and_the_next_is_compared_with_it():
    exports = watched()
    exports.declare({"location": "EU", "storageClass": "NEARLINE"})
    after = EXPORTS | {"storageClass": "NEARLINE", "encryption": {"defaultKmsKeyName": "projects/p/keys/k"}}
    assert exports.see(after) == []
    assert exports.see(EXPORTS | {"storageClass": "NEARLINE"}) == [("encryption.defaultKmsKeyName", "high")]


def by(kind: str, confidence: str) -> Actor:
    return msgspec.convert(
        {
            "principal": "ci@p.iam.gserviceaccount.com",
            "hand": kind,
            "confidence": confidence,
            "method": "m",
            "at": START,
        },
        Actor,
    )


def test_what_an_applier_has_set_is_good():
    exports = watched()
    assert exports.see(OPEN, actor=by("applier", "certain")) == []
    assert exports.see(OPEN) == []
    assert len(exports.see(EXPORTS)) == 2


@pytest.mark.parametrize("actor", [by("applier", "possible"), by("person", "certain"), None])
def test_what_an_applier_may_have_set_is_not_good_for_that(actor: Actor | None):
    assert len(watched().see(OPEN, actor=actor)) == 2


def test_what_a_person_has_accepted_is_good_from_then_on():
    exports = watched()
    exports.see(OPEN)
    accepted = Exemption("user:a@example.com", "known", exports.now, fingerprint=exports.state.fingerprint)
    exports.state = replace(exports.state, exemption=accepted)
    exports.see(OPEN)
    assert exports.state.finding.status == "accepted"
    assert exports.see(OPEN) == []
    assert exports.state.finding.status == "resolved"
    assert len(exports.see(EXPORTS)) == 2


def test_a_resource_on_its_way_is_taken_when_it_has_arrived():
    machine = Watched(INSTANCE, {"machineType": "e2-small"})
    made = {"machineType": "e2-small", "status": "PROVISIONING"}
    assert machine.see(made) == []
    there = made | {"status": "RUNNING", "shieldedInstanceConfig": {"enableSecureBoot": True}}
    assert machine.see(there) == []
    assert machine.see(made | {"status": "RUNNING"}) == [("shieldedInstanceConfig.enableSecureBoot", "high")]


def test_a_value_without_weight_that_moves_by_itself_is_learnt():
    exports = watched(policy=Policy(undeclared=Undeclared("all")))
    seen = [bool(exports.see(EXPORTS | {"rpo": value})) for value in ("A", "B", "C", "D")]
    assert seen == [True, True, False, False]
    assert exports.see(EXPORTS) == []


def test_a_value_that_matters_is_never_learnt():
    exports = watched()
    for value in ("inherited", "enforced", "inherited", "enforced", "inherited", "enforced"):
        access = EXPORTS["iamConfiguration"] | {"publicAccessPrevention": value}
        assert bool(exports.see(EXPORTS | {"iamConfiguration": access})) is (value == "inherited")


def test_an_undeclared_part_of_a_declared_element_is_watched_by_the_name_of_the_element():
    declared = {"networkInterfaces": [{"name": "nic0", "network": "global/networks/main"}]}
    inside = {"networkInterfaces": [{"name": "nic0", "network": "global/networks/main", "networkIP": "10.0.0.2"}]}
    machine = watched(inside, asset_type=INSTANCE, declared=declared)
    nat = {"name": "External NAT", "type": "ONE_TO_ONE_NAT", "natIP": "203.0.113.4"}
    outside = {"networkInterfaces": [{**inside["networkInterfaces"][0], "accessConfigs": [nat]}]}
    assert machine.see(outside) == [
        ("networkInterfaces[name=nic0].accessConfigs[name=External NAT].type", "high"),
    ]
    outside["networkInterfaces"][0]["accessConfigs"][0] = nat | {"natIP": "203.0.113.5"}
    assert len(machine.see(outside)) == 1
    assert machine.see(inside) == []


def test_an_address_that_is_leased_anew_is_no_change():
    nat = {"name": "External NAT", "type": "ONE_TO_ONE_NAT", "natIP": "203.0.113.4"}
    machine = watched(
        {"machineType": "a", "networkInterfaces": [{"name": "nic0", "accessConfigs": [nat]}]},
        asset_type=INSTANCE,
        declared={"machineType": "a"},
    )
    moved = [{"name": "nic0", "accessConfigs": [nat | {"natIP": "203.0.113.9"}]}]
    assert machine.see({"machineType": "a", "networkInterfaces": moved}) == []


def test_secrets_are_compared_and_never_kept_or_shown():
    def machine(password: str) -> dict[str, Any]:
        items = [{"key": "db-password", "value": password}, {"key": "enable-oslogin", "value": "TRUE"}]
        return {"machineType": "a", "metadata": {"items": items}}

    resource = watched(machine("correct horse"), asset_type=INSTANCE, declared={"machineType": "a"})
    stored = resource_state.encode_state(resource.state)
    assert b"correct horse" not in stored
    kept = unpack(resource.state.last_good)
    assert "correct horse" not in str(kept)
    assert resource.see(machine("correct horse")) == []
    assert resource.see(machine("battery staple")) == [("metadata.items[key=db-password].value", "high")]
    (change,) = resource.verdict.differences
    assert "battery staple" not in str(change)
    assert "correct horse" not in str(change)


def test_a_grant_to_the_whole_world_is_critical():
    firewall = "compute.googleapis.com/Firewall"
    closed = {"network": "n", "sourceRanges": ["10.0.0.0/8"]}
    resource = watched(closed, asset_type=firewall, declared={"network": "n"})
    assert resource.see(closed | {"sourceRanges": ["10.0.0.0/8", "0.0.0.0/0"]}) == [("sourceRanges", "critical")]


def test_a_reading_through_the_api_neither_ends_a_change_nor_makes_one_of_what_the_inventory_lacks():
    exports = watched()
    assert len(exports.see(OPEN)) == 2
    assert len(exports.see(OPEN | {"encryption": {"defaultKmsKeyName": "k"}}, through="api")) == 2
    assert exports.see(EXPORTS | {"encryption": {"defaultKmsKeyName": "k"}}, through="api") == []


def test_what_is_declared_exactly_keeps_no_last_known_good():
    exports = Watched()
    exports.declare({"location": "EU"}, exact=True)
    exports.see(EXPORTS)
    assert exports.state.last_good is None


def test_a_record_that_cannot_be_unpacked_is_taken_anew():
    exports = watched()
    exports.state = replace(exports.state, last_good=LastKnownGood("no packed values"))
    assert exports.see(OPEN) == []
    assert len(exports.see(EXPORTS)) == 2


GENERATED = (
    *("sqladmin.googleapis.com/Instance", BUCKET, INSTANCE, "container.googleapis.com/Cluster"),
    *("container.googleapis.com/NodePool", "redis.googleapis.com/Instance", "compute.googleapis.com/Firewall"),
    *("compute.googleapis.com/Subnetwork", "compute.googleapis.com/BackendService"),
    *("compute.googleapis.com/Router", "compute.googleapis.com/Disk", "compute.googleapis.com/SecurityPolicy"),
    *("compute.googleapis.com/ForwardingRule", "run.googleapis.com/Service"),
    *("cloudfunctions.googleapis.com/Function", "cloudkms.googleapis.com/CryptoKey"),
    *("bigquery.googleapis.com/Dataset", "spanner.googleapis.com/Database", "alloydb.googleapis.com/Cluster"),
    *("alloydb.googleapis.com/Instance", "composer.googleapis.com/Environment", "dataproc.googleapis.com/Cluster"),
    *("artifactregistry.googleapis.com/Repository", "logging.googleapis.com/LogBucket"),
    *("dns.googleapis.com/Policy", "pubsub.googleapis.com/Subscription", "secretmanager.googleapis.com/Secret"),
    *("file.googleapis.com/Instance", "notebooks.googleapis.com/Instance"),
    *("compute.googleapis.com/InstanceTemplate", "compute.googleapis.com/SslPolicy"),
    *("compute.googleapis.com/TargetHttpsProxy", "compute.googleapis.com/VpnTunnel"),
    *("compute.googleapis.com/UrlMap", "appengine.googleapis.com/Application"),
    *("cloudbuild.googleapis.com/BuildTrigger", "dataflow.googleapis.com/Job"),
    *("bigtableadmin.googleapis.com/Cluster", "spanner.googleapis.com/Instance"),
    *("aiplatform.googleapis.com/Endpoint", "netapp.googleapis.com/Volume", "metastore.googleapis.com/Service"),
    *("privateca.googleapis.com/CaPool", "memcache.googleapis.com/Instance", "datafusion.googleapis.com/Instance"),
    *("identitytoolkit.googleapis.com/Config", "compute.googleapis.com/RegionInstanceTemplate"),
    *("compute.googleapis.com/Image", "run.googleapis.com/Job", "compute.googleapis.com/TargetSslProxy"),
    *("compute.googleapis.com/HealthCheck", "compute.googleapis.com/Autoscaler"),
    *("networksecurity.googleapis.com/ServerTlsPolicy", "networkservices.googleapis.com/Gateway"),
    *("apikeys.googleapis.com/Key", "certificatemanager.googleapis.com/Certificate", "batch.googleapis.com/Job"),
    *("servicedirectory.googleapis.com/Endpoint", "vpcaccess.googleapis.com/Connector", "tpu.googleapis.com/Node"),
    *("managedidentities.googleapis.com/Domain", "healthcare.googleapis.com/Dataset"),
    *("healthcare.googleapis.com/FhirStore", "datastream.googleapis.com/ConnectionProfile"),
    *("clouddeploy.googleapis.com/Target", "eventarc.googleapis.com/Trigger"),
    *("aiplatform.googleapis.com/CustomJob", "aiplatform.googleapis.com/Model"),
    *("beyondcorp.googleapis.com/AppConnection", "workstations.googleapis.com/WorkstationConfig"),
    *("gkebackup.googleapis.com/BackupPlan",),
)
_GUARDS = (
    *("public", "encrypt", "kms", "ssl", "tls", "auth", "network", "deletionprotect", "logging"),
    *("audit", "backup", "retention", "ingress", "egress", "secureboot", "integrity", "vtpm"),
    *("confidential", "serviceaccount", "iam", "firewall", "private", "access", "cert", "login"),
    *("snapshot", "secret", "credential"),
)
"""Words of guards, apart from the table that is tested."""


def guards(schema: Schema) -> Iterator[tuple[str, Any, Any]]:
    """The settable scalars of a type that guard something, each with two values."""

    def walk(schema: Schema, path: str, depth: int) -> Iterator[tuple[str, Any, Any]]:
        for name, field in schema.fields.items():
            if field.output_only or field.input_only or field.sensitive:
                continue
            inner = f"{path}.{name}" if path else name
            if field.kind == "message" and field.schema is not None and depth:
                yield from walk(field.schema, inner, depth - 1)
            elif any(word in name.casefold() for word in _GUARDS) and (values := _two_values(field)):
                yield inner, *values

    return walk(schema, "", 5)


def _two_values(field: Field) -> tuple[Any, Any] | None:
    if field.kind == "list" and field.item is not None and field.item.kind == "scalar":
        return (["first"], ["other"]) if field.item.type == "string" and not field.item.enum else None
    if field.kind != "scalar":
        return None
    if field.type == "boolean":
        return True, False
    if field.format == "enum":
        names = [name for name in field.enum if name != field.zero and not name.endswith("UNSPECIFIED")]
        return (names[0], names[1]) if len(names) > 1 else None
    if field.type == "string":
        return ("first", "other") if not field.format else None
    return 10, 20


def _nested(path: str, value: Any) -> dict[str, Any]:
    data: Any = value
    for name in reversed(path.split(".")):
        data = {} if data is None else {name: data}
    return data  # type: ignore[no-any-return]


def table() -> list[tuple[str, str, Any, Any]]:
    picked = [(kind, *change) for kind, changes in HAND_PICKED.items() for change in changes if change[1] != change[2]]
    made = []
    for kind in GENERATED:
        schema = default_catalogue().schema_for(kind)
        if schema is None:
            continue
        made += [(kind, *change) for change in guards(schema)]
    return picked + made


def test_changes_that_weaken_a_guard_are_found_and_severe():
    changes = table()
    missed = []
    for kind, path, before, after in changes:
        resource = Watched(kind, {})
        resource.see(_nested(path, before))
        reported = resource.see(_nested(path, after))
        if not any(severity in ("high", "critical") for _, severity in reported):
            missed.append((kind, path, reported, resource.quiet))
    assert len(changes) >= 500
    assert len(missed) <= 0.02 * len(changes), missed
    assert not [entry for entry in missed if entry[1] in {path for _, path, _, _ in changes[:88]}], missed


WEIGHTLESS = ("storageClass", "labels.cost", "description", "website.mainPageSuffix", "scheduling.preemptible")


@pytest.mark.parametrize("path", WEIGHTLESS)
def test_what_guards_nothing_is_without_weight(path: str):
    assert security_meaning.why_it_is_watched(path) == ""


@pytest.mark.parametrize("report", ["severe", "all"])
def test_values_that_move_by_themselves_raise_no_alarm(report: UndeclaredReport):
    wandering = {
        INSTANCE: lambda n: {
            "status": "RUNNING",
            "lastStartTimestamp": f"2026-03-{n:02}T00:00:00Z",
            "fingerprint": f"{n}",
        },
        "container.googleapis.com/Cluster": lambda n: {
            "currentMasterVersion": f"1.30.{n}",
            "nodePools": [{"name": f"pool-{n}", "version": f"1.30.{n}"}],
            "currentNodeCount": n,
        },
        "sqladmin.googleapis.com/Instance": lambda n: {
            "settings": {"settingsVersion": str(n), "dataDiskSizeGb": str(10 * n)},
            "maintenanceVersion": f"v{n}",
            "serverCaCert": {"cert": str(n)},
        },
        "cloudkms.googleapis.com/CryptoKey": lambda n: {"nextRotationTime": f"2026-04-{n:02}T00:00:00Z"},
        "compute.googleapis.com/Disk": lambda n: {
            "users": [str(n)],
            "lastAttachTimestamp": f"2026-03-{n:02}T00:00:00Z",
        },
    }
    for kind, values in wandering.items():
        resource = Watched(kind, {}, Policy(undeclared=Undeclared(report)))
        assert [resource.see(values(number)) for number in range(1, 25)] == [[]] * 24, kind


def test_a_declared_and_an_undeclared_change_in_one_observation_are_both_found() -> None:
    exports = Watched(declared={"location": "EU", "storageClass": "STANDARD"})
    exports.see(EXPORTS)
    assert exports.see(EXPORTS | {"storageClass": "NEARLINE"}) == []
    assert ("iamConfiguration.publicAccessPrevention", "high") in exports.see(OPEN | {"storageClass": "NEARLINE"})


def test_an_apply_that_follows_a_declared_change_waits_for_what_it_did() -> None:
    exports = Watched(declared={"location": "EU", "storageClass": "STANDARD"})
    exports.see(EXPORTS)
    exports.see(EXPORTS | {"storageClass": "NEARLINE"})
    exports.declare({"location": "EU", "storageClass": "NEARLINE"})
    assert exports.see(OPEN | {"storageClass": "NEARLINE"}) == []
