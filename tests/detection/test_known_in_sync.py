"""An observation that is known to be in sync is not compared again, and nothing that matters is taken for known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from setpoint.catalog.schemas import default_catalogue
from setpoint.detection import (
    finding_state_machine,
    observation_digests,
    ownership,
    undeclared_changes,
)
from setpoint.detection import verdict as judging
from setpoint.detection.verdict import Verdict, judge
from setpoint.model import resource_state
from setpoint.model.compare_rules import CompareRule
from setpoint.model.declaration import Declaration, Desired, Source, desired
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.last_known_good import LastKnownGood
from setpoint.model.observation import Observation
from setpoint.model.policy import ObserveRule, Policy, Undeclared
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.ports.stores import Snapshot
from setpoint_tools.testing.fleet import Fleet

START = datetime(2026, 3, 1, tzinfo=UTC)
ADDRESS = "//compute.googleapis.com/projects/shop-prod/regions/europe-west1/addresses/front"
ADDRESS_TYPE = "compute.googleapis.com/Address"
CLUSTER = "container.googleapis.com/Cluster"
LIVE = {
    "name": "front",
    "addressType": "INTERNAL",
    "subnetwork": "https://www.googleapis.com/compute/v1/projects/shop-prod/regions/europe-west1/subnetworks/a",
    "labels": {"team": "shop"},
    "status": "RESERVED",
    "selfLink": "https://www.googleapis.com/compute/v1/projects/shop-prod/regions/europe-west1/addresses/front",
    "creationTimestamp": "2026-02-01T00:00:00Z",
}
DECLARED = {
    "name": "front",
    "addressType": "INTERNAL",
    "subnetwork": "projects/shop-prod/regions/europe-west1/subnetworks/a",
}
NO_RULES = Rules()
WANTED = desired((Declaration(ResourceKey(ADDRESS), ADDRESS_TYPE, DECLARED, project="shop-prod"),))


def seen(data: Any = LIVE, name: str = ADDRESS, asset_type: str = ADDRESS_TYPE, **more: Any) -> Observation:
    ancestors = ("projects/123456789012", "organizations/1")
    return Observation(ResourceKey(name), asset_type, START, **{"data": data, "ancestors": ancestors, **more})


def verdict(
    observation: Observation, good: LastKnownGood | None, wanted: Desired = WANTED, fleet: Rules = NO_RULES, **more: Any
) -> Verdict:
    result = judge(wanted, fleet, observation, default_catalogue(), good=good, **more)
    assert isinstance(result, Verdict)
    return result


def known(wanted: Desired = WANTED, observation: Observation | None = None, fleet: Rules = NO_RULES) -> LastKnownGood:
    good = verdict(observation or seen(), None, wanted, fleet).good
    assert good is not None
    assert good.in_sync
    return good


def compared(observation: Observation, good: LastKnownGood, *arguments: Any, **more: Any) -> Verdict:
    """The verdict where nothing is known to be in sync."""
    return verdict(observation, replace(good, in_sync=""), *arguments, **more)


def without_memo(result: Verdict) -> Verdict:
    good, accepted = (value and replace(value, in_sync="") for value in (result.good, result.accepted))
    return replace(result, good=good, accepted=accepted)


def compares(monkeypatch: pytest.MonkeyPatch) -> list[Declaration]:
    """The declarations that are compared from now on."""
    compared_ones: list[Declaration] = []
    original = judging._differences

    def counted(declaration: Declaration, *arguments: Any) -> Any:
        compared_ones.append(declaration)
        return original(declaration, *arguments)

    monkeypatch.setattr(judging, "_differences", counted)
    return compared_ones


def test_the_same_content_is_not_compared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    good = known()
    declarations = compares(monkeypatch)
    again = replace(seen({**LIVE, "creationTimestamp": "2026-02-01T00:00:00.000Z"}), observed_at=START + timedelta(1))
    assert verdict(again, good) == verdict(again, replace(good, in_sync="")) == verdict(again, good)
    assert declarations == list(WANTED.declarations)


def test_what_drifted_is_compared_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    drifted = seen({**LIVE, "addressType": "EXTERNAL"})
    good = verdict(drifted, known()).good
    declarations = compares(monkeypatch)
    assert verdict(drifted, good).kind == "modified"
    assert declarations == list(WANTED.declarations)


OTHERS: dict[str, Observation] = {
    "a declared field": seen({**LIVE, "addressType": "EXTERNAL"}),
    "a field that nobody declares": seen({**LIVE, "purpose": "GCE_ENDPOINT"}),
    "a field that only the server writes": seen({**LIVE, "status": "IN_USE", "users": ["x"]}),
    "a field less": seen({name: value for name, value in LIVE.items() if name != "subnetwork"}),
    "another project id": seen(project_id="other"),
    "other ancestors": seen(ancestors=("projects/99",)),
    "another API version": seen(
        discovery_uri="https://www.googleapis.com/discovery/v1/apis/compute/beta/rest", discovery_name="Address"
    ),
    "a truncated asset": seen(truncated=True),
    "a reading through the API": seen(through="api"),
    "a deleted resource": seen(deleted=True),
    "no content": seen(None),
}


@pytest.mark.parametrize("observation", OTHERS.values(), ids=OTHERS)
def test_what_is_known_changes_no_verdict_on_anything_else(observation: Observation) -> None:
    good = known()
    results = [
        judge(WANTED, Rules(), observation, default_catalogue(), good=memo)
        for memo in (good, replace(good, in_sync=""))
    ]
    first, other = (without_memo(result) if isinstance(result, Verdict) else result for result in results)
    assert first == other


def test_other_rules_compare_again() -> None:
    strict = rules((), Policy(compare=(CompareRule("literal", "subnetwork"),)))
    assert verdict(seen(), known(), fleet=strict).kind == "modified"


def test_another_declaration_compares_again() -> None:
    other = desired((replace(WANTED.declarations[0], data={**DECLARED, "addressType": "EXTERNAL"}),))
    assert verdict(seen(), known(), other).kind == "modified"


def test_a_declaration_in_another_project_is_never_known_to_be_in_sync() -> None:
    homeless = desired((replace(WANTED.declarations[0], project=""),))
    observation = seen(name="//storage.googleapis.com/front")
    good = known(homeless, observation)
    assert verdict(observation, good, homeless, home="123456789012").kind is None
    assert verdict(observation, good, homeless, home="99").kind == "modified"


def test_a_reading_of_the_api_counts_beside_what_is_known() -> None:
    fleet = rules((), Policy(observe=(ObserveRule("api", (ADDRESS_TYPE,)),)))
    good = verdict(seen(), None, fleet=fleet).good
    assert good is not None
    assert not good.in_sync


def test_a_field_that_matters_and_could_not_be_translated_stays_unknown() -> None:
    wanted = desired((replace(WANTED.declarations[0], unchecked=("source_ranges",)),))
    assert wanted.digest == WANTED.digest
    assert verdict(seen(), known(), wanted).unknown == compared(seen(), known(), wanted).unknown != ()


def test_a_declared_value_that_wanders_is_compared() -> None:
    name = "//container.googleapis.com/projects/shop-prod/locations/europe-west1/clusters/a"
    declared = {"name": "a", "locations": ["europe-west1-b"]}
    wanted = desired((Declaration(ResourceKey(name), CLUSTER, declared, project="shop-prod"),))
    good = known(wanted, seen(declared, name, CLUSTER))
    assert verdict(seen({**declared, "locations": ["europe-west1-c"]}, name, CLUSTER), good, wanted).kind == "modified"


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from leaves(part, (*path, index))
    else:
        yield path


def changed(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return "other" if isinstance(value, str) else not value if isinstance(value, bool) else 17
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:])
    return copy


def test_two_observations_that_somebody_chooses_have_no_digest_in_common() -> None:
    good = known()
    assert min(len(good.in_sync), len(good.steady)) * 4 >= 160  # half of it is what a collision takes


def test_other_rules_of_the_same_version_compare_again(tmp_path: Path) -> None:
    digests = []
    for number, table in enumerate(("a\tset", "a\tset", "a\tordered")):
        package = tmp_path / str(number)
        (package / "catalog" / "data").mkdir(parents=True)
        (package / "catalog" / "data" / "field_rules.tsv").write_text(table)
        digests.append(observation_digests.code_digest(str(package)))
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    "path",
    ["model/ignore_patterns.py", "util/json_values.py", "comparison/scalars.py", "catalog/data/schemas/a.json.gz"],
)
def test_other_code_or_a_table_of_the_same_size_compares_again(tmp_path: Path, path: str) -> None:
    digests = []
    for number, text in enumerate((b"1 < 2", b"1 < 2", b"1 > 2")):
        file = tmp_path / str(number) / path
        file.parent.mkdir(parents=True)
        file.write_bytes(text)
        digests.append(observation_digests.code_digest(str(tmp_path / str(number))))
    assert digests[0] == digests[1] != digests[2]


def test_text_that_moves_from_one_file_to_the_next_compares_again(tmp_path: Path) -> None:
    digests = []
    for number, texts in enumerate((("a = 1\n", "b = 2\n"), ("a = 1\nb = 2\n", ""))):
        folder = tmp_path / str(number) / "model"
        folder.mkdir(parents=True)
        for name, text in zip(("a.py", "b.py"), texts, strict=True):
            (folder / name).write_text(text)
        digests.append(observation_digests.code_digest(str(tmp_path / str(number))))
    assert digests[0] != digests[1]


def test_no_change_of_any_leaf_of_a_fleet_is_taken_for_known() -> None:
    fleet, count = Fleet(60, projects=3), 0
    for sample, wanted in zip(fleet.declared(), fleet.desired(), strict=True):
        asset_type = wanted.declarations[0].asset_type
        first = seen(sample.live, sample.key.name, asset_type)
        good = judge(wanted, Rules(), first, default_catalogue()).good if sample.key.content == "resource" else None  # type: ignore[union-attr]
        if good is None or not good.in_sync:
            continue
        for path in leaves(sample.live):
            count += 1
            other = replace(first, data=changed(sample.live, path))
            assert without_memo(verdict(other, good, wanted)) == without_memo(compared(other, good, wanted)), path
    assert count > 300


BUCKET = "storage.googleapis.com/Bucket"
BUCKET_NAME = "//storage.googleapis.com/logs"
BUCKET_LIVE = {
    "name": "logs",
    "location": "EU",
    "storageClass": "STANDARD",
    "labels": {"team": "shop"},
    "etag": "1",
}
BUCKET_WANTED = desired((Declaration(ResourceKey(BUCKET_NAME), BUCKET, {"location": "EU"}),))


class Watched:
    """A bucket with a record; counts how often it is compared for what nobody declares."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, wanted: Desired = BUCKET_WANTED) -> None:
        self.state: ResourceState | None = None
        self.now = START
        self.walks = 0
        self.wanted = wanted
        watch = undeclared_changes.watch

        def counting(*arguments: Any) -> Any:
            self.walks += 1
            return watch(*arguments)

        monkeypatch.setattr(undeclared_changes, "watch", counting)

    def see(self, rules: Rules = NO_RULES, **changes: Any) -> ResourceState:
        self.now += timedelta(hours=2)
        observation = Observation(
            ResourceKey(BUCKET_NAME),
            BUCKET,
            self.now,
            data={**BUCKET_LIVE, **changes},
            ancestors=("projects/123456789012", "organizations/1"),
        )
        snapshot = Snapshot(ResourceKey(BUCKET_NAME), self.wanted, rules, self.state, None)
        judged = ownership.judge(snapshot, observation, default_catalogue(), now=self.now)
        after = finding_state_machine.advance(self.state, observation, judged, self.now).state
        assert after is not None
        self.state = resource_state.decode_state(resource_state.encode_state(after))
        return self.state


