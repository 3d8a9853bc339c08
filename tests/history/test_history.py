"""Since when, by whom and from what a drift that began unseen came, over the fakes of both APIs."""

from __future__ import annotations

import grpc
import pytest
from msgspec.structs import replace

from history.past_bucket import ALICE, ANCESTORS, BOB, BUCKET, ORG, World, ago, asset, declared, entry, name_of
from setpoint.attribution.history import read_histories, read_history_of
from setpoint.model.declaration import Declaration, Scope
from setpoint.model.policy import Policy
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.testing.rate_quotas import Quota


@pytest.fixture
def world(asset_service, cloud_logging_at) -> World:
    return World(asset_service, *cloud_logging_at)


def put(world, bucket, *versions):
    for time, data in versions:
        world.assets.put(asset(bucket, time, data))


def field(world, bucket, content="resource"):
    (only,) = world.history(bucket, content).fields
    return only


def test_a_first_sweep_learns_since_when_by_whom_and_from_what(world):
    put(world, "b", (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    world.logs.put(entry("b", ago(7, seconds=-90), BOB))  # after the change
    world.logs.put(entry("b", ago(7, seconds=200), BOB))
    world.logs.put(entry("b", ago(7, seconds=30)))
    world.declare(declared("b", location="EU"))
    world.sweep()
    assert world.finding("b").actor is None

    result = read_histories(world.reader())
    assert (result.dated, result.searched, result.named, result.is_complete) == (1, 1, 1, True)
    began = field(world, "b")
    assert (began.since, began.at_least, began.before) == (ago(7), False, "EU")
    assert world.history("b").since == ago(7)
    actor = world.finding("b").actor
    assert (actor.principal, actor.caller, actor.confidence) == (ALICE, "console", "possible")
    assert actor.others == (BOB,)


def test_the_only_change_before_it_is_certain(world):
    put(world, "b", (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    world.logs.put(entry("b", ago(7, seconds=30)))
    world.declare(declared("b", location="EU"))
    world.sweep()
    read_histories(world.reader())
    assert world.finding("b").actor.confidence == "certain"
    event = world.bus.events[-1]
    assert (event.type, event.data.actor.principal) == ("drift.attributed", ALICE)
    assert event.data.history.since == ago(7)


@pytest.mark.parametrize("later", [0, 7, 8, 30])
def test_later_changes_do_not_push_out_who_may_have_made_it(world, later):
    put(world, "b", (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    world.logs.put(entry("b", ago(7, seconds=20), BOB))
    world.logs.put(entry("b", ago(7, seconds=-40)))
    for number in range(later):
        world.logs.put(entry("b", ago(7, seconds=-120 - 20 * number), BOB))
    world.declare(declared("b", location="EU"))
    world.sweep()
    read_histories(world.reader())
    actor = world.finding("b").actor
    assert (actor.principal, actor.confidence, actor.others) == (ALICE, "possible", (BOB,))


def test_of_more_accounts_than_are_kept_none_is_certain_and_that_is_said(world):
    put(world, "b", (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    for number in range(30):
        world.logs.put(entry("b", ago(7, seconds=200 - number), f"account-{number}@example.com"))
    for number in range(8):
        world.logs.put(entry("b", ago(7, seconds=100 - number), ""))
    world.declare(declared("b", location="EU"))
    world.sweep()
    read_histories(world.reader())
    assert world.finding("b").actor.confidence == "possible"


def test_where_changes_are_lost_it_is_not_said_that_no_entry_explains_it(world):
    put(world, "b", (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    for number in range(20):  # only the ends of operations, which name nobody
        end = {"operation": {"id": f"operation-{number}", "last": True}}
        world.logs.put(entry("b", ago(7, seconds=200 - number), "") | end)
    world.declare(declared("b", location="EU"))
    world.sweep()
    read_histories(world.reader())
    began = field(world, "b")
    assert began.actor is None
    assert "than are kept" in began.reason


def test_each_field_has_its_own_beginning_and_its_own_author(world):
    put(
        world,
        "b",
        (ago(30), {"location": "EU", "storageClass": "STANDARD"}),
        (ago(9), {"location": "US", "storageClass": "STANDARD"}),
        (ago(8), {"location": "US", "storageClass": "STANDARD", "labels": {"a": "b"}}),
        (ago(2), {"location": "US", "storageClass": "NEARLINE"}),
    )
    world.logs.put(entry("b", ago(9, seconds=5), ALICE))
    world.logs.put(entry("b", ago(2, seconds=5), BOB))
    world.declare(declared("b", location="EU", storageClass="STANDARD"))
    world.sweep()
    read_histories(world.reader())
    began = {onset.path: (onset.since, onset.actor.principal, onset.before) for onset in world.history("b").fields}
    assert began == {"location": (ago(9), ALICE, "EU"), "storageClass": (ago(2), BOB, "STANDARD")}
    assert world.history("b").since == ago(9)
    assert world.finding("b").actor.principal == BOB  # with that change the drift took its form


def test_a_value_that_changed_again_began_with_the_last_change_and_names_the_drift_before(world):
    put(world, "b", (ago(30), {"location": "EU"}), (ago(9), {"location": "US"}), (ago(3), {"location": "ASIA"}))
    world.declare(declared("b", location="EU"))
    world.sweep()
    read_histories(world.reader())
    assert (field(world, "b").since, field(world, "b").before) == (ago(3), "US")


def test_what_is_older_than_the_history_began_at_least_35_days_ago(world):
    put(world, "b", (ago(300), {"location": "US"}))
    world.declare(declared("b", location="EU"))
    world.sweep()
    result = read_histories(world.reader())
    assert (field(world, "b").since, field(world, "b").at_least) == (ago(35), True)
    assert "35 days" in field(world, "b").reason
    assert world.logs.requests == []
    assert result.is_complete
    assert read_histories(world.reader()).dated == 0


def test_a_resource_that_was_made_so_began_with_its_creation(world):
    put(world, "b", (ago(4), {"location": "US"}))
    world.logs.put(entry("b", ago(4, seconds=3), methodName="storage.buckets.create"))
    world.declare(declared("b", location="EU"))
    world.sweep()
    read_histories(world.reader())
    assert (field(world, "b").since, field(world, "b").created) == (ago(4), True)
    assert world.finding("b").actor.principal == ALICE


def test_a_deletion_and_an_undeclared_resource_have_a_beginning_too(world):
    put(world, "gone", (ago(30), {"location": "EU"}))
    put(world, "stray", (ago(6), {"location": "EU"}))
    world.assets.remove(name_of("gone"), ago(5))
    world.logs.put(entry("gone", ago(5, seconds=1), methodName="storage.buckets.delete"))
    world.logs.put(entry("stray", ago(6, seconds=1), BOB, methodName="storage.buckets.create"))
    world.declare(declared("gone", location="EU"), scopes=(Scope("all", ("20318464073",), (BUCKET,)),))
    world.sweep()
    assert world.finding("gone").kind == "deleted"
    assert world.finding("stray").kind == "unmanaged"
    read_histories(world.reader())
    assert (field(world, "gone").since, field(world, "gone").actor.principal) == (ago(5), ALICE)
    assert (field(world, "stray").since, field(world, "stray").actor.principal) == (ago(6), BOB)


def test_a_gap_in_the_history_of_a_policy_is_said_and_makes_nobody_certain(world):
    readers = [{"role": "roles/storage.objectViewer", "members": ["group:team@example.com"]}]
    public = [{"role": "roles/storage.objectViewer", "members": ["allUsers"]}]
    world.assets.put(asset("b", ago(30), {"location": "EU"}, readers))
    world.assets.remove(name_of("b"), ago(20))
    world.assets.put(asset("b", ago(10), {"location": "EU"}, public))
    world.logs.put(
        entry(
            "b",
            ago(10, seconds=4),
            methodName="storage.setIamPermissions",
        )
    )
    key = ResourceKey(name_of("b"), "iam_policy")
    world.declare(Declaration(key, BUCKET, {"bindings": readers}, project="shop"))
    world.sweep("iam_policy")
    read_histories(world.reader())
    for began in world.history("b", "iam_policy").fields:
        assert (began.since, began.gap) == (ago(10), True)
        assert "gaps" in began.reason
        assert (began.actor.principal, began.actor.confidence) == (ALICE, "possible")


def test_a_name_that_the_inventory_does_not_know_does_not_spoil_its_call(world):
    for number in range(40):
        put(world, f"b{number}", (ago(30), {"location": "EU"}), (ago(number % 9 + 1), {"location": "US"}))
    world.declare(*(declared(f"b{number}", location="EU") for number in range(40)))
    world.sweep()
    del world.assets._held.versions[name_of("b7")]
    result = read_histories(world.reader())
    assert result.dated == 40
    assert world.history("b7").since is None
    assert "no history" in world.history("b7").reason
    assert world.history("b8").since == ago(9)
    assert len(world.assets.history_requests) < 15


def test_a_denied_organisation_is_read_project_by_project_and_a_denied_project_is_said(world):
    put(world, "b", (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    world.logs.put(entry("b", ago(7, seconds=30)))
    world.declare(declared("b", location="EU"))
    world.sweep()
    world.assets.deny(ORG)
    world.logs.denied.add("projects/shop")
    read_histories(world.reader())
    assert world.history("b").since == ago(7)
    assert world.finding("b").actor is None
    assert "roles/logging.viewer" in field(world, "b").reason


def test_what_may_not_be_read_is_said_and_asked_for_again_after_a_day(world):
    put(world, "b", (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    world.declare(declared("b", location="EU"))
    world.sweep()
    for place in (ORG, ANCESTORS[0]):
        world.assets.deny(place)
    read_histories(world.reader())
    assert "roles/cloudasset.viewer" in world.history("b").reason
    for place in (ORG, ANCESTORS[0]):
        world.assets.allow(place)
    assert read_histories(world.reader()).dated == 0
    world.seconds += 90_000
    assert read_histories(world.reader()).dated == 1
    assert world.history("b").since == ago(7)


def test_an_applier_and_setpoint_itself_are_told_apart_as_in_live_entries(world):
    put(world, "b", (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    world.logs.put(entry("b", ago(7, seconds=30), "ci@shop.iam.gserviceaccount.com"))
    world.logs.put(entry("b", ago(7, seconds=20), "setpoint@ops.iam.gserviceaccount.com"))
    world.declare(declared("b", location="EU"))
    control = world.store.control()
    (name,) = control.value.sources
    source = replace(control.value.sources[name], policy=Policy(appliers=("ci@*",)))
    world.store.write_control(replace(control.value, sources={name: source}), control.version)
    world.sweep()
    read_histories(world.reader(own=frozenset({"setpoint@ops.iam.gserviceaccount.com"})))
    assert world.finding("b").actor.kind == "applier"


def test_a_budget_ends_a_run_and_the_next_one_goes_on(world):
    for number in range(250):
        put(world, f"b{number}", (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    world.declare(*(declared(f"b{number}", location="EU") for number in range(250)))
    world.sweep()
    first = read_histories(world.reader(calls=2))
    assert (first.is_complete, first.dated) == (False, 200)
    second = read_histories(world.reader())
    assert (second.is_complete, second.dated, second.searched) == (True, 50, 250)


@pytest.mark.parametrize("stop", range(1, 9))
def test_a_run_that_ends_anywhere_asks_for_no_more_than_a_page_again(world, stop):
    for number in range(130):
        put(world, f"b{number}", (ago(30), {"location": "EU"}), (ago(7, minutes=number * 40), {"location": "US"}))
        world.logs.put(entry(f"b{number}", ago(7, minutes=number * 40, seconds=5), f"person{number}@example.com"))
    world.declare(*(declared(f"b{number}", location="EU") for number in range(130)))
    world.sweep()
    read_histories(world.reader(calls=stop, page_size=20))
    asked = len(world.assets.history_requests)
    read_histories(world.reader(page_size=20))
    for number in range(130):
        assert world.finding(f"b{number}").actor.principal == f"person{number}@example.com"
        assert world.history(f"b{number}").since == ago(7, minutes=number * 40)
    assert len(world.assets.history_requests) == 2
    assert asked <= 2
    assert len(world.logs.requests) <= 7 + 1


def test_errors_that_pass_are_tried_again_within_the_quotas(world):
    for number in range(30):
        put(world, f"b{number}", (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    world.declare(*(declared(f"b{number}", location="EU") for number in range(30)))
    world.sweep()
    world.assets.fail(grpc.StatusCode.UNAVAILABLE, times=2, method="BatchGetAssetsHistory")
    world.assets.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, times=1, method="BatchGetAssetsHistory")
    world.logs.failures += [503, 500]
    world.logs.quota = Quota(1, lambda: world.seconds)
    result = read_histories(world.reader())
    assert (result.dated, result.searched) == (30, 30)


def test_one_finding_is_read_on_demand(world):
    for bucket in ("b", "c"):
        put(world, bucket, (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    world.logs.put(entry("b", ago(7, seconds=30)))
    world.declare(declared("b", location="EU"), declared("c", location="EU"))
    world.sweep()
    read_history_of(ResourceKey(name_of("b")), world.reader())
    assert world.finding("b").actor.principal == ALICE
    assert world.history("c") is None


def test_a_drift_that_changes_later_keeps_the_beginning_of_what_stays(world):
    put(world, "b", (ago(30), {"location": "EU"}), (ago(7), {"location": "US"}))
    world.declare(declared("b", location="EU", storageClass="STANDARD"))
    put(world, "b", (ago(6), {"location": "US", "storageClass": "STANDARD"}))
    world.sweep()
    read_histories(world.reader())
    put(world, "b", (ago(1), {"location": "US", "storageClass": "NEARLINE"}))
    world.sweep()
    began = {onset.path: onset.since for onset in world.history("b").fields}
    assert began == {"location": ago(7), "storageClass": ago(1)}
