"""Documents that name places: an unknown place is refused, once the inventory was listed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from authority.installation import (
    BUCKET,
    NOON,
    ORGANIZATION,
    PLATFORM,
    PROD,
    Installation,
    bucket,
    declared,
)
from setpoint.bootstrap import open_store
from setpoint.cli import app
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.documents import parse
from setpoint.declarations.readers.load import LoadResult, load_documents
from setpoint.errors import NotPermitted
from setpoint.model.declaration import Owner, Scope, Selection, Source
from setpoint.model.observation import Observation
from setpoint.model.policy import Match, Policy, Rule
from setpoint.model.source_grants import INSTALLATION, SourceGrant, Sources
from setpoint.model.sweep_records import Sweep, SweepStart
from setpoint.ports.services import InventoryPage
from setpoint.sweep.in_process import sweep

KNOWN = ("projects/prod", "projects/12", "folders/2", ORGANIZATION)
UNKNOWN = ("projects/prud", "projects/99", "folders/22", "organizations/11")


def policy(place: str) -> LoadResult:
    kind, _, name = place.partition("/")
    match_ = Match(projects=(name,)) if kind == "projects" else Match(ancestors=(place,))
    return LoadResult(policy=Policy("fleet", (Rule("quiet", match_, mode="off"),), source=Source("policy.yaml", 3)))


def scope(place: str) -> LoadResult:
    kind, _, name = place.partition("/")
    selection = Selection(projects=(name,)) if kind == "projects" else Selection(ancestors=(place,))
    return LoadResult(
        scopes=(Scope("all", (), (BUCKET,), ancestors=(ORGANIZATION,), exceptions=(selection,), source=Source("s", 1)),)
    )


def sources(place: str) -> LoadResult:
    kind, _, name = place.partition("/")
    grant = SourceGrant("team", projects=(name,)) if kind == "projects" else SourceGrant("team", ancestors=(place,))
    return LoadResult(sources=Sources((PLATFORM, grant), Owner(team="installation"), Source("sources.yaml", 1)))


def defaults(place: str) -> LoadResult:
    return LoadResult(default_projects={place.partition("/")[2]: "defaults.yaml:1"})


DOCUMENTS = [(policy, "platform"), (scope, "platform"), (sources, INSTALLATION)]


def put(installation: Installation, loaded: LoadResult, source: str, **request: Any) -> Any:
    installation.now += timedelta(seconds=1)
    return apply.sync(loaded, ApplyRequest(source, **request), installation.deps, installation.now)


@pytest.fixture
def installation(backend) -> Installation:
    """One of which the inventory shows a bucket that nobody declares, in a project, a folder and an organisation."""
    return Installation(backend.open())


class Listing:
    """An inventory of one page."""

    def __init__(self, seen: Observation) -> None:
        self.seen = seen

    def pages(self, scope: str, content: str, types: Any = (), *, page_token: str = "") -> Iterator[InventoryPage]:
        del scope, content, types, page_token
        yield InventoryPage([self.seen], "", self.seen.observed_at)


def swept(installation: Installation) -> Installation:
    seen = Observation(bucket("loose"), BUCKET, installation.now, data={"location": "EU"}, ancestors=PROD)
    installation.now += timedelta(hours=1)
    sweep((ORGANIZATION,), ("resource",), (), Listing(seen), installation.deps)
    return installation


@pytest.mark.parametrize(("document", "source"), DOCUMENTS)
@pytest.mark.parametrize("place", UNKNOWN)
def test_a_document_that_names_a_place_that_nothing_is_known_of_is_refused_whole(installation, document, source, place):
    swept(installation)
    before = installation.store.control().value
    with pytest.raises(NotPermitted, match=f"{place}.*not-seen-yet"):
        put(installation, document(place), source)
    assert installation.store.control().value == before

    assert put(installation, document(place), source, not_seen_yet=True).unseen == ()
    put(installation, document(place), source)  # what is in force is not refused


@pytest.mark.parametrize(("document", "source"), DOCUMENTS)
@pytest.mark.parametrize("place", KNOWN)
def test_a_document_that_names_places_that_the_inventory_has_shown_is_taken(installation, document, source, place):
    assert put(swept(installation), document(place), source).unseen == ()


def test_defaults_of_an_unknown_project_are_refused_and_of_a_known_or_a_declared_one_taken(installation):
    swept(installation)
    with pytest.raises(NotPermitted, match=r"defaults.yaml:1: a Defaults document names projects/new"):
        put(installation, defaults("projects/new"), "platform")
    put(installation, defaults("projects/prod"), "platform")
    installation.apply("platform", declared(bucket("b"), project="new"))
    put(installation, defaults("projects/new"), "platform")


def test_defaults_documents_name_their_projects_without_globs():
    text = """
apiVersion: setpoint.dev/v1
kind: Defaults
metadata: {name: here}
spec:
  project: shop
  rules:
    - {projects: [shop-dev, "team-*"], owner: {team: shop}}
"""
    named = load_documents(parse(text, "d/defaults.yaml")).default_projects
    assert named == dict.fromkeys(("shop", "shop-dev", "team-*"), "d/defaults.yaml:2")


@pytest.mark.parametrize(("document", "source"), DOCUMENTS)
def test_before_the_first_sweep_an_unknown_place_is_only_told(installation, document, source):
    installation.observe(bucket("b"), {"location": "EU"})  # a feed alone does not say what there is
    applied = put(installation, document("folders/22"), source)
    assert "names folders/22" in applied.unseen[-1]
    assert applied.plan.changes_rules


def test_a_glob_names_no_place(installation):
    assert put(swept(installation), policy("projects/team-*"), "platform").unseen == ()


def test_a_folder_that_a_sweep_has_shown_stays_known_while_the_next_one_goes_on(installation):
    swept(swept(installation))
    (stored,) = installation.store.sweeps.sweeps()
    assert stored.value.places == ("folders/2", ORGANIZATION)


@pytest.mark.parametrize("command", [("plan",), ("apply", "--dry-run"), ("apply",)])
def test_the_command_line_warns_before_the_first_sweep_and_refuses_after_it(tmp_path, capsys, command):
    url, file = f"sqlite:///{tmp_path}/setpoint.db", tmp_path / "policy.yaml"
    file.write_text(
        "apiVersion: setpoint.dev/v1\nkind: Policy\nmetadata: {name: fleet}\n"
        "spec: {rules: [{name: quiet, match: {ancestors: [folders/33]}, mode: off}]}\n"
    )

    def run() -> str:
        app([*command, str(file), "--store", url], standalone_mode=False)
        return capsys.readouterr().err

    assert "rule quiet names folders/33: its existence is unknown" in run().replace("\n", " ")
    file.write_text(file.read_text().replace("folders/33", "folders/44"))
    store = open_store(url)
    start = SweepStart((ORGANIZATION,))
    store.sweeps.write_sweep(Sweep(start.name, "r", start, NOON, places=("folders/2", ORGANIZATION)), None)
    store.close()
    with pytest.raises(NotPermitted, match="rule quiet names folders/44"):
        run()
    command = (*command, "--not-seen-yet")
    assert "folders/44" not in run()