def test_a_quiet_change_that_stays_is_compared_once(monkeypatch):
    bucket = Watched(monkeypatch)
    bucket.see()
    changed = bucket.see(storageClass="NEARLINE")
    walks = bucket.walks

    again = bucket.see(storageClass="NEARLINE", etag="2")

    assert bucket.walks == walks
    assert [entry.difference.path for entry in again.suppressed if entry.difference] == ["storageClass"]
    assert again.suppressed == changed.suppressed


def test_beside_a_quiet_change_one_that_matters_is_found(monkeypatch):
    bucket = Watched(monkeypatch)
    bucket.see()
    bucket.see(storageClass="NEARLINE")
    bucket.see(storageClass="NEARLINE")

    finding = bucket.see(storageClass="NEARLINE", cors=[{"origin": ["*"], "method": ["GET"]}]).finding

    assert finding is not None
    assert [difference.path for difference in finding.differences] == ["cors"]


def test_a_quiet_change_that_goes_back_is_no_longer_shown(monkeypatch):
    bucket = Watched(monkeypatch)
    bucket.see()
    bucket.see(storageClass="NEARLINE")
    bucket.see(storageClass="NEARLINE")

    assert bucket.see().suppressed == ()
    assert bucket.see(storageClass="NEARLINE").suppressed


