"""What the inventory does not carry is not drift, and what it carries is compared; a soft-deleted resource is gone."""

from __future__ import annotations

import json

import pytest

from setpoint.comparison.compare import compare
from setpoint.comparison.explain import as_inventoried, examine
from setpoint.comparison.unobservable_fields import unobservable
from setpoint.model.lifecycle import gone_field, is_gone
from setpoint.model.observation import parse
from setpoint.model.references import Project

DATASET = "bigquery.googleapis.com/Dataset"
VAULT = "backupdr.googleapis.com/BackupVault"


def left(asset_type: str, declared, observed, *, truncated: bool = False) -> list[str]:
    differences = compare(declared, observed, None, own=Project("p"))
    lacking = unobservable(asset_type, differences, observed, truncated=truncated)
    return [difference.path for difference in differences if difference not in lacking]


@pytest.mark.parametrize(
    ("asset_type", "declared", "observed", "paths"),
    [
        (DATASET, {"access": [{"role": "OWNER"}]}, {"location": "EU"}, []),
        (VAULT, {"labels": {"team": "shop"}}, {}, []),
        (VAULT, {"labels": {"team": "shop"}}, {"labels": {"other": "x"}}, ["labels.team"]),
        (VAULT, {"labels": {"team": "shop"}}, {"labels": {"team": "mill"}}, ["labels.team"]),
        (VAULT, {"description": "a"}, {}, ["description"]),
        ("storage.googleapis.com/Bucket", {"labels": {"team": "shop"}}, {}, ["labels.team"]),
    ],
)
def test_a_field_that_the_inventory_lacks_is_compared_only_where_it_is_there(asset_type, declared, observed, paths):
    assert left(asset_type, declared, observed) == paths


def test_of_a_truncated_asset_no_absent_field_is_drift_and_every_other_is():
    declared = {"labels": {"team": "shop"}, "location": "EU"}
    assert left("storage.googleapis.com/Bucket", declared, {"location": "US"}, truncated=True) == ["location"]


def test_a_message_says_that_its_asset_was_truncated():
    asset = {
        "name": "//storage.googleapis.com/b",
        "assetType": "storage.googleapis.com/Bucket",
        "updateTime": "2026-03-01T12:00:00Z",
        "resource": {"data": {}},
        "assetExceptions": [{"exceptionType": "TRUNCATION", "details": "too large"}],
    }
    assert parse(json.dumps({"asset": asset}).encode()).truncated


def test_diff_names_what_it_could_not_check_and_counts_it_out():
    explained = as_inventoried(examine({"labels": {"team": "shop"}}, {}, None, Project("p")), VAULT, {})
    assert explained.differences == ()
    assert [note.path for note in explained.unchecked] == ["labels.team"]
    assert explained.checked == 0


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"deleted": True}, "deleted"),
        ({"state": "DELETED"}, "state"),
        ({"state": "STATE_DELETED"}, "state"),
        ({"lifecycleState": "DELETE_REQUESTED"}, "lifecycleState"),
        ({"state": "DELETING"}, "state"),
        ({"deleteTime": "2026-03-01T12:00:00Z"}, "deleteTime"),
        ({"metadata": {"deletionTimestamp": "2026-03-01T12:00:00Z"}}, "metadata.deletionTimestamp"),
        ({"deleted": False, "state": "ACTIVE", "deleteTime": ""}, ""),
        ({"deleted": "true", "state": "DISABLED"}, ""),
        ({"spec": {"deleted": True}}, ""),
    ],
)
def test_a_resource_that_is_deleted_and_kept_for_a_while_is_gone(data, field):
    assert (gone_field(data), is_gone(data)) == (field, bool(field))
    explained = as_inventoried(examine({}, data, None, Project("p")), "iam.googleapis.com/Role", data)
    assert [difference.path for difference in explained.differences] == ([field] if field else [])
