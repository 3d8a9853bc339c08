"""Whatever changes beside a declaration is written back as it was, and nothing else moves with it."""

from __future__ import annotations

import copy
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.undeclared_values import is_digest
from setpoint.detection import restoration, undeclared_changes
from setpoint.detection.restoration import ChangedValues, RestoredDeclaration
from setpoint.model import field_path
from setpoint.model.declaration import Declaration, Desired, desired
from setpoint.model.difference import Difference
from setpoint.model.last_known_good import LastKnownGood, unpack
from setpoint.model.observation import Observation
from setpoint.model.own_project import own_project
from setpoint.model.policy import Policy, Undeclared, UndeclaredMatch
from setpoint.model.resource_key import ResourceKey
from setpoint.remediation import finding_plan
from setpoint.remediation.merge import apply_changes, record
from setpoint_tools.testing.fleet import Fleet

START = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = Policy(undeclared=Undeclared(report="all", remediate=(UndeclaredMatch(asset_types=("*",)),)))
SQL = "sqladmin.googleapis.com/Instance"
SQL_NAME = "//cloudsql.googleapis.com/projects/shop-prod/instances/orders"
OFFICE = {"kind": "sql#aclEntry", "name": "office", "value": "198.51.100.0/24"}
HOME = {"kind": "sql#aclEntry", "name": "home", "value": "203.0.113.7", "expirationTime": "2027-01-01T00:00:00Z"}


class Resource:
    """A declared resource with its last known good values."""

    def __init__(self, declaration: Declaration, live: dict[str, Any]) -> None:
        self.declaration, self.wanted = declaration, desired((declaration,))
        self.live = live
        self.good = watch(self.wanted, self.seen(live), None).good
        assert self.good is not None

    def seen(self, data: dict[str, Any], after: timedelta = timedelta(0)) -> Observation:
        declaration = self.declaration
        ancestors = ("projects/123456789012",)
        return Observation(declaration.key, declaration.asset_type, START + after, data=data, ancestors=ancestors)

    def changes(self, data: dict[str, Any]) -> tuple[Difference, ...]:
        return watch(self.wanted, self.seen(data, timedelta(days=1)), self.good).differences

    def restored(self, data: dict[str, Any], policy: Policy = POLICY) -> RestoredDeclaration:
        return restoration.with_good_values(self.changed(data, policy), self.changes(data))

    def changed(self, data: dict[str, Any], policy: Policy = POLICY) -> ChangedValues:
        changed = undeclared_changes.changed(self.wanted, self.seen(data), default_catalogue(), policy, self.good)
        assert changed is not None
        return changed

    def written(self, data: dict[str, Any], restored: RestoredDeclaration) -> dict[str, Any] | None:
        """The resource after the write of all that differs; None where the plan leaves out something."""
        declaration = restored.declaration
        schema = default_catalogue().fitting(declaration.asset_type, declaration.data)
        own = own_project(declaration.project, self.seen(data))
        recording = record(declaration.data, data, schema, own, null_is_absent=declaration.null_is_absent)
        changed = self.changed(data)
        if finding_plan.unrestored(changed, restored, schema):
            return None
        return apply_changes(declaration.data, data, schema, recording, recording.changes).body


def watch(wanted: Desired, seen: Observation, good: LastKnownGood | None) -> undeclared_changes.UndeclaredChanges:
    return undeclared_changes.watch(wanted, seen, default_catalogue(), POLICY, good)


def database(**ip: Any) -> dict[str, Any]:
    configuration = {"ipv4Enabled": True, "requireSsl": True, "authorizedNetworks": [OFFICE, HOME], **ip}
    return {
        "name": "orders",
        "settings": {"tier": "db-f1-micro", "userLabels": {"team": "shop"}, "ipConfiguration": configuration},
    }


def sql(declared: dict[str, Any] | None = None) -> Resource:
    data = declared or {"settings": {"tier": "db-f1-micro"}}
    return Resource(Declaration(ResourceKey(SQL_NAME), SQL, data, project="shop-prod"), database())


@pytest.mark.parametrize(
    "ip",
    [
        {"authorizedNetworks": [OFFICE, HOME, {"kind": "sql#aclEntry", "name": "all", "value": "0.0.0.0/0"}]},
        {"authorizedNetworks": [{**OFFICE, "value": "0.0.0.0/0"}, HOME]},
        {"requireSsl": False},
        {"privateNetwork": "projects/shop-prod/global/networks/other"},
        {"authorizedNetworks": [HOME, OFFICE], "ipv4Enabled": False},
    ],
)
def test_the_networks_of_a_database_are_as_they_were(ip: dict[str, Any]):
    resource, now = sql(), database(**ip)
    restored = resource.restored(now)

    assert restored.refused == ()
    after = resource.written(now, restored)
    assert resource.changes(after) == ()
    networks = {network["name"]: network for network in after["settings"]["ipConfiguration"]["authorizedNetworks"]}
    assert networks == {"office": OFFICE, "home": HOME}


