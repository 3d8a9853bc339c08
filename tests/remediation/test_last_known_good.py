"""Last known good values of undeclared fields are written back where the policy asks for it, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from remediation.apis import Meanwhile
from remediation.fleet import AUTO, FIREWALL, FIREWALL_TYPE, FIREWALL_URL, KEY, PLACES, TYPE, URL, World
from setpoint.declarations.readers.load import load
from setpoint.detection import pipeline
from setpoint.model.declaration import Declaration
from setpoint.model.maintenance_windows import Window
from setpoint.model.observation import Observation
from setpoint.model.policy import Limits, Match, Policy, Rule, Undeclared, UndeclaredMatch
from setpoint.model.resource_key import ResourceKey
from setpoint.remediation import commands
from setpoint.remediation.engine import preview, remediate

ALL = (UndeclaredMatch(asset_types=("*",)),)
GOOD = {
    "name": "exports",
    "location": "EU",
    "versioning": {"enabled": True},
    "labels": {"team": "shop"},
    "iamConfiguration": {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": {"enabled": True}},
    "softDeletePolicy": {"retentionDurationSeconds": "604800"},
}
OPEN = {**GOOD, "iamConfiguration": {**GOOD["iamConfiguration"], "publicAccessPrevention": "inherited"}}
PATH = "iamConfiguration.publicAccessPrevention"


def asking(*matches: UndeclaredMatch, policy: Policy = AUTO) -> Policy:
    return replace(policy, undeclared=Undeclared(remediate=matches or ALL))


def watched(world: World, policy: Policy | None = None, live: dict[str, Any] = GOOD, **declared: Any) -> None:
    """A bucket whose undeclared values are known to be good for two hours."""
    world.declare(policy or asking(), **declared)
    world.google.put(URL, live)
    world.observe(live)
    world.clock.forward(hours=2)


def change(world: World, live: dict[str, Any] = OPEN) -> None:
    world.google.put(URL, live)
    world.observe(live)


def live(world: World) -> dict[str, Any]:
    return {key: part for key, part in world.google.get(URL).items() if key in GOOD}


def test_a_bucket_that_was_opened_is_closed_again(world):
    watched(world)
    change(world)

    assert world.state.finding.differences[0].kind == "undeclared_change"
    assert remediate(KEY, world.context) == "resolved"
    assert live(world) == GOOD
    (effect,) = world.google.journal
    assert effect.after["iamConfiguration"] == GOOD["iamConfiguration"]
    assert (world.state.finding.status, world.state.finding.reason) == ("resolved", "in sync")
    assert world.event_types[-2:] == ["drift.resolved", "remediation.succeeded"]
    world.observe(GOOD)
    assert world.state.finding.status == "resolved"


@pytest.mark.parametrize(
    "policy",
    [
        AUTO,
        asking(UndeclaredMatch(paths=("softDeletePolicy",))),
        asking(UndeclaredMatch(asset_types=("compute.googleapis.com/*",))),
        asking(UndeclaredMatch(paths=("iamConfiguration",), asset_types=("compute.googleapis.com/*",))),
        asking(policy=replace(AUTO, rules=(Rule("all", mode="alert"),))),
        asking(policy=replace(AUTO, rules=())),
        asking(policy=replace(AUTO, rules=(Rule("labels", Match(paths=("labels.*",)), mode="auto"),))),
    ],
)
def test_without_the_policy_asking_nothing_is_written(world, policy: Policy):
    watched(world, policy)
    change(world)

    assert (remediate(KEY, world.context), world.writes, live(world)) == ("left", 0, OPEN)
    world.ticks(30)
    assert world.writes == 0


def test_a_quiet_change_is_never_written_back(world):
    watched(world, live={**GOOD, "storageClass": "STANDARD"})
    change(world, {**GOOD, "storageClass": "NEARLINE"})

    assert (remediate(KEY, world.context), world.writes) == ("nothing", 0)


def test_a_dry_run_says_what_it_would_write(world):
    watched(world, replace(asking(), dry_run=True))
    change(world)

    assert (remediate(KEY, world.context), world.writes) == ("rehearsed", 0)
    assert world.state.remediation.summary == (f"{PATH}: inherited -> enforced (last known good)",)


def test_the_preview_shows_the_last_known_good_value(world):
    watched(world, replace(asking(), dry_run=True))
    change(world)

    shown = preview(KEY, world.context)
    assert shown is not None
    assert shown[1].summary == (f"{PATH}: inherited -> enforced (last known good)",)


def test_an_approval_is_of_this_change_alone(world):
    watched(world, asking(policy=replace(AUTO, rules=(Rule("all", mode="approve"),))))
    change(world)

    assert (remediate(KEY, world.context), world.writes) == ("asked", 0)
    commands.approve(KEY, world.state.fingerprint, "bob", world.store, world.deps.projects, world.clock)
    worse = {**OPEN, "softDeletePolicy": {"retentionDurationSeconds": "0"}}
    change(world, worse)
    assert (remediate(KEY, world.context), world.writes) == ("asked", 0)
    commands.approve(KEY, world.state.fingerprint, "bob", world.store, world.deps.projects, world.clock)
    assert remediate(KEY, world.context) == "resolved"
    assert live(world) == GOOD


def test_outside_of_the_window_and_with_an_open_breaker_it_waits(world):
    closed = Window("0 1 * * 1", 3600.0)
    watched(world, asking(policy=replace(AUTO, rules=(Rule("all", mode="auto", windows=(closed,)),))))
    change(world)
    assert (remediate(KEY, world.context), world.writes) == ("waiting", 0)


def test_many_undeclared_changes_open_the_breaker(world):
    watched(world, asking(policy=replace(AUTO, limits=Limits(rollout=0.0, source_share=1.0, surge=1))))
    change(world)
    other = ResourceKey(KEY.name.replace("exports", "others"))
    declared = Declaration(KEY, TYPE, {"versioning": {"enabled": True}}, project="shop-prod")
    policy = asking(policy=replace(AUTO, limits=Limits(rollout=0.0, source_share=1.0, surge=1)))
    world.declare_all([(declared,), (replace(declared, key=other),)], policy)
    world.observe(GOOD, other)
    world.clock.forward(hours=2)
    world.observe(OPEN, other)
    remediate(other, world.context)
    world.google.journal.clear()
    remediate(KEY, world.context)

    assert world.writes == 0


def test_a_field_added_beside_declared_ones_is_removed(world):
    watched(world)
    change(world, {**GOOD, "cors": [{"origin": ["*"], "method": ["GET"]}]})

    assert remediate(KEY, world.context) == "resolved"
    assert "cors" not in world.google.get(URL)


def test_a_field_that_is_gone_is_set_again(world):
    rule = {"retentionPolicy": {"retentionPeriod": "86400"}}
    watched(world, live={**GOOD, **rule})
    change(world)
    change(world, GOOD)

    assert world.state.finding.differences[0].op == "missing"
    remediate(KEY, world.context)
    assert world.google.get(URL)["retentionPolicy"]["retentionPeriod"] == "86400"


def test_declared_drift_and_an_undeclared_change_are_written_together(world):
    watched(world)
    change(world, {**OPEN, "versioning": {"enabled": False}})

    assert remediate(KEY, world.context) == "resolved"
    assert live(world) == GOOD


def test_what_the_policy_does_not_ask_for_stays_as_it_is(world):
    watched(world, asking(UndeclaredMatch(paths=("iamConfiguration",))))
    change(world, {**OPEN, "softDeletePolicy": {"retentionDurationSeconds": "0"}})

    remediate(KEY, world.context)
    assert live(world) == {**GOOD, "softDeletePolicy": {"retentionDurationSeconds": "0"}}
    assert [difference.path for difference in world.state.finding.differences] == [
        "softDeletePolicy.retentionDurationSeconds"
    ]


def test_a_value_that_is_kept_as_a_digest_is_refused_by_name(world):
    long = {"cors": [{"origin": [f"https://shop-{number}.example.com" for number in range(30)], "method": ["GET"]}]}
    watched(world, live={**GOOD, **long})
    change(world, {**GOOD, "cors": [{"origin": ["*"], "method": ["GET"]}]})

    assert (remediate(KEY, world.context), world.writes) == ("handed_off", 0)
    assert "cors: only a digest of its last known good value is kept" in world.state.remediation.reason
    _, plan = preview(KEY, world.context)
    assert (plan.reason, [field.path for field in plan.fields]) == ("not_kept", ["cors"])


def test_beside_a_value_that_is_not_kept_nothing_is_written(world):
    long = {"cors": [{"origin": [f"https://shop-{number}.example.com" for number in range(30)], "method": ["GET"]}]}
    watched(world, live={**GOOD, **long})
    change(world, {**OPEN, "cors": [{"origin": ["*"], "method": ["GET"]}]})

    assert (remediate(KEY, world.context), world.writes) == ("handed_off", 0)


def test_a_value_that_is_not_kept_keeps_no_declared_one_from_being_written(world):
    long = {"cors": [{"origin": [f"https://shop-{number}.example.com" for number in range(30)], "method": ["GET"]}]}
    watched(world, live={**GOOD, **long})
    now = {**GOOD, "versioning": {"enabled": False}, "cors": [{"origin": ["*"], "method": ["GET"]}]}
    change(world, now)

    remediate(KEY, world.context)
    assert world.google.get(URL)["versioning"] == {"enabled": True}
    assert [difference.kind for difference in world.state.finding.differences] == ["undeclared_change"]
    assert (remediate(KEY, world.context), world.writes) == ("handed_off", 1)
    assert "cors: only a digest" in world.state.remediation.reason


def test_an_undeclared_change_from_before_an_apply_keeps_no_declared_drift_from_being_written(world):
    watched(world)
    change(world)
    declared = {"versioning": {"enabled": True}, "labels": {"team": "other"}}
    world.declare(asking(), data=declared)
    now = {**OPEN, "labels": {"team": "stranger"}}
    change(world, now)

    remediate(KEY, world.context)
    assert world.google.get(URL)["labels"] == {"team": "other"}
    assert world.google.get(URL)["iamConfiguration"] == OPEN["iamConfiguration"]
    assert remediate(KEY, world.context) == "asked"


def test_a_value_that_has_moved_since_is_decided_about_again(world):
    watched(world)
    change(world)
    world.google.put(URL, {**OPEN, "softDeletePolicy": {"retentionDurationSeconds": "0"}})

    assert (remediate(KEY, world.context), world.writes) == ("changed", 0)


def test_a_value_that_is_good_again_is_not_written(world):
    watched(world)
    change(world)
    world.google.put(URL, GOOD)

    assert (remediate(KEY, world.context), world.writes) == ("resolved", 0)


def test_a_change_between_the_reading_and_the_write_wins(world):
    watched(world)
    change(world)
    third = {**OPEN, "storageClass": "NEARLINE"}
    api = Meanwhile(world.context.live_resources.api, "write", lambda: world.google.put(URL, third))

    remediate(KEY, world.worker("worker-1", api))
    assert world.google.get(URL)["storageClass"] == "NEARLINE"


def test_a_field_that_is_declared_meanwhile_is_left_to_its_declaration(world):
    watched(world)
    change(world)
    declared = {"versioning": {"enabled": True}, "iamConfiguration": {"publicAccessPrevention": "inherited"}}
    world.declare(asking(), data=declared)

    assert (remediate(KEY, world.context), world.writes) == ("nothing", 0)
    assert world.state.finding.status == "resolved"


def test_a_declaration_that_lands_while_a_worker_reads_wins(world):
    watched(world)
    change(world)
    declared = {"versioning": {"enabled": True}, "iamConfiguration": {"publicAccessPrevention": "inherited"}}
    once = iter((True,))

    def declares() -> None:
        if next(once, False):
            world.declare(asking(), data=declared)

    remediate(KEY, world.worker("worker-1", Meanwhile(world.context.live_resources.api, "read", declares)))
    world.ticks(30)
    assert (world.writes, live(world)) == (0, OPEN)


def test_after_an_apply_that_does_not_name_the_field_a_person_is_asked(world):
    watched(world)
    change(world)
    world.declare(asking(), data={"versioning": {"enabled": True}, "labels": {"team": "other"}})
    world.google.put(URL, {**OPEN, "labels": {"team": "other"}})
    world.observe({**OPEN, "labels": {"team": "other"}})

    assert world.state.finding.differences[0].path == PATH
    assert (remediate(KEY, world.context), world.writes) == ("asked", 0)
    assert "applied after the change" in world.state.remediation.reason
    commands.approve(KEY, world.state.fingerprint, "bob", world.store, world.deps.projects, world.clock)
    assert remediate(KEY, world.context) == "resolved"
    assert world.google.get(URL)["iamConfiguration"] == GOOD["iamConfiguration"]


def test_while_an_apply_is_rolled_out_nothing_is_written(world):
    slow = asking(policy=replace(AUTO, limits=Limits(rollout=1800.0, source_share=1.0)))
    world.declare(slow)
    world.google.put(URL, GOOD)
    world.observe(GOOD)
    world.clock.forward(minutes=5)
    change(world)

    assert (remediate(KEY, world.context), world.writes) == ("waiting", 0)


def test_an_accepted_change_is_never_written_back(world):
    watched(world)
    change(world)
    commands.accept(KEY, "a public site by now", "ann", world.deps)

    assert (remediate(KEY, world.context), world.writes) == ("nothing", 0)
    world.observe(OPEN)
    world.ticks(60)
    assert (world.writes, live(world)) == (0, OPEN)


def test_after_an_acceptance_the_accepted_value_is_the_one_that_comes_back(world):
    watched(world)
    change(world)
    commands.accept(KEY, "a public site by now", "ann", world.deps)
    world.observe(OPEN)
    world.clock.forward(hours=1)
    change(world, {**OPEN, "softDeletePolicy": {"retentionDurationSeconds": "0"}})

    remediate(KEY, world.context)
    assert live(world) == OPEN


def test_a_person_who_accepts_while_a_worker_reads_is_not_overruled(world):
    watched(world)
    change(world)
    once = iter((True,))

    def accepts() -> None:
        if next(once, False):
            commands.accept(KEY, "a public site by now", "ann", world.deps)

    remediate(KEY, world.worker("worker-1", Meanwhile(world.context.live_resources.api, "read", accepts)))
    world.ticks(30)
    assert (world.writes, live(world)) == (0, OPEN)
    assert world.state.finding.status == "accepted"


def test_the_same_change_again_and_again_is_flapping(world):
    watched(world)
    for _ in range(4):
        change(world)
        remediate(KEY, world.context)
        world.clock.forward(minutes=10)
    world.ticks(30)

    assert live(world) == OPEN
    assert world.state.remediation.step == "stopped"


RULE = {"IPProtocol": "tcp", "ports": ["443"]}
WEB = {
    "name": "web",
    "network": "https://www.googleapis.com/compute/v1/projects/shop-prod/global/networks/default",
    "direction": "INGRESS",
    "priority": 1000,
    "sourceRanges": ["10.0.0.0/8"],
    "allowed": [RULE],
    "description": "web",
    "id": "1",
    "creationTimestamp": "2026-01-01T00:00:00.000-08:00",
}


def firewall(world: World, declared: dict[str, Any]) -> None:
    world.declare_all([(Declaration(FIREWALL, FIREWALL_TYPE, declared, project="shop-prod"),)], asking())
    world.google.put(FIREWALL_URL, WEB)
    world.observe(WEB, FIREWALL, FIREWALL_TYPE)
    world.clock.forward(hours=2)


@pytest.mark.parametrize(
    "changed",
    [
        {"sourceRanges": ["10.0.0.0/8", "0.0.0.0/0"]},
        {"allowed": [RULE, {"IPProtocol": "udp", "ports": ["53"]}]},
        {"allowed": [{"IPProtocol": "tcp", "ports": ["443", "22"]}]},
        {"disabled": True},
        {"priority": 10},
    ],
)
def test_a_firewall_is_as_it_was(world, changed: dict[str, Any]):
    firewall(world, {"description": "web"})
    now = {**WEB, **changed}
    world.google.put(FIREWALL_URL, now)
    world.observe(now, FIREWALL, FIREWALL_TYPE)

    assert remediate(FIREWALL, world.context) == "operating"
    world.google.end_operations()
    world.ticks(3)
    assert world.store.read(FIREWALL).state.finding.status == "resolved"
    after = world.google.get(FIREWALL_URL)
    assert {key: after[key] for key in ("sourceRanges", "allowed", "priority")} == {
        key: WEB[key] for key in ("sourceRanges", "allowed", "priority")
    }
    assert not after.get("disabled")


def test_a_field_that_the_api_cannot_change_is_handed_off(world):
    policy = replace(AUTO, undeclared=Undeclared(report="all", remediate=ALL))
    watched(world, policy)
    change(world, {**GOOD, "location": "US"})

    assert (remediate(KEY, world.context), world.writes) == ("handed_off", 0)
    _, plan = preview(KEY, world.context)
    assert (plan.reason, [field.path for field in plan.fields]) == ("immutable", ["location"])


def test_values_of_another_api_version_than_the_one_that_is_written_are_handed_off(world):
    key = ResourceKey("//dns.googleapis.com/projects/shop-prod/managedZones/web")
    url = "https://dns.googleapis.com/dns/v1/projects/shop-prod/managedZones/web"
    zone = {"name": "web", "dnsName": "web.example.", "description": "web", "dnssecConfig": {"state": "on"}, "id": "7"}
    asset_type = "dns.googleapis.com/ManagedZone"
    world.declare_all([(Declaration(key, asset_type, {"description": "web"}, project="shop-prod"),)], asking())

    def observe(data: dict[str, Any]) -> None:
        seen = Observation(
            key,
            asset_type,
            world.clock(),
            data=data,
            ancestors=PLACES,
            project_id="shop-prod",
            discovery_uri="https://www.googleapis.com/discovery/v1/apis/dns/v2/rest",
            discovery_name="ManagedZone",
        )
        pipeline.handle_observation(seen, world.deps)
        world.clock.forward(hours=2)

    observe(zone)
    weak = {**zone, "dnssecConfig": {"state": "off"}}
    world.google.put(url, weak)
    observe(weak)
    assert world.store.read(key).state.finding.status == "open"

    outcomes = [remediate(key, world.context) for _ in range(3)]
    assert (outcomes, world.writes) == (["handed_off"] * 3, 0)
    reads = len(world.google.requests)
    world.ticks(30)
    assert len(world.google.requests) == reads
    assert world.store.read(key).state.finding.status == "open"


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", ()),
        ('remediate: [{assetTypes: ["*"]}], ', ALL),
        ("remediate: [{paths: [iamConfiguration]}], ", (UndeclaredMatch(paths=("iamConfiguration",)),)),
    ],
)
def test_a_policy_says_what_is_written_back(tmp_path, text: str, matches: tuple[UndeclaredMatch, ...]):
    (tmp_path / "policy.yaml").write_text(
        "apiVersion: setpoint.dev/v1\nkind: Policy\nmetadata: {name: fleet}\n"
        f"spec: {{undeclared: {{{text}report: severe}}}}\n"
    )
    loaded = load([str(tmp_path)])
    assert loaded.problems == []
    assert loaded.policy.undeclared.remediate == matches


def test_a_policy_that_names_nothing_to_write_back_is_a_problem(tmp_path):
    (tmp_path / "policy.yaml").write_text(
        "apiVersion: setpoint.dev/v1\nkind: Policy\nmetadata: {name: fleet}\nspec: {undeclared: {remediate: [{}]}}\n"
    )
    (problem,) = load([str(tmp_path)]).problems
    assert "assetTypes" in problem.message
