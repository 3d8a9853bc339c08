from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from setpoint.detection import finding_state_machine
from setpoint.detection.finding_state_machine import Transition, advance
from setpoint.detection.verdict import judge
from setpoint.model.declaration import Declaration, Owner, Scope, Source, desired
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState, decode_state, encode_state
from setpoint.model.secrecy import is_hidden

KEY = ResourceKey("//storage.googleapis.com/exports")
START = datetime(2025, 6, 17, 12, tzinfo=UTC)
TYPE = "storage.googleapis.com/Bucket"
NO_RULES = Rules()
DECLARED = desired((Declaration(KEY, TYPE, {"location": "EU"}, owner=Owner("billing")),))


def seen(minute: int, location: str | None = "EU", *, deleted: bool = False) -> Observation:
    data = None if location is None else {"location": location}
    time = START + timedelta(minutes=minute)
    return Observation(KEY, TYPE, time, deleted=deleted, data=data, ancestors=("projects/12",))


def after(
    state: ResourceState | None, observation: Observation, wanted: Any = DECLARED, known: Rules = NO_RULES
) -> Transition:
    return advance(state, observation, judge(wanted, known, observation, None), observation.observed_at)


def story(*observations: Observation) -> tuple[list[str], ResourceState]:
    outcomes, state = [], None
    for observation in observations:
        transition = after(state, observation)
        outcomes.append(transition.outcome)
        state = transition.state or state
    assert state is not None
    return outcomes, state


def types(state: ResourceState) -> list[str]:
    return [event.type for event in state.pending]


def test_drift_is_opened_changed_resolved_and_opened_again() -> None:
    outcomes, state = story(seen(0), seen(1, "US"), seen(2, "US"), seen(3, "ASIA"), seen(4), seen(5), seen(6, "US"))
    assert outcomes == ["in_sync", "opened", "drifted", "changed", "resolved", "in_sync", "opened"]
    assert types(state) == ["drift.opened", "drift.changed", "drift.resolved", "drift.opened"]
    assert [event.sequence for event in state.pending] == [f"{n:010d}" for n in (1, 2, 3, 4)]


def test_a_finding_tells_when_it_began_how_often_it_was_seen_and_whose_it_is() -> None:
    _, state = story(seen(0), seen(1, "US"), seen(2, "US"), seen(3, "ASIA"))
    finding = state.finding
    assert finding is not None
    assert finding.first_seen == START + timedelta(minutes=1)
    assert finding.last_seen == START + timedelta(minutes=3)
    assert (finding.count, finding.episodes, finding.owner.team) == (3, 1, "billing")


def test_an_older_observation_changes_nothing() -> None:
    outcomes, state = story(seen(5), seen(1, "US"))
    assert outcomes == ["in_sync", "stale"]
    assert state.finding is None


def test_a_repeated_observation_changes_nothing() -> None:
    outcomes, state = story(seen(1, "US"), seen(1, "US"))
    assert outcomes == ["opened", "repeated"]
    assert state.finding is not None
    assert state.finding.count == 1


def test_two_observations_of_one_instant_end_alike_in_either_order() -> None:
    ends = []
    for order in ((seen(1, "US"), seen(1, "ASIA")), (seen(1, "ASIA"), seen(1, "US"))):
        _, state = story(*order)
        ends.append(state.fingerprint)
    assert ends[0] == ends[1]


def windowed(location: str, seconds: int) -> Observation:
    return replace(seen(1, location), window_start=START + timedelta(minutes=1, seconds=seconds))


@pytest.mark.parametrize(("first", "then"), [("US", "ASIA"), ("ASIA", "US"), ("US", "EU"), ("EU", "US")])
def test_of_two_observations_of_one_instant_the_one_whose_window_starts_later_counts(first: str, then: str) -> None:
    older, newer = windowed(first, 1), windowed(then, 2)
    for order in ((older, newer), (newer, older), (older, newer, older)):
        _, state = story(*order)
        location = state.finding.differences[0].observed if state.fingerprint and state.finding else "EU"
        assert (location, state.window_start) == (then, newer.window_start)


def test_a_window_that_only_one_of_two_messages_has_decides_nothing() -> None:
    assert [story(*order)[1].fingerprint for order in ((windowed("US", 1), seen(1)), (seen(1), windowed("US", 1)))] == [
        story(seen(1), seen(1, "US"))[1].fingerprint
    ] * 2


def test_a_deletion_at_the_instant_of_a_state_comes_after_it() -> None:
    for order in ((seen(1), seen(1, deleted=True)), (seen(1, deleted=True), seen(1))):
        _, state = story(*order)
        assert state.finding is not None
        assert (state.finding.kind, state.finding.status) == ("deleted", "open")


