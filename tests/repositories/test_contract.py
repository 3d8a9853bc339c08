"""What every code host has to keep: one request in its final state, after whatever failures."""

from __future__ import annotations

import random

import pytest

from repositories.conftest import FILES, PLACES, Place
from setpoint.adapters.repositories import rest
from setpoint.alerting.change_requests import DesiredRequest, branch_of, reconcile
from setpoint.errors import (
    AccessDenied,
    BadRequest,
    Conflict,
    IncompleteListing,
    Throttled,
    TransientError,
    Unavailable,
)
from setpoint_tools.testing import github as fake_github
from setpoint_tools.testing.code_hosts import HOST_FAULTS, NONE, HostFault, StoredRequest
from sizes import size

BRANCH = branch_of("n1")
PLANS = size(80, 1200)
FIRST = DesiredRequest("Accept drift of a", "body 1", {"fleet/a.yaml": "a: 2\n"}, labels=("drift",), owners=("@ann",))
SECOND = FIRST._replace(title="Accept two", body="body 2", files={"fleet/a.yaml": "a: 3\n", "fleet/b.yaml": "b: 2\n"})
BY_HAND = SECOND._replace(by_hand="- change `x` in prod.tf")
ENDED = DesiredRequest("Accept two", "it is over", end="resolved")
LIVES = (
    (FIRST,),
    (FIRST, SECOND),
    (FIRST, BY_HAND, SECOND),
    (FIRST, ENDED),
    (ENDED,),
    (BY_HAND, ENDED),
    (FIRST, ENDED, SECOND),
)


def bring(place: Place, wanted: DesiredRequest) -> None:
    """As the flow does: again after each failure, from the base as it is then."""
    for _ in range(40):
        try:
            reconcile(BRANCH, place.repository.base(), wanted, place.repository)
        except TransientError:
            continue
        return
    raise AssertionError("no end of failures")


def standing(place: Place) -> list[tuple]:
    """What people see of each request that is not closed, and of the branch."""
    stored = place.host.repository
    return [
        (each.title, each.body, each.state, each.labels, each.reviewers, sorted(each.comments.values()))
        for each in stored.requests.values()
    ]


def branch(place: Place) -> dict[str, str] | None:
    stored = place.host.repository
    return dict(stored.files(BRANCH)) if BRANCH in stored.branches else None


def test_a_request_is_opened_with_its_files_labels_and_reviewers(place):
    bring(place, FIRST)

    (request,) = place.host.repository.requests.values()
    assert (request.title, request.state, request.branch) == (FIRST.title, "open", BRANCH)
    assert (request.labels, request.reviewers) == (["drift"], ["ann"])
    assert request.body.startswith("body 1")
    assert branch(place) == {**FILES, "fleet/a.yaml": "a: 2\n"}
    assert place.host.repository.files("main") == FILES


def test_what_is_wanted_already_is_not_written_again(place):
    bring(place, BY_HAND)
    before = len([call for call in place.host.calls if call.verb != "GET"])
    bring(place, BY_HAND)

    assert len([call for call in place.host.calls if call.verb != "GET"]) == before


def test_a_request_follows_the_drift_in_one_commit_on_the_base(place):
    bring(place, FIRST)
    bring(place, SECOND)

    (request,) = place.host.repository.requests.values()
    assert (request.title, request.reviewers) == ("Accept two", ["ann"])
    stored = place.host.repository
    commit = stored.commits[stored.branches[BRANCH]]
    assert commit.parent == stored.branches["main"]
    assert commit.files == {**FILES, **SECOND.files}


def test_a_request_is_closed_with_its_branch_when_the_drift_ends(place):
    bring(place, FIRST)
    bring(place, ENDED)

    (request,) = place.host.repository.requests.values()
    assert (request.state, branch(place)) == ("closed", None)
    assert request.body.startswith("it is over")


