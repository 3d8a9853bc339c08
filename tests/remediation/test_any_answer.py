"""Whatever APIs answer, wherever a worker dies, whatever others change: what holds over drawn sequences of that."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from detection.crashing import Crash
from remediation.fleet import AUTO, FIREWALL, FIREWALL_TYPE, FIREWALL_URL, KEY, TYPE, URL, World
from remediation.in_process import in_process
from remediation.test_answers import UNREADABLE
from remediation.test_crashes import doomed
from setpoint.errors import SetpointError
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey
from setpoint.model.safety_limits import resume
from setpoint.remediation.engine import remediate, resume_due
from setpoint_tools.testing.google_apis import GoogleApis
from setpoint_tools.testing.google_bodies import STATES
from setpoint_tools.testing.google_faults import Effect, Fault
from sizes import histories


class Kind(NamedTuple):
    """A resource that drifts: what is declared, and how it is when it does."""

    key: ResourceKey
    asset_type: str
    url: str
    declared: dict[str, Any]
    drifted: dict[str, Any]


TOPIC = "//pubsub.googleapis.com/projects/shop-prod/topics/orders"
CHECK = "monitoring.googleapis.com/projects/shop-prod/uptimeCheckConfigs/shop"
KINDS = (
    Kind(
        KEY,
        TYPE,
        URL,
        {"versioning": {"enabled": True}, "labels": {"team": "shop"}},
        {"name": "exports", "versioning": {"enabled": False}, "labels": {"team": "shop", "x": "y"}},
    ),
    Kind(
        FIREWALL,
        FIREWALL_TYPE,
        FIREWALL_URL,
        {"disabled": False, "priority": 900},
        {"name": "web", "disabled": True, "priority": 900, "network": "global/networks/default"},
    ),
    Kind(
        ResourceKey(TOPIC),
        "pubsub.googleapis.com/Topic",
        "https://pubsub.googleapis.com/v1/projects/shop-prod/topics/orders",
        {"kmsKeyName": "k", "messageStoragePolicy": {"allowedPersistenceRegions": ["europe-west1"]}},
        {
            "name": "projects/shop-prod/topics/orders",
            "kmsKeyName": "other",
            "messageStoragePolicy": {"allowedPersistenceRegions": ["europe-west1"], "enforceInTransit": True},
        },
    ),
    Kind(
        ResourceKey(f"//{CHECK}"),
        "monitoring.googleapis.com/UptimeCheckConfig",
        f"https://{CHECK.replace('com/', 'com/v3/', 1)}",
        {"displayName": "shop", "period": "300s", "tcpCheck": {"port": 443}},
        {"name": CHECK.partition("/")[2], "displayName": "shop", "period": "300s", "httpCheck": {"path": "/"}},
    ),
)
MANNERS = ("documented",) * 5 + ("replaces", "replaces parts", "merges")
"""What an API does with a part of a resource: most do as their documents say."""
HARMFUL = [Fault(operation="internal error"), Fault(operation="internal error", has_effect=True)]
FAULTS = [
    *UNREADABLE,
    *(fault._replace(lost="shown") for fault in UNREADABLE),
    *(Fault(status) for status in (400, 403, 404, 405, 409, 412, 413, 422, 429, 500, 502, 503, 504)),
    Fault(403, "rateLimitExceeded"),
    Fault(429, wait=300),
    Fault(lost="before"),
    Fault(lost="after"),
    Fault(500, lost="shown"),
    *HARMFUL,
]
PATIENT = replace(AUTO, limits=replace(AUTO.limits, per_project=999, per_fleet=999, surge=999, failures=1, flaps=99))
ENDS = {"remediation.succeeded", "remediation.failed", "remediation.blocked", "remediation.requested"}


class Sequence:
    """A world in which drawn things happen, and what must hold of it."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - no secret
        self.google = GoogleApis()
        self.disturbed: Counter[str] = Counter()
        self.google.polls = self.draw.choice((0, 0, 1, 3, 40))
        self.world = World(self.google, in_process(self.google))
        manners = self.draw.choice((MANNERS[:1], MANNERS))
        self.google.manners = {service_of(kind): self.draw.choice(manners) for kind in KINDS}
        is_other = {*self.google.manners.values()} != {"documented"}
        self.may_do_harm = is_other or self.google.polls > 0  # an operation that is seen late to go on counts
        self.world.declare_all(
            [(Declaration(kind.key, kind.asset_type, kind.declared, project="shop-prod"),) for kind in KINDS], PATIENT
        )
        for kind in KINDS:
            self.google.put(kind.url, kind.drifted)
            self.world.observe(kind.drifted, kind.key, kind.asset_type)

    def run(self) -> None:
        happenings = (self.answer, self.answer, self.crash, self.change, self.tick, self.tick, self.deliver)
        for _ in range(self.draw.randint(1, 12)):
            self.draw.choice(happenings)()
            self.check()
        self.google._faults.clear()
        self.google.polls = 0
        self.google.end_operations()
        self.check()
        self.finish()

    def answer(self) -> None:
        fault = self.draw.choice(FAULTS)
        self.may_do_harm |= fault in HARMFUL
        url = self.draw.choice(KINDS).url
        self.disturbed[url] += 1
        path = url.partition("://")[2]
        verb = self.draw.choice(("GET", "PATCH", "PATCH", ""))
        self.google.fail(fault, verb=verb, path=path, times=self.draw.choice((1, 1, 2, 9)))

    def crash(self) -> None:
        worker = doomed(self.world, self.draw.randint(1, 25), self.draw.choice(("before", "after")))
        kind = self.draw.choice(KINDS)
        self.disturbed[kind.url] += 1
        try:
            remediate(kind.key, worker)
        except (Crash, SetpointError):
            return

    def change(self) -> None:
        """Somebody else changes a declared field, or one that nobody declares; the feed tells of it, or not yet."""
        self.may_do_harm = True  # a write that somebody undoes at once looks like one that was not made
        kind = self.draw.choice(KINDS)
        live = {**kind.drifted, "labels": {"x": str(self.draw.random())}} if self.draw.random() < 0.5 else kind.drifted
        self.google.put(kind.url, live)
        self.disturbed[kind.url] += 1
        if self.draw.random() < 0.7:
            self.world.observe(live, kind.key, kind.asset_type)

    def tick(self) -> None:
        self.world.clock.forward(minutes=self.draw.choice((1, 2, 16, 61)))
        resume_due(self.world.context)  # raises nothing, whatever comes of one resource

    def deliver(self) -> None:
        try:
            remediate(self.draw.choice(KINDS).key, self.world.context)
        except SetpointError:
            return

    def check(self) -> None:
        """What may never be, at any time."""
        for kind in KINDS:
            state = self.world.store.read(kind.key).state
            assert not state.deleted, "called deleted, and it is there"
            assert state.finding is None or state.finding.kind == "modified"
        if not self.may_do_harm:
            assert self.world.store.safety_state().value.breaker is None, "the breaker opened on what did no harm"
        for effect in self.google.journal:
            self.check_effect(effect)

    def check_effect(self, effect: Effect) -> None:
        """What was written is what is declared, and where the API does what its documents say nothing else is lost."""
        kind = kind_of(effect)
        changed = {name for name in effect.after if effect.after[name] != effect.before.get(name)} - {*STATES}
        assert changed <= set(kind.declared), f"{changed} were written"
        is_documented = self.google.manners[service_of(kind)] == "documented"
        assert not is_documented or effect.before.keys() - effect.after.keys() <= {"httpCheck"}, effect
        for name in changed:
            assert covers(effect.after[name], kind.declared[name]) or not is_documented, effect
            kept = without(effect.before.get(name), kind.declared[name])
            assert covers(effect.after[name], kept) or not is_documented, effect

    def finish(self) -> None:
        """The troubles end, and time goes by: all of it comes to an end."""
        for _ in range(40):
            stored = self.world.store.safety_state()
            self.world.store.write_safety_state(resume(stored.value, "fleet"), stored.version)
            self.world.clock.forward(hours=1)
            resume_due(self.world.context)
            for kind in KINDS:  # the events that are published are delivered
                self.world.observe(self.google.get(kind.url), kind.key, kind.asset_type)
                remediate(kind.key, self.world.context)
            states = [self.world.store.read(kind.key).state for kind in KINDS]
            if all(state.finding.status == "resolved" and state.due is None for state in states):
                break
        self.world.deps.outbox.republish_pending()
        self.check()
        self.check_ends()
        self.check_losses()
        self.check_requests()

    def check_ends(self) -> None:
        events = defaultdict(dict)
        for event in self.world.bus.events:
            events[event.data.resource_name][int(event.sequence)] = event.type
        for kind in KINDS:
            state, is_open = self.world.store.read(kind.key).state, False
            for _, event in sorted(events[kind.key.name].items()):
                assert not (event == "remediation.started" and is_open), "an attempt has no end"
                is_open = event == "remediation.started" or (is_open and event not in ENDS)
            assert not is_open, "the last attempt has no end"
            with_person = state.remediation is not None and state.remediation.step in ("stopped", "handed_off")
            is_left = all(difference.kind == "undeclared_change" for difference in state.finding.differences)
            assert state.finding.status == "resolved" or with_person or is_left, (state.finding, state.remediation)
            if state.finding.status == "resolved":
                assert covers(self.google.get(kind.url), kind.declared)

    def check_losses(self) -> None:
        """A write that clears other declared fields is followed by one of all of them, until somebody disturbs that."""
        losses: Counter[str] = Counter()
        for effect in self.google.journal:
            before, after, declared = effect.before, effect.after, kind_of(effect).declared.items()
            was = {name for name, value in declared if covers(before.get(name), value)}
            losses[kind_of(effect).url] += any(
                not covers(after.get(name), value) for name, value in declared if name in was
            )
        for url, count in losses.items():
            assert count <= 1 + self.disturbed[url], f"{count} writes to {url} cleared declared fields"

    def check_requests(self) -> None:
        """Between two writes that say no state they are for, the resource is read."""
        topic = KINDS[2].url.partition("://")[2]
        since_reading = 0
        for request in self.google.requests:
            verb, _, path = request.partition(" ")
            if path != topic:
                continue
            since_reading = since_reading + 1 if verb == "PATCH" else 0
            assert since_reading <= 1, "an unguarded write was repeated without a reading"


def service_of(kind: Kind) -> str:
    """The API of a resource."""
    return kind.asset_type.partition(".")[0]


def kind_of(effect: Effect) -> Kind:
    """The resource that was written."""
    return next(kind for kind in KINDS if effect.url.rpartition("/")[2] == kind.url.rpartition("/")[2])


def covers(live: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(covers(live.get(name), part) for name, part in wanted.items())
    return live == wanted or (wanted is False and live is None)


def without(before: Any, declared: Any) -> Any:
    """What was there before beside what is declared."""
    if not isinstance(before, dict) or not isinstance(declared, dict):
        return {} if isinstance(before, dict) else declared
    return {name: without(part, declared[name]) if name in declared else part for name, part in before.items()}


@pytest.mark.thorough
@pytest.mark.parametrize("part", range(20))
def test_whatever_is_answered_everything_comes_to_its_end_and_nothing_is_written_twice(part):
    count = histories(40, 2_000, 20_000) // 20
    for seed in range(part * count, (part + 1) * count):
        try:
            Sequence(seed).run()
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
