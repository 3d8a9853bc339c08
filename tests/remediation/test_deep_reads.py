"""Resources that are read through their own API beside the inventory, for the fields that it does not carry."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remediation.fleet import PLACES, World
from setpoint.adapters.memory.store import MemoryBus
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection import pipeline
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from setpoint.model.policy import Limits, ObserveRule, Policy
from setpoint.model.resource_key import ResourceKey
from setpoint.remediation.deep_reads import ReadBudget, is_asked_for, read_due
from setpoint.remediation.live_resources import LiveResources
from setpoint_tools.testing.google_apis import Fault

TYPE = "bigquery.googleapis.com/Dataset"
KEY = ResourceKey("//bigquery.googleapis.com/projects/shop-prod/datasets/sales")
URL = "https://bigquery.googleapis.com/bigquery/v2/projects/shop-prod/datasets/sales"
ACCESS = [{"role": "OWNER", "userByEmail": "ann@example.com"}]
DECLARED = {"location": "EU", "access": ACCESS}
READ = Policy(observe=(ObserveRule(asset_types=("bigquery.googleapis.com/*",)),))
PUBLIC = [*ACCESS, {"role": "READER", "specialGroup": "allAuthenticatedUsers"}]
"""What somebody made of the access list: it is another list, and the inventory does not carry it."""


class Datasets:
    """A data set whose access list the inventory does not carry."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.budget = ReadBudget()
        self.live = world.context.live_resources

    def declare(self, policy: Policy = READ, names: tuple[str, ...] = ("sales",)) -> None:
        prefix = KEY.name.removesuffix("sales")
        keys = [ResourceKey(f"{prefix}{name}") for name in names]
        self.world.declare_all([(Declaration(key, TYPE, DECLARED, project="shop-prod"),) for key in keys], policy)

    def seen(self, name: str = "sales", **data: object) -> str:
        """The inventory tells of the data set, without its access list."""
        key = ResourceKey(KEY.name.removesuffix("sales") + name)
        return self.world.observe({"location": "EU", **data}, key, TYPE)

    def live_access(self, access: object, name: str = "sales") -> None:
        self.world.google.put(URL.removesuffix("sales") + name, {"location": "EU", "access": access})

    def read(self):
        self.world.clock.forward(seconds=1)
        return read_due(self.world.deps, self.live, self.budget)

    @property
    def finding(self):
        state = self.world.store.read(KEY).state
        return state.finding if state is not None else None

    @property
    def reading(self):
        return self.world.store.read(KEY).state.api_reading


@pytest.fixture
def datasets(world) -> Datasets:
    return Datasets(world)


def test_a_change_has_the_resource_read_and_its_fields_compared_that_the_inventory_lacks(datasets):
    datasets.declare()
    datasets.live_access(PUBLIC)

    assert datasets.seen() == "in_sync"
    assert datasets.read().read == 1
    assert [(difference.path, difference.seen_by) for difference in datasets.finding.differences] == [
        ("access[role=READER]", "api")
    ]
    assert datasets.finding.status == "open"


def test_a_resource_that_the_policy_does_not_name_is_not_read(datasets):
    datasets.declare(Policy(observe=(ObserveRule("inventory", (TYPE,)), *READ.observe)))
    datasets.live_access(PUBLIC)
    datasets.seen()

    assert datasets.read() == (0, 0, ())
    assert datasets.finding is None
    assert datasets.world.google.requests == []


def test_without_a_word_in_the_policy_nothing_is_asked_for(datasets):
    datasets.declare(Policy())
    assert not is_asked_for(datasets.world.deps.store)
    datasets.declare()
    assert is_asked_for(datasets.world.deps.store)


def test_the_next_message_of_the_inventory_does_not_close_what_only_the_api_shows(datasets):
    datasets.declare()
    datasets.live_access(PUBLIC)
    datasets.seen()
    datasets.read()
    fingerprint = datasets.finding.fingerprint

    datasets.seen(labels={"x": "y"})

    assert (datasets.finding.status, datasets.finding.fingerprint) == ("open", fingerprint)
    datasets.live_access(ACCESS)
    datasets.read()
    assert datasets.finding.status == "resolved"


def test_a_difference_of_both_sources_is_one_finding(datasets):
    datasets.declare()
    datasets.live_access(PUBLIC)
    datasets.seen()
    datasets.read()

    datasets.seen(location="US")

    assert {difference.path: difference.seen_by for difference in datasets.finding.differences} == {
        "location": "",
        "access[role=READER]": "api",
    }


