"""A last known good value that opens a resource to everybody is written back with an approval alone.

What was there when a resource was first observed is good, whoever had set it.
"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from remediation.fleet import KEY, World
from remediation.test_last_known_good import GOOD, OPEN, PATH, change, live, watched
from setpoint.model import security_meaning
from setpoint.remediation.engine import remediate


def test_a_bucket_that_was_open_from_the_start_is_not_opened_again_by_itself(world: World):
    watched(world, live=OPEN)
    change(world, GOOD)
    assert remediate(KEY, world.context) == "asked"
    world.ticks(300)
    assert (world.writes, live(world)) == (0, GOOD)
    assert "ends a protection" in world.state.remediation.reason


def test_with_an_approval_it_is(world: World):
    watched(world, live=OPEN)
    change(world, GOOD)
    remediate(KEY, world.context)
    world.approve()
    assert remediate(KEY, world.context) == "resolved"
    assert live(world) == OPEN


def test_declared_drift_beside_it_is_written(world: World):
    watched(world, live=OPEN)
    change(world, {**GOOD, "versioning": {"enabled": False}})
    remediate(KEY, world.context)
    world.ticks(300)
    assert live(world) == GOOD
    assert world.state.is_open


@pytest.mark.parametrize(
    ("path", "before", "after", "expected"),
    [
        (PATH, "enforced", "inherited", True),
        (PATH, "enforced", UNSET, True),
        (PATH, "inherited", "enforced", False),
        (PATH, UNSET, "enforced", False),
        ("sourceRanges", ["10.0.0.0/8"], ["0.0.0.0/0"], True),
        ("sourceRanges", ["0.0.0.0/0"], ["10.0.0.0/8"], False),
        ("sourceRanges", ["0.0.0.0/0", "10.0.0.0/8"], ["0.0.0.0/0"], False),
        ("settings.ipConfiguration.authorizedNetworks[value=0.0.0.0/0].name", UNSET, "office", True),
        ("settings.ipConfiguration.authorizedNetworks[value=0.0.0.0/0].name", "office", UNSET, False),
        ("deletionProtection", True, False, True),
        ("deletionProtection", False, True, False),
        ("canIpForward", True, False, False),
        ("softDeletePolicy.retentionDurationSeconds", "0", "604800", False),
    ],
)
def test_which_writes_weaken(path: str, before: Any, after: Any, expected: bool):
    assert security_meaning.weakens(path, before, after) == expected
