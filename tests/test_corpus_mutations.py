"""Every declared leaf of the recorded resources, changed: is it noticed?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from comparison.strategies import leaves, replaced
from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.explain import ExplainedComparison, examine
from setpoint.model.references import Project
from test_corpus import CORPUS

pytestmark = pytest.mark.skipif(
    not (CORPUS / "api.jsonl").is_file(), reason="SKIPPED: the recorded cases are not here; set SETPOINT_CORPUS"
)
OWN = Project("fleet-prod-123", "123456789012")


def others(value: Any) -> list[Any]:
    """Other values of the same kind."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [value + 1, value * 10 + 7]
    if value.lstrip("-").isdigit():
        return [str(int(value) + 1)]
    return [f"{value}x", f"zz{value}", f"{value[:-1]}{'r' if value.endswith('q') else 'q'}"] if value else ["x"]


def judged(record: dict[str, Any], declared: dict[str, Any]) -> ExplainedComparison:
    live = record["live_after_create"]
    return examine(declared, live, default_catalogue().fitting(record["asset_type"], live), OWN)


def given_back(path: tuple[str | int, ...], before: ExplainedComparison) -> bool:
    """Whether the answer shows this leaf: not a fingerprint that changes by itself, nor one said to be unchecked."""
    text = ".".join(str(part) for part in path)
    unchecked = [note.path for note in before.unchecked]
    return path[-1] != "etag" and not any(text == path_ or text.startswith(f"{path_}.") for path_ in unchecked)


def mutants() -> Iterator[ExplainedComparison]:
    """What is said of each recorded resource with one declared leaf changed that the answer gives back."""
    for line in (CORPUS / "api.jsonl").read_text().splitlines():
        record = json.loads(line)
        before = judged(record, record["declared"])
        if record["expect_create"] != "in_sync" or before.differences:
            continue
        for path in leaves(record["declared"]):
            value: Any = record["declared"]
            for part in path:
                value = value[part]
            if value is None or value in ({}, []) or not given_back(path, before):
                continue
            for other in others(value):
                yield judged(record, replaced(record["declared"], path, other))


def test_nearly_every_change_of_a_leaf_that_the_api_gives_back_is_found() -> None:
    examinations = list(mutants())
    missed = sum(not examination.differences for examination in examinations)
    assert len(examinations) > 3_000
    assert missed / len(examinations) <= 0.005, f"{missed} of {len(examinations)}"
