"""What a report says of what a store holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.samples import NOW, PERIOD, facts, many, report, state, sweep
from setpoint.detection.finding_events import data_of
from setpoint.model.actors import Actor
from setpoint.model.audit_trail import AuditEntry, Reason
from setpoint.model.difference import Difference
from setpoint.model.exemptions import Exemption
from setpoint.model.grouping import cause_id, cause_of
from setpoint.model.remediation_attempt import AppliedFix, RemediationState
from setpoint.reporting.html.build import build
from setpoint.reporting.html.figures import span_of

DAY = timedelta(days=1)


def test_open_findings_are_counted_now_and_when_the_period_began():
    shown = report(
        state("//a.com/old", first_seen=NOW - 40 * DAY),
        state("//a.com/new", severity="critical"),
        state("//a.com/past", first_seen=NOW - 40 * DAY, status="resolved", resolved_at=NOW - 5 * DAY),
    ).figures
    assert (shown.open, shown.open_before, shown.critical, shown.critical_before) == (2, 2, 1, 0)
    assert (shown.opened, shown.resolved) == (1, 1)


def test_the_time_to_resolve_is_of_the_period_and_beside_it_that_of_as_long_before():
    def over(name, began, lasted):
        first = NOW - began
        return state(name, first_seen=first, status="resolved", resolved_at=first + lasted)

    shown = report(
        over("//a.com/a", 2 * DAY, DAY / 2), over("//a.com/b", 3 * DAY, DAY), over("//a.com/c", 45 * DAY, DAY)
    )
    assert shown.figures.seconds_to_resolve == 0.75 * 86_400
    assert shown.figures.seconds_before == 86_400
    assert report().figures.seconds_to_resolve is None


def test_remediation_is_counted_by_how_far_it_has_come():
    def step_at(name, step, **more):
        return state(f"//a.com/{name}", remediation=RemediationState("f", step, NOW - DAY, **more))

    shown = report(
        step_at("a", "asked"),
        step_at("b", "verifying"),
        step_at("c", "stopped"),
        state(
            "//a.com/d",
            status="resolved",
            resolved_at=NOW,
            remediation=RemediationState("f", "done", NOW, applied_fixes=(AppliedFix(NOW, ("x",)),)),
        ),
        state(
            "//a.com/e",
            remediation=RemediationState("f", "waiting", NOW, applied_fixes=(AppliedFix(NOW - 50 * DAY, ("x",)),)),
        ),
    )
    assert (shown.figures.awaiting, shown.figures.remediating, shown.figures.stopped, shown.figures.put_back) == (
        1,
        1,
        1,
        1,
    )
    assert {row.name: row.status for row in shown.rows if row.status != "resolved"} == {
        "a": "awaiting",
        "b": "remediating",
        "c": "open",
        "e": "open",
    }


def test_days_tell_what_was_opened_and_resolved_and_what_was_open_at_their_end():
    spans = report(
        state("//a.com/a", first_seen=NOW - 2 * DAY, status="resolved", resolved_at=NOW - DAY, severity="high"),
        state("//a.com/b", first_seen=NOW - 60 * DAY, severity="low"),
    ).spans
    assert len(spans) == 31
    assert [(span.opened, span.resolved, span.open) for span in spans[-3:]] == [
        (1, 0, (1, 0, 1, 0)),
        (0, 1, (1, 0, 0, 0)),
        (0, 0, (1, 0, 0, 0)),
    ]


@given(st.integers(0, 2**32), st.integers(1, 366 * 24))
def test_what_is_open_at_the_end_is_what_is_open_now_and_nothing_is_counted_twice(seed, hours):
    states = list(many(40, seed))
    shown = build(facts(*states), NOW - timedelta(hours=hours), NOW)
    loud = [state_ for state_ in states if state_.finding.status in ("open", "resolved")]
    assert sum(shown.spans[-1].open) == shown.figures.open == sum(state_.finding.status == "open" for state_ in states)
    assert sum(span.opened for span in shown.spans) >= shown.figures.opened
    assert sum(span.resolved for span in shown.spans) >= shown.figures.resolved
    assert shown.figures.open == shown.figures.open_before + shown.figures.opened - shown.figures.resolved
    assert shown.figures.opened == sum(state_.finding.first_seen >= shown.since for state_ in loud)
    assert len(shown.rows) == shown.total


@pytest.mark.parametrize(("hours", "span"), [(2, 300), (48, 3600), (24 * 30, 86_400)])
def test_a_short_period_is_shown_in_short_parts(hours, span):
    assert span_of(timedelta(hours=hours)).total_seconds() == span


def test_open_findings_come_first_then_the_worst_then_the_latest_and_no_more_than_fit():
    states = (
        state("//a.com/past", severity="critical", status="resolved", resolved_at=NOW - DAY),
        state("//a.com/low", severity="low"),
        state("//a.com/older", severity="high", first_seen=NOW - 9 * DAY),
        state("//a.com/newer", severity="high"),
    )
    assert [row.name for row in report(*states).rows] == ["newer", "older", "low", "past"]
    cut = build(facts(*states), NOW - PERIOD, NOW, most=3)
    assert [row.name for row in cut.rows] == ["newer", "older", "low"]
    assert cut.figures.opened == 4
    assert "3 of 4 findings" in cut.notices[-1].text


def test_what_was_resolved_before_the_period_is_left_out():
    shown = report(state("//a.com/a", first_seen=NOW - 90 * DAY, status="resolved", resolved_at=NOW - 80 * DAY))
    assert shown.rows == ()


def test_grants_are_told_in_words_and_a_long_value_is_cut():
    given_to = Difference("x", "unexpected", observed={"role": "roles/owner", "member": "user:max@example.com"})
    long = Difference("y", "changed", declared="a" * 5_000, observed=1, immutable=True)
    (row,) = report(state(differences=(given_to, long), difference_count=2)).rows
    assert row.fields[0].grant == "roles/owner granted to user:max@example.com"
    assert (len(row.fields[1].declared), row.fields[1].observed, row.fields[1].immutable) == (600, "1", True)


def test_the_timeline_tells_of_the_actor_the_exemption_the_remedy_and_the_end_in_their_order():
    first = NOW - 5 * DAY
    (row,) = report(
        state(
            first_seen=first,
            changed_at=first + DAY,
            last_seen=first + 2 * DAY,
            count=7,
            episodes=2,
            status="resolved",
            resolved_at=NOW,
            reason="in sync",
            actor=Actor(
                principal="max@example.com", kind="person", confidence="certain", method="m", requested_at=first - DAY
            ),
            exemption=Exemption("a migration", "ana", first + DAY / 2, NOW - DAY),
            remediation=RemediationState(
                "f", "done", first + 3 * DAY, claimed_at=first + 3 * DAY, applied_fixes=(AppliedFix(NOW, ("a.b",)),)
            ),
        )
    ).rows
    assert [step.what for step in row.steps] == [
        *("changed", "drift began", "exempted", "drift changed", "last seen drifted"),
        *("remediation: done", "remediation: written", "resolved", "remediated"),
    ]
    assert row.steps[1].text == "recurrence 2"
    assert (row.steps[2].by, row.steps[2].text) == ("ana", "a migration until 2026-03-30 12:00 UTC")


def test_an_audit_trail_takes_the_place_of_what_the_record_tells_of_remediation():
    trail = [AuditEntry(NOW, "act", "worker", reasons=(Reason("the policy says so"),), text="decided")]
    asked = state(remediation=RemediationState("f", "asked", NOW - DAY))
    (row,) = report(asked, trail=lambda _: trail).rows
    assert [(step.what, step.by, step.text) for step in row.steps][-1] == (
        "remediate",
        "worker",
        "decided. the policy says so",
    )
    assert not any(step.what.startswith("remediation") for step in row.steps)


def test_findings_of_one_cause_are_of_one_group_and_those_of_another_are_not():
    open_row, other, another = state("a"), state("b"), state("c", kind="deleted", differences=())
    (first,), (second,), (third,) = (report(state_).rows for state_ in (open_row, other, another))
    assert first.group == second.group == cause_id(cause_of(data_of(open_row)))
    assert third.group != first.group


def test_coverage_is_that_of_the_largest_sweep_of_late_and_what_no_sweep_could_list_is_said():
    part = sweep(declared=10, in_sync=10, drifted=0, unknown=0, unchecked=0, denied={"projects/p resource": "denied"})
    long_ago = sweep(ended_at=NOW - 9 * DAY, declared=90_000, failed={"folders/1 resource": "lost"})
    shown = report(sweeps=[part, sweep(), long_ago])
    assert (shown.coverage.swept, shown.coverage.unknown) == (50_000, 290)
    assert shown.coverage.compared == pytest.approx(0.9942)
    assert shown.coverage.missed == ("projects/p resource: denied",)
    assert shown.notices[0].level == "warning"


def test_nothing_scanned_is_not_the_same_as_nothing_found():
    assert not report(sweeps=[], is_watched=False).is_watched
    assert report(sweeps=[sweep()], is_watched=False).is_watched
    assert report(state(), sweeps=[], is_watched=False).is_watched
    assert "nothing was listed" in report(sweeps=[sweep(listed=0, declared=0)]).notices[0].text


def test_an_old_sweep_and_none_at_all_are_said():
    assert "more than a day ago" in report(sweeps=[sweep(ended_at=NOW - 2 * DAY)]).notices[0].text
    assert "No sweep has ended" in report(sweeps=[]).notices[0].text
