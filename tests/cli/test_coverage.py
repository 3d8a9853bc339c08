"""`setpoint coverage` lists what is not compared, for files and for a store."""

from __future__ import annotations

import json
from pathlib import Path

import forked

DATASET = """
apiVersion: setpoint.dev/v1
kind: Declaration
metadata:
  name: //bigquery.googleapis.com/projects/shop/datasets/orders
spec:
  assetType: bigquery.googleapis.com/Dataset
  data:
    location: EU
    access: [{role: READER, userByEmail: a@example.com}]
"""


def test_a_file_and_the_store_that_it_is_applied_to_have_the_same_gaps(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(DATASET)
    store = f"sqlite:///{tmp_path / 's.db'}"
    of_files = forked.command_line("coverage", str(tmp_path / "fleet.yaml"), "--json")
    assert of_files.returncode == 0, of_files.stderr
    rows = [json.loads(line) for line in of_files.stdout.splitlines()]
    assert {row["reason"] for row in rows} == {"not carried by Cloud Asset Inventory"}
    assert all("observe" in row["closed_by"] and row["matters"] for row in rows)
    assert "1 of 3 declared fields of 1 resource are compared (33.3%); 2 are not, 2 of which matter to security" in (
        of_files.stderr
    )
    applied = forked.command_line("apply", str(tmp_path / "fleet.yaml"), "--store", store)
    assert applied.returncode == 0, applied.stderr
    of_store = forked.command_line("coverage", "--store", store, "--json", "--security")
    assert [json.loads(line) for line in of_store.stdout.splitlines()] == rows


def test_a_store_in_which_nothing_is_declared_is_said_to_be_so(tmp_path: Path) -> None:
    done = forked.command_line("coverage", "--store", f"sqlite:///{tmp_path / 'none.db'}")
    assert "nothing is declared" in done.stderr
    assert not (tmp_path / "none.db").exists()


def test_each_resource_says_what_of_it_is_watched(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(DATASET)
    store = f"sqlite:///{tmp_path / 's.db'}"
    forked.command_line("apply", str(tmp_path / "fleet.yaml"), "--store", store)
    shown = forked.command_line("coverage", "--watched", "--store", store)
    assert "3 declared fields" in " ".join(shown.stdout.split())
    assert "it was not observed yet" in " ".join(shown.stdout.split())
    assert "1 declared resource" in shown.stderr
    [row] = forked.command_line("coverage", "--watched", "--json", "--store", store).stdout.splitlines()
    assert json.loads(row)["declared"] == 3


def test_a_store_that_is_not_read_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("apiVersion: setpoint.dev/v1\nkind: Scope\n")
    assert "store:" not in forked.command_line("coverage", "fleet.yaml", cwd=tmp_path).stderr
    assert "store:" in forked.command_line("coverage", cwd=tmp_path).stderr
