"""What goes wrong between a drift and its being put back; each ends with it put back once, or with a person."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from remediation.apis import Meanwhile
from remediation.fleet import AUTO, DRIFTED, FIREWALL, FIREWALL_TYPE, FIREWALL_URL, KEY, URL, World
from setpoint.model import events, remediation_attempt, safety_limits
from setpoint.model.declaration import Declaration
from setpoint.model.policy import Limits
from setpoint.model.safety_limits import Pause
from setpoint.model.write_plan import Written
from setpoint.remediation import execution
from setpoint.remediation.engine import receive, remediate, resume_due
from setpoint_tools.testing.google_faults import Fault

PATCH = "PATCH"
PUT_BACK = ["drift.opened", "remediation.started", "drift.resolved", "remediation.succeeded"]


def assert_put_back_once(world: World) -> None:
    assert world.writes == 1
    assert world.google.get(URL)["versioning"] == {"enabled": True}
    assert (world.state.finding.status, world.state.remediation.step) == ("resolved", "done")
    assert_told_once(world)
    in_order = {event.sequence: event.type for event in sorted(world.bus.events, key=lambda event: event.sequence)}
    assert list(in_order.values())[-2:] == ["drift.resolved", "remediation.succeeded"]  # a slow worker publishes again


def assert_told_once(world: World) -> None:
    """Nothing waits, and the events of the finding are numbered without a gap."""
    assert list(world.store.unpublished()) == []
    known = {event.id: event for event in world.bus.events}
    assert len({event.sequence for event in known.values()}) == len(known) == world.state.sequence


@pytest.mark.parametrize(("status", "times"), [(429, 9), (503, 9), (500, 2), (502, 2), (504, 2)])
def test_a_write_that_an_api_is_too_busy_for_is_made_later(drifted, status, times):
    drifted.google.fail(Fault(status), verb=PATCH, times=times)

    remediate(KEY, drifted.context)
    drifted.ticks(30)

    assert_put_back_once(drifted)


def test_a_write_whose_answer_is_lost_is_read_and_not_sent_again(drifted):
    drifted.google.fail(Fault(lost="after"), verb=PATCH)

    assert (remediate(KEY, drifted.context), drifted.state.remediation.step) == ("verifying", "verifying")
    drifted.ticks(2)

    assert_put_back_once(drifted)
    assert drifted.event_types == PUT_BACK
    assert drifted.trail == ["act", "unanswered", "succeeded"]
    assert drifted.store.trail(KEY)[-1].proof.startswith("observed as declared at 2026-03-01")


def test_a_write_that_is_lost_on_its_way_is_made_again_after_a_reading(drifted):
    drifted.google.fail(Fault(lost="before"), verb=PATCH)

    assert remediate(KEY, drifted.context) == "verifying"
    drifted.ticks(10)

    assert_put_back_once(drifted)
    assert drifted.trail[:3] == ["act", "unanswered", "failed"]


@pytest.mark.parametrize("status", [409, 412])
def test_a_write_for_another_state_of_the_resource_is_made_anew_and_alarms_nobody(drifted, status):
    drifted.google.fail(Fault(status), verb=PATCH)

    assert remediate(KEY, drifted.context) == "failed"
    assert drifted.store.safety_state().value.failures == ()
    drifted.ticks(5)

    assert_put_back_once(drifted)


def test_what_somebody_changes_between_reading_and_writing_is_not_overwritten(drifted):
    theirs = {**DRIFTED, "labels": {"team": "theirs"}, "metageneration": "9"}
    drifted.google.meanwhile.append(lambda: drifted.google.put(URL, theirs))

    assert remediate(KEY, drifted.context) == "failed"
    assert (drifted.writes, drifted.google.get(URL)["labels"]) == (0, {"team": "theirs"})
    drifted.ticks(10)

    assert drifted.writes == 1
    assert drifted.google.get(URL)["labels"]["team"] == "shop"


@pytest.mark.parametrize("verb", ["GET", PATCH])
def test_what_is_denied_is_handed_off_with_the_permission_and_tried_ever_more_seldom(drifted, verb):
    drifted.google.fail(Fault(403), verb=verb, times=-1)

    assert remediate(KEY, drifted.context) == "handed_off"
    drifted.ticks(300)

    tries = [request for request in drifted.google.requests if request.startswith(verb)]
    assert (drifted.writes, len(tries), drifted.state.remediation.step) == (0, 3, "handed_off")
    assert drifted.event_types.count("remediation.failed") == 1
    failed = next(event for event in drifted.bus.events if event.type == "remediation.failed")
    assert f"storage.buckets.{'get' if verb == 'GET' else 'update'}" in failed.data.remediation.reason
    assert failed.data.remediation.outcome == "denied"
    assert (drifted.state.remediation.attempts, drifted.store.safety_state().value.failures) == (0, ())
    assert_told_once(drifted)


def test_what_was_denied_is_put_back_when_somebody_has_granted_it(drifted):
    drifted.google.fail(Fault(403), verb=PATCH)
    remediate(KEY, drifted.context)
    drifted.ticks(70)

    assert_put_back_once(drifted)


def test_a_resource_that_cannot_be_read_is_read_again_later_and_keeps_back_no_other(drifted):
    drifted.google.fail(Fault(503), verb="GET", times=4)
    assert remediate(KEY, drifted.context) == "unread"
    drifted.ticks(2)

    assert_put_back_once(drifted)


def test_a_round_goes_on_after_what_cannot_be_gone_on_with(drifted):
    drifted.google.fail(Fault(lost="before"), verb=PATCH)
    remediate(KEY, drifted.context)
    drifted.google.fail(Fault(503), verb="GET", times=4)
    drifted.clock.forward(minutes=2)

    tick = resume_due(drifted.context)
    assert (dict(tick.outcomes), len(tick.problems)) == ({"unread": 1}, 1)
    drifted.ticks(10)

    assert_put_back_once(drifted)


def test_an_event_that_comes_again_or_late_changes_nothing(drifted):
    (opened,) = [event for event in drifted.bus.events if event.type == "drift.opened"]
    message = events.encode(opened)
    for _ in range(5):
        receive(message, {}, drifted.context)
    drifted.clock.forward(days=1)
    receive(message, {}, drifted.context)

    assert_put_back_once(drifted)


def test_a_message_that_is_no_event_is_kept_with_its_attributes_and_the_reason(drifted):
    receive(b"{broken", {"type": "drift.opened"}, drifted.context)

    (letter,) = drifted.deps.dead_letters.kept
    assert (letter.message, letter.attributes) == (b"{broken", {"type": "drift.opened"})
    assert letter.reason.startswith("not an event of Setpoint's")


def test_other_events_are_passed_over(drifted):
    (opened,) = drifted.bus.events
    receive(events.encode(replace(opened, type="drift.resolved")), {}, drifted.context)
    assert drifted.writes == 0


class TestLandsBeforeTheClaim:
    """Whatever is said while the resource is being read is heeded."""

    @pytest.mark.parametrize("of", ["fleet", "projects/12", "folders/3", KEY.name])
    def test_a_pause(self, drifted, of):
        pause = Pause(of, drifted.clock(), "ann", "freeze")
        drifted.google.meanwhile.append(lambda: drifted.brake(lambda now: safety_limits.pause(now, pause)))

        assert (remediate(KEY, drifted.context), drifted.writes) == ("waiting", 0)
        drifted.ticks(20)
        assert (drifted.writes, drifted.event_types) == (0, ["drift.opened"])

        drifted.brake(lambda now: safety_limits.resume(now, of))
        drifted.ticks(10)
        assert_put_back_once(drifted)

    def test_an_exemption(self, drifted):
        drifted.google.meanwhile.append(drifted.exempt)

        assert (remediate(KEY, drifted.context), drifted.writes) == ("left", 0)
        drifted.ticks(60)
        assert drifted.writes == 0

    def test_another_declaration(self, drifted):
        drifted.google.meanwhile.append(lambda: drifted.declare(data={"versioning": {"enabled": False}}))

        remediate(KEY, drifted.context)
        drifted.ticks(60)
        assert (drifted.writes, drifted.state.finding.status) == (0, "resolved")

    def test_another_worker(self, drifted):
        other = drifted.worker("worker-2", drifted.context.live_resources.api)
        slow = Meanwhile(drifted.context.live_resources.api, "read", lambda: remediate(KEY, other))

        remediate(KEY, drifted.worker("worker-1", slow))

        assert_put_back_once(drifted)
        assert {entry.by for entry in drifted.store.trail(KEY) if entry.what == "act"} == {"worker-2"}


class TestLandsBetweenClaimAndWrite:
    """A last look is taken at what is stored, right before the write."""

    @pytest.fixture
    def landing(self, drifted, mocker):
        """Has something happen after the claim, before the last look."""

        def lands(happening):
            real = execution.write

            def write(*args):
                happening()
                return real(*args)

            mocker.patch.object(execution, "write", write)
            remediate(KEY, drifted.context)
            mocker.stopall()

        return lands

    def test_a_pause(self, drifted, landing):
        landing(lambda: drifted.brake(lambda now: safety_limits.pause(now, Pause("fleet", drifted.clock()))))

        assert (drifted.writes, drifted.state.remediation.step, drifted.state.remediation.attempts) == (0, "waiting", 0)
        assert drifted.event_types == ["drift.opened", "remediation.started", "remediation.blocked"]

    def test_an_exemption(self, drifted, landing):
        landing(drifted.exempt)
        drifted.ticks(60)
        assert drifted.writes == 0

    def test_another_declaration(self, drifted, landing):
        landing(lambda: drifted.declare(data={"versioning": {"enabled": False}}))
        drifted.ticks(60)
        assert (drifted.writes, drifted.state.finding.status) == (0, "resolved")

    def test_a_long_sleep(self, drifted, landing):
        """A frozen instance that wakes up has no claim any more, whether another worker has taken it over or not."""
        landing(lambda: drifted.clock.forward(minutes=6))
        assert (drifted.writes, drifted.state.remediation.step) == (0, "waiting")
        drifted.ticks(5)
        assert_put_back_once(drifted)

    def test_a_long_sleep_in_which_another_worker_puts_it_back(self, drifted, landing):
        other = drifted.worker("worker-2", drifted.context.live_resources.api)

        def sleep():
            drifted.clock.forward(minutes=6)
            put_back_by(other)

        landing(sleep)
        drifted.ticks(5)
        assert_put_back_once(drifted)


def put_back_by(context):
    """Another worker, whose writes nothing happens before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution, "write", WRITE)
        remediate(KEY, context)


