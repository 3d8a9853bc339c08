"""The life of a remediation, against the fake of Google's REST APIs."""

from __future__ import annotations

from msgspec.structs import replace

from remediation.fleet import AUTO, DRIFTED, KEY, URL
from setpoint.model.policy import Policy, Rule
from setpoint.remediation.engine import remediate


def test_a_drift_is_put_back_and_proved_and_nothing_else_is_changed(world):
    world.declare()
    world.drift()

    assert remediate(KEY, world.context) == "resolved"

    live = world.google.get(URL)
    assert live["versioning"] == {"enabled": True}
    assert live["labels"] == {"team": "shop", "x": "y"}
    assert world.writes == 1
    assert world.event_types == ["drift.opened", "remediation.started", "drift.resolved", "remediation.succeeded"]
    assert world.state.remediation.step == "done"
    assert world.trail == ["act", "written", "succeeded"]


def test_a_fleet_without_a_policy_is_only_told(world):
    world.declare(policy=None)
    world.drift()

    assert (remediate(KEY, world.context), world.writes, world.event_types) == ("left", 0, ["drift.opened"])


def test_a_dry_run_says_what_it_would_write_once_and_writes_nothing(world):
    world.declare(replace(AUTO, dry_run=True))
    world.drift()

    assert [remediate(KEY, world.context) for _ in range(3)] == ["rehearsed"] * 3

    assert world.writes == 0
    assert world.event_types == ["drift.opened", "remediation.blocked"]
    remediation = world.bus.events[-1].data.remediation
    assert "versioning.enabled" in remediation.summary[0]
    assert "dry run" in remediation.reason


def test_a_drift_that_is_gone_by_itself_is_resolved_without_a_write(world):
    world.declare()
    world.drift()
    world.google.put(URL, {**DRIFTED, "versioning": {"enabled": True}})

    assert (remediate(KEY, world.context), world.writes) == ("resolved", 0)
    assert world.event_types == ["drift.opened", "drift.resolved"]


def test_what_is_another_drift_by_now_is_told_before_anything_is_written(world):
    world.declare()
    world.drift()
    world.google.put(URL, {**DRIFTED, "labels": {"team": "other"}})

    assert (remediate(KEY, world.context), world.writes) == ("changed", 0)
    assert remediate(KEY, world.context) == "resolved"


def test_mode_approve_asks_once_and_waits(world):
    world.declare(Policy(rules=(Rule("all", mode="approve"),), dry_run=False, limits=AUTO.limits))
    world.drift()

    assert [remediate(KEY, world.context) for _ in range(2)] == ["asked", "asked"]
    assert (world.writes, world.event_types) == (0, ["drift.opened", "remediation.requested"])
    assert world.bus.events[-1].data.remediation.declared is not None


def test_a_rule_that_proposes_says_what_would_have_to_be_declared_and_writes_nothing(world):
    rule = Rule("theirs", mode="auto", executor="propose")
    world.declare(Policy(rules=(rule,), dry_run=False, limits=AUTO.limits))
    world.drift()

    assert (remediate(KEY, world.context), world.writes) == ("handed_off", 0)
    remediation = world.bus.events[-1].data.remediation
    assert (remediation.executor, remediation.step) == ("propose", "handed_off")
    assert "spec.data.versioning.enabled: true -> false" in remediation.summary[0]
