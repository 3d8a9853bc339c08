"""Recorded assets: each is in sync with what a person would declare of it, and a change of a declared leaf is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from comparison.strategies import leaves, replaced
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.export import export
from setpoint.detection import verdict
from setpoint.model import observation as observations
from setpoint.model.asset_stream import messages
from setpoint.model.declaration import Declaration, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from test_corpus import CORPUS
from test_corpus_mutations import others

pytestmark = pytest.mark.skipif(not (CORPUS / "terraform.jsonl").is_file(), reason=f"no recorded cases at {CORPUS}")


def assets() -> Iterator[Observation]:
    """The assets of Cloud Asset Inventory among the recorded cases, and recorded answers of APIs as such assets."""
    for line in (CORPUS / "terraform.jsonl").read_text().splitlines():
        for asset in json.loads(line)["assets"]:
            if "resource" in asset:
                yield parsed(asset)
    for number, line in enumerate((CORPUS / "api.jsonl").read_text().splitlines()):
        record = json.loads(line)
        name = f"//example.googleapis.com/projects/fleet-prod-123/things/{number}"
        data = record["live_after_create"]
        yield parsed({"name": name, "asset_type": record["asset_type"], "resource": {"data": data}})


def parsed(asset: dict[str, Any]) -> Observation:
    line = json.dumps({**asset, "update_time": "2026-03-01T12:00:00Z"}).encode()
    (message,) = messages(BytesIO(line))
    observation = observations.parse(message.data)
    assert observation is not None
    return observation


def judge(declaration: Declaration, observation: Observation) -> verdict.Verdict:
    judged = verdict.judge(desired((declaration,)), Rules(), observation, default_catalogue())
    assert isinstance(judged, verdict.Verdict)
    return judged


def test_every_recorded_asset_is_in_sync_with_itself_and_nearly_every_changed_leaf_is_found():
    drifted, missed, count, mutants = [], [], 0, 0
    for observation in assets():
        whole = Declaration(observation.key, observation.asset_type, observation.data)
        count += 1
        if judge(whole, observation).kind:
            drifted.append(observation.key.name)
        exported = export(observation, default_catalogue()).declaration
        if exported is None:
            continue
        for path in leaves(exported.data):
            value: Any = exported.data
            for part in path:
                value = value[part]
            if value is None or value in ({}, []) or path[-1] == "etag":
                continue
            for other in others(value)[:1]:
                mutants += 1
                changed = Declaration(observation.key, observation.asset_type, replaced(exported.data, path, other))
                result = judge(changed, observation)
                if result.kind is None and not result.unknown:
                    missed.append((observation.asset_type, path, value, other))
    assert drifted == []
    assert count > 200
    assert mutants > 1_000
    assert len(missed) / mutants <= 0.005, f"{len(missed)} of {mutants}: {missed[:20]}"
