"""The evidence is shown: by `sweep`, in JSON, by `findings`, on the page and in messages, and nothing in it acts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from claims.controlled_fleet import ALL, LONG_AGO, ORG, Fleet, Watched, cluster, compute, group
from setpoint import bootstrap
from setpoint.bootstrap import open_store
from setpoint.cli import app
from setpoint.declarations import apply
from setpoint.detection.finding_events import data_of
from setpoint.model.controller_claims import ControllerClaim
from setpoint.reporting.html import coverage

MINER = compute("Instance", "zones/z/instances/miner", labels={"goog-k8s-cluster-name": "ghost"})
SAYS = 'says "made by Kubernetes Engine": cluster ghost (label goog-k8s-cluster-name; does not exist)'
EXISTS = (
    "made by Kubernetes Engine: container.googleapis.com/projects/shop/zones/europe-west1-b/clusters/prod"
    " (label goog-k8s-cluster-name; exists)"
)


@pytest.fixture
def url(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    fleet = Fleet().add(cluster("prod"), MINER)
    url = f"sqlite:///{tmp_path}/s.db"
    store = open_store(url)
    apply.declare(store, [], (ALL,), LONG_AGO)
    store.close()
    monkeypatch.setattr(bootstrap, "open_inventory", lambda _=None: fleet)
    return url


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_a_sweep_shows_what_it_believed_and_why(url: str) -> None:
    done = run("sweep", "--scope", ORG, "--content", "resource", "--store", url)
    lines = [" ".join(line.split()) for line in done.stderr.splitlines()]
    assert f"9 among them: {EXISTS}" in lines
    assert f"1 refuted, findings within two hours: {SAYS}" in lines


def test_a_sweep_counts_in_the_right_number(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    node = compute("Instance", "zones/z/instances/node", labels={"goog-k8s-cluster-name": "prod"})
    monkeypatch.setattr(bootstrap, "open_inventory", lambda _=None: Fleet().add(cluster("prod").parent, node))
    done = run("sweep", "--scope", ORG, "--content", "resource", "--store", url)
    lines = [" ".join(line.split()) for line in done.stderr.splitlines()]
    assert any(line.startswith("1 needs no declaration: made by Kubernetes Engine") for line in lines), lines


def test_the_evidence_is_in_json(url: str) -> None:
    done = run("sweep", "--scope", ORG, "--content", "resource", "--store", url, "--output", "json")
    unreported = json.loads(done.stdout)["unreported"]
    (missing,) = [entry for entry in unreported if entry["claim"]["proof"] == "missing"]
    assert (missing["count"], missing["claim"]["parent"]) == (1, "cluster ghost")
    believed = sum(entry["count"] for entry in unreported if entry["claim"]["proof"] == "exists")
    assert believed == len(cluster("prod").children)


def watched() -> Watched:
    made = Watched(Fleet().add(cluster("prod"), MINER))
    made.sweep()
    made.sweep(3)
    return made


def test_a_finding_shows_why_its_claim_is_not_believed() -> None:
    state = watched().store.read(MINER.key).state
    assert state is not None
    assert state.finding is not None
    assert str(state.finding.claim) == SAYS
    assert data_of(state).evidence == SAYS


def test_the_page_says_how_much_is_left_to_controllers() -> None:
    store = watched().store
    sweeps = [stored.value for stored in store.sweeps.sweeps() if stored.value is not None]
    shown = coverage.coverage(store.control().value, sweeps)
    (notice,) = [
        notice
        for notice in coverage.notices(shown, is_watched=True, shown=1, total=1, now=watched().fleet.now)
        if "controller" in notice.text
    ]
    assert notice.text.startswith(f"{len(cluster('prod').children)} undeclared resources are left to a controller")
    assert EXISTS in notice.text


HOSTILE = [
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "a\x1b[31m",
    "`x` <http://evil|y> @here",
    "8f14e45fceea167a5a36dedd4bea2543",
    "x" * 300,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_label_holds_is_shown_only_where_it_is_a_plain_name(name: str) -> None:
    forged = compute("Instance", "zones/z/instances/miner", labels={"goog-k8s-cluster-name": name})
    made = Watched(Fleet().add(cluster("prod"), forged))
    made.sweep()
    made.sweep(3)
    state = made.store.read(forged.key).state
    assert state is not None
    assert data_of(state).evidence == SAYS.replace("cluster ghost", "cluster of that name")


def test_many_parents_are_bounded() -> None:
    fleet = Fleet(page=500).add(*(group(f"g{number}") for number in range(600)))
    made = Watched(fleet, [group(f"g{number}").parent for number in range(600)])
    summary = made.sweep().summary
    assert len(summary.unreported) <= 502
    assert sum(entry.count for entry in summary.unreported) == 1_800


def test_a_claim_reads_the_same_with_and_without_a_parent() -> None:
    assert str(ControllerClaim("made by X", "name", reason="y")) == "made by X: name; not checked: y"
