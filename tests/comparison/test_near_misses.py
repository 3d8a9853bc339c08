"""For each rule that keeps an alarm quiet, the nearest real change that it must not hide, and what it is there for.

`near_misses.jsonl` holds made-up cases of many types: `type`, `declared`, `live`, and whether that is drift.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.compare import compare
from setpoint.model.references import Project

OWN = Project("shop-prod", "123456789012")
CASES = [json.loads(line) for line in (Path(__file__).parent / "near_misses.jsonl").read_text().splitlines()]


def _name(case: dict[str, Any]) -> str:
    return f"{case['type']}-{json.dumps(case['declared'])[:60]}"


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_the_nearest_real_change_is_found_and_what_means_the_same_is_not(case: dict[str, Any]) -> None:
    schema = default_catalogue().fitting(case["type"], case["declared"])
    assert bool(compare(case["declared"], case["live"], schema, own=OWN)) == case["drift"]
