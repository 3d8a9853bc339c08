"""Lines that show a value: what is written, and what would resolve a drift."""

from __future__ import annotations

import pytest

from setpoint.declarations import proposal_lines
from setpoint.declarations.readers import hcl
from setpoint.model.declaration import Declaration, Source
from setpoint.model.difference import Difference
from setpoint.model.resource_key import ResourceKey
from setpoint.remediation import write_summary

DECLARATION = Declaration(
    ResourceKey("//storage.googleapis.com/b", "resource"),
    "storage.googleapis.com/Bucket",
    {},
    source=Source("fleet/buckets.yaml", line=12),
)


@pytest.mark.parametrize("value", ["half a pair \ud800", {"\udc00": ["\ud800"]}, "x" * 5_000, 10**30, True, None])
@pytest.mark.parametrize("op", ["changed", "unexpected", "missing"])
def test_any_observed_value_has_a_line_that_can_be_written(op, value):
    difference = Difference("labels.team", op, declared=value, observed=value)
    for line in (proposal_lines.line(DECLARATION, difference), write_summary.line(difference)):
        assert "labels.team" in line
        assert len(line) < 400
        assert line.encode()


def test_a_proposal_shows_json_and_a_write_shows_text():
    difference = Difference("versioning.enabled", "changed", declared="true", observed=False)
    assert proposal_lines.line(DECLARATION, difference).endswith('spec.data.versioning.enabled: "true" -> false')
    assert write_summary.line(difference) == "versioning.enabled: false -> true"


@pytest.mark.parametrize("value", ["half a pair \ud800", {"\udc00": ["\ud800"]}])
def test_any_value_has_a_literal_of_terraform(value):
    assert hcl.literal(value).encode()


def test_a_literal_of_terraform_is_no_template():
    assert hcl.literal("a ${b} %{c}") == '"a $${b} %%{c}"'