def test_a_policy_that_reports_all_shows_a_quiet_change(monkeypatch):
    bucket = Watched(monkeypatch)
    bucket.see()
    bucket.see(storageClass="NEARLINE")
    bucket.see(storageClass="NEARLINE")

    finding = bucket.see(rules((), Policy(undeclared=Undeclared(report="all"))), storageClass="NEARLINE").finding

    assert finding is not None
    assert finding.severity == "low"


def test_a_rule_that_has_moved_is_shown_where_it_is_now(monkeypatch):
    bucket = Watched(monkeypatch)
    bucket.see()
    bucket.see(storageClass="NEARLINE")
    bucket.see(storageClass="NEARLINE")
    (declaration,) = BUCKET_WANTED.declarations
    bucket.wanted = desired((replace(declaration, source=Source("moved.yaml", 7)),))

    (entry,) = bucket.see(storageClass="NEARLINE").suppressed

    assert "moved.yaml" in entry.rule


def test_a_record_without_what_was_kept_quiet_is_compared_again(monkeypatch):
    bucket = Watched(monkeypatch)
    bucket.see()
    bucket.see(storageClass="NEARLINE")
    state = bucket.see(storageClass="NEARLINE")
    assert state.last_good is not None
    without = replace(state, suppressed=())
    bucket.state = without

    assert bucket.see(storageClass="NEARLINE").suppressed == state.suppressed  # the digest covers what is kept quiet
