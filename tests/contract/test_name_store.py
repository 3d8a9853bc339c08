"""The contract of `NameStore`, over every backend that the product has."""

from __future__ import annotations

import pytest

from setpoint.model.resource_key import ResourceKey

ZONE = "//dns.googleapis.com/projects/p/managedZones/123456789"
SHOP = "//dns.googleapis.com/projects/p/managedZones/shop"
POLICY = ResourceKey(ZONE, "iam_policy")


@pytest.fixture
def names(store):
    return store.names


def test_a_name_that_nobody_has_bound_is_left_out(names):
    names.bind({ZONE: SHOP})
    assert names.bound_names([ZONE, SHOP]) == {ZONE: SHOP}
    assert names.bound_names([]) == {}


def test_a_bound_name_is_known_to_everybody(backend):
    backend.open().names.bind({ZONE: SHOP})
    assert backend.open().names.bound_names([ZONE]) == {ZONE: SHOP}


def test_of_two_bindings_of_a_name_the_latest_is_known(names):
    for declared in (SHOP, SHOP, f"{SHOP}-2"):
        names.bind({ZONE: declared})
    assert names.bound_names([ZONE]) == {ZONE: f"{SHOP}-2"}


def test_what_waits_for_a_name_is_known_until_somebody_stops_waiting(backend):
    number = ResourceKey("//run.googleapis.com/projects/1/locations/l/services/s")
    for _ in range(2):
        backend.open().names.wait_for(ZONE, POLICY)
    backend.open().names.wait_for("projects/1", number)
    names = backend.open().names
    assert (list(names.waiting_for(ZONE)), list(names.waiting_for("projects/1"))) == ([POLICY], [number])
    names.stop_waiting_for(ZONE)
    names.stop_waiting_for(ZONE)
    assert (list(names.waiting_for(ZONE)), list(names.waiting_for("projects/1"))) == ([], [number])
