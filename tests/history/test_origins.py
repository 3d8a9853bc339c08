"""The origin of a drift in a word, and the changes that many projects have in common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.actors import Actor
from setpoint.model.declaration import Declaration, desired
from setpoint.model.drift_history import DriftHistory, FieldOnset
from setpoint.model.drift_origin import PROJECTS, CommonChanges, DriftBeginning, Origin, origin_of
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.reporting.daily_snapshot import Reporter, report
from setpoint.reporting.tables import FINDINGS_SNAPSHOT
from warehouse.pipeline import Rows

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def actor(kind="person", caller="console", *, confidence="certain", others=()):
    return Actor(
        principal="alice@example.com",
        kind=kind,
        confidence=confidence,
        method="storage.buckets.update",
        requested_at=NOON,
        caller=caller,
        others=others,
    )


@pytest.mark.parametrize(
    ("who", "word"),
    [
        (actor(), "by_hand"),
        (actor(caller="gcloud"), "by_hand"),
        (actor(caller=""), "by_hand"),
        (actor(caller="terraform"), "by_tool"),
        (actor("service", "sdk"), "by_tool"),
        (actor("applier", "terraform"), "not_declared_yet"),
        (actor("google", ""), "by_google"),
        (None, "unknown"),
        (actor(confidence="possible", others=("bob@example.com",)), "by_hand"),
        (actor(confidence="possible", others=("ci@x.iam.gserviceaccount.com",)), "unknown"),
    ],
)
def test_an_actor_gives_the_origin_and_candidates_of_different_kinds_give_none(who, word):
    assert origin_of(who).word == word


def test_the_evidence_names_the_call_or_why_nothing_is_known():
    assert origin_of(actor()).evidence == (
        "alice@example.com with console: storage.buckets.update at 2026-11-03 12:00 (certain)"
    )
    field = FieldOnset(path="location", op="changed", since=NOON, reason="no entry of the audit log explains it")
    assert "audit log" in origin_of(None, history=DriftHistory(read_at=NOON, since=NOON, fields=(field,))).evidence
    assert origin_of(None, is_declared=True).word == "not_applied"
    assert origin_of(None, reason="absorbed by serial 7 of x").word == "absorbed"


def begun(project, minutes=0, *, group="g", word="unknown", has_actor=False):
    return DriftBeginning(group, project, NOON + timedelta(minutes=minutes), Origin(word), has_actor=has_actor)


def common(*findings):
    seen = CommonChanges()
    for finding in findings:
        seen.add(finding)
    return [seen.origin(finding).word for finding in findings]


def test_the_same_change_in_many_projects_within_an_hour_and_without_a_person_is_by_the_provider():
    many = [begun(f"p{number}", number * 7) for number in range(PROJECTS)]
    assert set(common(*many)) == {"by_google"}


@pytest.mark.parametrize(
    "others",
    [
        [begun("p0", number) for number in range(PROJECTS)],
        [begun(f"p{number}", number * 120) for number in range(PROJECTS)],
        [begun(f"p{number}", group=f"g{number}") for number in range(PROJECTS)],
        [*(begun(f"p{number}") for number in range(PROJECTS)), begun("q", word="by_hand", has_actor=True)],
    ],
    ids=["one project", "hours apart", "other changes", "somebody is known"],
)
def test_what_is_not_the_same_change_at_once_or_has_an_author_is_not_called_the_providers(others):
    assert "by_google" not in common(*others)


def reported_origins(projects: int) -> set[str]:
    """The origins in the daily snapshot of as many projects, in each of which a bucket changed alike."""
    store, rows = MemoryStore(), Rows()
    context = Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue(), clock=lambda: NOON)
    buckets = [(ResourceKey(f"//storage.googleapis.com/b{number}"), f"p{number}") for number in range(projects)]
    declared = [
        desired((Declaration(key, "storage.googleapis.com/Bucket", {"location": "EU"}, project=project),))
        for key, project in buckets
    ]
    apply.declare(store, declared, (), NOON - timedelta(days=1))
    for location in ("EU", "US"):
        seen_at = NOON - timedelta(minutes=30 if location == "EU" else 10)
        for key, _ in buckets:
            seen = Observation(key, "storage.googleapis.com/Bucket", seen_at, data={"location": location})
            pipeline.handle_observation(seen, context)
    report(NOON.date(), "1", Reporter(store, rows, lambda: NOON))
    written = rows.of(FINDINGS_SNAPSHOT, NOON.date())
    assert len(written) == projects
    return {row["origin"] for row in written}


def test_the_daily_snapshot_says_of_a_change_in_many_projects_at_once_that_it_is_the_providers():
    assert reported_origins(PROJECTS) == {"by_google"}
    assert reported_origins(PROJECTS - 1) == {"unknown"}
