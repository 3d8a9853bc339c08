"""Syncing a source judges what it concerns, whatever has failed before; over every backend that the product has."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from contract.records import BUCKET, KEY, NOON, OTHER, declared, scope
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.plan import Plan, PlannedChange, check_removals, part
from setpoint.declarations.readers.documents import Problem
from setpoint.declarations.readers.load import LoadResult
from setpoint.declarations.readers.prune_protection import PruneProtection
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, CorruptState, TransientError, Unavailable
from setpoint.model import ignore_patterns
from setpoint.model.declaration import IgnoreRule, desired
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy, Rule
from setpoint.model.resource_key import ResourceKey

REPO = "https://git.example/fleet"
HELD = PruneProtection(frozenset({"fleet.yaml"}), everything=True)
THIRD = ResourceKey("//storage.googleapis.com/third")


class Bus(MemoryBus):
    """A bus that can be down."""

    down = False

    def publish(self, events):
        if self.down:
            raise Unavailable("the bus is down")
        super().publish(events)


@pytest.fixture
def deps(store):
    return Context(store, Bus(), MemoryDeadLetters(), default_catalogue())


def sync(deps, *declarations, scopes=(), prune=True, **request):
    loaded = LoadResult(list(declarations), tuple(scopes))
    return apply.sync(loaded, ApplyRequest("git", prune=prune, max_removals=1, **request), deps, NOON)


def observe(deps, key, location="EU"):
    seen = Observation(key, BUCKET, NOON + timedelta(seconds=1), data={"location": location}, project_id="billing")
    return pipeline.handle_observation(seen, deps)


def event_types(deps):
    return [(event.type, event.subject) for event in deps.bus.events]


def statuses(deps):
    return {state.key: state.finding.status for state in deps.store.states(drifted=True)}


def test_while_the_bus_is_down_every_finding_is_judged_and_told_when_it_is_up(deps):
    keys = (KEY, OTHER, THIRD)
    sync(deps, *map(declared, keys))
    for key in keys:
        observe(deps, key, "US")
    deps.bus.events.clear()
    now_right = [declared(key, location="US") for key in keys]

    deps.bus.down = True
    with pytest.raises(TransientError, match="the bus is down"):
        sync(deps, *now_right)
    assert set(statuses(deps).values()) == {"resolved"}

    deps.bus.down = False
    sync(deps, *now_right)
    assert sorted(event_types(deps)) == sorted(("drift.resolved", key.name) for key in keys)


def test_an_apply_that_died_before_it_judged_is_made_up_for_by_the_next(deps, monkeypatch):
    sync(deps, declared(KEY), declared(OTHER))
    observe(deps, KEY, "US")
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "reevaluate", dies)
        with pytest.raises(KeyboardInterrupt):
            sync(deps, declared(KEY, location="US"), declared(OTHER))
    assert statuses(deps) == {KEY: "open"}

    synced = sync(deps, declared(KEY, location="US"), declared(OTHER))

    assert (list(synced.plan.changes), synced.outcomes["resolved"]) == ([], 1)
    assert statuses(deps) == {KEY: "resolved"}


def dies(*_arguments):
    raise KeyboardInterrupt


def test_what_was_removed_by_an_apply_that_died_is_judged_even_after_later_ones(deps, monkeypatch):
    sync(deps, declared(KEY), declared(OTHER), declared(THIRD))
    observe(deps, KEY, "US")
    observe(deps, OTHER, "US")
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "reevaluate", dies)
        for rest in ([declared(OTHER), declared(THIRD)], [declared(THIRD)]):
            with pytest.raises(KeyboardInterrupt):
                sync(deps, *rest)

    sync(deps, declared(THIRD))

    assert statuses(deps) == {KEY: "resolved", OTHER: "resolved"}
    state = deps.store.control().value.sources["git"]
    assert (state.judged, state.earlier) == (state.generation, ())
    assert [list(deps.store.manifest("git", generation)) for generation in range(1, state.generation)] == [[]] * (
        state.generation - 1
    )


def test_once_all_is_judged_an_apply_without_changes_judges_nothing(deps, monkeypatch):
    sync(deps, declared(KEY))
    monkeypatch.setattr(pipeline, "reevaluate", dies)

    assert sync(deps, declared(KEY)).outcomes == {}


def test_only_what_has_changed_is_judged_where_all_was_judged_before(deps):
    sync(deps, declared(KEY), declared(OTHER))
    assert sum(sync(deps, declared(KEY, location="US"), declared(OTHER)).outcomes.values()) == 1


def test_a_finding_that_cannot_be_read_is_reported_and_keeps_no_other_from_being_judged(deps, monkeypatch):
    sync(deps, declared(KEY), declared(OTHER))
    observe(deps, OTHER, "US")
    read = deps.store.last_observation

    def corrupt(key):
        if key == KEY:
            raise CorruptState("a stored finding cannot be read")
        return read(key)

    changed = [declared(KEY, location="US"), declared(OTHER, location="US")]
    with monkeypatch.context() as patched:
        patched.setattr(deps.store, "last_observation", corrupt)
        synced = sync(deps, *changed)
        assert (synced.failed, synced.failure) == (1, "a stored finding cannot be read")
        assert statuses(deps) == {OTHER: "resolved"}
        assert sync(deps, *changed).failed == 1

    assert sync(deps, *changed).failed == 0
    assert sync(deps, *changed).outcomes == {}


def test_events_that_an_earlier_failure_left_behind_are_published_by_a_sync(deps):
    sync(deps, declared(KEY))
    deps.bus.down = True
    with pytest.raises(Unavailable):
        observe(deps, KEY, "US")
    deps.bus.down = False

    sync(deps, declared(KEY))

    assert event_types(deps) == [("drift.opened", KEY.name)]


def test_when_a_scope_goes_what_was_unmanaged_by_it_is_resolved_and_opens_when_it_comes_back(deps):
    sync(deps, declared(OTHER), scopes=[scope()])
    observe(deps, KEY)
    assert statuses(deps) == {KEY: "open"}

    sync(deps, declared(OTHER), prune=False)
    assert statuses(deps) == {KEY: "open"}
    sync(deps, declared(OTHER))
    assert statuses(deps) == {KEY: "resolved"}
    sync(deps, declared(OTHER), scopes=[scope()])
    assert statuses(deps) == {KEY: "open"}


def test_a_scope_that_went_while_the_bus_was_down_is_made_up_for(deps, monkeypatch):
    sync(deps, declared(OTHER), scopes=[scope()])
    observe(deps, KEY)
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "reevaluate", dies)
        with pytest.raises(KeyboardInterrupt):
            sync(deps, declared(OTHER))

    sync(deps, declared(OTHER))
    assert statuses(deps) == {KEY: "resolved"}


def test_no_scope_goes_while_a_document_is_bad(deps):
    sync(deps, declared(OTHER), scopes=[scope()])
    loaded = LoadResult([declared(OTHER)], problems=[Problem("fleet.yaml", 1, "", "not YAML")], prune_protection=HELD)
    apply.sync(loaded, ApplyRequest("git", prune=True), deps, NOON)

    assert [scope_.name for scope_ in deps.store.read(KEY).rules.scopes] == ["billing"]


def test_a_removal_is_allowed_by_what_its_refusal_says_and_by_no_less():
    for before in range(1, 120):
        for removals in range(1, before + 1):
            change = PlannedChange(KEY, "removed", None, None)
            planned = Plan("git", removed=(change,) * removals, declared_before=before)
            with pytest.raises(BadRequest) as refused:
                check_removals(planned, 0)
            percent = str(refused.value).rpartition(" ")[2]
            check_removals(planned, part(percent))
            with pytest.raises(BadRequest):
                check_removals(planned, part(percent) - 0.01)


@pytest.mark.parametrize("percent", ["nan%", "-1%", "101%", "inf", "ten", "", "%"])
def test_what_is_no_percentage_is_refused(percent):
    with pytest.raises(BadRequest, match="from 0% to 100%"):
        part(percent)
    assert [part(good) for good in ("0%", "10", "12.5%", "100%")] == [0, 0.1, 0.125, 1]


def ignoring(key=KEY, rule="fleet/.setpointignore:1: billing-exports"):
    (declaration,) = declared(key).declarations
    return desired((replace(declaration, ignore=(ignore_patterns.ALL,), ignored_by={ignore_patterns.ALL: rule}),))


def test_what_a_new_rule_covers_ends_at_once_and_comes_back_when_the_rule_goes(deps):
    sync(deps, declared(KEY))
    observe(deps, KEY, "US")

    sync(deps, ignoring(KEY))
    (state,) = deps.store.states(drifted=True)
    assert (state.finding.status, state.finding.reason) == ("resolved", "ignored")
    assert [suppression.rule for suppression in state.suppressed] == ["fleet/.setpointignore:1: billing-exports"]

    sync(deps, declared(KEY))
    (state,) = deps.store.states(drifted=True)
    assert (state.finding.status, state.suppressed) == ("open", ())
    assert [event for event, _ in event_types(deps)] == ["drift.opened", "drift.resolved", "drift.opened"]


def test_a_drift_that_was_never_told_is_told_when_its_rule_goes(deps):
    sync(deps, ignoring(KEY))
    observe(deps, KEY, "US")
    assert event_types(deps) == []
    (state,) = deps.store.suppressed()
    assert (state.finding, len(state.suppressed)) == (None, 1)

    sync(deps, declared(KEY))

    assert event_types(deps) == [("drift.opened", KEY.name)]


def test_what_nobody_declares_is_judged_again_when_the_rules_of_its_scope_change(deps):
    alone = replace(scope(), ignores=(IgnoreRule("storage.googleapis.com/billing-", text="rule"),))
    sync(deps, declared(OTHER), scopes=[alone])
    observe(deps, KEY)
    assert event_types(deps) == []

    sync(deps, declared(OTHER), scopes=[scope()])
    assert event_types(deps) == [("drift.opened", KEY.name)]

    sync(deps, declared(OTHER), scopes=[alone])
    assert event_types(deps)[1:] == [("drift.resolved", KEY.name)]


def policed(deps, policy, *declarations, source="git", prune=True):
    loaded = LoadResult(list(declarations), policy=policy)
    return apply.sync(loaded, ApplyRequest(source, prune=prune, max_removals=1), deps, NOON)


def test_a_new_policy_is_told_of_every_finding_that_it_makes_something_else_of(deps):
    sync(deps, declared(KEY), declared(OTHER))
    observe(deps, KEY, "US")
    observe(deps, OTHER)
    deps.bus.events.clear()

    policed(deps, Policy(rules=(Rule("all", severity="critical", mode="approve"),)), declared(KEY), declared(OTHER))

    (event,) = deps.bus.events
    assert (event.type, event.subject) == ("drift.changed", KEY.name)
    assert (event.data.severity, event.data.mode) == ("critical", "approve")


def test_a_policy_stays_without_prune_and_goes_with_it(deps):
    policed(deps, Policy(rules=(Rule("all", mode="auto"),)), declared(KEY))
    sync(deps, declared(KEY), prune=False)
    assert deps.store.read(KEY).rules.policy is not None

    sync(deps, declared(KEY))
    assert deps.store.read(KEY).rules.policy is None


def test_a_second_source_cannot_bring_another_policy(deps):
    policed(deps, Policy(), declared(KEY))

    with pytest.raises(BadRequest, match="source git holds the policy of the fleet"):
        policed(deps, Policy(), declared(OTHER), source="team")


def test_a_declaration_tells_where_it_stood_in_the_revision_that_made_it_what_it_is(deps):
    sync(deps, declared(KEY), declared(OTHER), commit="aaa", repo=REPO)
    sync(deps, declared(KEY, location="US"), declared(OTHER), commit="bbb", repo=REPO)

    sources = {key: deps.store.read(key).desired.declarations[0].source for key in (KEY, OTHER)}
    assert {key: source.commit for key, source in sources.items()} == {KEY: "bbb", OTHER: "aaa"}
    observe(deps, KEY, "EU")
    (event,) = deps.bus.events
    declared_in = event.data.declared_in
    assert (declared_in.repo, declared_in.commit, str(declared_in)) == (REPO, "bbb", "fleet.yaml:1")


def test_a_scope_tells_in_which_revision_it_stood_and_one_that_is_kept_keeps_its_own(deps):
    for commit, location, names in (("aaa", "EU", ["one", "two"]), ("bbb", "US", ["two"])):
        scopes = [scope(name) for name in names]
        sync(deps, declared(KEY, location=location), scopes=scopes, prune=False, commit=commit, repo=REPO)

    sources = {scope_.name: scope_.source for scope_ in deps.store.control().value.sources["git"].scopes}
    assert {name: source.commit for name, source in sources.items()} == {"one": "aaa", "two": "bbb"}
    assert {source.repo for source in sources.values()} == {REPO}
