"""Any fleet of controllers, sweeps, forgeries and deletions, against a model that knows who made what."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from claims.controlled_fleet import (
    Fleet,
    Made,
    Watched,
    cluster,
    composer,
    compute,
    dataflow,
    dataproc,
    group,
    moved,
)
from setpoint.model.observation import Observation
from sizes import size

SETTLED = timedelta(hours=2, minutes=15)
"""After so long a listing shows whether a parent exists: two hours, and how far a listing may lag."""
GRACE = timedelta(hours=2)
NAMES = ("prod", "a-very-long-cluster-name-of-forty-letters", "web-1", "x", "kernel", "zoo-eu", "quick")
MAKERS = (
    lambda name, made, project: cluster(name, made, project=project),
    lambda name, made, project: cluster(name, made, project=project, autopilot=True, place="regions/europe-west1"),
    lambda name, made, _: cluster(name, made, project="web", host="host"),
    lambda name, made, project: group(name, made, project=project),
    lambda name, made, project: group(name, made, project=project, place="regions/europe-west1"),
    lambda name, made, project: dataflow(f"job-{name}", made, project=project),
    lambda name, made, project: dataproc(name, made, project=project),
    lambda name, made, project: composer(name, made, project=project),
)
HOST = compute("Project", "//compute.googleapis.com/projects/host", project="host", xpnProjectStatus="HOST")
VAGUE = ("pvc-0000", "pvc-7777", "/forwardingRules/", "/targetPools/", "/healthChecks/", "/backendServices/")
"""What names no cluster, so that any other one of its project may have made it."""


class ControlledFleet(RuleBasedStateMachine):
    """Controllers make and delete; somebody forges; sweeps come whenever they come."""

    @initialize()
    def begin(self) -> None:
        self.fleet = Fleet(page=40).add(HOST)
        self.watched = Watched(self.fleet)
        self.alive: dict[str, Made] = {}
        self.spent: set[str] = set()
        self.owed: dict[str, datetime] = {}
        self.swept: list[datetime] = []
        self.late: list[tuple[datetime, Made]] = []
        for maker, name in zip(MAKERS, NAMES, strict=False):
            self._make(maker(name, self.fleet.now - timedelta(days=1), "shop"), name)

    @rule(
        maker=st.sampled_from(range(len(MAKERS))),
        name=st.sampled_from(NAMES),
        project=st.sampled_from(("shop", "web")),
        age=st.sampled_from((0, 1, 30, 600)),
        late=st.sampled_from((0, 0, 25, 45)),
    )
    def make(self, maker: int, name: str, project: str, age: int, late: int) -> None:
        """A controller makes its resources; its own can be listed some time after."""
        made = MAKERS[maker](name, self.fleet.now - timedelta(minutes=0 if late else age), project)
        self._make(made, name, late)

    def _make(self, made: Made, name: str, late: int = 0) -> None:
        named = name if "/clusters/" in made.parent.key.name else made.parent.key.name
        if named in self.spent:  # whose is what, if there were two of the name, would be a matter of opinion
            return
        self.spent.add(named)
        self.alive[made.parent.key.name] = made
        self.fleet.add(*made.children)
        self.late.append((self.fleet.now + timedelta(minutes=late), made))
        self._show_late(self.fleet.now)

    def _show_late(self, now: datetime) -> None:
        shown = [made for due, made in self.late if due <= now]
        self.late = [(due, made) for due, made in self.late if due > now]
        self.fleet.add(*(made.parent for made in shown if made.parent.key.name in self.alive))

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), leaves=st.booleans())
    def delete(self, data: st.DataObject, leaves: bool) -> None:
        """A parent is deleted, with what it made or without."""
        name = data.draw(st.sampled_from(sorted(self.alive)))
        made = self.alive.pop(name)
        self.fleet.resources.pop(name, None)
        for child in made.children:
            if not leaves:
                self.fleet.drop(child.key.name)
            elif not any(part in child.key.name for part in VAGUE):
                self._owe(child)

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def make_anew(self, data: st.DataObject) -> None:
        """A controller makes one of its resources again: a repaired node, a recreated pool."""
        made = self.alive[data.draw(st.sampled_from(sorted(self.alive)))]
        place = data.draw(st.integers(0, len(made.children) - 1))
        old = made.children[place]
        kind = "creationTimestamp" if old.asset_type.startswith("compute.") else "createTime"
        stamp = self.fleet.now.isoformat().replace("+00:00", "Z")
        made.children[place] = old.__class__(
            old.key, old.asset_type, self.fleet.now, data={**old.data, kind: stamp}, ancestors=old.ancestors
        )
        self.fleet.add(made.children[place])

    @rule(which=st.integers(0, 30))
    def forge(self, which: int) -> None:
        """Somebody makes a resource that looks like a controller's."""
        now = self.fleet.now
        made = (cluster("ghost-of-a-cluster", now), group("ghost", now), dataproc("ghost", now), composer("ghost", now))
        forged = [child for parts in made for child in parts.children]
        exact = [child for child in forged if not any(part in child.key.name for part in VAGUE)]
        self._forge(exact[which % len(exact)])

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def copy_elsewhere(self, data: st.DataObject) -> None:
        """Somebody copies a group's instance into a project that has no such group."""
        groups = [made for made in self.alive.values() if "/instanceGroupManagers/" in made.parent.key.name]
        if groups:
            self._forge(moved(data.draw(st.sampled_from(groups)).children[1], "host"))

    @rule(minutes=st.sampled_from((1, 20, 119, 180, 180, 1440)))
    def sweep(self, minutes: int) -> None:
        """Time passes, and a sweep lists all."""
        self._show_late(self.fleet.now + timedelta(minutes=minutes))
        self.watched.sweep(minutes / 60)
        self.swept.append(self.fleet.now)

    @invariant()
    def what_controllers_made_is_no_finding(self) -> None:
        children = {child.key.name for made in self._alive() for child in made.children}
        assert not children & self._reported()

    @invariant()
    def what_has_no_parent_is_a_finding_in_the_end(self) -> None:
        reported = self._reported()
        for name, since in self._owed().items():
            judged = [time for time in self.swept if time >= since + SETTLED]
            if judged and judged[-1] >= judged[0] + GRACE:
                assert name in reported, name

    def _forge(self, seen: Observation) -> None:
        if seen.key.name not in self.fleet.resources:
            self.fleet.add(seen)
            self._owe(seen)

    def _owe(self, seen: Observation) -> None:
        self.owed[seen.key.name] = max(self.fleet.now, seen.observed_at)

    def _alive(self) -> list[Made]:
        return list(self.alive.values()) if hasattr(self, "alive") else []

    def _owed(self) -> dict[str, datetime]:
        return self.owed if hasattr(self, "owed") else {}

    def _reported(self) -> set[str]:
        if not hasattr(self, "watched"):
            return set()
        return {
            state.key.name
            for state in self.watched.store.states(drifted=True)
            if state.finding is not None and state.finding.status == "open" and state.finding.claim is not None
        }


TestControlledFleet = ControlledFleet.TestCase
TestControlledFleet.settings = settings(max_examples=size(15, 300), stateful_step_count=size(12, 40), deadline=None)
