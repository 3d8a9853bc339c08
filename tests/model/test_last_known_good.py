"""The good values in a record: small, and read as they were written."""

from __future__ import annotations

import base64
import random
import zlib
from datetime import UTC, datetime

import msgspec
import pytest

from setpoint.model.last_known_good import FORM, GoodValues, LastKnownGood, pack, unpack

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def values(count: int) -> GoodValues:
    chance = random.Random(count)  # noqa: S311 - a sample
    kept = {
        f"settings.group{number}.field{chance.randrange(9)}": chance.choice(
            [True, "ENABLED", 12, f"projects/p/{number}"]
        )
        for number in range(count)
    }
    return GoodValues("0f" * 8, "1e" * 8, "", "2d" * 20, NOON, NOON, kept, form=FORM)


@pytest.mark.parametrize("count", [0, 3, 12, 40, 160, 400])
def test_values_of_any_size_are_read_as_they_were_written(count: int):
    assert unpack(pack(values(count))) == values(count)


@pytest.mark.parametrize("count", [12, 40, 160])
def test_values_that_an_earlier_version_compressed_are_read(count: int):
    earlier = base64.b64encode(zlib.compress(msgspec.json.encode(values(count)), 6)).decode()
    assert unpack(LastKnownGood(earlier)) == values(count)


@pytest.mark.parametrize("count", [12, 40, 160])
def test_a_small_window_costs_no_room(count: int):
    earlier = base64.b64encode(zlib.compress(msgspec.json.encode(values(count)), 6))
    assert len(pack(values(count)).packed) <= len(earlier) * 1.02