def test_a_declared_resource_that_is_gone_is_deleted_and_resolved_when_it_returns() -> None:
    outcomes, state = story(seen(0), seen(1, deleted=True), seen(2))
    assert outcomes == ["in_sync", "opened", "resolved"]
    assert state.finding is not None
    assert (state.finding.kind, state.finding.reason) == ("deleted", "in sync")


def test_a_deletion_of_what_drifted_changes_the_finding() -> None:
    outcomes, state = story(seen(1, "US"), seen(2, deleted=True))
    assert outcomes == ["opened", "changed"]
    assert state.finding is not None
    assert state.finding.kind == "deleted"


def test_what_nothing_declares_is_left_alone() -> None:
    assert after(None, seen(0), None) == Transition("undeclared")


def test_a_message_that_does_not_tell_what_the_resource_is_changes_nothing() -> None:
    assert after(None, seen(0, None)) == Transition("unreadable")


def test_an_open_finding_ends_when_its_declaration_is_gone() -> None:
    _, state = story(seen(1, "US"))
    transition = after(state, seen(2, "US"), None)
    assert transition.outcome == "resolved"
    assert transition.state is not None
    assert transition.state.pending[-1].data.reason == "no longer declared"


def test_the_same_observation_is_judged_again_by_a_new_declaration() -> None:
    _, state = story(seen(1, "US"))
    moved = desired((Declaration(KEY, TYPE, {"location": "US"}),))
    transition = after(state, seen(1, "US"), moved)
    assert transition.outcome == "resolved"


def test_moving_a_declaration_to_another_file_judges_nothing_again() -> None:
    _, state = story(seen(1, "US"))
    moved = desired((Declaration(KEY, TYPE, {"location": "EU"}, owner=Owner("billing"), source=Source("b.yaml", 9)),))
    assert after(state, seen(1, "US"), moved).outcome == "repeated"


def test_going_back_and_forth_between_declarations_never_repeats_an_event_id() -> None:
    other = desired((Declaration(KEY, TYPE, {"location": "US"}),))
    state: ResourceState | None = None
    for wanted in (DECLARED, other, DECLARED, other, DECLARED):
        state = after(state, seen(1, "US"), wanted).state
    assert state is not None
    ids = [event.id for event in state.pending]
    assert len(set(ids)) == len(ids) == 5


def test_event_ids_follow_from_the_story_alone() -> None:
    first, second = (story(seen(1, "US"), seen(2))[1].pending for _ in range(2))
    assert [event.id for event in first] == [event.id for event in second]


def test_in_a_scope_that_is_fully_declared_the_undeclared_is_unmanaged_until_it_is_gone() -> None:
    known = rules((Scope("prod", ("12",), (TYPE,), Owner("platform")),))
    opened = after(None, seen(1), None, known)
    assert opened.outcome == "opened"
    assert opened.state is not None
    assert opened.state.finding is not None
    assert (opened.state.finding.kind, opened.state.finding.owner.team) == ("unmanaged", "platform")
    gone = after(opened.state, seen(2, deleted=True), None, known)
    assert gone.outcome == "resolved"
    assert gone.state is not None
    assert gone.state.finding is not None
    assert gone.state.finding.reason == "gone"


def test_a_scope_covers_its_projects_and_types_alone() -> None:
    for scope in (Scope("s", ("13",), (TYPE,)), Scope("s", ("12",), ("compute.googleapis.com/Disk",))):
        assert after(None, seen(1), None, rules((scope,))).outcome == "undeclared"


def test_an_unmanaged_resource_that_gets_a_declaration_is_resolved() -> None:
    known = rules((Scope("prod", ("12",), (TYPE,)),))
    opened = after(None, seen(1), None, known)
    assert after(opened.state, seen(2), DECLARED, known).outcome == "resolved"


def test_a_record_survives_its_stored_form() -> None:
    _, state = story(seen(0), seen(1, "US"), seen(2), seen(3, deleted=True))
    assert decode_state(encode_state(state)) == state


def test_a_drift_too_large_for_a_record_is_cut_and_says_how_large_it_is() -> None:
    wanted = desired((Declaration(KEY, TYPE, {f"f{n}": "x" * 500 for n in range(5000)} | {"big": "y" * 300_000}),))
    transition = after(None, seen(1, "US"), wanted)
    assert transition.state is not None
    assert transition.state.finding is not None
    assert transition.state.finding.difference_count == 5001
    assert len(encode_state(transition.state)) < 900_000


def test_every_outcome_with_an_event_is_known_to_the_table() -> None:
    assert set(finding_state_machine._EVENTS) == {"opened", "changed", "attributed", "resolved", "exempted"}


def test_what_a_declaration_ignores_of_a_policy_is_no_drift() -> None:
    key = ResourceKey(KEY.name, "iam_policy")
    live = {"bindings": [{"role": "roles/owner", "members": ["user:m@x.com"]}]}
    observation = Observation(key, TYPE, START, data=live, ancestors=("projects/12",))

    def outcome(*ignore: str) -> str:
        wanted = desired((Declaration(key, TYPE, {"bindings": []}, ignore=ignore),))
        return after(None, observation, wanted).outcome

    assert outcome() == "opened"
    assert outcome("bindings[role=roles/owner].members[user:m@x.com]") == "in_sync"
    assert outcome("bindings[role=roles/editor]") == "opened"


