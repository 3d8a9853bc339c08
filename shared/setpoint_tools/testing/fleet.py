"""A fleet of any size, a feed of its changes and the truth beside it, from a seed and in the memory of one resource.

Nothing is kept: what a resource is in a round follows from the seed, its number and the round. In each round the feed
tells of every resource once, in another order; a drift lasts for some rounds. Resources are declared as people write
them and told as Google's APIs answer, so that most fields are spelled otherwise without being drift.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from setpoint.model.declaration import Declaration, Desired, Owner, desired
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint.model.severity import Kind
from setpoint_tools.demo import files, messages
from setpoint_tools.demo.mutations import edited
from setpoint_tools.demo.samples import Data, Project, Sample, Site
from setpoint_tools.demo.server_defaults import Server
from setpoint_tools.demo.spelling_variants import SpellingVariator
from setpoint_tools.testing.resource_templates import PROJECT_POLICY, TEMPLATES, ResourceTemplate, TemplateDrift

_START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_TEAMS = 40
_REGIONS = ("europe-west1", "europe-west3", "europe-west4")
_ENVIRONMENTS = ("prod", "staging", "dev")
_POLICIES = 5
"""One in so many of the first resources is the policy of a project."""
_STRAYS = 20
"""One in so many resources is declared by nobody."""
_LASTS = 3
"""Rounds that a drift, or its absence, lasts at least."""
_GONE = -1
_QUIET = 0


class FaultRates(NamedTuple):
    """What goes wrong on the way, as shares of all messages.

    Args:
        repeated: delivered twice.
        late: delivered after what is newer.
        broken: no feed message at all.
    """

    repeated: float = 0.05
    late: float = 0.03
    broken: float = 0.002


class ExpectedState(NamedTuple):
    """What a resource really is.

    Args:
        key: the resource and content.
        time: since when it is so, as far as the feed tells.
        kind: the kind of its drift; None where it is as declared, or nobody declares it.
        field: the beginning of the paths of all its differences; empty where there are none.
    """

    key: ResourceKey
    time: datetime
    kind: Kind | None
    field: str = ""


class FeedExpectation(NamedTuple):
    """A message of the feed, and what has to become of it.

    Args:
        data: the message.
        outcome: what has to become of it where all messages are handled in this order.
        expected_state: what the resource really was then; None where the message is about none.
    """

    data: bytes
    outcome: Outcome
    expected_state: ExpectedState | None = None


@dataclass(frozen=True)
class Fleet:
    """So many resources in so many projects.

    Args:
        resources: how many there are.
        projects: how many projects they lie in.
        rounds: how often the feed tells of each.
        seed: another one makes another fleet.
        drifting: the share of resources that differ at any time.
        fault_rates: what goes wrong on the way.
        seconds: time between two messages.
    """

    resources: int
    projects: int = 3_000
    rounds: int = 2
    seed: int = 0
    drifting: float = 0.1
    fault_rates: FaultRates = field(default_factory=FaultRates)
    seconds: float = 0.05

    def sample(self, number: int) -> Sample:
        """The resource with a number from 0, each time the same."""
        rng = self._rng(number)
        site = Site(self._project(number % self.projects), SpellingVariator(rng), Server(rng))
        made = self._template(number).make(site, number)
        if not self._is_stray(number):
            return made
        path = made.key.name.removeprefix("//").replace(".googleapis.com", "", 1)
        return site.sample(made.kind, path, None, made.live, location=made.location, content=made.key.content)

    def declared(self) -> Iterator[Sample]:
        """All resources that somebody declares."""
        return (self.sample(number) for number in range(self.resources) if not self._is_stray(number))

    def desired(self) -> Iterator[Desired]:
        """What is declared."""
        return map(_desired, self.declared())

    def documents(self) -> Iterator[Data]:
        """What is declared, as documents of the native format."""
        return map(files.declaration, self.declared())

    def assets(self) -> Iterator[Data]:
        """What there is after the last round, as an inventory lists it in JSON."""
        for number in range(self.resources):
            state = self._state(number, self.rounds - 1)
            if state != _GONE:
                sample = self.sample(number)
                time = self.expected_state(number).time
                yield messages.asset(sample, self._live(sample, number, self.rounds - 1), time)

    def expected_states(self) -> Iterator[ExpectedState]:
        """What everything that is declared really is after the last round."""
        return (self.expected_state(number) for number in range(self.resources) if not self._is_stray(number))

    def expected_state(self, number: int) -> ExpectedState:
        """What a resource really is after the last round."""
        last = next(round_ for round_ in range(self.rounds - 1, -1, -1) if self._is_told(number, round_))
        return self._expected_state(self.sample(number).key, number, last)

    def feed(self) -> Iterator[FeedExpectation]:
        """All messages, in the order of their arrival."""
        yield FeedExpectation(messages.welcome("setpoint-resources"), "welcome")
        for number in range(self.rounds):
            yield from self._round(number)

    def _round(self, now: int) -> Iterator[FeedExpectation]:
        """The messages of a round; what is delivered twice comes again before the round is over."""
        rng = self._rng("round", now)
        again: list[tuple[float, int, FeedExpectation]] = []
        whole: list[bytes] = []
        for place in range(self.resources):
            for expectation in self._of(self._number(place, now), now):
                yield expectation
                if rng.random() < self.fault_rates.repeated:
                    outcome: Outcome = (
                        "repeated" if expectation.outcome not in ("stale", "undeclared") else expectation.outcome
                    )
                    heapq.heappush(
                        again, (place + rng.uniform(0, 50), len(again), expectation._replace(outcome=outcome))
                    )
                if expectation.expected_state and expectation.expected_state.kind != "deleted":
                    whole = [*whole[-3:], expectation.data]
            while again and again[0][0] <= place:
                yield heapq.heappop(again)[2]
            if len(whole) == 4 and rng.random() < self.fault_rates.broken:  # noqa: PLR2004 - what `broken` asks for
                yield FeedExpectation(rng.choice(messages.broken(whole)), "rejected")
        yield from (late for _, _, late in sorted(again, key=lambda delayed: delayed[0]))

    def _of(self, number: int, now: int) -> Iterator[FeedExpectation]:
        """What the feed tells of a resource in a round: what it is, then what it was if that is late."""
        was_late = now > 0 and self._is_late(number, now - 1)
        if self._is_told(number, now) and not self._is_late(number, now):
            yield self._expectation(number, now, seen=now - 2 if was_late else now - 1)
        if was_late:
            expectation = self._expectation(number, now - 1, seen=now - 2)
            yield expectation if expectation.outcome == "undeclared" else expectation._replace(outcome="stale")

    def _expectation(self, number: int, now: int, *, seen: int) -> FeedExpectation:
        """The message of a resource in a round.

        Args:
            number: the resource.
            now: the round.
            seen: the last round that was told of before, or less where that ended with the same.
        """
        sample = self.sample(number)
        expected_state = self._expected_state(sample.key, number, now)
        before = self._state(number, now - 1) if now else _QUIET
        prior = None
        if before != _GONE:
            # What was before the first round is as old as need be.
            prior = (
                self._live(sample, number, now - 1),
                self._time(number, now - 1) if now else _START - timedelta(days=9),
            )
        if expected_state.kind == "deleted":
            assert prior is not None  # noqa: S101 - what is gone is not told of again
            data = messages.deleted(sample, expected_state.time, prior, with_asset=number % 2 == 0)
        else:
            data = messages.changed(sample, self._live(sample, number, now), expected_state.time, prior)
        return FeedExpectation(data, self._outcome(number, now, seen), expected_state)

    def _outcome(self, number: int, now: int, seen: int) -> Outcome:
        if self._is_stray(number):
            return "undeclared"
        before, after = (self._state(number, round_) if round_ >= 0 else _QUIET for round_ in (seen, now))
        if after == before:
            return "drifted" if after else "in_sync"
        if after == _QUIET:
            return "resolved"
        return "opened" if before == _QUIET else "changed"

    def _expected_state(self, key: ResourceKey, number: int, now: int) -> ExpectedState:
        state, time = self._state(number, now), self._time(number, now)
        if state == _GONE:
            return ExpectedState(key, time, "deleted")
        drift = self._drift(number, state)
        return ExpectedState(key, time, "modified", drift.field) if drift else ExpectedState(key, time, None)

    def _live(self, sample: Sample, number: int, now: int) -> Any:
        """What the API says of a resource in a round."""
        live = Server(self._rng("live", number, now)).touched(sample.live, self._time(number, max(now, 0)))
        drift = self._drift(number, self._state(number, now)) if now >= 0 else None
        return edited(live, (drift.edit,)) if drift else live

    def _drift(self, number: int, state: int) -> TemplateDrift | None:
        return self._template(number).drifts[state - 1] if state > _QUIET else None

    def _state(self, number: int, now: int) -> int:
        """What a resource is in a round: quiet, gone, or one of its template's drifts from 1."""
        if self._is_stray(number):
            return _QUIET
        rng = self._rng("state", number, (now + number) // _LASTS)
        if rng.random() >= self.drifting:
            return _QUIET
        template = self._template(number)
        may_go = template.make is not PROJECT_POLICY.make and rng.random() < 0.1  # noqa: PLR2004 - a share
        return _GONE if may_go else rng.randrange(len(template.drifts)) + 1

    def _is_told(self, number: int, now: int) -> bool:
        """Whether there is anything to tell: what is gone is told of once."""
        return not (now > 0 and self._state(number, now) == self._state(number, now - 1) == _GONE)

    def _is_late(self, number: int, now: int) -> bool:
        """Whether the message of a round comes after that of the next one; never twice in a row."""
        if (
            now % 2 == 0
            or now + 1 >= self.rounds
            or not (self._is_told(number, now) and self._is_told(number, now + 1))
        ):
            return False
        return self._rng("late", number, now).random() < 2 * self.fault_rates.late

    def _is_stray(self, number: int) -> bool:
        return number % _STRAYS == _STRAYS - 1

    def _template(self, number: int) -> ResourceTemplate:
        """The first resources are policies of projects, each of another one."""
        if number < self.projects and number % _POLICIES == 0:
            return PROJECT_POLICY
        return TEMPLATES[number * 7 % len(TEMPLATES)]

    def _project(self, number: int) -> Project:
        team, environment = f"team-{number % _TEAMS}", _ENVIRONMENTS[number % 3]
        return Project(
            id=f"{team}-{environment}-{number}",
            number=str(100_000_000_000 + 7_919 * number + self.seed % 7_919),
            owner=Owner(team=team, slack=f"#{team}", email=f"{team}@example.com"),
            environment=environment,
            region=_REGIONS[number % len(_REGIONS)],
            network=f"projects/net-{environment}/global/networks/main",
        )

    def _time(self, number: int, now: int) -> datetime:
        """When a resource was told of in a round."""
        factor, offset = self._orders[now]
        place = (number - offset) * pow(factor, -1, self.resources) % self.resources if self.resources > 1 else 0
        return _START + timedelta(seconds=self.seconds * (now * self.resources + place))

    def _number(self, place: int, now: int) -> int:
        """Which resource is told of at a place in a round."""
        factor, offset = self._orders[now]
        return (factor * place + offset) % self.resources

    @cached_property
    def _orders(self) -> list[tuple[int, int]]:
        """Of each round, the factor and the offset that make its order; the factor has an inverse."""
        return [_order(self._rng("order", now), self.resources) for now in range(self.rounds)]

    def _rng(self, *of: object) -> random.Random:
        return random.Random("/".join(map(str, (self.seed, *of))))  # noqa: S311 - a fleet, no secret


def _order(rng: random.Random, resources: int) -> tuple[int, int]:
    while True:
        factor = rng.randrange(1, resources + 1)
        if math.gcd(factor, resources) == 1:
            return factor, rng.randrange(resources)


def _desired(sample: Sample) -> Desired:
    declaration = Declaration(
        key=sample.key,
        asset_type=sample.kind.asset_type,
        data=sample.declared,
        project=sample.project.id if sample.project else "",
        owner=sample.owner,
        authority=sample.authority,
        ignore=sample.ignore,
        mode=sample.mode,
    )
    return desired((declaration,))
