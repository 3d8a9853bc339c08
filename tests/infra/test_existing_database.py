"""A project that has a Firestore database already: what Terraform plans for it, and that it is never destroyed."""

from __future__ import annotations

from typing import Any

import pytest

from infra.blocks import TERRAFORM
from infra.options import BASE, OPTIONS
from infra.standin import provider
from infra.workspace import Workspace

pytestmark = pytest.mark.skipif(not TERRAFORM, reason="NO TERRAFORM: an existing database is not planned")

ADDRESS = "google_firestore_database.setpoint"
ID = "projects/fleet-ops/databases/setpoint"
THERE = {
    "project": "fleet-ops",
    "name": "setpoint",
    "location_id": "nam5",
    "type": "FIRESTORE_NATIVE",
    "point_in_time_recovery_enablement": "POINT_IN_TIME_RECOVERY_DISABLED",
    "delete_protection_state": "DELETE_PROTECTION_DISABLED",
    "deletion_policy": "DELETE",
    "cmek_config": [],
}
"""As somebody made it, in another location than the functions are to be in."""


@pytest.fixture(scope="module")
def imported(module) -> Workspace:
    """A state with the imported database alone, as `setpoint doctor --preflight` says to make it."""
    module.set(BASE)
    provider.EXISTING[ID] = THERE
    module.run("import", "-input=false", ADDRESS, ID)
    del provider.EXISTING[ID]
    return module


def planned_for(module: Workspace, values: dict[str, Any], *options: str) -> tuple[list[str], dict[str, Any]]:
    """What is to be done with the database, and what it is afterwards."""
    changes = module.plan({**BASE, **values}, f"-target={ADDRESS}", *options)["resource_changes"]
    (change,) = [change for change in changes if change["address"] == ADDRESS]
    return change["change"]["actions"], change["change"]["after"]


@pytest.mark.parametrize(
    "values",
    [{}, {"firestore": {"location": "eur3"}, **OPTIONS["kms-key"]}],
    ids=["in the region", "elsewhere and with a key"],
)
def test_an_imported_database_is_protected_and_stays_where_it_is_with_the_key_that_it_has(imported, values):
    actions, after = planned_for(imported, values)
    assert actions == ["update"]
    assert (after["location_id"], after["cmek_config"]) == ("nam5", [])
    assert after["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    assert after["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"


def test_a_database_of_another_name_is_replaced_and_this_is_noticed(imported):
    actions, _ = planned_for(imported, {"firestore": {"database": "drift-of-the-fleet"}})
    assert actions == ["delete", "create"]


def test_a_new_database_beside_the_one_of_an_application_is_made_in_its_own_location(module):
    """Not imported: `(default)` is somebody else's, and nothing is planned for it."""
    module.put_state({"version": 4, "serial": 1, "lineage": "new", "outputs": {}, "resources": []})
    actions, after = planned_for(module, {"firestore": {"location": "eur3"}})
    assert (actions, after["name"], after["location_id"]) == (["create"], "setpoint", "eur3")
