"""Numbers that a warehouse does not take cost no event."""

from __future__ import annotations

import json

import pytest

from setpoint.detection import record_limits
from setpoint.model.difference import Difference


def shown(declared, observed) -> Difference:
    difference = Difference("limit", "changed", declared, observed)
    (kept,) = record_limits.bounded([difference], [record_limits.encode(difference)])
    return kept


@pytest.mark.parametrize("wide", [2**64, -(2**63) - 1, 10**30])
def test_an_integer_beyond_64_bits_is_text_in_an_event_wherever_it_stands(wide):
    kept = shown(wide, {"a": [wide, 1], "b": True})
    assert (kept.declared, kept.observed) == (str(wide), {"a": [str(wide), 1], "b": True})
    assert json.loads(record_limits.encode(kept))["declared"] == str(wide)


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 10**18, 1.5e300, "1" * 40, True, None])
def test_what_the_warehouse_takes_stays_as_it_is(number):
    assert shown(number, number).declared == number
