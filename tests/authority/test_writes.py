"""Attacks 2, 4, 6 to 9 and 11: what is never written, whoever declares or approves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, DECLARED, DRIFTED, GRANTS, KEY, PLACES, TYPE, URL, World
from setpoint.adapters.google.resource_manager import ResourceManager
from setpoint.catalog.methods import default_methods
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection import pipeline
from setpoint.errors import AccessDenied, BadRequest, Unavailable
from setpoint.model import identity, policy
from setpoint.model import safety_limits as braking
from setpoint.model.declaration import Declaration
from setpoint.model.exemptions import Exemption
from setpoint.model.observation import Observation
from setpoint.model.policy import Limits, Match, Policy, Rule
from setpoint.model.resource_key import ResourceKey
from setpoint.model.safety_limits import Pause
from setpoint.model.source_grants import SourceGrant, Sources
from setpoint.model.write_plan import Call, WritePlan
from setpoint.remediation import commands, required_approval
from setpoint.remediation.engine import remediate
from setpoint.remediation.iam_planner import plan_policy

SANDBOX = Policy(
    rules=(
        Rule("sandbox", Match(projects=("sandbox",)), mode="auto"),
        Rule("prod", Match(projects=("shop-prod",)), mode="alert"),
    ),
    dry_run=False,
    limits=AUTO.limits,
)
LIMITS = Limits()
PLACED_AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def world(apis_in_process, rest_in_process, store) -> World:
    apis_in_process.journal.clear()
    return World(apis_in_process, rest_in_process, store)


class Places:
    """Cloud Resource Manager, with the project where a test puts it."""

    def __init__(self, *ancestors: str, error: Exception | None = None) -> None:
        self.now = ancestors
        self.error = error

    def ancestors(self, number: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
        del number, known
        if self.error is not None:
            raise self.error
        return self.now


def placed(world: World, places: Places) -> Any:
    """A worker who asks where projects are."""
    context = world.context
    return type(context)(context.detection, context.live_resources, context.worker, places)


def test_a_declared_project_gives_no_rule_of_that_project(world):
    world.declare_all([(Declaration(KEY, TYPE, DECLARED, project="sandbox"),)], SANDBOX)
    world.drift()

    assert world.state.finding.project == "shop-prod"
    assert world.state.finding.mode == "alert"
    assert world.state.finding.differences[0].path == "project"
    assert (remediate(KEY, world.context), world.writes) == ("left", 0)


def test_a_declaration_of_another_project_is_never_written_although_the_rule_says_auto(world):
    world.declare_all([(Declaration(KEY, TYPE, DECLARED, project="sandbox"),)], AUTO)
    world.drift()
    assert (remediate(KEY, world.context), world.writes) == ("left", 0)

    world.declare_all([(Declaration(KEY, TYPE, DECLARED, project="shop-prod"),)], AUTO)
    assert (remediate(KEY, world.context), world.writes) == ("resolved", 1)


def written(key: ResourceKey, asset_type: str, live: Any, body: Any, limits: Limits = LIMITS) -> str:
    """Why a write asks for a person."""
    plan = WritePlan(key, Call("m", "POST", "https://a", body=body), "")
    reading = Observation(key, asset_type, PLACED_AT, data=live, ancestors=PLACES)
    return required_approval.needs_person(
        required_approval.PlannedWrite(Declaration(key, asset_type, {}), plan, reading, limits)
    )


ROLE = ResourceKey("//iam.googleapis.com/organizations/4/roles/setpointRemediate")
ACCOUNT = "serviceAccount:setpoint-remediate@ops.iam.gserviceaccount.com"


ANN = "user:ann@example.com"
EXPIRED = {"title": "over", "expression": 'request.time < timestamp("2020-01-01T00:00:00Z")'}
GUARDED = {
    "roles/owner": "last owner",
    "roles/resourcemanager.organizationAdmin": "last organisation administrator",
    "roles/resourcemanager.folderAdmin": "last folder administrator",
}


def grants(**members: list[str]) -> dict[str, Any]:
    return {"bindings": [{"role": f"roles/{role}", "members": of_role} for role, of_role in members.items()]}


@pytest.mark.parametrize(
    ("key", "asset_type"),
    [
        (ROLE, "iam.googleapis.com/Role"),
        (ResourceKey("//iam.googleapis.com/projects/ops/roles/setpointRemediate"), "iam.googleapis.com/Role"),
        (
            ResourceKey("//iam.googleapis.com/projects/ops/serviceAccounts/setpoint-sync@ops.iam.gserviceaccount.com"),
            "iam.googleapis.com/ServiceAccount",
        ),
        (ResourceKey("//storage.googleapis.com/ops-setpoint"), TYPE),
        (ResourceKey("//cloudfunctions.googleapis.com/projects/ops/locations/eu/functions/setpoint-sync"), "a/B"),
    ],
)
def test_a_declaration_never_widens_the_installations_own_rights_without_a_person(key, asset_type):
    assert "Setpoint's own installation" in written(key, asset_type, {}, {"includedPermissions": ["a.b.c"]})


@pytest.mark.parametrize(
    ("live", "body", "reason"),
    [
        (grants(owner=["user:ann@example.com"], viewer=["user:bob@example.com"]), grants(), "last owner"),
        (grants(viewer=["user:bob@example.com", ACCOUNT]), grants(viewer=["user:bob@example.com"]), "Setpoint's own"),
        (grants(viewer=["user:bob@example.com"]), grants(viewer=["user:bob@example.com", ACCOUNT]), "Setpoint's own"),
        (
            grants(viewer=[f"user:u{number}@example.com" for number in range(10)]),
            grants(viewer=[f"user:u{number}@example.com" for number in range(7)]),
            "removes 3 of 10 grants, more than 20%",
        ),
        (
            grants(viewer=[f"user:u{number}@example.com" for number in range(10)]),
            {"policy": grants(viewer=[f"user:u{number}@example.com" for number in range(8)])},
            "",
        ),
        (grants(viewer=["allUsers", "user:bob@example.com"]), grants(viewer=["user:bob@example.com"]), ""),
        (grants(viewer=["allUsers"]), {"policy": grants(viewer=["user:bob@example.com"])}, ""),
    ],
)
def test_a_policy_never_loses_its_last_owner_its_remediator_or_a_share_of_its_grants_without_a_person(
    live, body, reason
):
    asked = written(GRANTS, TYPE, live, body)
    assert reason in asked
    assert bool(asked) == bool(reason)


@pytest.mark.parametrize(("role", "reason"), GUARDED.items())
@pytest.mark.parametrize(
    "rest",
    [
        [],
        [{"members": ["user:bob@example.com"], "condition": EXPIRED}],
        [{"members": ["deleted:user:bob@example.com?uid=1"]}],
    ],
    ids=["nobody", "expired", "deleted"],
)
def test_who_has_a_condition_or_is_deleted_is_no_remaining_owner(role, reason, rest):
    others = [{"role": role} | binding for binding in rest]
    viewers = {"role": "roles/viewer", "members": [f"user:u{number}@example.com" for number in range(10)]}
    live = {"bindings": [viewers, {"role": role, "members": [ANN]}, *others]}
    assert written(GRANTS, TYPE, live, {"bindings": [viewers, *others]}) == f"it removes the {reason}"


def test_one_administrator_does_not_stand_for_another_and_a_write_that_removes_none_asks_nobody():
    owner, admin, folders = ({"role": role, "members": [ANN]} for role in GUARDED)
    bindings = [owner, admin, folders, {"role": "roles/viewer", "members": [f"user:{n}@example.com" for n in range(9)]}]
    asked = written(GRANTS, TYPE, {"bindings": bindings}, {"bindings": [owner, *bindings[2:]]})
    assert asked == "it removes the last organisation administrator"
    expired = [{"role": role, "members": [ANN], "condition": EXPIRED} for role in GUARDED]
    assert written(GRANTS, TYPE, {"bindings": [*expired, owner]}, {"bindings": [*expired, owner, bindings[3]]}) == ""


def test_organisation_policies_are_never_written_without_a_person():
    key = ResourceKey("//orgpolicy.googleapis.com/projects/12/policies/iam.allowedPolicyMemberDomains")
    assert "organisation policy" in written(key, "orgpolicy.googleapis.com/Policy", {}, {"spec": {}})


def test_the_first_sample_rule_asks_before_a_policy_that_lost_its_bindings_in_git_is_written(world):
    live = grants(**{"owner": ["user:ann@example.com"], "storage.admin": [ACCOUNT]})
    world.declare_all([(Declaration(GRANTS, TYPE, {"bindings": []}, project="shop-prod"),)], AUTO)
    world.google.put(URL, DRIFTED)
    world.google.put_policy(URL, live | {"version": 3})
    world.observe(live, GRANTS)

    assert (remediate(GRANTS, world.context), world.writes) == ("asked", 0)
    reason = world.store.read(GRANTS).state.remediation.reason
    assert "last owner" in reason
    assert "Setpoint's own" in reason


def test_a_bucket_that_a_stranger_made_again_under_its_name_is_not_written(world):
    world.declare(data=DECLARED)
    world.drift({**DRIFTED, "projectNumber": "12", "timeCreated": "2026-01-01T00:00:00Z"})
    world.google.put(URL, {**DRIFTED, "projectNumber": "666", "timeCreated": "2026-03-01T00:00:00Z"})
    snapshot = world.store.read(KEY)
    assert (remediate(KEY, world.context), world.writes) == ("stopped", 0)
    assert "project 666" in world.state.remediation.reason

    commands.exempt(KEY, Exemption("known", "ann", world.clock(), world.clock() + timedelta(days=1)), world.deps)
    seen = Observation(KEY, TYPE, world.clock(), data={**DECLARED, "projectNumber": "666"}, ancestors=("projects/666",))
    pipeline.handle_observation(seen, world.deps)
    assert snapshot.state.finding.status == "open"
    assert world.state.finding.status == "open"
    assert world.state.exemption is None


def test_a_bucket_in_a_strangers_project_is_not_in_sync_although_the_declaration_names_no_project(world):
    world.declare_all([(Declaration(KEY, TYPE, DECLARED),)], AUTO)
    world.observe({**DECLARED, "name": "exports"})
    assert world.state.finding is None
    seen = Observation(KEY, TYPE, world.clock(), data=DECLARED, ancestors=("projects/666", "organizations/9"))
    pipeline.handle_observation(seen, world.deps)

    (difference,) = world.state.finding.differences
    assert (difference.path, difference.declared, difference.observed) == ("project", "12", "666")
    pipeline.handle_observation(replace(seen, observed_at=world.clock()), world.deps)
    assert world.state.finding.status == "open"


def test_findings_approvals_and_exemptions_of_a_resource_that_was_made_again_do_not_carry_over(world):
    world.declare(policy=replace(AUTO, rules=(Rule("all", mode="approve"),)))
    world.drift({**DRIFTED, "timeCreated": "2026-01-01T00:00:00.123Z"})
    remediate(KEY, world.context)
    world.approve()
    first = world.state.finding

    world.observe({**DRIFTED, "timeCreated": "2026-03-01T12:00:00Z"})
    assert world.state.finding.episodes == first.episodes + 1
    assert world.state.remediation is None
    assert world.event_types[-2:] == ["drift.resolved", "drift.opened"]
    assert (remediate(KEY, world.context), world.writes) == ("asked", 0)


@pytest.mark.parametrize(
    ("before", "now", "is_other"),
    [
        ({"id": "1"}, {"id": "2"}, True),
        ({"id": 1}, {"id": "1"}, False),
        ({"uid": "a", "createTime": "2026-01-01T00:00:00Z"}, {"uid": "a", "createTime": "2026-01-02T00:00:00Z"}, True),
        ({"timeCreated": "2026-01-01T00:00:00.123Z"}, {"timeCreated": "2026-01-01T01:00:00+01:00"}, False),
        ({"id": "1"}, {"name": "a"}, False),
        ({"createTime": "yesterday"}, {"createTime": "today"}, False),
        (None, {"id": "1"}, False),
    ],
)
def test_two_identities_are_of_two_resources_where_they_contradict_each_other(before, now, is_other):
    assert identity.is_other(identity.identity_of(before), identity.identity_of(now)) is is_other


def test_a_project_that_moved_is_under_the_rules_and_pauses_of_its_new_folder(world):
    old = Rule("old", Match(ancestors=("folders/3",)), mode="auto")
    new = Rule("new", Match(ancestors=("folders/9",)), mode="auto")
    world.declare(policy=replace(AUTO, rules=(old, new)))
    world.drift()
    world.brake(lambda now: braking.pause(now, Pause("folders/9", world.clock(), "ann")))
    moved = placed(world, Places("projects/12", "folders/9", "organizations/4"))

    assert (remediate(KEY, moved), world.writes) == ("waiting", 0)
    assert "folders/9 is paused" in world.state.remediation.reason

    world.brake(lambda now: braking.resume(now, "folders/9"))
    world.brake(lambda now: braking.pause(now, Pause("folders/3", world.clock(), "ann")))
    world.clock.forward(hours=1)
    assert (remediate(KEY, moved), world.writes) == ("resolved", 1)


@pytest.mark.parametrize(
    "error", [AccessDenied("projects/12", "resourcemanager.projects.get", "403"), Unavailable("503")]
)
def test_where_nobody_tells_where_a_project_is_nothing_is_written(world, error):
    world.declare()
    world.drift()
    outcome = remediate(KEY, placed(world, Places(error=error)))

    assert (outcome in ("handed_off", "unread"), world.writes) == (True, 0)


class Hierarchy:
    """Projects and folders that an API shows."""

    def __init__(self, **parents: str) -> None:
        self.parents = {name.replace("_", "/"): parent for name, parent in parents.items()}

    def read(self, call: Call) -> Any:
        name = call.url.partition("/v3/")[2]
        if name not in self.parents:
            raise AccessDenied(name, "resourcemanager.folders.get", "403")
        return {"parent": self.parents[name]}


def test_the_place_of_a_project_is_read_up_to_its_organisation():
    manager = ResourceManager(
        lambda: Hierarchy(projects_12="folders/3", folders_3="folders/2", folders_2="organizations/4")
    )
    assert manager.ancestors("12") == ("projects/12", "folders/3", "folders/2", "organizations/4")


def test_above_a_folder_that_nobody_may_see_the_place_is_the_one_that_was_known_and_a_new_folder_is_none():
    manager = ResourceManager(lambda: Hierarchy(projects_12="folders/3"))
    assert manager.ancestors("12", ("projects/12", "folders/3", "organizations/4")) == (
        "projects/12",
        "folders/3",
        "organizations/4",
    )
    with pytest.raises(AccessDenied):
        manager.ancestors("12", ("projects/12", "folders/8", "organizations/4"))


@pytest.mark.parametrize("name", ["projects/shop-prod", "projects/12"])
def test_a_pause_holds_a_resource_by_its_projects_id_and_number_alike(world, name):
    world.store.write_project_ids({"12": "shop-prod"})
    world.declare_all([(Declaration(KEY, TYPE, DECLARED),)], AUTO)
    world.google.put(URL, DRIFTED)
    pipeline.handle_observation(Observation(KEY, TYPE, world.clock(), data=DRIFTED, ancestors=PLACES), world.deps)
    commands.pause(Pause(name, world.clock(), "ann"), world.deps.store)

    assert (remediate(KEY, world.context), world.writes) == ("waiting", 0)


@pytest.mark.parametrize(
    "name", ["projects/shop-prud", "projects/13", "folders/33", "organizations/44", "sources/gitt"]
)
def test_a_pause_of_a_place_that_nothing_is_known_of_is_refused_unless_it_is_meant(world, name):
    world.declare()
    world.drift()
    with pytest.raises(BadRequest, match="not-seen-yet"):
        commands.pause(Pause(name, world.clock(), "ann"), world.deps.store)

    commands.pause(Pause(name, world.clock(), "ann"), world.deps.store, not_seen_yet=True)
    assert [pause.of for pause in world.store.safety_state().value.pauses] == [name]


@pytest.mark.parametrize("name", ["projects/shop-prod", "projects/12", "folders/3", "organizations/4", "sources/git"])
def test_a_pause_of_a_place_that_is_known_is_taken(world, name):
    world.declare()
    world.drift()
    commands.pause(Pause(name, world.clock(), "ann"), world.deps.store)
    assert (remediate(KEY, world.context), world.writes) == ("waiting", 0)


def test_while_the_id_of_a_project_is_unknown_no_rule_by_id_falls_through_to_auto(world):
    rules = (Rule("hands off", Match(projects=("shop-prod",)), mode="alert"), Rule("all", mode="auto"))
    world.declare_all([(Declaration(KEY, TYPE, DECLARED),)], replace(AUTO, rules=rules))
    world.google.put(URL, DRIFTED)
    pipeline.handle_observation(Observation(KEY, TYPE, world.clock(), data=DRIFTED, ancestors=PLACES), world.deps)

    assert (remediate(KEY, world.context), world.writes) == ("stopped", 0)
    assert "the id of its project 12 is not known" in world.state.remediation.reason


@pytest.mark.parametrize("ancestors", [(), ("projects/12",)])
def test_what_is_not_known_of_a_place_lets_nothing_be_written_even_with_an_approval(world, ancestors):
    world.declare_all([(Declaration(KEY, TYPE, DECLARED),)], AUTO)
    world.google.put(URL, DRIFTED)
    pipeline.handle_observation(Observation(KEY, TYPE, world.clock(), data=DRIFTED, ancestors=ancestors), world.deps)
    remediate(KEY, world.context)
    world.approve()

    assert (remediate(KEY, world.context), world.writes) == ("stopped", 0)


def test_a_source_whose_place_it_no_longer_is_writes_nothing(world):
    world.declare()
    world.drift()
    world.declare_sources(Sources((SourceGrant("git", projects=("other",)),)))

    assert (remediate(KEY, world.context), world.writes) == ("nothing", 0)
    assert world.state.finding.status == "resolved"


def test_a_custom_role_whose_id_says_withcond_does_not_keep_its_policy_from_being_written():
    role = "organizations/4/roles/my_withcond_role"
    declared = {"bindings": [{"role": role, "members": ["user:ann@example.com"]}]}
    stripped = "roles/viewer_withcond_2b17cc25d2cd9e2c54d8"
    assert isinstance(planned_policy(declared, role), WritePlan)
    assert not isinstance(planned_policy(declared, stripped), WritePlan)


def planned_policy(declared: dict[str, Any], role: str) -> Any:
    schema = default_catalogue().schema_for(TYPE)
    resource = default_methods().resource(KEY.name, schema)
    live = {"etag": "CAE=", "bindings": [{"role": role, "members": ["user:bob@example.com"]}]}
    return plan_policy(Declaration(GRANTS, TYPE, declared), live, resource, None)


def test_a_change_that_is_paired_with_an_unwritable_one_is_told_with_it(world):
    world.declare(data={**DECLARED, "location": "US"})
    world.drift()

    assert (remediate(KEY, world.context), world.writes) == ("handed_off", 0)
    summary = "; ".join(world.state.remediation.summary)
    assert "location" in summary
    assert "versioning.enabled: it is not written either" in summary


def test_the_second_breaker_pauses_a_source_of_which_too_large_a_part_drifts():
    safety = braking.SafetyState()
    for number in range(51):
        safety = braking.record_source_request(safety, "git", 1_000, LIMITS, PLACED_AT)
        assert bool(safety.pauses) == (number == 50)
    (pause,) = safety.pauses
    assert (pause.of, pause.by) == ("sources/git", braking.SECOND_BREAKER)
    assert "51 of the 1000 resources" in pause.reason
    assert braking.resume(safety, "sources/git").pauses == ()


def test_policies_name_limits_of_sources_and_of_approvals():
    assert (LIMITS.per_source, LIMITS.source_share, LIMITS.approval_lasts) == (30, 0.05, 86_400.0)
    assert policy.Rule("all").approvals == 1
