"""The guardrails of remediation at the edges of their windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from setpoint.model.policy import Limits
from setpoint.model.safety_limits import (
    FEWEST_OF_SOURCE,
    FLEET,
    LimitScope,
    Pause,
    SafetyState,
    exceeded,
    fail,
    next_allowed_write,
    paused,
    record_request,
    record_source_request,
    record_write,
    resume,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = "//storage.googleapis.com/exports"
LIMITS = Limits(per_project=2, per_fleet=3, within=600.0, surge=3, failures=3)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def written(*writes: tuple[str, float]) -> SafetyState:
    safety = SafetyState()
    for project, seconds in writes:
        safety = record_write(safety, LimitScope(project), LIMITS, later(seconds))
    return safety


def failed(*seconds: float) -> SafetyState:
    safety = SafetyState()
    for second in seconds:
        safety = fail(safety, NAME, LIMITS, later(second))
    return safety


def test_the_last_write_of_a_budget_is_allowed_and_one_more_is_not():
    first = written(("shop", 0))
    assert exceeded(first, LimitScope("shop"), LIMITS, later(1)) == ""
    second = record_write(first, LimitScope("shop"), LIMITS, later(1))
    assert "2 writes in project shop" in exceeded(second, LimitScope("shop"), LIMITS, later(2))
    assert exceeded(second, LimitScope("billing"), LIMITS, later(2)) == ""
    third = record_write(second, LimitScope("billing"), LIMITS, later(2))
    assert "3 writes in the fleet" in exceeded(third, LimitScope("billing"), LIMITS, later(3))


@pytest.mark.parametrize(("seconds", "is_held"), [(599.999, True), (600, False)])
def test_a_write_counts_until_its_window_has_passed_to_the_moment(seconds, is_held):
    safety = written(("shop", 0), ("shop", 300))
    assert bool(exceeded(safety, LimitScope("shop"), LIMITS, later(seconds))) == is_held


def test_the_budget_has_room_again_at_the_very_moment_that_is_named():
    safety = written(("shop", 0), ("shop", 300))
    room = next_allowed_write(safety, LimitScope("shop"), LIMITS, later(400))
    assert room == later(600)
    assert exceeded(safety, LimitScope("shop"), LIMITS, room) == ""
    assert exceeded(safety, LimitScope("shop"), LIMITS, room - timedelta(microseconds=1))


def test_a_smaller_budget_has_room_when_all_but_its_last_writes_are_too_old():
    safety = written(("shop", 0), ("shop", 100), ("shop", 200))
    one_write = replace(LIMITS, per_project=1, per_fleet=9)
    room = next_allowed_write(safety, LimitScope("shop"), one_write, later(300))
    assert room == later(800)
    assert exceeded(safety, LimitScope("shop"), one_write, room) == ""


def test_writes_of_another_source_use_up_no_budget_of_a_source():
    limits = replace(LIMITS, per_project=9, per_fleet=9, per_source=2)
    safety = SafetyState()
    for second, source in enumerate(("team", "platform", "platform")):
        safety = record_write(safety, LimitScope("shop", source), limits, later(second))
    assert exceeded(safety, LimitScope("shop", "team"), limits, later(3)) == ""
    assert "2 writes by source platform" in exceeded(safety, LimitScope("shop", "platform"), limits, later(3))
    assert exceeded(safety, LimitScope("shop"), limits, later(3)) == "", "a declaration of several sources"


def test_where_two_budgets_are_used_up_the_later_end_counts():
    safety = written(("billing", 0), ("shop", 100), ("shop", 200))
    assert next_allowed_write(safety, LimitScope("shop"), LIMITS, later(300)) == later(
        700
    )  # of the project; the fleet's is at 600


def test_a_budget_of_no_writes_allows_none():
    none = Limits(per_project=0, per_fleet=0, within=600.0)
    assert "the limit is 0" in exceeded(SafetyState(), LimitScope("shop"), none, NOW)


def test_so_many_failures_within_the_window_open_the_breaker():
    assert failed(0, 300).breaker is None
    opened = failed(0, 300, 599.999)
    assert opened.breaker is not None
    assert opened.breaker.opened_at == later(599.999)
    assert "3 writes failed" in opened.breaker.reason


def test_a_failure_is_forgotten_after_the_window():
    safety = failed(0, 300, 600)
    assert safety.breaker is None
    assert safety.failures == (later(300), later(600))
    assert fail(safety, NAME, LIMITS, later(899)).breaker is not None  # 300, 600 and 899 are within one window


def test_the_breaker_names_no_resource_whose_failure_is_forgotten():
    safety = SafetyState()
    for second, name in ((0, "forgotten"), (300, "b"), (600, "c"), (899, "d")):
        safety = fail(safety, name, LIMITS, later(second))
    assert safety.breaker.resources == ("b", "c", "d")


def test_a_drift_is_forgotten_after_the_window():
    safety = SafetyState()
    for second in (0, 300, 600):
        safety = record_request(safety, LIMITS, later(second))
    assert safety.breaker is None
    assert record_request(safety, LIMITS, later(899)).breaker is not None


def test_a_drift_of_a_source_is_forgotten_after_the_window():
    safety = SafetyState()
    for second in range(FEWEST_OF_SOURCE):
        safety = record_source_request(safety, "team", 1, LIMITS, later(second))
    assert record_source_request(safety, "team", 1, LIMITS, later(599.9)).pauses[0].of == "sources/team"
    assert record_source_request(safety, "team", 1, LIMITS, later(600)).pauses == ()


def test_drifts_are_counted_like_failures_and_apart_from_them():
    safety = record_request(record_request(failed(0, 1), LIMITS, later(2)), LIMITS, later(3))
    assert safety.breaker is None
    assert "3 drifts" in record_request(safety, LIMITS, later(4)).breaker.reason


def test_a_breaker_that_is_open_stays_as_it_is_until_the_fleet_is_resumed():
    opened = failed(0, 1, 2)
    assert fail(opened, NAME, LIMITS, later(3)) == opened
    assert record_request(opened, LIMITS, later(3)) == opened
    assert resume(opened, "projects/shop") == opened
    closed = resume(opened, FLEET)
    assert (closed.breaker, closed.failures, closed.requests) == (None, (), ())


@pytest.mark.parametrize(("seconds", "is_held"), [(0, True), (59.999, True), (60, False)])
def test_a_pause_with_an_end_holds_until_that_moment(seconds, is_held):
    safety = SafetyState(pauses=(Pause(FLEET, NOW, until=later(60)),))
    assert (paused(safety, "//a/b", (), later(seconds)) is not None) == is_held
