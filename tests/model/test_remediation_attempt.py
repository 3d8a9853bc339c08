"""How far putting a drift back has come, from one look to the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from setpoint.model import remediation_attempt
from setpoint.model.difference import Difference
from setpoint.model.policy import Limits
from setpoint.model.remediation_attempt import DriftSummary, scope_of, start

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = Limits(attempts=3)
TWO = (Difference("a", "changed", 1, 2), Difference("b", "changed", 1, 2))
DRIFT = DriftSummary("f1", 1, scope_of(TWO, 2), "d1")


def moment(**how: float) -> datetime:
    return NOON + timedelta(**how)


def claimed(attempt=None, when=NOON, paths=("a", "b")):
    return remediation_attempt.claimed(
        attempt or start(None, DRIFT, LIMITS, when), "worker", ("a: 2 -> 1",), paths, when
    )


def test_a_drift_that_is_looked_at_again_goes_on_where_it_was():
    before = remediation_attempt.postpone(start(None, DRIFT, LIMITS, NOON), moment(minutes=5), "a window")

    assert start(before, DRIFT, LIMITS, moment(minutes=6)) == before
    assert not remediation_attempt.is_new(before, before)


def test_whatever_drifts_somebody_who_writes_is_left_alone_until_the_claim_runs_out():
    before = claimed()
    other = replace(DRIFT, fingerprint="f2")

    assert start(before, other, LIMITS, moment(minutes=4)) is before
    assert start(before, other, LIMITS, moment(minutes=6)).step == "waiting"


def test_failures_are_paused_after_longer_each_time_and_end_with_a_person():
    attempt, pauses = None, []
    for minutes in (0, 10, 20):
        attempt = remediation_attempt.failed(
            claimed(attempt, moment(minutes=minutes)), "boom", LIMITS, moment(minutes=minutes)
        )
        pauses.append((attempt.step, attempt.due - moment(minutes=minutes)))

    assert pauses == [
        ("waiting", timedelta(minutes=1)),
        ("waiting", timedelta(minutes=2)),
        ("stopped", timedelta(hours=1)),
    ]
    assert attempt.reason == remediation_attempt.exhausted(attempt) == "3 attempts failed, the last: boom"


def test_failures_count_for_the_resource_whatever_drifts_next():
    failed = remediation_attempt.failed(claimed(), "boom", LIMITS, NOON)
    other = start(failed, replace(DRIFT, fingerprint="f2", episode=2), LIMITS, moment(seconds=10))

    assert (other.attempts, other.failure, other.due) == (1, "boom", moment(minutes=1))


@pytest.mark.parametrize(
    ("before", "drift", "now"),
    [
        (remediation_attempt.failed(claimed(), "boom", LIMITS, NOON), replace(DRIFT, desired="d2"), moment(minutes=1)),
        (remediation_attempt.failed(claimed(), "boom", LIMITS, NOON), replace(DRIFT, fingerprint="f2"), moment(days=2)),
        (remediation_attempt.verify(claimed(), moment(minutes=1)), replace(DRIFT, episode=2), moment(minutes=2)),
    ],
    ids=["another declaration", "a stable time", "a proof"],
)
def test_failures_are_forgotten_after(before, drift, now):
    after = start(before, drift, LIMITS, now)
    assert (after.attempts, after.failure, after.due) == (0, "", None)


def test_attempts_at_the_same_drift_are_not_forgotten_by_waiting():
    failed = remediation_attempt.failed(claimed(), "boom", LIMITS, NOON)
    assert start(failed, DRIFT, LIMITS, moment(days=30)).attempts == 1


def test_a_field_that_was_put_back_and_drifts_again_is_known_by_its_path_whatever_it_is_now():
    proved = remediation_attempt.verify(claimed(), moment(minutes=1))
    again = start(proved, DriftSummary("f9", 2, (), "d1"), LIMITS, moment(minutes=2))

    assert remediation_attempt.returns(again, ["a"]) == 1
    assert remediation_attempt.returns(again, ["c"]) == 0


def test_a_field_that_drifts_otherwise_before_it_was_proved_has_come_back_too():
    written = remediation_attempt.written(claimed(), moment(seconds=1))
    again = start(written, DriftSummary("f9", 1, (), "d1"), LIMITS, moment(seconds=30))

    assert remediation_attempt.returns(again, ["a"]) == 1


def test_what_was_put_back_long_ago_or_by_another_declaration_is_forgotten():
    proved = remediation_attempt.verify(claimed(), moment(minutes=1))

    assert remediation_attempt.returns(start(proved, replace(DRIFT, episode=2), LIMITS, moment(days=2)), ["a"]) == 0
    assert (
        remediation_attempt.returns(start(proved, replace(DRIFT, desired="d2"), LIMITS, moment(minutes=2)), ["a"]) == 0
    )


class TestApproval:
    approved = remediation_attempt.approved(start(None, DRIFT, LIMITS, NOON), "ann", NOON)

    def test_holds_for_the_drift_that_was_approved(self):
        assert start(self.approved, DRIFT, LIMITS, moment(days=1)).approved_by == "ann"

    def test_holds_for_what_is_left_of_it(self):
        written = remediation_attempt.written(claimed(self.approved, paths=("a",)), NOON)
        rest = DriftSummary("f2", 1, scope_of(TWO[1:], 1), "d1")
        assert start(written, rest, LIMITS, moment(seconds=1)).approved_by == "ann"

    @pytest.mark.parametrize(
        "drift",
        [
            DriftSummary("f2", 1, scope_of((*TWO, Difference("c", "missing", 1)), 3), "d1"),
            DriftSummary("f2", 1, scope_of((Difference("b", "changed", 1, 3),), 1), "d1"),
            DriftSummary("f2", 1, scope_of(TWO, 900), "d1"),
            replace(DRIFT, episode=2),
            replace(DRIFT, desired="d2"),
        ],
        ids=["a field more", "another value", "more than is known", "a later episode", "another declaration"],
    )
    def test_does_not_hold_for(self, drift):
        assert start(self.approved, drift, LIMITS, moment(seconds=1)).approved_by == ""

    def test_is_used_up_when_there_is_nothing_to_put_back(self):
        assert remediation_attempt.close(self.approved, "in sync").approved_by == ""


def test_a_claim_is_too_old_to_write_on_long_before_another_may_take_over():
    attempt = claimed()
    assert remediation_attempt.may_write(attempt, moment(minutes=2))
    assert not remediation_attempt.may_write(attempt, moment(minutes=3))
    assert remediation_attempt.is_held(attempt, moment(minutes=3))


def test_a_scope_does_not_depend_on_the_order_of_keys():
    values = ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1})
    first, other = (scope_of((Difference("x", "unexpected", observed=value),), 1) for value in values)
    assert first == other
