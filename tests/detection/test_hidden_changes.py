"""Ways to hide a change of what nobody declares, each of which must not work."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from detection.test_undeclared_changes import BUCKET, EXPORTS, INSTANCE, OPEN, START, Watched, watched
from setpoint.detection import ownership
from setpoint.detection.finding_state_machine import advance
from setpoint.model.claim_conflicts import ClaimConflicts, RefusedClaim
from setpoint.model.declaration import Claim, Source, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.last_known_good import unpack
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy, Undeclared
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.stores import Snapshot
from sizes import size

PATH = "iamConfiguration.publicAccessPrevention"
CUT = {"name": "exports", "location": "EU"}
FUNCTION = "cloudfunctions.googleapis.com/Function"
NAME = "projects/p/locations/l/functions/x"


def status(resource: Watched) -> str:
    assert resource.state is not None
    finding = resource.state.finding
    return finding.status if finding is not None else "none"


def paths(resource: Watched) -> set[str]:
    assert resource.verdict is not None
    return {difference.path for difference in resource.verdict.differences}


def unknown(resource: Watched) -> set[str]:
    assert resource.state is not None
    return {explanation.path for explanation in resource.state.unknown}


def crowded() -> tuple[Watched, dict[str, Any]]:
    """A machine whose account was changed among so many labels that not all of it is remembered."""
    machine = watched({"description": "d"}, asset_type=INSTANCE, declared={"description": "d"})
    labels = {f"a{number:02}": "v" for number in range(60)}
    account = {"email": "evil@x.iam.gserviceaccount.com", "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
    return machine, {"description": "d", "labels": labels, "serviceAccounts": [account]}


def test_the_most_severe_of_many_changes_are_remembered():
    machine, changed = crowded()
    assert machine.see(changed) == [("serviceAccounts", "high")]
    assert "serviceAccounts" in unpack(machine.state.last_good).changed


@pytest.mark.parametrize("report", ["severe", "all"])
def test_an_apply_accepts_nothing_of_many_changes_that_it_does_not_name(report: Any):
    machine, changed = crowded()
    machine.policy = Policy(undeclared=Undeclared(report))
    machine.see(changed)
    before = paths(machine)
    machine.declare({"description": "d", "machineType": "e2-small"})
    assert paths(machine) >= before
    machine.see(changed | {"machineType": "e2-small"})
    assert paths(machine) == before
    assert status(machine) == "open"


def test_more_severe_changes_than_are_remembered_all_stay():
    machine = watched({"description": "d"}, asset_type=INSTANCE, declared={"description": "d"})
    items = [{"key": f"ssh-keys-{number}", "value": "x"} for number in range(60)]
    changed = {"description": "d", "metadata": {"items": items}}
    assert len(machine.see(changed)) == 60
    machine.declare({"description": "d", "machineType": "e2-small"})
    assert len(machine.see(changed | {"machineType": "e2-small"})) == 60


def test_a_truncated_asset_ends_no_change_and_shows_those_that_it_has():
    exports = watched()
    exports.see(OPEN)
    exports.see(CUT, truncated=True)
    assert status(exports) == "open"
    assert PATH in unknown(exports)
    exports.see(OPEN)
    assert exports.state.finding.episodes == 1
    exports.see(EXPORTS)
    assert status(exports) == "resolved"

    exports = watched()
    assert (PATH, "high") in exports.see(CUT | {"iamConfiguration": OPEN["iamConfiguration"]}, truncated=True)


def test_what_a_truncated_asset_lacks_is_unknown_and_no_change():
    exports = watched()
    assert exports.see(CUT, truncated=True) == []
    assert PATH in unknown(exports)
    assert "storageClass" not in unknown(exports)
    assert exports.see(EXPORTS) == []
    assert unknown(exports) == set()


def older(ingress: str) -> dict[str, Any]:
    return {
        "name": NAME,
        "ingressSettings": ingress,
        "timeout": "60s",
        "runtime": "python311",
        "entryPoint": "f",
        "availableMemoryMb": 256,
    }


def newer(ingress: str) -> dict[str, Any]:
    return {
        "name": NAME,
        "environment": "GEN_2",
        "serviceConfig": {"ingressSettings": ingress, "timeoutSeconds": 60},
    }


def function() -> Watched:
    return watched(older("ALLOW_INTERNAL_ONLY"), asset_type=FUNCTION, declared={"name": NAME})


def test_a_message_of_another_api_version_ends_no_change():
    resource = function()
    assert resource.see(older("ALLOW_ALL")) == [("ingressSettings", "high")]
    resource.see(newer("ALLOW_ALL"))
    assert status(resource) == "open"
    resource.see(newer("ALLOW_ALL"), through="api")
    assert status(resource) == "open"
    assert resource.see(older("ALLOW_ALL")) == [("ingressSettings", "high")]
    resource.see(older("ALLOW_INTERNAL_ONLY"))
    assert status(resource) == "resolved"


def test_a_message_of_another_api_version_replaces_no_good_value():
    resource = function()
    resource.see(newer("ALLOW_ALL"))
    assert "ingressSettings" in unknown(resource)
    assert resource.see(older("ALLOW_ALL")) == [("ingressSettings", "high")]


def test_in_another_api_version_too_a_change_is_a_change():
    resource = function()
    resource.see(newer("ALLOW_INTERNAL_ONLY"))
    assert resource.see(newer("ALLOW_ALL")) == [("serviceConfig.ingressSettings", "high")]
    resource.see(older("ALLOW_INTERNAL_ONLY"))
    assert status(resource) == "open"
    assert resource.see(newer("ALLOW_INTERNAL_ONLY")) == []
    assert status(resource) == "resolved"


def test_values_of_another_api_version_are_good_once_the_older_ones_show_no_change():
    resource = function()
    resource.see(newer("ALLOW_INTERNAL_ONLY"))
    assert unknown(resource)
    resource.see(older("ALLOW_INTERNAL_ONLY"))
    assert unknown(resource) == set()
    resource.see(newer("ALLOW_INTERNAL_ONLY"))
    assert unknown(resource) == set()


def test_a_type_that_comes_in_another_api_version_for_a_month_is_compared_in_that():
    resource = function()
    resource.see(newer("ALLOW_INTERNAL_ONLY"))
    resource.see(newer("ALLOW_INTERNAL_ONLY"), hours=24 * 31)
    assert unknown(resource) == set()
    assert resource.see(newer("ALLOW_ALL")) == [("serviceConfig.ingressSettings", "high")]


def test_good_values_outlast_a_time_without_a_declaration():
    exports = watched()
    exports.see(OPEN)
    exports.now += timedelta(hours=1)
    seen = Observation(exports.key, BUCKET, exports.now, data=OPEN)
    exports.state = advance(exports.state, seen, "undeclared", exports.now).state
    assert len(exports.see(OPEN)) == 2


def test_good_values_outlast_a_dispute():
    exports = watched()
    claims = (Claim("a", exports.desired.declarations, "1"), Claim("b", exports.desired.declarations, "2"))
    exports.now += timedelta(hours=1)
    seen = Observation(exports.key, BUCKET, exports.now, data=OPEN)
    contest = ClaimConflicts(disputed=claims, digest="x")
    snapshot = Snapshot(exports.key, None, Rules(), exports.state, None, contest=contest)
    verdict = ownership.judge(snapshot, seen, None)
    exports.state = advance(exports.state, seen, verdict, exports.now).state
    assert len(exports.see(OPEN)) == 2


def test_good_values_outlast_a_deletion_that_was_none():
    exports = watched(EXPORTS)
    exports.now += timedelta(hours=1)
    exports.see(None, deleted=True)
    assert len(exports.see(OPEN)) == 2


def test_a_resource_that_was_made_again_begins_anew():
    exports = watched(EXPORTS)
    again = OPEN | {"timeCreated": "2026-03-02T00:00:00Z"}
    verdict = ownership.judge(
        Snapshot(exports.key, exports.desired, Rules(), exports.state, None),
        Observation(exports.key, BUCKET, exports.now + timedelta(hours=1), data=again),
        None,
    )
    assert not isinstance(verdict, str)
    assert verdict.differences == ()


def test_a_second_declaration_ends_no_change():
    exports = watched()
    exports.see(OPEN)
    (own,) = exports.desired.declarations
    alone = exports.desired
    exports.desired = desired((own, replace(own, source=Source("b.yaml", 1))))
    exports.see(OPEN)
    assert status(exports) == "open"
    exports.desired = alone
    assert len(exports.see(OPEN)) == 2


def test_what_could_not_be_compared_stays_unknown_while_another_field_drifts():
    exports = Watched(
        declared={"location": "EU", "storageClass": "STANDARD", "iamConfiguration": {PATH[17:]: "enforced"}}
    )
    exports.see(EXPORTS)
    exports.see(OPEN)
    exports.see(CUT | {"storageClass": "NEARLINE"}, truncated=True)
    assert PATH in unknown(exports)
    exports.see(CUT | {"storageClass": "STANDARD"}, truncated=True)
    assert status(exports) == "open"
    exports.see(EXPORTS)
    assert status(exports) == "resolved"


def test_a_reader_of_the_store_cannot_try_passwords_on_a_digest():
    database = "sqladmin.googleapis.com/Instance"
    resource = watched(
        {"region": "europe-west1", "rootPassword": "hunter2"}, asset_type=database, declared={"region": "europe-west1"}
    )
    kept = unpack(resource.state.last_good).values["rootPassword"]
    keyed = hashlib.blake2b(
        msgspec.json.encode("hunter2"),
        key=hashlib.blake2b(resource.key.name.encode(), digest_size=16).digest(),
        digest_size=8,
    )
    assert keyed.hexdigest() not in kept
    assert resource.see({"region": "europe-west1", "rootPassword": "other"}) == [("rootPassword", "high")]


def test_a_change_of_the_grace_period_opens_no_window_and_accepts_nothing():
    exports = watched()
    exports.declare({"location": "EU"}, settle=60.0)
    assert len(exports.see(OPEN)) == 2
    exports.declare({"location": "EU"}, mode="alert")
    assert len(exports.see(OPEN)) == 2
    assert status(exports) == "open"


def test_the_window_after_an_apply_ends():
    exports = watched()
    exports.declare({"location": "EU", "storageClass": "STANDARD"})
    assert len(exports.see(OPEN, hours=24)) == 2


def test_a_resource_that_never_arrives_is_compared_after_a_day():
    machine = Watched(INSTANCE, {"machineType": "e2-small"})
    guarded = {
        "machineType": "e2-small",
        "status": "PROVISIONING",
        "shieldedInstanceConfig": {"enableSecureBoot": True},
    }
    machine.see(guarded)
    machine.see(guarded | {"description": "a"}, hours=20)
    assert machine.see(guarded | {"shieldedInstanceConfig": {"enableVtpm": True}}, hours=20) != []


@pytest.mark.thorough
def test_the_values_that_are_kept_of_a_resource_are_bounded_and_still_watched():
    most = size(1200, 5000)

    def rules(count: int, action: str = "deny(403)") -> dict[str, Any]:
        ranges = [f"10.{number}.0.0/16" for number in range(8)]
        return {
            "description": "d",
            "adaptiveProtectionConfig": {"layer7DdosDefenseConfig": {"enable": True}},
            "rules": [
                {"priority": number, "action": action, "match": {"config": {"srcIpRanges": ranges}}}
                for number in range(count)
            ],
        }

    policy = watched(rules(most), asset_type="compute.googleapis.com/SecurityPolicy", declared={"description": "d"})
    assert len(policy.state.last_good.packed) < 8_000
    assert policy.see(rules(most)) == []
    assert policy.see(rules(most, "allow")) == [("rules", "high")]
    assert policy.see(rules(most + 1, "allow")) == [("rules", "high")]
    policy.declare({"description": "d", "type": "CLOUD_ARMOR"})
    assert policy.see(rules(most + 1, "allow") | {"type": "CLOUD_ARMOR"}) == [("rules", "high")]
    unguarded = rules(most) | {"type": "CLOUD_ARMOR", "adaptiveProtectionConfig": {}}
    assert [path for path, _ in policy.see(unguarded)] == ["adaptiveProtectionConfig.layer7DdosDefenseConfig.enable"]
    assert policy.see(rules(most) | {"type": "CLOUD_ARMOR"}) == []


def test_entries_that_people_name_are_bounded_too():
    def machine(count: int, value: str = "x") -> dict[str, Any]:
        items = [{"key": f"ssh-keys-{number}", "value": value} for number in range(count)]
        return {"description": "d", "metadata": {"items": items}, "labels": {f"secret-{n}": "v" for n in range(count)}}

    resource = watched(machine(4000), asset_type=INSTANCE, declared={"description": "d"})
    assert len(resource.state.last_good.packed) < 8_000
    assert resource.see(machine(4000)) == []
    assert {severity for _, severity in resource.see(machine(4000, "y"))} == {"high"}


def test_a_refused_declaration_more_keeps_the_count_of_those_that_are_not_shown():
    many = {f"//example.googleapis.com/{number:03}": "why" for number in range(150)}
    last = ownership.source_observation("team", many, START)
    other = ownership.with_refusal(
        last, ResourceKey("//example.googleapis.com/000"), RefusedClaim("team", "a.yaml:1", "another reason"), START
    )
    assert other is not None
    assert other.data["count"] == 150
    few = ownership.source_observation("team", {"//example.googleapis.com/a": "why"}, START)
    more = ownership.with_refusal(
        few, ResourceKey("//example.googleapis.com/b"), RefusedClaim("team", "a.yaml:1", "why"), START
    )
    assert more is not None
    assert more.data["count"] == 2
