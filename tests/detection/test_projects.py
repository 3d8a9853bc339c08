"""Resources that are declared under another name than the inventory's: by id or number, by address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.declarations import apply, plan
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import Unavailable
from setpoint.model.declaration import Declaration, Scope, desired
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NUMBER = "projects/111111111111"
PROJECT = "cloudresourcemanager.googleapis.com/Project"
BUCKET = "storage.googleapis.com/Bucket"
GRANTS = {"bindings": [{"role": "roles/viewer", "members": ["user:a@x.com"]}]}
WIDE = {"bindings": [{"role": "roles/owner", "members": ["allUsers"]}]}


def declare(deps: Context, *declarations: Declaration, scopes: tuple[Scope, ...] = ()) -> None:
    apply.declare(deps.store, [desired((declaration,)) for declaration in declarations], scopes, NOW)


def seen(name: str, asset_type: str, data, content="resource", minute: int = 0) -> Observation:
    time = NOW + timedelta(minutes=minute)
    return Observation(ResourceKey(name, content), asset_type, time, data=data, ancestors=(NUMBER,))


def teach(deps: Context) -> None:
    """Any resource whose name holds the id of its project."""
    topic = seen("//pubsub.googleapis.com/projects/shop-prod/topics/t", "pubsub.googleapis.com/Topic", {})
    pipeline.handle_observation(topic, deps)


def policy_of_project(minute: int = 0) -> Observation:
    return seen(f"//cloudresourcemanager.googleapis.com/{NUMBER}", PROJECT, WIDE, "iam_policy", minute)


def test_a_project_that_is_declared_by_its_id_is_known_by_its_number(deps):
    key = ResourceKey("//cloudresourcemanager.googleapis.com/projects/shop-prod", "iam_policy")
    declare(deps, Declaration(key, PROJECT, GRANTS, project="shop-prod"))
    teach(deps)

    assert pipeline.handle_observation(policy_of_project(), deps) == "opened"
    (event,) = deps.bus.events
    assert (event.subject, event.data.project) == (key.name, "shop-prod")


def test_a_project_tells_its_own_id(deps):
    key = ResourceKey("//cloudresourcemanager.googleapis.com/projects/shop-prod")
    declare(deps, Declaration(key, PROJECT, {"labels": {"team": "shop"}}, project="shop-prod"))
    itself = seen(f"//cloudresourcemanager.googleapis.com/{NUMBER}", PROJECT, {"projectId": "shop-prod"})

    assert pipeline.handle_observation(itself, deps) == "opened"


def test_what_was_observed_before_the_number_was_known_is_judged_when_it_is_learnt(deps):
    key = ResourceKey("//cloudresourcemanager.googleapis.com/projects/shop-prod", "iam_policy")
    declare(deps, Declaration(key, PROJECT, GRANTS))
    assert pipeline.handle_observation(policy_of_project(), deps) == "waiting"
    teach(deps)

    (event,) = deps.bus.events
    assert (event.type, event.subject) == ("drift.opened", key.name)
    teach(deps)
    assert len(deps.bus.events) == 1


def test_what_one_process_has_learnt_another_knows(deps):
    key = ResourceKey("//cloudresourcemanager.googleapis.com/projects/shop-prod", "iam_policy")
    declare(deps, Declaration(key, PROJECT, GRANTS))
    teach(deps)
    other = Context(deps.store, MemoryBus(), MemoryDeadLetters(), deps.schemas)

    assert pipeline.handle_observation(policy_of_project(), other) == "opened"


def test_a_service_account_may_be_declared_by_its_address(deps):
    address = "runner@shop-prod.iam.gserviceaccount.com"
    key = ResourceKey(f"//iam.googleapis.com/projects/shop-prod/serviceAccounts/{address}")
    declare(deps, Declaration(key, "iam.googleapis.com/ServiceAccount", {"displayName": "Runner"}))
    live = {"email": address, "uniqueId": "1234567890", "displayName": "Clicked"}
    numbered = "//iam.googleapis.com/projects/shop-prod/serviceAccounts/1234567890"

    assert pipeline.handle_observation(seen(numbered, "iam.googleapis.com/ServiceAccount", live), deps) == "opened"


def test_a_scope_covers_buckets_of_a_project_that_it_names_by_id(deps):
    declare(deps, scopes=(Scope("shop", ("shop-prod",), (BUCKET,)),))
    teach(deps)

    assert pipeline.handle_observation(seen("//storage.googleapis.com/b", BUCKET, {}), deps) == "opened"
    assert deps.bus.events[-1].data.project == "shop-prod"


def test_the_wildcard_of_a_name_is_no_id(deps):
    pipeline.handle_observation(seen("//storage.googleapis.com/projects/_/buckets/b", BUCKET, {}), deps)
    assert deps.store.project_id("111111111111") == ""


def test_what_waits_for_a_number_is_judged_although_the_first_try_to_do_so_failed(deps, mocker):
    key = ResourceKey("//cloudresourcemanager.googleapis.com/projects/shop-prod", "iam_policy")
    declare(deps, Declaration(key, PROJECT, GRANTS))
    pipeline.handle_observation(policy_of_project(), deps)
    mocker.patch.object(deps.store, "read_many", side_effect=Unavailable("away"))
    with pytest.raises(Unavailable):
        teach(deps)
    mocker.stopall()

    teach(deps)

    (event,) = deps.bus.events
    assert (event.type, event.subject) == ("drift.opened", key.name)


def test_what_waits_and_is_declared_by_nobody_goes_on_waiting(deps):
    assert pipeline.handle_observation(policy_of_project(), deps) == "waiting"
    teach(deps)
    assert deps.bus.events == []


def test_each_pair_is_stored_once(deps, mocker):
    learn = mocker.spy(deps.store, "write_project_ids")
    for _ in range(3):
        teach(deps)
    assert learn.call_count == 1


def test_what_was_seen_while_nothing_declared_it_is_not_forgotten(deps):
    bucket = ResourceKey("//storage.googleapis.com/b")
    declare(deps, Declaration(bucket, BUCKET, {"location": "EU"}))
    pipeline.handle_observation(seen(bucket.name, BUCKET, {"location": "EU"}), deps)
    planned = plan.plan([], (), plan.DEFAULT_SOURCE, deps.store, prune=True)
    apply.apply(planned, deps.store, NOW)
    assert pipeline.handle_observation(seen(bucket.name, BUCKET, {"location": "ASIA"}, minute=1), deps) == "undeclared"
    declare(deps, Declaration(bucket, BUCKET, {"location": "ASIA"}))

    assert pipeline.reevaluate(bucket, deps) == "in_sync"
    assert deps.bus.events == []


SECRET = "secretmanager.googleapis.com/Secret"  # noqa: S105 - a type
BY_NUMBER = f"//secretmanager.googleapis.com/{NUMBER}/secrets/key"
BY_ID = ResourceKey("//secretmanager.googleapis.com/projects/shop-prod/secrets/key")


def undeclare(deps: Context) -> None:
    planned = plan.plan([], (), plan.DEFAULT_SOURCE, deps.store, prune=True)
    apply.apply(planned, deps.store, NOW)


def open_findings(deps: Context) -> dict[str, str]:
    return {
        state.key.name: state.finding.kind
        for state in deps.store.states(drifted=True)
        if state.finding.status == "open"
    }


def test_what_was_unmanaged_by_its_number_is_so_no_longer_once_it_is_declared_by_its_id(deps):
    teach(deps)
    declare(deps, scopes=(Scope("shop", ("shop-prod",), (SECRET,)),))
    pipeline.handle_observation(seen(BY_NUMBER, SECRET, {"labels": {"a": "b"}}), deps)
    assert open_findings(deps) == {BY_NUMBER: "unmanaged"}
    declare(deps, Declaration(BY_ID, SECRET, {"labels": {"a": "b"}}))

    assert pipeline.handle_observation(seen(BY_NUMBER, SECRET, {"labels": {"a": "b"}}), deps) == "in_sync"

    assert open_findings(deps) == {}
    assert [event.type for event in deps.bus.events] == ["drift.opened", "drift.resolved"]


def test_what_was_declared_by_its_id_is_known_by_its_number_when_it_is_declared_no_longer(deps):
    teach(deps)
    declare(deps, Declaration(BY_ID, SECRET, {"labels": {"a": "b"}}))
    pipeline.handle_observation(seen(BY_NUMBER, SECRET, {"labels": {}}), deps)
    assert open_findings(deps) == {BY_ID.name: "modified"}
    undeclare(deps)

    assert pipeline.handle_observation(seen(BY_NUMBER, SECRET, {"labels": {}}, minute=1), deps) == "resolved"
    assert open_findings(deps) == {}


def test_a_finding_by_number_is_closed_by_an_observation_that_came_late_too(deps):
    teach(deps)
    declare(deps, scopes=(Scope("shop", ("shop-prod",), (SECRET,)),))
    pipeline.handle_observation(seen(BY_NUMBER, SECRET, {}, minute=9), deps)
    declare(deps, Declaration(BY_ID, SECRET, {"labels": {"a": "b"}}))

    pipeline.handle_observation(seen(BY_NUMBER, SECRET, {"labels": {"a": "b"}}), deps)

    assert open_findings(deps) == {}


def test_a_service_account_that_is_observed_under_its_address_is_one_resource_and_not_two(deps):
    account = "iam.googleapis.com/ServiceAccount"
    name = "//iam.googleapis.com/projects/shop-prod/serviceAccounts/ci@shop-prod.iam.gserviceaccount.com"
    declare(deps, scopes=(Scope("shop", projects=("shop-prod",), asset_types=(account,)),))
    data = {"email": "ci@shop-prod.iam.gserviceaccount.com", "displayName": "ci"}

    assert pipeline.handle_observation(seen(name, account, data), deps) == "opened"
    assert pipeline.handle_observation(seen(name, account, data, minute=1), deps) == "drifted"
    assert len(deps.bus.events) == 1