WRITE = execution.write


def opened_firewall(world: World) -> World:
    """A firewall that somebody has switched off."""
    wanted = Declaration(FIREWALL, FIREWALL_TYPE, {"disabled": False, "priority": 900}, project="shop-prod")
    world.declare_all([(wanted,)])
    live = {"name": "web", "disabled": True, "priority": 900, "network": "global/networks/default"}
    world.google.put(FIREWALL_URL, live)
    world.observe(live, FIREWALL, FIREWALL_TYPE)
    return world


class TestOperations:
    """A firewall's writes go on after their answers."""

    @pytest.fixture
    def firewall(self, world):
        return opened_firewall(world)

    def test_one_is_watched_over_several_rounds_and_then_proved(self, firewall):
        firewall.google.polls = 3

        assert remediate(FIREWALL, firewall.context) == "operating"
        assert firewall.writes == 0
        for _ in range(2):
            assert remediate(FIREWALL, firewall.context) == "waiting"
        firewall.ticks(10)

        assert firewall.writes == 1
        assert firewall.store.read(FIREWALL).state.remediation.step == "done"
        assert firewall.event_types == PUT_BACK

    def test_one_that_fails_is_tried_again(self, firewall):
        firewall.google.fail(Fault(operation="no capacity"), verb=PATCH)

        remediate(FIREWALL, firewall.context)
        firewall.ticks(10)

        assert firewall.writes == 1
        assert "failed" in [entry.what for entry in firewall.store.trail(FIREWALL)]

    def test_one_that_nobody_may_look_at_is_proved_by_the_resource(self, firewall):
        firewall.google.polls = 0
        firewall.google.fail(Fault(403), path="operations", times=-1)
        firewall.google.polls = 1
        remediate(FIREWALL, firewall.context)
        assert firewall.store.read(FIREWALL).state.remediation.step == "operating"

        firewall.ticks(2)
        assert firewall.store.read(FIREWALL).state.remediation.step == "verifying"

    def test_whatever_drifts_meanwhile_waits_for_it(self, firewall):
        firewall.google.polls = 2
        remediate(FIREWALL, firewall.context)
        firewall.observe({"name": "web", "disabled": True, "priority": 7}, FIREWALL, FIREWALL_TYPE)

        assert remediate(FIREWALL, firewall.context) == "waiting"

    def test_a_breaker_that_opens_meanwhile_does_not_forget_it(self, firewall):
        firewall.google.polls = 1
        remediate(FIREWALL, firewall.context)
        firewall.brake(lambda now: safety_limits.fail(now, "//a", Limits(failures=1), firewall.clock()))
        remediate(FIREWALL, firewall.context)
        firewall.ticks(5)

        assert firewall.event_types == PUT_BACK