def test_manual_steps_are_one_comment_that_is_updated(place):
    bring(place, BY_HAND)
    bring(place, BY_HAND._replace(by_hand="- change `y` in prod.tf"))

    (request,) = place.host.repository.requests.values()
    (comment,) = request.comments.values()
    assert "`y`" in comment
    assert "`x`" not in comment


def assert_a_strangers_comment_is_left_alone(place: Place) -> None:
    bring(place, FIRST)
    (request,) = place.host.repository.requests.values()
    theirs = "theirs\n\n<!-- setpoint:by-hand -->"
    request.comments[99] = theirs
    request.strangers.add(99)
    for step in ("x", "y"):
        bring(place, BY_HAND._replace(by_hand=f"- change `{step}` in prod.tf"))

    assert request.comments.pop(99) == theirs
    (own,) = request.comments.values()
    assert "`y`" in own


def test_a_comment_of_another_account_is_not_taken_for_the_own_one(place):
    assert_a_strangers_comment_is_left_alone(place)


def test_an_app_that_may_not_ask_for_its_account_knows_its_comments(monkeypatch):
    monkeypatch.setattr(fake_github, "ACCOUNT", "")
    assert_a_strangers_comment_is_left_alone(PLACES["github"]())


def test_a_request_without_an_edit_says_what_to_change_by_hand(place):
    bring(place, BY_HAND._replace(files={}))

    (request,) = place.host.repository.requests.values()
    assert request.state == "open"
    assert len(request.comments) == 1


def test_a_request_that_a_person_closed_is_left_closed(place):
    bring(place, FIRST)
    place.host.repository.requests[1].state = "closed"
    bring(place, SECOND)

    (request,) = place.host.repository.requests.values()
    assert (request.state, request.title) == ("closed", FIRST.title)


def test_a_branch_that_a_person_has_pushed_to_is_left_as_it_is(place):
    bring(place, FIRST)
    place.host.repository.push(BRANCH, {"fleet/a.yaml": "a: mine\n"})
    bring(place, SECOND)
    assert branch(place)["fleet/a.yaml"] == "a: mine\n"
    bring(place, ENDED)

    assert branch(place)["fleet/a.yaml"] == "a: mine\n"
    assert [each.state for each in place.host.repository.requests.values()] == ["closed"]


@pytest.mark.parametrize("wanted", [SECOND, ENDED])
def test_a_commit_that_a_person_has_amended_is_left_as_it_is(place, wanted):
    bring(place, FIRST)
    place.host.repository.amend(BRANCH, {"fleet/a.yaml": "a: mine\n"})
    bring(place, wanted)

    assert branch(place)["fleet/a.yaml"] == "a: mine\n"


def test_a_merged_request_is_done_and_a_further_drift_gets_another(place):
    bring(place, FIRST)
    place.host.repository.merge(1)
    bring(place, FIRST._replace(files={}))
    assert [each.state for each in place.host.repository.requests.values()] == ["merged"]
    bring(place, SECOND)

    assert [each.state for each in place.host.repository.requests.values()] == ["merged", "open"]


@pytest.fixture
def long_listing(new_place, monkeypatch) -> Place:
    """A repository with more files than its host lists."""
    monkeypatch.setattr(fake_github, "MAX_FILES", 4)
    monkeypatch.setattr(rest, "MAX_PAGES", 2)
    monkeypatch.setattr(rest, "PAGE", 2)
    return new_place({**FILES, "x.md": "x\n", "y.md": "y\n"})


def test_a_listing_that_was_cut_off_is_not_taken_for_the_whole_repository(long_listing):
    with pytest.raises(IncompleteListing, match="cannot be listed whole"):
        long_listing.repository.files(long_listing.repository.base())


def test_manual_steps_for_a_repository_that_cannot_be_listed_are_a_request(long_listing):
    bring(long_listing, BY_HAND._replace(files={}))

    (request,) = long_listing.host.repository.requests.values()
    (comment,) = request.comments.values()
    assert (request.state, "`x`" in comment) == ("open", True)
    assert branch(long_listing) == long_listing.host.repository.files("main")


