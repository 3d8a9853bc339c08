"""How attempts end: with masks that an API refuses, writes that clear what they do not name, and slow operations."""

from __future__ import annotations

from typing import Any

import pytest

from remediation.fleet import FIREWALL, World
from remediation.test_faults import PATCH, PUT_BACK, opened_firewall
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import NotWritable, WritePlan
from setpoint.remediation.engine import remediate
from setpoint_tools.testing.google_faults import Fault

TOPIC_TYPE = "pubsub.googleapis.com/Topic"
TOPIC = ResourceKey("//pubsub.googleapis.com/projects/shop-prod/topics/orders")
TOPIC_URL = "https://pubsub.googleapis.com/v1/projects/shop-prod/topics/orders"
REGIONS = {"allowedPersistenceRegions": ["europe-west1"]}
FULL = {"labels": {"team": "shop"}, "messageStoragePolicy": REGIONS, "kmsKeyName": "k"}


def opened_topic(world: World, declared: dict[str, Any], live: dict[str, Any]) -> World:
    world.declare_all([(Declaration(TOPIC, TOPIC_TYPE, declared, project="shop-prod"),)])
    world.google.put(TOPIC_URL, {"name": "projects/shop-prod/topics/orders", **live})
    world.observe({"name": "projects/shop-prod/topics/orders", **live}, TOPIC, TOPIC_TYPE)
    return world


def state_of(world: World, key: ResourceKey) -> Any:
    return world.store.read(key).state


class TestMasks:
    def test_one_that_is_known_to_be_refused_is_not_sent(self, world):
        declared = {"messageStoragePolicy": {"allowedPersistenceRegions": ["europe-west1"]}}
        live = {"messageStoragePolicy": {"allowedPersistenceRegions": ["us-east1"], "enforceInTransit": True}}
        opened_topic(world, declared, live)

        assert remediate(TOPIC, world.context) == "resolved"
        assert world.google.get(TOPIC_URL)["messageStoragePolicy"] == {
            "allowedPersistenceRegions": ["europe-west1"],
            "enforceInTransit": True,
        }
        assert sum(request.startswith(PATCH) for request in world.google.requests) == 1

    def test_one_that_is_refused_is_followed_once_by_its_parent(self, world):
        world.google.refused_masks.add("pubsub/Topic/schemaSettings.")
        declared = {"schemaSettings": {"encoding": "JSON"}}
        opened_topic(world, declared, {"schemaSettings": {"encoding": "BINARY", "schema": "projects/p/schemas/s"}})

        assert remediate(TOPIC, world.context) == "resolved"
        assert world.google.get(TOPIC_URL)["schemaSettings"] == {"encoding": "JSON", "schema": "projects/p/schemas/s"}
        assert sum(request.startswith(PATCH) for request in world.google.requests) == 2
        assert world.writes == 1

    def test_one_whose_parent_is_refused_too_is_delegated(self, world):
        world.google.refused_masks.add("pubsub/Topic/schemaSettings")
        opened_topic(world, {"schemaSettings": {"encoding": "JSON"}}, {"schemaSettings": {"encoding": "BINARY"}})

        assert remediate(TOPIC, world.context) == "handed_off"
        world.ticks(300, every=5)
        assert sum(request.startswith(PATCH) for request in world.google.requests) == 2
        assert "Invalid update_mask" in state_of(world, TOPIC).remediation.reason


