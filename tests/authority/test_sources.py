"""Attacks 1 to 3: what a source may declare is never read from what it writes."""

from __future__ import annotations

import io
import json
import tarfile
from datetime import timedelta
from typing import Any

import pytest

from authority.installation import (
    BUCKET,
    FIREWALL,
    NOON,
    PLATFORM,
    PROD,
    SANDBOX,
    SOURCES,
    TEAM,
    Installation,
    bucket,
    declared,
    firewall,
)
from setpoint.declarations import apply_archive
from setpoint.detection import ownership, pipeline
from setpoint.errors import BadRequest, MalformedMessage
from setpoint.model import observation as observations
from setpoint.model.declaration import Owner, Scope
from setpoint.model.policy import Limits, Policy, Rule
from setpoint.model.source_grants import Location, SourceGrant, Sources, may_declare
from setpoint.ports.services import Archive
from setpoint_tools.testing import messages

EXPOSED = {"sourceRanges": ["0.0.0.0/0"]}
EVERYTHING = Scope("all", projects=(), asset_types=("*",), ancestors=("organizations/1",))


@pytest.fixture
def installation(store):
    return Installation(store)


class Uploads:
    """A bucket with what an uploader puts there."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._objects: dict[str, Archive] = {}

    def read(self, bucket_name: str, name: str, generation: int) -> Archive:
        del bucket_name, generation
        if name not in self._objects:
            raise BadRequest(f"{name}: no such object")
        return self._objects[name]

    def put(self, name: str, data: bytes) -> None:
        """An upload whose event is late."""
        self._objects[name] = Archive(data, {}, len(self._objects) + 1)

    def upload(self, name: str, data: bytes, **metadata: str) -> Any:
        self._objects[name] = Archive(data, metadata, len(self._objects) + 1)
        event = {"bucket": "fleet", "name": name, "generation": 1}
        return apply_archive.sync_archive(event, self, self._installation.deps, NOON)


def packed(*documents: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for number, document in enumerate(documents):
            info = tarfile.TarInfo(f"{number}.json")
            text = json.dumps({"apiVersion": "setpoint.dev/v1", **document}).encode()
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    return out.getvalue()


def bucket_document(name: str) -> dict[str, Any]:
    spec = {"assetType": BUCKET, "data": {"location": "EU"}}
    return {"kind": "Declaration", "metadata": {"name": f"//storage.googleapis.com/{name}"}, "spec": spec}


POLICY = {"kind": "Policy", "metadata": {"name": "mine"}, "spec": {"rules": [{"name": "all", "mode": "auto"}]}}


def test_an_uploader_cannot_choose_another_source_by_metadata(installation):
    uploads = Uploads(installation)
    uploads.upload("platform/1.tgz", packed(*(bucket_document(f"b{number}") for number in range(50))))

    with pytest.raises(BadRequest, match="a source is its folder"):
        uploads.upload(
            "team/1.tgz", packed(bucket_document("b0"), POLICY), source="platform", **{"max-removals": "100%"}
        )

    assert installation.store.control().value.sources["platform"].declared == 50
    assert installation.store.read(bucket("b1")).desired is not None
    assert installation.store.read(bucket("b1")).rules.policy is None


def test_an_uploader_cannot_carry_a_policy_or_approvers_that_its_source_may_not(installation):
    approvers = {"kind": "Alerting", "metadata": {"name": "mine"}, "spec": {"routes": []}}
    report = Uploads(installation).upload("team/1.tgz", packed(bucket_document("mine"), POLICY, approvers))

    assert [document.name for document in report.synced.plan.refused] == ["policy mine", "alerting mine"]
    assert "2 refused" in report.summary()
    assert installation.store.read(bucket("mine")).rules.policy is None
    assert sorted(installation.refused("team").values()) == [
        "source team may not carry alerting",
        "source team may not carry policy",
    ]


def test_an_upload_to_a_folder_that_is_not_listed_changes_nothing(installation):
    with pytest.raises(BadRequest, match="source stranger is not listed"):
        Uploads(installation).upload("stranger/1.tgz", packed(bucket_document("mine")))
    assert "stranger" not in installation.store.control().value.sources


def test_without_a_sources_document_one_folder_owns_everything_and_a_second_is_refused(store):
    uploads = Uploads(Installation(store, sources=None))
    uploads.upload("platform/1.tgz", packed(bucket_document("a")))

    with pytest.raises(BadRequest, match="source platform owns everything"):
        uploads.upload("team/1.tgz", packed(bucket_document("b")))
    assert store.read(bucket("b")).desired is None


def test_only_the_installations_own_source_holds_the_sources_document(installation):
    document = {"kind": "Sources", "spec": {"sources": [{"name": "team", "everywhere": True}]}}
    with pytest.raises(BadRequest, match="only the source setpoint may hold"):
        Uploads(installation).upload("team/1.tgz", packed(document))
    assert installation.store.read(bucket("a")).rules.sources.grant("team") == TEAM

    report = Uploads(installation).upload(
        "setpoint/sources.json", json.dumps({"apiVersion": "setpoint.dev/v1", **document}).encode()
    )
    assert report.synced.plan.regrants
    assert installation.store.read(bucket("a")).rules.sources.grant("team") == SourceGrant("team", everywhere=True)


def test_the_sources_document_is_in_force_before_the_first_upload_although_its_event_is_late(store):
    uploads = Uploads(Installation(store, sources=None))
    document = {"kind": "Sources", "spec": {"sources": [{"name": "team", "projects": ["sandbox"]}]}}
    uploads.put(apply_archive.SOURCES, json.dumps({"apiVersion": "setpoint.dev/v1", **document}).encode())

    with pytest.raises(BadRequest, match="source stranger is not listed"):
        uploads.upload("stranger/1.tgz", packed(bucket_document("mine")))


def test_squatting_a_resource_does_not_hide_it_from_its_owner(installation):
    key = bucket("ledger")
    installation.own(key)
    squatting = installation.apply("team", declared(key, ignore=("*",)))
    assert [document.reason for document in squatting.plan.refused] == ["source team may not declare in project 12"]

    installation.apply("platform", declared(key))
    installation.observe(key, {"location": "US"})
    assert installation.finding(key).differences[0].path == "location"
    assert list(installation.refused("team").values()) == ["source team may not declare in project 12"]


def test_a_claim_made_before_the_resource_exists_stops_counting_once_its_place_is_known(installation):
    key = bucket("ledger")
    assert not installation.apply("team", declared(key, {})).plan.refused  # nobody knows where it will be
    installation.apply("platform", declared(key))
    installation.observe(key, {"location": "US"})

    assert installation.finding(key).differences[0].path == "location"
    assert list(installation.refused("team").values()) == ["source team may not declare in project 12"]
    installation.apply("team")
    assert installation.refused("team") == {}


def test_an_empty_declaration_does_not_make_a_rogue_resource_in_sync_in_anothers_place(installation):
    rogue = firewall("prod", "rogue")
    installation.apply("platform", declared(bucket("ledger")), scopes=(EVERYTHING,))
    installation.apply("team", declared(rogue, {}, FIREWALL))
    installation.observe(rogue, EXPOSED, PROD, FIREWALL)

    assert installation.finding(rogue).kind == "unmanaged"


def test_two_owners_of_one_place_are_both_told_and_neither_counts(store):
    both = Sources((PLATFORM, SourceGrant("second", projects=("12",))))
    installation = Installation(store, both)
    key = firewall("prod")
    installation.apply("platform", declared(key, {"disabled": False}, FIREWALL))
    second = installation.apply("second", declared(key, {}, FIREWALL, line=9))
    assert [claim.disputed for claim in second.plan.claimed] == [True]

    installation.observe(key, {"disabled": True}, PROD, FIREWALL)
    finding = installation.finding(key)
    (difference,) = finding.differences
    assert difference.observed == "by source platform (fleet.yaml:1) and source second (fleet.yaml:9)"
    assert finding.mode == "alert"

    installation.apply("second")
    assert installation.finding(key).differences[0].path == "disabled"


def test_ignore_rules_of_a_source_that_may_carry_none_ignore_nothing(installation):
    key = bucket("mine")
    installation.observe(key, {"location": "EU"}, SANDBOX)
    installation.apply("team", declared(key, ignore=("location",)))
    installation.observe(key, {"location": "US"}, SANDBOX)

    assert installation.finding(key).differences[0].path == "location"
    assert "may not carry ignore rules" in next(iter(installation.refused("team").values()))


def test_scopes_hold_in_the_places_of_their_source_only(store):
    teams = SourceGrant("team", ancestors=("folders/3",), carries=("scopes",))
    installation = Installation(store, Sources((PLATFORM, teams)))
    installation.apply("team", declared(bucket("mine")), scopes=(EVERYTHING,))

    installation.observe(bucket("theirs"), {"location": "EU"}, PROD)
    installation.observe(bucket("own"), {"location": "EU"}, SANDBOX)
    assert installation.finding(bucket("theirs")) is None
    assert installation.finding(bucket("own")).kind == "unmanaged"


def test_limits_of_a_source_that_may_carry_a_policy_and_no_limits_are_the_ones_without_a_policy(store):
    grant = SourceGrant("platform", everywhere=True, carries=("policy",))
    installation = Installation(store, Sources((grant,)))
    policy = Policy("mine", (Rule("all", mode="auto"),), limits=Limits(per_fleet=9_999))
    applied = installation.apply("platform", declared(bucket("a")), policy=policy)

    rules = store.read(bucket("a")).rules
    assert (rules.policy.name, rules.policy.limits) == ("mine", Limits())
    assert [document.name for document in applied.plan.refused] == ["limits mine"]


def test_a_right_that_is_taken_away_no_longer_counts_whatever_was_applied_before(installation):
    installation.apply("platform", declared(bucket("ledger")), policy=Policy("mine", (Rule("all", mode="auto"),)))
    installation.grant(Sources((SourceGrant("platform", projects=("13",)), TEAM)))

    installation.observe(bucket("ledger"), {"location": "US"}, PROD)
    assert installation.store.read(bucket("ledger")).rules.policy is None
    assert installation.finding(bucket("ledger")) is None
    assert installation.refused("platform")


def test_declarations_may_not_name_the_team_of_another_source(installation):
    key = bucket("mine")
    installation.observe(key, {"location": "EU"}, SANDBOX)
    applied = installation.apply("team", declared(key, owner=Owner(team="platform")))

    assert [document.reason for document in applied.plan.refused] == ["source team may not name platform as the owner"]
    assert not installation.apply("team", declared(key, owner=Owner(team="team"))).plan.refused


def test_a_feed_cannot_speak_of_sources():
    message = messages.resource(ownership.source_key("team").name, ownership.SOURCE_TYPE, {"refused": {}}, NOON)
    with pytest.raises(MalformedMessage, match="Setpoint's own"):
        observations.parse(message)


def test_what_is_refused_is_an_event_that_people_are_told_of(installation):
    installation.own(bucket("ledger"))
    installation.apply("team", declared(bucket("ledger")))

    installation.now += timedelta(seconds=1)
    (event,) = [event for event in installation.bus.events if event.subject == ownership.source_key("team").name]
    assert (event.type, event.data.owner.team, event.data.severity) == ("drift.opened", "installation", "high")
    installation.apply("team")
    assert installation.finding(ownership.source_key("team")) is None


def test_a_policy_that_is_judged_anew_leaves_the_findings_of_sources_as_they_are(installation):
    installation.own(bucket("ledger"))
    installation.apply("team", declared(bucket("ledger")))
    pipeline.reevaluate(ownership.source_key("team"), installation.deps)
    installation.apply("platform", declared(bucket("other")), policy=Policy("new"))

    assert installation.refused("team")


@pytest.mark.parametrize(
    ("grant", "location", "standing"),
    [
        (SourceGrant("s", projects=("prod",)), Location(frozenset({"prod"})), "may"),
        (SourceGrant("s", projects=("12",)), Location(frozenset({"prod", "12"}), PROD), "may"),
        (SourceGrant("s", projects=("prod",)), Location(frozenset({"12"}), PROD), "unknown"),
        (SourceGrant("s", projects=("prod",)), Location(frozenset({"sandbox", "13"}), SANDBOX), "may_not"),
        (SourceGrant("s", ancestors=("folders/2",)), Location(frozenset({"prod"})), "unknown"),
        (SourceGrant("s", ancestors=("folders/2",)), Location(frozenset({"13"}), SANDBOX), "may_not"),
        (SourceGrant("s", ancestors=("folders/2",)), Location(frozenset({"12"}), PROD), "may"),
        (SourceGrant("s", projects=("prod",)), Location(frozenset(), ("organizations/1",)), "may_not"),
        (SourceGrant("s", projects=("prod",)), Location(), "unknown"),
        (SourceGrant("s", everywhere=True), Location(), "may"),
        (SourceGrant("s", everywhere=True, asset_types=("storage.googleapis.com/*",)), Location(), "may_not"),
        (SourceGrant("other", everywhere=True), Location(), "may_not"),
    ],
)
def test_a_source_may_declare_in_its_places_and_what_is_not_known_is_no_yes(grant, location, standing):
    assert may_declare(Sources((grant,)), "s", FIREWALL, location).standing == standing


def test_nothing_bounds_the_installations_own_source_or_any_where_there_is_no_document():
    assert may_declare(SOURCES, "setpoint", FIREWALL, Location()).standing == "may"
    assert may_declare(None, "anybody", FIREWALL, Location()).standing == "may"
