"""Listing a shard: every asset through the flow, and after each page a record of how far it came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from setpoint.detection import batch, pipeline, scopes
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, Conflict, PermanentError, ScopeDenied, TokenExpired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.sources import rules_of
from setpoint.model.sweep_records import Part, Shard, Status, known_at
from setpoint.ports.services import Page
from setpoint.ports.stores import StoredShard
from setpoint.sweep.context import Sweeper
from setpoint.sweep.digest_set import digest_of, packed
from setpoint.util.external_sort import batches

_AT_ONCE = 100
"""Assets that are judged with one read and one write."""


def list_shard(stored: StoredShard, sweeper: Sweeper, until: float) -> Shard | None:
    """List a shard from where it stopped, to its end or until time is over; it is then still ``open``.

    Args:
        stored: the record as it was read.
        sweeper: what sweeps work with.
        until: by the clock, when to stop; at least one page is read.

    Returns:
        The record as it is stored then; None where somebody else lists the same shard, and is ahead.

    Raises:
        TransientError: go on later; what was judged is stored.
    """
    sweeper.deps.projects.ask_again()  # whoever began the sweep has learnt what projects are called
    writing = _Writing(stored, sweeper)
    try:
        try:
            _read(writing, sweeper, until)
        except TokenExpired:
            writing.begin_anew()
            _read(writing, sweeper, until)
    except _Overtaken:
        return None
    return writing.shard


class _Overtaken(Exception):  # noqa: N818 - no error: whoever is ahead does the rest
    """Somebody else has written the record of the shard."""


class _Writing:
    """The record of a shard, as this process has written it last."""

    def __init__(self, stored: StoredShard, sweeper: Sweeper) -> None:
        assert stored.value is not None  # noqa: S101 - callers have looked; this tells the type checker
        self.shard = stored.value
        self._version = stored.version
        self._sweeper = sweeper

    def write(self, shard: Shard, part: Part | None = None) -> None:
        try:
            self._version = self._sweeper.records.write_shard(shard, self._version, part).version
        except Conflict:
            raise _Overtaken from None
        self.shard = shard

    def begin_anew(self) -> None:
        """List it from its begin; what its pages have shown stays seen."""
        now = self._sweeper.now()
        self.write(replace(self.shard, page_token="", listed=0, outcomes={}, counts={}, made={}, updated_at=now))


def _read(writing: _Writing, sweeper: Sweeper, until: float) -> None:
    told: set[str] = set()
    for page in _pages(writing, sweeper):
        writing.write(*_judged(page, writing.shard, told, sweeper))
        sweeper.advance(len(page.observations))
        if writing.shard.status != "open" or sweeper.clock() > until:
            break


def _pages(writing: _Writing, sweeper: Sweeper) -> Iterator[Page]:
    """What is left to list; where it may not be listed, the record says so."""
    shard = writing.shard
    try:
        yield from sweeper.inventory.pages(shard.scope, shard.content, shard.types, page_token=shard.page_token)
    except BadRequest as error:
        status: Status = "denied" if isinstance(error, ScopeDenied) else "failed"
        writing.write(replace(writing.shard, status=status, reason=str(error), updated_at=sweeper.now()))


def _judged(page: Page, shard: Shard, told: set[str], sweeper: Sweeper) -> tuple[Shard, Part]:
    """Judge a page; the record that is then true, and what the page has shown."""
    outcomes: Counter[Outcome] = Counter(shard.outcomes)
    counts: Counter[str] = Counter(shard.counts)
    made: Counter[str] = Counter(shard.made)
    seen: list[int] = []
    unchecked: list[int] = []
    projects: set[str] = set()
    above_projects = shard.above_projects
    deps = sweeper.deps
    rules = rules_of(deps.store.control().value)
    for observation, outcome in _judge(page.observations, known_at(page.read_at, sweeper.lag), deps):
        outcomes[outcome] += 1
        counts[observation.asset_type] += 1
        above_projects = above_projects or not observation.project
        projects.update((observation.project, observation.project_number))
        if outcome == "undeclared" and (by := _made(observation, rules, deps)):
            made[by] += 1
        if outcome != "undeclared":
            digests = _digests(observation, deps)
            seen += digests
            if outcome == "unreadable":
                unchecked += digests
    new = projects - told - {""}
    told |= new
    done = replace(
        shard,
        updated_at=sweeper.now(),
        status="open" if page.next_token else "done",
        page_token=page.next_token,
        read_at=min(shard.read_at, page.read_at) if shard.read_at else page.read_at,
        listed=shard.listed + len(page.observations),
        outcomes=dict(outcomes),
        counts=dict(counts),
        made=dict(made),
        above_projects=above_projects,
        parts=shard.parts + 1,
    )
    return done, Part(packed(seen), packed(unchecked), tuple(sorted(new)))


def _digests(observation: Observation, deps: Context) -> list[int]:
    """A listed resource by every key under which it may be declared."""
    others = deps.projects.other_keys(deps.projects.placed(observation))
    return [digest_of(observation.key), *map(digest_of, others)]


def _made(observation: Observation, rules: Rules, deps: Context) -> str:
    """What made a resource that a scope covers and that need not be declared for that, or an empty string."""
    return scopes.explain(rules, deps.projects.placed(observation)).made if rules.scopes else ""


def _judge(observed: Sequence[Observation], at: datetime, deps: Context) -> Iterator[tuple[Observation, Outcome]]:
    """Run listed assets through the flow, each as of its own update time; what cannot be judged keeps no other from it.

    Raises:
        TransientError: list the page again; what was judged is stored.
    """
    for some in batches(observed, _AT_ONCE):
        for observation, result in zip(some, batch.handle_many(some, deps), strict=True):
            outcome = batch.outcome_of(result)
            yield observation, _as_of(at, observation, deps) if outcome == "stale" else outcome


def _as_of(at: datetime, observation: Observation, deps: Context) -> Outcome:
    """What becomes of a listed asset that is older than what is known.

    What is known may be later and wrong all the same: an earlier listing had dropped the resource, or two changes of
    one moment were told in no order. Once the listing can no longer lag behind what is known, it is right as of ``at``,
    and not as of later, so that a feed may still know better.
    """
    try:
        state = pipeline.load(observation, deps).snapshot.state
        if state is None or state.observed_at >= at:
            return "stale"
        return pipeline.handle_observation(replace(observation, observed_at=at), deps)
    except PermanentError:
        return "unreadable"