def test_a_network_that_was_taken_away_comes_back_with_what_was_kept_of_it():
    resource, now = sql(), database(authorizedNetworks=[HOME])
    restored = resource.restored(now)

    assert restored.refused == ()
    office, home = sorted(
        resource.written(now, restored)["settings"]["ipConfiguration"]["authorizedNetworks"],
        key=lambda network: network["value"],
    )
    assert (home, office["value"], office["name"]) == (HOME, OFFICE["value"], "office")


def test_an_element_that_was_added_is_left_where_the_policy_asks_for_a_part_of_it():
    pattern = "settings.ipConfiguration.authorizedNetworks[*].value"
    policy = replace(POLICY, undeclared=Undeclared(remediate=(UndeclaredMatch(paths=(pattern,)),)))
    added = {"kind": "sql#aclEntry", "name": "all", "value": "0.0.0.0/0", "expirationTime": "2030-01-01T00:00:00Z"}

    restored = sql().restored(database(authorizedNetworks=[OFFICE, HOME, added]), policy)

    assert [field.reason for field in restored.refused] == ["not_kept"]


def test_others_in_a_list_that_is_declared_stay_declared():
    declared = {"settings": {"tier": "db-f1-micro", "userLabels": {"team": "shop"}}}
    resource = sql(declared)
    now = database(requireSsl=False)
    now["settings"]["userLabels"] = {"team": "stranger"}

    after = resource.written(now, resource.restored(now))

    assert after["settings"]["userLabels"] == {"team": "shop"}
    assert after["settings"]["ipConfiguration"]["requireSsl"] is True


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of the scalars and lists of a value."""
    if isinstance(value, dict):
        return [path_ for key, part in value.items() for path_ in leaves(part, (*path, key))]
    if isinstance(value, list):
        inner = [path_ for place, part in enumerate(value) for path_ in leaves(part, (*path, place))]
        return [path, *inner]
    return [path]


def mutated(live: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A resource of which some values have changed."""
    data = copy.deepcopy(live)
    for _ in range(chance.randint(1, 4)):
        paths = [path for path in leaves(data) if path]
        path = chance.choice(paths)
        node: Any = data
        for part in path[:-1]:
            node = node[part]
        have = node[path[-1]]
        if chance.random() < 0.3:
            del node[path[-1]]
        elif isinstance(have, list):
            node[path[-1]] = [*have, copy.deepcopy(have[0])] if have else ["x"]
        elif isinstance(have, bool):
            node[path[-1]] = not have
        elif isinstance(have, (int, float)):
            node[path[-1]] = have + 1
        else:
            node[path[-1]] = "changed-by-somebody"
        if chance.random() < 0.2:
            data["addedByAStranger"] = {"enabled": True}
    return data


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_written_back_is_what_was_good_and_nothing_else(seed: int):
    chance = random.Random(seed)  # noqa: S311 - a sample
    fleet = Fleet(300, projects=20)
    counts = {"restored": 0, "refused": 0, "nothing": 0}
    for sample, wanted in zip(fleet.declared(), fleet.desired(), strict=True):
        if sample.key.content != "resource":
            continue
        (declaration,) = wanted.declarations
        some = {key: part for key, part in declaration.data.items() if chance.random() < 0.5}
        resource = Resource(replace(declaration, data=some), sample.live)
        for _ in range(4):
            now = mutated(sample.live, chance)
            differences = resource.changes(now)
            if not differences:
                counts["nothing"] += 1
                continue
            restored = resource.restored(now)
            if restored.refused:
                counts["refused"] += 1
                assert all(field.reason == "not_kept" and field.path for field in restored.refused)
                continue
            after = resource.written(now, restored)
            if after is None:
                counts["refused"] += 1
                continue
            counts["restored"] += 1
            left = {difference.path for difference in resource.changes(after)}
            assert not left, (declaration.asset_type, left, differences)
            assert_nothing_else_moved(now, after, restored, resource)
    assert counts["restored"] > counts["refused"], counts


def assert_nothing_else_moved(
    now: dict[str, Any], after: dict[str, Any], restored: RestoredDeclaration, resource: Resource
) -> None:
    declared = set(resource.declaration.data)
    touched = {field_path.readable(path)[0] for path in restored.paths}
    for key in now.keys() | after.keys():
        if key not in touched and key not in declared:
            assert now.get(key) == after.get(key)
    good = unpack(resource.good)
    assert good is not None
    assert not any(is_digest(good.values.get(path)) for path in restored.paths)