def test_a_write_that_an_api_only_says_it_made_is_found_out(drifted, mocker):
    mocker.patch.object(drifted.context.live_resources.api, "write", return_value=Written())
    assert remediate(KEY, drifted.context) == "verifying"
    drifted.ticks(60 * 5)

    assert drifted.state.remediation.step == "stopped"
    assert drifted.event_types.count("remediation.failed") == drifted.event_types.count("remediation.started") == 4
    assert "still differs" in drifted.state.remediation.reason


def test_nobody_is_called_for_what_was_exempted_while_its_write_was_under_way(world):
    world.declare(replace(AUTO, limits=replace(AUTO.limits, attempts=1)))
    world.drift()
    world.google.fail(Fault(lost="before"), verb=PATCH)
    remediate(KEY, world.context)
    world.exempt()
    world.observe(DRIFTED)
    assert world.state.finding.status == "exempted"
    world.ticks(90)

    assert (world.writes, world.state.due) == (0, None)
    assert "remediation.failed" not in world.event_types


def test_a_finding_that_ends_by_itself_leaves_nothing_to_look_at(drifted):
    drifted.brake(lambda now: safety_limits.pause(now, Pause("fleet", drifted.clock())))
    remediate(KEY, drifted.context)
    assert drifted.state.remediation.due is not None

    drifted.observe({**DRIFTED, "versioning": {"enabled": True}})

    assert (drifted.state.remediation.step, drifted.state.due) == ("over", None)
    assert "remediation.succeeded" not in drifted.event_types


def test_what_is_no_longer_declared_was_not_put_back(drifted):
    drifted.google.fail(Fault(lost="before"), verb=PATCH)
    remediate(KEY, drifted.context)
    drifted.declare_nothing()

    assert (drifted.state.finding.reason, drifted.state.remediation.step) == ("no longer declared", "over")
    drifted.ticks(30)
    assert "remediation.succeeded" not in drifted.event_types


def test_an_approval_is_for_one_episode(world):
    world.declare(replace(AUTO, rules=(replace(AUTO.rules[0], mode="approve"),)))
    world.drift()
    remediate(KEY, world.context)
    world.approve()
    world.observe({**DRIFTED, "versioning": {"enabled": True}})
    world.drift()

    assert (remediate(KEY, world.context), world.writes) == ("asked", 0)
    assert world.event_types.count("remediation.requested") == 2
    assert remediation_attempt.returns(world.state.remediation, ["versioning.enabled"]) == 0
