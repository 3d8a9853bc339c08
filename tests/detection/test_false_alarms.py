"""A small run of the benchmark of false alarms, and the changes of a person that it must not hide."""

from __future__ import annotations

import importlib.util
import random
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

from detection.weakened_guards import BUCKET, HAND_PICKED, INSTANCE
from setpoint.catalog.schemas import default_catalogue
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.testing.server_changes import a_day

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("undeclared_benchmark", ROOT / "benchmarks" / "undeclared.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["undeclared_benchmark"] = module
    spec.loader.exec_module(module)
    return module


def test_days_in_which_nobody_changes_anything_raise_no_alarm(benchmark: ModuleType):
    figures = benchmark.measure(3_000)
    assert figures["resource_days"] >= 2_000
    assert figures["alarms"] == 0, figures["most"]
    assert figures["reported_unchanged"] == []
    assert figures["record_bytes_median"] <= 2_048


@pytest.mark.parametrize("asset_type", [BUCKET, INSTANCE, "sqladmin.googleapis.com/Instance"])
def test_among_such_days_a_weakened_guard_is_reported(benchmark: ModuleType, asset_type: str):
    rng = random.Random(7)  # noqa: S311 - a sample, no secret
    schema = default_catalogue().schema_for(asset_type)
    changes = [change for change in HAND_PICKED[asset_type] if change[1] != change[2]]
    for path, before, after in changes:
        declaration = Declaration(ResourceKey("//example.googleapis.com/exports"), asset_type, {})
        watch = benchmark.Watch(benchmark.Resource(declaration, {}))
        live = nested(path, before)
        watch.see(live, benchmark.START)
        for day in range(1, 8):
            live = a_day(live, schema, rng, benchmark.START + timedelta(days=day))
            assert watch.see(live, benchmark.START + timedelta(days=day)) == [], (path, live)
        live = a_day(nested(path, after), schema, rng, benchmark.START + timedelta(days=8))
        assert watch.see(live, benchmark.START + timedelta(days=8)), path


def nested(path: str, value: object) -> dict[str, object]:
    data: object = value
    for name in reversed(path.split(".")):
        data = {} if data is None else {name: data}
    return data  # type: ignore[return-value]