PROJECT = ResourceKey("//cloudresourcemanager.googleapis.com/projects/shop-prod")
PROJECT_TYPE = "cloudresourcemanager.googleapis.com/Project"


def project(minute: int, **data: Any) -> Observation:
    return Observation(
        PROJECT, PROJECT_TYPE, START + timedelta(minutes=minute), data={"projectId": "shop-prod", **data}
    )


def test_a_project_that_was_shut_down_is_gone_although_it_still_answers_and_comes_back_when_it_is_restored() -> None:
    wanted = desired((Declaration(PROJECT, PROJECT_TYPE, {"displayName": "Shop"}),))
    states = (
        {"displayName": "Shop", "state": "ACTIVE"},
        {"displayName": "Shop", "state": "DELETE_REQUESTED"},
        {"displayName": "Shop", "state": "ACTIVE"},
    )
    state, outcomes = None, []
    for minute, data in enumerate(states):
        transition = after(state, project(minute, **data), wanted)
        state = transition.state
        outcomes.append(transition.outcome)
        assert state is not None
    assert outcomes == ["in_sync", "opened", "resolved"]
    assert state is not None
    assert state.finding is not None
    assert state.finding.kind == "deleted"


def test_a_project_in_api_v1_is_shut_down_alike_and_not_unmanaged_then() -> None:
    known = rules((Scope("all", projects=("shop-prod",), asset_types=(PROJECT_TYPE,)),))
    opened = after(None, project(0, lifecycleState="ACTIVE"), None, known)
    ended = after(opened.state, project(1, lifecycleState="DELETE_REQUESTED"), None, known)
    assert (opened.outcome, ended.outcome) == ("opened", "resolved")


def test_a_finding_of_what_is_gone_tells_what_it_was_without_its_secrets() -> None:
    was = {"location": "EU", "rotation": {"password": "hunter2"}}
    gone = Observation(KEY, TYPE, START, deleted=True, data=was)
    state = after(None, gone).state
    assert state is not None
    assert state.finding is not None
    assert state.finding.previous_data["location"] == "EU"
    assert is_hidden(state.finding.previous_data["rotation"]["password"])
    assert state.pending[0].data.previous_data == state.finding.previous_data


def test_what_was_too_large_to_tell_is_not_told() -> None:
    gone = Observation(KEY, TYPE, START, deleted=True, data={"names": ["x" * 20] * 1_000})
    state = after(None, gone).state
    assert state is not None
    assert state.finding is not None
    assert (state.finding.kind, state.finding.previous_data) == ("deleted", None)


FIREWALL = ResourceKey("//compute.googleapis.com/projects/shop/global/firewalls/web")
RULE = {"allowed": [{"IPProtocol": "tcp", "ports": ["443"]}], "description": "a"}
WANTED_RULE = desired((Declaration(FIREWALL, "compute.googleapis.com/Firewall", RULE),))


def rule(minute: int, data: dict[str, Any], *, truncated: bool = False) -> Observation:
    time = START + timedelta(minutes=minute)
    return Observation(FIREWALL, "compute.googleapis.com/Firewall", time, data=data, truncated=truncated)


def test_a_field_that_matters_to_security_and_is_cut_off_makes_the_verdict_unknown() -> None:
    cut = rule(1, {"description": "a"}, truncated=True)
    transition = after(None, cut, WANTED_RULE)
    assert transition.outcome == "unknown"
    assert transition.state is not None
    stored = decode_state(encode_state(transition.state))
    assert [note.path for note in stored.unknown] == ["allowed"]
    assert after(stored, rule(2, RULE), WANTED_RULE).outcome == "in_sync"
    assert after(None, rule(1, {"allowed": RULE["allowed"]}, truncated=True), WANTED_RULE).outcome == "in_sync"


def test_an_open_drift_of_a_field_that_cannot_be_compared_now_is_not_resolved() -> None:
    opened = after(None, rule(0, RULE | {"allowed": [{"IPProtocol": "all"}]}), WANTED_RULE).state
    hidden = after(opened, rule(1, {"description": "a"}, truncated=True), WANTED_RULE)
    assert (hidden.outcome, hidden.state and hidden.state.is_open) == ("unknown", True)
    assert after(hidden.state, rule(2, RULE), WANTED_RULE).outcome == "resolved"


def test_another_drift_is_resolved_although_a_field_is_unknown() -> None:
    opened = after(None, rule(0, RULE | {"description": "b"}), WANTED_RULE).state
    assert after(opened, rule(1, {"description": "a"}, truncated=True), WANTED_RULE).outcome == "resolved"
