"""Whatever happens in whatever order: nothing is written while a brake is on, and it all comes to an end."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from remediation.fleet import AUTO, DRIFTED, KEY, URL, World
from setpoint.errors import SetpointError
from setpoint.model import safety_limits
from setpoint.model.safety_limits import Pause
from setpoint.remediation.engine import remediate, resume_due
from setpoint_tools.testing.google_faults import Fault
from sizes import size

FAULTS = [
    Fault(lost="before"),
    Fault(lost="after"),
    Fault(409),
    Fault(412),
    Fault(429),
    Fault(500),
    Fault(503),
    Fault(403),
    Fault(400),
]
HAPPENINGS = st.one_of(
    st.tuples(st.just("drift"), st.integers(0, 2)),
    st.tuples(st.just("deliver"), st.integers(0, 1)),
    st.tuples(st.just("tick"), st.sampled_from([1, 2, 6, 16, 61])),
    st.tuples(st.just("fault"), st.integers(0, len(FAULTS) - 1)),
    st.tuples(st.just("pause"), st.sampled_from(["fleet", "projects/12", "folders/3"])),
    st.tuples(st.just("resume"), st.none()),
    st.tuples(st.just("by hand"), st.none()),
)
PATIENT = replace(AUTO, limits=replace(AUTO.limits, per_project=99, per_fleet=99, failures=99, attempts=3))


class History:
    """A world in which things happen, and what may not be so after any of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.workers = [world.context, world.worker("worker-2", world.context.live_resources.api)]
        world.declare(PATIENT)
        world.google.put(URL, {**DRIFTED, "versioning": {"enabled": True}})

    def happen(self, what: str, how: object) -> None:
        world = self.world
        paused, written = bool(world.store.safety_state().value.pauses), world.writes
        getattr(self, f"_{what.replace(' ', '_')}")(how)
        if paused and what != "resume":
            assert world.writes == written, "written under a pause"
        for effect in world.google.journal[written:]:
            assert effect.before["versioning"] != effect.after["versioning"], "written, and nothing changed"
            assert effect.after["labels"] == effect.before["labels"], "something else was written"

    def _drift(self, number: object) -> None:
        self.world.drift({**DRIFTED, "labels": {"team": "shop", "x": str(number)}})

    def _deliver(self, worker: object) -> None:
        with suppress(SetpointError):  # delivered again, some day
            remediate(KEY, self.workers[int(str(worker))])

    def _tick(self, minutes: object) -> None:
        self.world.clock.forward(minutes=int(str(minutes)))
        resume_due(self.world.context)

    def _fault(self, number: object) -> None:
        self.world.google.fail(FAULTS[int(str(number))], verb="PATCH")

    def _pause(self, of: object) -> None:
        pause = Pause(str(of), self.world.clock(), "ann")
        self.world.brake(lambda now: safety_limits.pause(now, pause))

    def _resume(self, _: object) -> None:
        for pause in self.world.store.safety_state().value.pauses:
            self.world.brake(lambda now, of=pause.of: safety_limits.resume(now, of))

    def _by_hand(self, _: object) -> None:
        self.world.drift({**DRIFTED, "versioning": {"enabled": True}})

    def end(self) -> None:
        """The troubles end, and time goes by."""
        self._resume(None)
        self.world.google._faults.clear()
        self._deliver(0)
        self.world.ticks(300, every=5)
        self.world.deps.outbox.republish_pending()


@settings(max_examples=size(50, 200), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happenings=st.lists(HAPPENINGS, min_size=1, max_size=14))
def test_nothing_is_written_under_a_pause_and_in_the_end_it_is_put_back_or_with_a_person(
    apis_in_process, rest_in_process, happenings
):
    apis_in_process.journal.clear()
    apis_in_process._faults.clear()
    world = World(apis_in_process, rest_in_process)
    history = History(world)
    for what, how in happenings:
        history.happen(what, how)
    history.end()

    state = world.state
    if state is None or state.finding is None:
        assert world.writes == 0
        return
    is_with_a_person = state.remediation is not None and state.remediation.step in ("stopped", "handed_off")
    assert state.finding.status == "resolved" or is_with_a_person
    if state.finding.status == "resolved":
        assert world.google.get(URL)["versioning"] == {"enabled": True}
    claims = [entry for entry in world.store.trail(KEY) if entry.what == "act"]
    assert world.writes <= len(claims)
    known = {event.id: event for event in world.bus.events}
    assert sorted(int(event.sequence) for event in known.values()) == list(range(1, state.sequence + 1))