def fork_requests(place: Place, count: int = 1) -> list[StoredRequest]:
    """Open requests from a fork's branch of the same name; the fork has the owner of the repository."""
    stored = place.host.repository
    made = [StoredRequest(stored.new_id(), BRANCH, "theirs", "hello", fork="acme/fork") for _ in range(count)]
    stored.requests |= {each.number: each for each in made}
    return made


@pytest.mark.parametrize("wanted", [SECOND, ENDED])
def test_a_request_from_a_fork_with_the_same_branch_is_left_alone(place, wanted):
    bring(place, FIRST)
    (theirs,) = fork_requests(place)
    bring(place, wanted)

    assert (theirs.title, theirs.body, theirs.state, theirs.labels) == ("theirs", "hello", "open", [])
    assert place.host.repository.requests[1].body.startswith(wanted.body)


def test_many_requests_from_a_fork_do_not_hide_the_own_one(place):
    bring(place, FIRST)
    fork_requests(place, 130)
    bring(place, SECOND)

    assert place.host.repository.requests[1].title == SECOND.title


def test_a_drift_that_recurs_gets_another_request(place):
    bring(place, FIRST)
    bring(place, ENDED)
    bring(place, SECOND)

    assert [each.state for each in place.host.repository.requests.values()] == ["closed", "open"]


def test_a_base_that_has_moved_is_built_upon(place):
    bring(place, FIRST)
    place.host.repository.push("main", {"fleet/a.yaml": "# new\na: 1\n"})
    bring(place, FIRST._replace(files={"fleet/a.yaml": "# new\na: 2\n"}))

    stored = place.host.repository
    assert stored.commits[stored.branches[BRANCH]].parent == stored.branches["main"]


@pytest.mark.parametrize(
    ("fault", "error", "wait"),
    [
        (HOST_FAULTS["secondary limit"], Throttled, 3),
        (HOST_FAULTS["too many"], Throttled, 2),
        (HOST_FAULTS["broken after"], Unavailable, None),
        (HOST_FAULTS["dropped after"], Unavailable, None),
        (HOST_FAULTS["conflict before"], Conflict, None),
        (HostFault(403, "Resource not accessible by integration"), AccessDenied, None),
        (HostFault(401, "Bad credentials"), BadRequest, None),
        (HostFault(404, "Not Found"), BadRequest, None),
        (HostFault(301, "Moved"), BadRequest, None),
    ],
)
def test_each_error_of_a_host_says_what_to_do_and_never_the_token(place, fault, error, wait):
    place.host.plan = [fault]
    with pytest.raises(error) as raised:
        place.repository.base()

    assert "`fleet`" in str(raised.value)
    assert place.host.token not in str(raised.value)
    if wait is not None:
        assert raised.value.seconds == wait


@pytest.mark.thorough
@pytest.mark.parametrize("host", PLACES)
def test_every_fault_plan_ends_with_one_request_in_its_final_state(host):
    """Random plans of faults over whole lives; the final state is that of the same life without faults."""
    chance = random.Random(27)  # noqa: S311 - no secret
    calm: dict[int, Place] = {}
    for number, life in enumerate(LIVES):
        calm[number] = PLACES[host]()
        for wanted in life:
            bring(calm[number], wanted)
    for trial in range(PLANS):
        number = trial % len(LIVES)
        place = PLACES[host]()
        share = chance.choice((0.1, 0.3, 0.6))
        faults = [*HOST_FAULTS.values()]
        place.host.plan = [chance.choice(faults) if chance.random() < share else NONE for _ in range(30)]
        for wanted in LIVES[number]:
            bring(place, wanted)

        assert standing(place) == standing(calm[number]), (trial, number)
        assert branch(place) == branch(calm[number]), (trial, number)