class TestOwnSideEffects:
    """An API that takes what is left out for empty, whatever the mask says."""

    def test_all_declared_fields_go_into_one_request(self, world):
        opened_topic(world, FULL, {**FULL, "labels": {}})
        fields = {"labels", "messageStoragePolicy", "kmsKeyName"}

        def replaces(before, after):
            changed = {name for name in fields if before.get(name) != after.get(name)}
            named = fields if len(world.google.journal) else changed
            return {name: value for name, value in after.items() if name in named or name not in fields}

        world.google.side_effect = replaces
        remediate(TOPIC, world.context)
        world.ticks(30)

        assert {name: world.google.get(TOPIC_URL)[name] for name in fields} == FULL
        assert world.writes == 2
        failed = [event.data.remediation for event in world.bus.events if event.type == "remediation.failed"]
        assert [attempt.outcome for attempt in failed] == ["changed"]
        assert "the write itself changed kmsKeyName, messageStoragePolicy.allowedPersistenceRegions" in failed[0].reason

    def test_where_that_fails_too_it_is_delegated_in_those_words(self, world):
        opened_topic(world, FULL, {**FULL, "labels": {}})

        def clears_another(before, after):
            name = "kmsKeyName" if "kmsKeyName" in before else "messageStoragePolicy"
            return {key: value for key, value in after.items() if key != name}

        world.google.side_effect = clears_another
        remediate(TOPIC, world.context)
        world.ticks(300, every=5)

        assert world.writes == 2
        attempt = state_of(world, TOPIC).remediation
        assert attempt.step == "handed_off"
        assert "each write to it changes other declared fields" in attempt.reason
        assert attempt.reason.endswith(": change it manually")

    @pytest.mark.parametrize("lost", ["after", "shown"])
    def test_all_declared_fields_go_into_the_next_request_although_the_first_ones_answer_was_lost(self, world, lost):
        world.google.manners = {"pubsub": "replaces"}
        opened_topic(world, FULL, {**FULL, "labels": {}})
        world.google.fail(Fault(502 if lost == "shown" else 0, lost=lost), verb="PATCH")
        remediate(TOPIC, world.context)
        world.ticks(300, every=5)

        assert {name: world.google.get(TOPIC_URL)[name] for name in FULL} == FULL
        assert world.writes == 2
        assert state_of(world, TOPIC).finding.status == "resolved"

    def test_what_somebody_else_changes_later_is_no_side_effect(self, world):
        opened_topic(world, FULL, {**FULL, "labels": {}})
        assert remediate(TOPIC, world.context) == "resolved"
        later = {**FULL, "kmsKeyName": "other"}
        world.google.put(TOPIC_URL, later)
        world.observe(later, TOPIC, TOPIC_TYPE)

        assert state_of(world, TOPIC).remediation.cleared == ()


class TestOperationsEnd:
    def test_one_that_never_ends_is_told_of_with_its_name_and_its_resource_read_ever_more_seldom(self, world):
        firewall = opened_firewall(world)
        firewall.google.polls = 10**6
        assert remediate(FIREWALL, firewall.context) == "operating"
        firewall.ticks(19)
        assert "remediation.failed" not in firewall.event_types
        firewall.ticks(10 * 60, every=5)

        (failed,) = [event for event in firewall.bus.events if event.type == "remediation.failed"]
        assert (failed.data.remediation.step, failed.data.remediation.outcome) == ("verifying", "unknown")
        assert "has not ended within 20 minutes" in failed.data.remediation.reason
        assert "operations/" in failed.data.remediation.reason
        reads = [request for request in firewall.google.requests if request.endswith("firewalls/web")]
        assert len(reads) < 25
        assert sum(request.startswith(PATCH) for request in reads) == 1

    def test_one_that_ends_late_is_a_success_after_all(self, world):
        firewall = opened_firewall(world)
        firewall.google.polls = 30
        remediate(FIREWALL, firewall.context)
        firewall.ticks(60 * 20)

        assert firewall.writes == 1
        assert firewall.event_types[-2:] == ["drift.resolved", "remediation.succeeded"]

    @pytest.mark.parametrize("polls", [0, 1, 3])
    def test_one_that_fails_after_its_effect_is_a_success_with_its_proof(self, world, polls):
        firewall = opened_firewall(world)
        firewall.google.polls = polls
        firewall.google.fail(Fault(operation="internal error", has_effect=True), verb=PATCH)
        remediate(FIREWALL, firewall.context)
        firewall.ticks(30)

        assert firewall.writes == 1
        assert firewall.event_types == PUT_BACK
        assert firewall.store.trail(FIREWALL)[-1].what == "succeeded"
        assert firewall.store.safety_state().value.failures == ()


def test_what_is_only_given_when_a_resource_is_made_is_no_secret(world):
    share = {"name": "data", "capacityGb": "1024"}
    key = ResourceKey("//file.googleapis.com/projects/p/locations/europe-west1-b/instances/files")
    wanted = Declaration(key, "file.googleapis.com/Instance", {"fileShares": [{**share, "capacityGb": "2048"}]})
    live = {"name": "projects/p/locations/europe-west1-b/instances/files", "fileShares": [share]}
    world.google.put("https://file.googleapis.com/v1/projects/p/locations/europe-west1-b/instances/files", live)
    reading = world.context.live_resources.read(wanted, None, world.clock())
    world.declare_all([(wanted,)])
    plan = world.context.live_resources.plan(world.store.read(key).desired, reading)

    assert not isinstance(plan, NotWritable), plan
    assert isinstance(plan, WritePlan)
    assert plan.call.body["fileShares"] == [{"name": "data", "capacityGb": "2048"}]
