"""Whether a drift is put back: situations and what follows from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from setpoint.model import remediation_attempt
from setpoint.model.actors import Actor
from setpoint.model.declaration import Owner, Source
from setpoint.model.difference import Difference
from setpoint.model.exemptions import Exemption
from setpoint.model.maintenance_windows import Window
from setpoint.model.policy import Limits, Policy, Rule
from setpoint.model.remediation_attempt import AppliedFix, RemediationState
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import Finding
from setpoint.model.safety_limits import SECOND_BREAKER, Breaker, Pause, SafetyState, WriteRecord
from setpoint.remediation.decision import DecisionInput, blocking_guardrail, decide

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
KEY = ResourceKey("//storage.googleapis.com/exports")
RULE = Rule("all", mode="auto")
LIMITS = Limits(per_project=2, per_fleet=3)
FIELD = Difference("versioning.enabled", "changed", declared=True, observed=False)
FINDING = Finding(
    kind="modified",
    status="open",
    severity="medium",
    mode="auto",
    owner=Owner(),
    project="shop-prod",
    source=Source(),
    differences=(FIELD,),
    difference_count=1,
    fingerprint="f1",
    first_seen=NOW,
    last_seen=NOW,
)
REMEDY = RemediationState("f1", "waiting", NOW - timedelta(hours=1))
APPLIER = Actor(
    principal="deploy@shop.iam.gserviceaccount.com",
    kind="applier",
    confidence="likely",
    method="m.update",
    requested_at=NOW,
)
GOOD = DecisionInput(
    key=KEY,
    finding=FINDING,
    remediation=REMEDY,
    rule=RULE,
    mode="auto",
    policy=Policy(rules=(RULE,), dry_run=False, limits=LIMITS),
    safety_state=SafetyState(),
    ancestors=frozenset(("projects/shop-prod", "projects/12", "folders/3", "organizations/4")),
    applied_at=NOW - timedelta(days=1),
    changed_at=None,
    is_applying=False,
    actor="",
    now=NOW,
)


def ago(**how: float) -> datetime:
    return NOW - timedelta(**how)


def later(**how: float) -> datetime:
    return NOW + timedelta(**how)


def paused(of: str, until: datetime | None = None) -> SafetyState:
    return SafetyState(pauses=(Pause(of, ago(hours=1), by="ann", reason="migration", until=until),))


def put(*times: float, paths: tuple[str, ...] = ("versioning.enabled",)) -> RemediationState:
    return replace(REMEDY, applied_fixes=tuple(AppliedFix(ago(hours=hours), paths) for hours in times))


NIGHT = Window("0 22 * * *", 4 * 3600)
NOONS = Window("30 11 * * *", 3600)

BRAKES = {
    "mode alert": ({"mode": "alert"}, "leave", "mode alert"),
    "mode off": ({"mode": "off"}, "leave", "mode off"),
    "mode approve": ({"mode": "approve"}, "ask", "this drift is not approved"),
    "exempted": ({"finding": replace(FINDING, status="exempted")}, "leave", "exempted"),
    "exempted a moment ago": ({"exemption": Exemption("freeze", "ann", ago(seconds=1))}, "leave", "ann exempted it"),
    "accepted a moment ago": ({"exemption": Exemption("fine", "ann", NOW, None, "f1")}, "leave", "fine"),
    "more fields than were looked at": ({"finding": replace(FINDING, difference_count=900)}, "ask", "900 fields"),
    "nobody knows where it is": ({"ancestors": None, "rule": None}, "stop", "its location is not known"),
    "nobody knows the id of its project": ({"unplaced": "the id of its project 12 is not known"}, "stop", "project 12"),
    "its source is paused by the second breaker": (
        {
            "ancestors": frozenset(
                ("projects/shop-prod", "projects/12", "folders/3", "organizations/4", "sources/git")
            ),
            "safety_state": SafetyState((Pause("sources/git", ago(minutes=1), SECOND_BREAKER, "too many"),)),
        },
        "stop",
        "sources/git",
    ),
    "a deletion": ({"finding": replace(FINDING, kind="deleted")}, "hand_off", "never automatic"),
    "unmanaged": ({"finding": replace(FINDING, kind="unmanaged")}, "hand_off", "never automatic"),
    "another executor": ({"rule": replace(RULE, executor="handoff")}, "hand_off", "to the executor handoff"),
    "fleet paused": ({"safety_state": paused("fleet")}, "wait", "fleet is paused by ann: migration"),
    "project paused": ({"safety_state": paused("projects/12")}, "wait", "projects/12"),
    "project paused by its id": ({"safety_state": paused("projects/shop-*")}, "wait", "projects/shop-*"),
    "folder paused": ({"safety_state": paused("folders/3")}, "wait", "folders/3"),
    "organisation paused": ({"safety_state": paused("organizations/4")}, "wait", "organizations/4"),
    "resource paused": ({"safety_state": paused(KEY.name)}, "wait", KEY.name),
    "paused until tonight": ({"safety_state": paused("fleet", later(hours=6))}, "wait", "fleet"),
    "breaker": (
        {"safety_state": SafetyState(breaker=Breaker(ago(minutes=1), "5 writes failed"))},
        "stop",
        "5 writes failed",
    ),
    "outside of its window": ({"rule": replace(RULE, windows=(NIGHT,))}, "wait", "no window"),
    "limit of the project": (
        {
            "safety_state": SafetyState(
                writes=(WriteRecord("shop-prod", ago(minutes=9)), WriteRecord("shop-prod", ago(minutes=8)))
            )
        },
        "wait",
        "project shop-prod",
    ),
    "limit of the fleet": (
        {"safety_state": SafetyState(writes=tuple(WriteRecord(f"p{number}", ago(minutes=9)) for number in range(3)))},
        "wait",
        "in the fleet",
    ),
    "an applier is behind it": (
        {"finding": replace(FINDING, actor=APPLIER)},
        "wait",
        "deploy@shop.iam.gserviceaccount.com applies declarations",
    ),
    "it came back too often": ({"remediation": put(3, 1), "actor": "bob"}, "stop", "changed by bob"),
    "it came back just now": ({"remediation": replace(put(1), since=ago(seconds=20))}, "wait", "drifted again"),
    "too many attempts": (
        {"remediation": replace(REMEDY, step="stopped", attempts=4, failure="boom")},
        "stop",
        "4 attempts failed, the last: boom",
    ),
    "an attempt failed just now": (
        {"remediation": replace(REMEDY, attempts=1, failure="boom", due=later(seconds=30))},
        "wait",
        "boom",
    ),
    "somebody is at it": (
        {"remediation": replace(REMEDY, step="acting", attempts=1, due=later(minutes=3))},
        "wait",
        "acting",
    ),
    "nobody knows when it was applied": ({"applied_at": None}, "stop", "not known when"),
    "stale declaration": ({"applied_at": ago(days=8)}, "stop", "last applied on 2026-02-24"),
    "being applied": ({"is_applying": True}, "wait", "being applied"),
    "rolled out just now": ({"changed_at": ago(minutes=10)}, "wait", "rolled out"),
    "dry run": ({"policy": replace(GOOD.policy, dry_run=True)}, "rehearse", "dry run"),
}
"""Each brake: what is on, what follows from it alone, and what is said."""

NO_BRAKES = {
    "nothing": {},
    "by its declaration": {"rule": None},
    "approved": {"mode": "approve", "remediation": replace(REMEDY, approved_by="ann")},
    "an exemption that is over": {"exemption": Exemption("freeze", "ann", ago(days=2), ago(days=1))},
    "another drift was accepted": {"exemption": Exemption("fine", "ann", ago(days=2), None, "f2")},
    "a pause that is over": {"safety_state": paused("fleet", ago(minutes=1))},
    "another project is paused": {"safety_state": paused("projects/other")},
    "in its window": {"rule": replace(RULE, windows=(NIGHT, NOONS))},
    "approved outside of its window": {
        "rule": replace(RULE, windows=(NIGHT,)),
        "remediation": replace(REMEDY, approved_by="ann"),
    },
    "writes of long ago": {
        "safety_state": SafetyState(writes=tuple(WriteRecord("shop-prod", ago(minutes=61)) for _ in range(9)))
    },
    "it came back an hour ago": {"remediation": put(2)},
    "other fields were put back": {"remediation": put(3, 2, 1, paths=("labels.team",))},
    "it came back often, and somebody approved": {"remediation": replace(put(3, 2, 1), approved_by="ann")},
    "a claim that has run out": {"remediation": replace(REMEDY, step="acting", attempts=1, due=ago(seconds=1))},
    "rolled out long ago": {"changed_at": ago(hours=1)},
}


@pytest.mark.parametrize(("on", "action", "reason"), BRAKES.values(), ids=BRAKES)
def test_a_brake_holds_a_drift_and_says_so(on, action, reason):
    decision = decide(GOOD._replace(**on))

    assert decision.action == action
    assert reason in decision.because


@pytest.mark.parametrize("on", NO_BRAKES.values(), ids=NO_BRAKES)
def test_what_is_no_brake_holds_nothing(on):
    assert decide(GOOD._replace(**on)).action == "act"


@pytest.mark.parametrize("name", BRAKES)
@given(data=st.data())
def test_nothing_is_written_while_any_brake_is_on_whatever_else_is_so(name, data):
    """Two parts of a situation may say the same thing; then that of the brake counts."""
    others = data.draw(st.lists(st.sampled_from(sorted(BRAKES)), max_size=4))
    situation = GOOD
    for other in others:
        situation = situation._replace(**BRAKES[other][0])
    situation = situation._replace(**BRAKES[name][0])

    assert decide(situation).action != "act"


TOGETHER = ("mode", "nobody knows", "unmanaged")
"""Parts of the names of brakes that keep another from being asked: what nothing declares is never too old."""
ALONE = [name for name in sorted(BRAKES) if not any(part in name for part in TOGETHER)]


@given(names=st.lists(st.sampled_from(ALONE), min_size=1, max_size=6))
def test_every_reason_is_given_whichever_decides(names):
    situation = GOOD
    for name in names:
        situation = situation._replace(**BRAKES[name][0])
    decision = decide(situation)

    assert decision.because
    assert BRAKES[names[-1]][2] in " ".join(reason.text for reason in decision.reasons)


def test_a_drift_that_waits_is_looked_at_when_the_last_of_its_reasons_ends():
    on = {"safety_state": paused("fleet", later(hours=6)), "changed_at": ago(minutes=10)}
    assert decide(GOOD._replace(**on)).until == later(hours=6)


def test_a_limit_ends_when_the_write_that_is_too_many_is_long_ago():
    brakes = SafetyState(writes=(WriteRecord("shop-prod", ago(minutes=50)), WriteRecord("shop-prod", ago(minutes=20))))
    assert decide(GOOD._replace(safety_state=brakes)).until == later(minutes=10)


def test_the_pause_after_a_return_grows_with_each():
    policy = replace(GOOD.policy, limits=replace(LIMITS, flaps=9))
    untils = [
        decide(GOOD._replace(policy=policy, remediation=replace(put(*range(1, times + 1)), since=NOW))).until
        for times in (1, 2, 3)
    ]
    assert untils == [later(minutes=1), later(minutes=2), later(minutes=4)]


def test_what_holds_a_claimed_write_is_a_pause_or_the_breaker():
    assert blocking_guardrail(GOOD) == ""
    assert "migration" in blocking_guardrail(GOOD._replace(safety_state=paused("folders/3")))
    assert "open" in blocking_guardrail(GOOD._replace(safety_state=SafetyState(breaker=Breaker(NOW, "surge"))))


def test_a_drift_that_nobody_has_approved_is_asked_for_outside_of_its_window_too():
    input_ = GOOD._replace(mode="approve", rule=replace(RULE, mode="approve", windows=(NIGHT,)))
    assert decide(input_).action == "ask"


def test_the_pause_after_failures_grows_and_is_capped():
    pauses = [remediation_attempt.pause_after(attempts).total_seconds() for attempts in range(1, 12)]
    assert pauses[:7] == [60, 120, 240, 480, 960, 1920, 3600]
    assert set(pauses[7:]) == {3600}


def test_what_an_applier_has_changed_waits_for_the_grace_and_no_longer():
    finding = replace(FINDING, actor=APPLIER)
    waiting = decide(GOOD._replace(finding=finding, now=later(seconds=599)))
    assert (waiting.action, waiting.until) == ("wait", later(seconds=600))
    assert decide(GOOD._replace(finding=finding, now=later(seconds=600))).action == "act"


def test_who_approves_what_an_applier_has_changed_does_not_wait():
    approved = replace(REMEDY, approved_by="ann")
    assert decide(GOOD._replace(finding=replace(FINDING, actor=APPLIER), remediation=approved)).action == "act"
