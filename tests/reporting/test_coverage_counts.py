"""How much of what is declared was checked, as the warehouse counts it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from setpoint.model.declaration import Declaration, Owner, desired
from setpoint.model.resource_key import ResourceKey
from setpoint.reporting.rows import CoverageCounter, SnapshotTime

BUCKET = "storage.googleapis.com/Bucket"
TAKEN = SnapshotTime(date(2026, 3, 1), datetime(2026, 3, 2, tzinfo=UTC))


def rows(*added: tuple[str, str, bool, str]) -> list[tuple[str, str, str, int, int]]:
    counter = CoverageCounter()
    for name, team, is_checked, content in added:
        key = ResourceKey(f"//storage.googleapis.com/{name}", content)
        wanted = desired((Declaration(key, BUCKET, {}, project="shop", owner=Owner(team)),))
        counter.add(key, wanted, is_checked=is_checked)
    return [(row.team, row.project, row.content, row.declared, row.checked) for row in counter.rows(TAKEN)]


def test_nothing_that_is_declared_gives_no_row():
    assert rows() == []


def test_what_was_not_checked_counts_as_declared_alone():
    assert rows(("a", "pay", False, "resource")) == [("pay", "shop", "resource", 1, 0)]


def test_what_was_checked_counts_as_both_and_only_in_its_own_group():
    counted = rows(
        ("a", "pay", True, "resource"),
        ("b", "pay", False, "resource"),
        ("a", "pay", True, "iam_policy"),
        ("c", "ship", False, "resource"),
    )
    assert counted == [
        ("pay", "shop", "iam_policy", 1, 1),
        ("pay", "shop", "resource", 2, 1),
        ("ship", "shop", "resource", 1, 0),
    ]
