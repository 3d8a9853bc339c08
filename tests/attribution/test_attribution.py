"""From the entry of an audit log and the observation, whichever comes first, to the actor of the finding."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.world import (
    ALICE,
    BOB,
    DEPLOY,
    DRIFTED,
    IN_SYNC,
    KEY,
    NOON,
    OTHERWISE,
    OWN,
    World,
    entry,
    moment,
)
from setpoint.attribution import service
from setpoint.detection import pipeline
from setpoint.model.actors import Actor, AuditedChange
from setpoint.model.observation import Observation
from setpoint.model.policy import Match, Policy, Rule
from setpoint.model.resource_key import ResourceKey

RULED = Policy(rules=(Rule("alice", Match(actors=("alice@*",)), severity="critical"),))
APPLIED = Policy(appliers=("deploy@*",), applier_grace=600)


def test_where_the_log_comes_first_the_actor_is_in_the_event_that_opens():
    world = World()
    world.observe(IN_SYNC, -100)
    assert world.log() == "kept"
    assert world.observe() == "opened"

    assert world.event_types == ["drift.opened"]
    expected = Actor(
        principal=ALICE,
        kind="person",
        confidence="certain",
        method="storage.buckets.update",
        requested_at=moment(-10),
        caller="console",
        ip="203.0.113.0",
    )
    assert world.bus.events[0].data.actor == world.actor == expected


def test_where_the_drift_comes_first_the_actor_is_told_once():
    world = World()
    world.observe()
    assert world.actor is None
    assert [world.log() for _ in range(3)] == ["told"] * 3

    assert world.event_types == ["drift.opened", "drift.attributed"]
    assert world.bus.events[-1].data.actor.principal == ALICE
    assert world.observe() == "repeated"
    assert world.observe(seconds=30) == "drifted"
    assert world.actor.principal == ALICE


def test_a_second_who_may_have_done_it_is_told_too():
    world = World()
    world.observe()
    world.log()
    world.log(BOB, -5)

    assert world.event_types == ["drift.opened", "drift.attributed", "drift.attributed"]
    assert (world.actor.principal, world.actor.confidence, world.actor.others) == (BOB, "possible", (ALICE,))


def test_what_does_not_explain_the_drift_changes_nothing():
    world = World()
    world.observe()
    assert [world.log(BOB, 300), world.log(BOB, -5000)] == ["kept", "kept"]
    assert (world.actor, world.event_types) == (None, ["drift.opened"])


def test_a_changed_drift_looks_for_an_actor_of_its_own():
    world = World()
    world.log()
    world.observe()
    world.observe(OTHERWISE, 400)
    assert world.actor is None
    assert world.state.finding.changed_at == moment(400)

    world.log(BOB, 390)
    assert (world.actor.principal, world.actor.confidence) == (BOB, "certain")


def test_a_drift_that_comes_back_is_somebody_elses():
    world = World()
    world.log()
    world.observe()
    world.observe(IN_SYNC, 100)
    assert world.actor.principal == ALICE, "a resolved finding tells who it was"
    world.observe(DRIFTED, 200)
    assert world.actor is None


def test_a_drift_that_a_new_declaration_makes_is_nobodys():
    world = World()
    world.observe(IN_SYNC, 0)
    world.log(ALICE, -5)
    world.declare(location="ASIA")

    assert (world.event_types, world.actor) == (["drift.opened"], None)


def test_a_rule_for_somebody_applies_as_soon_as_it_is_known_who_it_was():
    late, early = World(RULED), World(RULED)
    late.observe()
    assert late.state.finding.severity != "critical"
    late.log()
    early.log()
    early.observe()

    assert late.event_types == ["drift.opened", "drift.changed"]
    assert (late.state.finding.severity, early.state.finding.severity) == ("critical", "critical")


def test_a_rule_for_somebody_does_not_apply_to_what_may_have_been_another():
    world = World(RULED)
    world.log(BOB, -20)
    world.log(ALICE, -10)
    world.observe()
    assert world.actor.confidence == "possible"
    assert world.state.finding.severity != "critical"


def test_what_an_applier_changes_opens_only_when_it_lasts():
    world = World(APPLIED)
    world.now = NOON
    world.log(DEPLOY)
    assert world.observe() == "settling"
    world.now = moment(599)
    assert pipeline.promote_settled(world.deps) == {}
    world.now = moment(601)
    assert pipeline.promote_settled(world.deps) == {"opened": 1}
    assert (world.actor.kind, world.event_types) == ("applier", ["drift.opened"])


def test_a_sync_that_comes_after_the_applier_resolves_it_quietly():
    world = World(APPLIED)
    world.now = NOON
    world.log(DEPLOY)
    world.observe()
    world.declare(APPLIED, location="US")
    assert (world.event_types, world.state.settling, world.state.finding) == ([], None, None)


def test_an_applier_who_is_told_of_while_a_drift_settles_has_its_grace():
    world = World()
    world.declare(APPLIED, settle=60.0)
    world.now = NOON
    world.observe()
    world.now = moment(30)
    assert world.log(DEPLOY) == "told"
    world.now = moment(61)
    assert pipeline.promote_settled(world.deps) == {}
    world.now = moment(601)
    assert pipeline.promote_settled(world.deps) == {"opened": 1}


def test_what_a_person_does_through_the_applier_is_told_at_once():
    world = World(APPLIED)
    chain = {
        "principalEmail": DEPLOY,
        "serviceAccountDelegationInfo": [{"firstPartyPrincipal": {"principalEmail": BOB}}],
    }
    content = entry().replace(b'{"principalEmail":"alice@example.com"}', msgspec.json.encode(chain))
    world.receive(content)
    assert world.observe() == "opened"
    assert (world.actor.principal, world.actor.kind, world.actor.through) == (BOB, "person", (DEPLOY,))


def test_what_setpoint_itself_writes_is_nobodys_drift():
    world = World()
    assert world.log(OWN) == "own"
    world.observe()
    assert world.actor is None


def test_what_is_no_entry_is_dead_lettered_with_the_reason():
    world = World()
    assert world.receive(b"{broken") == "rejected"
    assert world.dead_letters.kept[0].reason.startswith("not an entry of an audit log: ")
    assert world.receive(entry(method="storage.buckets.get")) == "nothing"


def test_an_operation_explains_what_is_seen_when_it_is_over():
    world = World()
    world.observe(seconds=3000)
    first = entry(ALICE, 0, operation={"id": "op", "first": True})
    last = entry("", 2990, operation={"id": "op", "last": True})
    assert [world.receive(first), world.receive(last)] == ["kept", "told"]
    assert (world.actor.principal, world.actor.requested_at) == (ALICE, NOON)


DATABASE_KEY = "//secretmanager.googleapis.com/projects/shop-prod/secrets/db"
NUMBERED = {
    "service": "secretmanager.googleapis.com",
    "method": "google.cloud.secretmanager.v1.SecretManagerService.UpdateSecret",
    "resource": "projects/12/secrets/db",
}


def test_a_change_is_found_under_the_name_by_which_the_resource_is_kept():
    world = World(key=ResourceKey(DATABASE_KEY))
    world.observe()
    assert world.log(**NUMBERED) == "told"
    assert world.actor.principal == ALICE


def test_a_projects_number_is_known_from_what_was_observed():
    world = World(key=ResourceKey(DATABASE_KEY))
    world.store.write_project_ids({"12": "shop-prod"})
    world.observe()
    logged_entry = entry(**NUMBERED).replace(b'"project_id":"shop-prod"', b'"project_id":""')
    assert world.receive(logged_entry) == "told"


def test_a_project_that_the_inventory_names_by_number_is_found_by_the_id_that_the_log_names():
    key = ResourceKey("//cloudresourcemanager.googleapis.com/projects/20318464073")
    world = World(key=key)
    world.store.write_project_ids({"20318464073": "shop-prod"})
    world.observe()
    logged = {"service": "cloudresourcemanager.googleapis.com", "method": "UpdateProject"}
    assert world.log(**logged, resource="projects/shop-prod") == "told"
    assert world.actor.principal == ALICE


def test_of_a_resource_that_nobody_knows_yet_a_change_is_kept_under_each_name():
    world = World()
    world.log(**NUMBERED)
    numbered = DATABASE_KEY.replace("shop-prod", "12")
    assert all(len(world.store.read(ResourceKey(name)).changes) == 1 for name in (DATABASE_KEY, numbered))


def test_an_entry_that_comes_between_read_and_commit_is_not_missed():
    class Slow(World):
        def observe(self, *arguments):
            commit = self.store.commit

            def late(*given):
                self.store.commit = commit
                self.log()
                return commit(*given)

            self.store.commit = late
            return super().observe(*arguments)

    world = Slow()
    assert world.observe() == "opened"
    assert (world.actor.principal, world.event_types) == (ALICE, ["drift.opened", "drift.attributed"])


def test_every_backend_tells_the_same(new_backend):
    world = World(store=new_backend().open())
    world.observe(IN_SYNC, -100)
    world.observe()
    world.log()
    assert (world.actor.principal, world.actor.confidence) == (ALICE, "certain")
    assert world.event_types == ["drift.opened", "drift.attributed"]


OBSERVED = st.lists(
    st.tuples(st.sampled_from([IN_SYNC, DRIFTED, OTHERWISE]), st.integers(-5, 5).map(lambda step: step * 100)),
    min_size=1,
    max_size=3,
    unique_by=lambda pair: pair[1],
)
LOGGED = st.lists(
    st.tuples(st.sampled_from([ALICE, BOB, ""]), st.integers(-12, 12).map(lambda step: step * 50 - 7)), max_size=4
)


@given(data=st.data(), observed=OBSERVED, logged=LOGGED)
def test_the_actor_is_the_same_in_whatever_order_all_comes(data, observed, logged):
    """Redeliveries included; observations may be late."""
    messages = [("observed", observation) for observation in observed] + [("logged", log_entry) for log_entry in logged]
    ordered = sorted(messages, key=lambda labelled: labelled[1][1])
    shuffled = data.draw(st.permutations(messages + data.draw(st.lists(st.sampled_from(messages), max_size=3))))
    actors = []
    for stream in (ordered, shuffled):
        world = World()
        for what, (message, seconds) in stream:
            world.log(message, seconds) if what == "logged" else world.observe(message, seconds)
        finding = world.state.finding
        actors.append(finding.actor if finding is not None and finding.status == "open" else None)
    assert actors[0] == actors[1]


@given(seconds=st.lists(st.integers(-900, 60), min_size=1, max_size=3, unique=True), others=LOGGED)
def test_nobody_is_blamed_who_is_in_no_log(seconds, others):
    world = World()
    for principal, when in [*((BOB, second) for second in seconds), *others]:
        world.log(principal, when)
    world.observe()
    known = {BOB, *(principal or "redacted" for principal, _ in others)}
    assert world.actor is not None
    assert {world.actor.principal, *world.actor.others} <= known


def test_a_change_keeps_its_key_and_content():
    world = World()
    world.log(method="storage.setIamPermissions")
    assert world.store.read(KEY).changes == ()
    (kept,) = world.store.read(ResourceKey(KEY.name, "iam_policy")).changes
    assert isinstance(kept, AuditedChange)


@pytest.mark.parametrize("method", ["storage.buckets.delete", "storage.buckets.create"])
def test_who_makes_or_deletes_a_resource_does_so_to_its_policy_too(method):
    world = World()
    assert service.receive(entry(method=method), {}, world.attributor) == {"kept": 2}
    assert len(world.store.read(ResourceKey(KEY.name, "iam_policy")).changes) == 1


def test_a_deletion_tells_who_deleted():
    world = World()
    world.observe(IN_SYNC, -100)
    service.receive(entry(method="storage.buckets.delete"), {}, world.attributor)
    gone = Observation(KEY, "storage.googleapis.com/Bucket", NOON, deleted=True, data=IN_SYNC)
    assert pipeline.handle_observation(gone, world.deps) == "opened"
    assert (world.state.finding.kind, world.actor.principal) == ("deleted", ALICE)