def test_who_declares_the_field_no_longer_has_no_drift_of_it(datasets):
    datasets.declare()
    datasets.live_access(PUBLIC)
    datasets.seen()
    datasets.read()

    datasets.world.declare_all([(Declaration(KEY, TYPE, {"location": "EU"}, project="shop-prod"),)], READ)
    datasets.seen(labels={"x": "y"})

    assert datasets.finding.status == "resolved"


def test_what_was_read_is_read_again_after_the_next_change_and_not_before(datasets):
    datasets.declare()
    datasets.live_access(ACCESS)
    datasets.seen()

    assert [datasets.read().read for _ in range(3)] == [1, 0, 0]
    datasets.world.clock.forward(minutes=10)
    datasets.seen(labels={"x": "y"})
    assert [datasets.read().read for _ in range(2)] == [1, 0]


def test_a_change_that_the_reading_may_have_been_too_early_for_has_it_read_again(datasets):
    datasets.declare()
    datasets.live_access(ACCESS)
    datasets.seen()
    changed_at = datasets.world.clock()
    datasets.read()

    late = Observation(KEY, TYPE, changed_at, data={"location": "EU", "labels": {"a": "b"}}, ancestors=PLACES)
    assert pipeline.handle_observation(late, datasets.world.deps) == "stale"
    assert datasets.read().read == 1
    older = Observation(KEY, TYPE, changed_at - timedelta(minutes=5), data={"location": "EU"}, ancestors=PLACES)
    pipeline.handle_observation(older, datasets.world.deps)
    assert datasets.read().read == 0


def test_no_more_is_read_in_a_minute_than_the_policy_allows(datasets):
    names = tuple(f"sales{number}" for number in range(5))
    datasets.declare(Policy(observe=READ.observe, limits=Limits(readings_per_minute=2)), names)
    for name in names:
        datasets.live_access(ACCESS, name)
        datasets.seen(name)

    assert [(result.read, result.left) for result in (datasets.read(), datasets.read())] == [(2, 3), (0, 3)]
    datasets.world.clock.forward(minutes=1)
    assert (datasets.read().read, len(datasets.world.google.requests)) == (2, 4)


def test_a_resource_that_nobody_may_read_is_named_with_what_to_grant_and_tried_again_after_an_hour(datasets):
    datasets.declare()
    datasets.live_access(PUBLIC)
    datasets.world.google.fail(Fault(403), verb="GET")
    datasets.seen()

    result = datasets.read()

    assert result.read == 0
    assert "bigquery.datasets.get" in result.problems[0]
    assert datasets.reading.problem == result.problems[0]
    assert datasets.read().read == 0
    datasets.world.clock.forward(minutes=61)
    assert datasets.read().read == 1
    assert datasets.reading.problem == ""


def test_a_resource_that_its_api_does_not_know_is_not_called_deleted(datasets):
    datasets.declare()
    datasets.seen()

    assert "does not show it" in datasets.read().problems[0]
    assert datasets.finding is None


def test_a_deletion_ends_the_readings(datasets):
    datasets.declare()
    datasets.seen()
    gone = Observation(KEY, TYPE, datasets.world.clock(), deleted=True, ancestors=PLACES)
    pipeline.handle_observation(gone, datasets.world.deps)

    assert datasets.read() == (0, 0, ())
    assert datasets.finding.kind == "deleted"


def test_events_say_through_which_source_a_difference_was_seen(datasets):
    datasets.declare()
    datasets.live_access(PUBLIC)
    datasets.seen()
    datasets.read()

    bus = datasets.world.deps.bus
    assert isinstance(bus, MemoryBus)
    assert [[difference.seen_by for difference in event.data.differences] for event in bus.events] == [["api"]]


def test_a_type_that_no_method_reads_is_named_once(datasets):
    datasets.live = LiveResources(datasets.live.api, default_catalogue(), NoMethods())
    datasets.declare()
    datasets.seen()

    assert "no known method reads" in datasets.read().problems[0]
    assert datasets.read() == (0, 0, ())


class NoMethods:
    """A catalogue of methods that knows none."""

    def resource(self, *_: object, **__: object) -> None:
        return None

    def __getattr__(self, _: str) -> object:
        return self.resource
