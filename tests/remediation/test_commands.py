"""What people say to remediation, over every store."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, DRIFTED, KEY, World
from setpoint.detection.pipeline import promote_settled
from setpoint.errors import BadRequest, Conflict
from setpoint.model.exemptions import Exemption
from setpoint.model.policy import Policy, Rule
from setpoint.model.safety_limits import Pause
from setpoint.remediation import commands
from setpoint.remediation.engine import remediate

ASKING = Policy(rules=(Rule("all", mode="approve"),), dry_run=False, limits=AUTO.limits)


@pytest.fixture
def world(apis_in_process, rest_in_process, store) -> World:
    apis_in_process.journal.clear()
    made = World(apis_in_process, rest_in_process, store)
    made.declare(ASKING)
    made.drift()
    return made


def exemption(world: World, days: int = 7, reason: str = "moving") -> Exemption:
    now = world.clock()
    return Exemption(reason, "ann", now, now + timedelta(days=days))


def test_what_was_approved_is_put_back_and_the_trail_says_by_whom(world):
    assert remediate(KEY, world.context) == "asked"

    commands.approve(KEY, world.state.fingerprint, "ann", world.deps.store, world.deps.projects, world.deps.clock)

    assert remediate(KEY, world.context) == "resolved"
    assert world.writes == 1
    assert [(entry.what, entry.by) for entry in world.store.trail(KEY)][:2] == [
        ("ask", "worker-1"),
        ("approved", "ann"),
    ]


def test_only_the_drift_that_was_shown_can_be_approved(world):
    shown = world.state.fingerprint
    world.drift({**DRIFTED, "labels": {"team": "other"}})

    with pytest.raises(BadRequest, match="its drift has changed"):
        commands.approve(KEY, shown, "ann", world.deps.store, world.deps.projects, world.deps.clock)
    assert (remediate(KEY, world.context), world.writes) == ("asked", 0)


@pytest.mark.parametrize("mode", ["off", "alert"])
def test_an_approval_that_would_do_nothing_is_refused_and_does_not_wait_for_another_mode(world, mode):
    world.declare(replace(ASKING, rules=(Rule("all", mode=mode),)))

    with pytest.raises(BadRequest, match=f"nothing is remediated in mode {mode}"):
        commands.approve(KEY, world.state.fingerprint, "ann", world.deps.store, world.deps.projects, world.deps.clock)

    world.declare(ASKING)
    assert (remediate(KEY, world.context), world.writes) == ("asked", 0)


def test_what_was_put_back_cannot_be_approved_again(world):
    commands.approve(KEY, world.state.fingerprint, "ann", world.deps.store, world.deps.projects, world.deps.clock)
    remediate(KEY, world.context)

    with pytest.raises(BadRequest, match="has no drift"):
        commands.approve(KEY, "any", "ann", world.deps.store, world.deps.projects, world.deps.clock)


def test_an_exemption_without_an_end_is_refused_unless_it_accepts_one_drift(world):
    endless = replace(exemption(world), until=None)
    with pytest.raises(BadRequest, match="exports: an exemption needs an end; to leave out the end, accept the drift"):
        commands.exempt(KEY, endless, world.deps)
    assert world.state.exemption is None
    assert commands.exempt(KEY, replace(endless, fingerprint=world.state.fingerprint), world.deps) == "exempted"


def test_an_exempted_finding_is_told_of_once_and_left_alone_until_its_time_is_over(world):
    commands.approve(KEY, world.state.fingerprint, "bob", world.deps.store, world.deps.projects, world.deps.clock)

    assert commands.exempt(KEY, exemption(world), world.deps) == "exempted"
    assert (remediate(KEY, world.context), world.writes) == ("nothing", 0)
    assert world.event_types[-1] == "drift.exempted"

    world.clock.forward(days=7)
    assert promote_settled(world.deps) == {"opened": 1}
    assert world.event_types[-1] == "drift.opened"


def test_an_exemption_needs_a_reason_and_an_end_within_a_year(world):
    with pytest.raises(BadRequest, match="needs a reason"):
        commands.exempt(KEY, exemption(world, reason=" "), world.deps)
    with pytest.raises(BadRequest, match="a year at most"):
        commands.exempt(KEY, exemption(world, days=400), world.deps)
    assert world.state.exemption is None


def test_an_exemption_that_is_taken_back_is_over_at_once(world):
    commands.exempt(KEY, exemption(world), world.deps)

    assert commands.end_exemption(KEY, "ann", world.deps) == "opened"
    with pytest.raises(BadRequest, match="it is not exempted"):
        commands.end_exemption(KEY, "ann", world.deps)


def test_what_was_accepted_is_left_alone_as_long_as_it_stays_so(world):
    assert commands.accept(KEY, "better so", "ann", world.deps) == "exempted"
    assert world.state.finding.status == "accepted"

    assert world.observe({**DRIFTED, "labels": {"team": "other"}}) == "opened"


def test_an_exemption_that_lands_before_the_claim_makes_the_claim_fail(world):
    seen, brakes = world.store.read(KEY), world.store.safety_state()
    commands.exempt(KEY, exemption(world), world.deps)

    with pytest.raises(Conflict):
        world.store.claim(seen, replace(seen.state, sequence=9), brakes.value, brakes.version)


@pytest.mark.parametrize("of", ["fleet", "projects/shop-prod", "projects/12", "folders/3", "organizations/4", KEY.name])
def test_a_pause_holds_what_lies_in_it_also_what_was_approved_and_a_resume_lets_it_go(world, of):
    commands.approve(KEY, world.state.fingerprint, "bob", world.deps.store, world.deps.projects, world.deps.clock)
    commands.pause(Pause(of, world.clock(), "ann", "incident"), world.deps.store)
    assert (remediate(KEY, world.context), world.writes) == ("waiting", 0)

    assert commands.resume(of, "ann", world.deps.store, world.deps.clock())
    assert remediate(KEY, world.context) == "resolved"
    assert not commands.resume(of, "ann", world.deps.store, world.deps.clock())


def test_a_pause_of_something_else_holds_nothing(world):
    commands.approve(KEY, world.state.fingerprint, "bob", world.deps.store, world.deps.projects, world.deps.clock)
    for of in ("projects/other", "folders/4"):
        commands.pause(Pause(of, world.clock(), "ann", "incident"), world.deps.store, not_seen_yet=True)

    assert remediate(KEY, world.context) == "resolved"


def test_a_pause_of_a_misspelt_project_is_refused_with_the_one_that_was_meant(world):
    with pytest.raises(BadRequest, match=r"did you mean projects/shop-prod; add --not-seen-yet"):
        commands.pause(Pause("projects/shp-prod", world.clock()), world.deps.store)
    assert world.store.safety_state().value.pauses == ()


@pytest.mark.parametrize("of", ["", "projects", "projects/", "projects/a/b", "everything", "storage/x"])
def test_what_means_nothing_cannot_be_paused(world, of):
    with pytest.raises(BadRequest, match="cannot be paused or resumed; name fleet"):
        commands.pause(Pause(of, world.clock()), world.deps.store)


@pytest.mark.parametrize("step", ["acting", "operating", "verifying"])
def test_what_is_being_written_cannot_be_approved_so_that_nobody_else_claims_it(world, step):
    remediate(KEY, world.context)
    snapshot = world.store.read(KEY)
    due = world.clock() + timedelta(minutes=5)
    writing = replace(snapshot.state.remediation, step=step, worker="worker-2", attempts=1, due=due)
    world.store.commit(snapshot, replace(snapshot.state, remediation=writing))

    with pytest.raises(BadRequest, match="remediation is in progress"):
        commands.approve(KEY, world.state.fingerprint, "ann", world.deps.store, world.deps.projects, world.deps.clock)
    assert (world.state.remediation.worker, remediate(KEY, world.context), world.writes) == ("worker-2", "waiting", 0)


def test_what_was_approved_is_no_longer_after_an_exemption(world):
    remediate(KEY, world.context)
    commands.approve(KEY, world.state.fingerprint, "ann", world.deps.store, world.deps.projects, world.deps.clock)
    commands.exempt(KEY, exemption(world), world.deps)
    world.clock.forward(days=1)

    commands.end_exemption(KEY, "bob", world.deps)

    assert (remediate(KEY, world.context), world.writes) == ("asked", 0)
