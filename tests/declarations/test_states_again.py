"""Which states are read again: what another one released or somebody restored, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from google.auth.exceptions import RefreshError
from google.cloud.storage import Blob, Client
from google.resumable_media import DataCorruption

from declarations.state_runs import ALL, NETWORK, NOW, Runs, key_of
from declarations.states import state, topic
from setpoint.adapters.states.buckets import BucketStates
from setpoint.declarations import apply, apply_states
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.apply_states import StateOptions, StateReport, load_state
from setpoint.declarations.readers.load import LoadResult
from setpoint.errors import Unavailable
from setpoint.ports.services import StateObject


def test_a_state_that_declares_nothing_is_not_read_again(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([]))
    runs.run()
    runs.service.reads.clear()

    assert runs.run().counts == {"unchanged": 1}
    assert runs.service.reads == []


def test_a_state_that_another_one_has_resources_of_is_read_again_only_after_that_one_was_applied(runs: Runs) -> None:
    runs.put("prod/data/default.tfstate", state([topic("a")], lineage="data"))
    runs.put("prod/network/default.tfstate", state([topic("a", "7200s"), topic("b")]))
    runs.run()

    assert runs.run(now=NOW + timedelta(days=1)).counts == {"unchanged": 2}
    runs.put("prod/data/default.tfstate", state([topic("c")], 2, lineage="data"))
    storage = BucketStates(Client())
    url = "gs://states/prod/data/default.tfstate"
    later = NOW + timedelta(days=2)
    apply_states.sync_states(url, storage, runs.context, later, StateOptions(1.0), runs.reports.append)
    assert runs.is_declared("a")


def test_a_claim_is_read_again_where_the_other_source_was_applied_by_somebody_else(runs: Runs) -> None:
    topics = LoadResult(desired=load_state(state([topic("a")]), "git").desired)
    apply.sync(topics, ApplyRequest("git"), runs.context, NOW)
    runs.put("prod/network/default.tfstate", state([topic("a", "7200s"), topic("b")]))
    runs.run()
    assert runs.run(now=NOW + timedelta(days=1)).counts == {"unchanged": 1}

    apply.sync(LoadResult(), ApplyRequest("git", prune=True, max_removals=1), runs.context, NOW + timedelta(days=2))

    assert runs.run(now=NOW + timedelta(days=3)).counts == {"applied": 1}
    assert runs.is_declared("a")
    assert runs.run(now=NOW + timedelta(days=4)).counts == {"unchanged": 1}


def retention(runs: Runs, name: str) -> str:
    [declaration] = runs.context.store.read(key_of(name)).desired.declarations
    return declaration.data["messageRetentionDuration"]


def test_an_older_state_that_was_restored_waits_for_a_person(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a", "7200s")], 7))
    runs.run()
    runs.put("prod/network/default.tfstate", state([topic("a")], 5))

    assert runs.run().counts == {"waiting": 1}
    [report] = runs.reports
    assert "serial 5" in report.message
    assert "older than serial 7" in report.message
    assert "--max-removals 100%" in report.message
    assert retention(runs, "a") == "7200s"

    assert runs.run(options=StateOptions(1.0)).counts == {"applied": 1}
    assert retention(runs, "a") == "86400s"
    runs.put("prod/network/default.tfstate", state([topic("a", "600s")], 6))
    assert runs.run().counts == {"applied": 1}
    assert retention(runs, "a") == "600s"


def test_an_older_state_that_was_overwritten_while_it_was_read_is_superseded(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")], 6))
    storage = BucketStates(Client())
    [late] = storage.list(NETWORK)
    data = storage.read(late)
    runs.put("prod/network/default.tfstate", state([topic("a", "7200s")], 7))
    runs.run()

    class Late(BucketStates):
        def list(self, pattern: str) -> Iterator[StateObject]:
            listed = super().list(pattern)
            return iter((late,)) if pattern == ALL else listed

        def read(self, state: StateObject) -> bytes:
            return data if state == late else super().read(state)

    reports: list[StateReport] = []
    done = apply_states.sync_states(ALL, Late(Client()), runs.context, NOW, StateOptions(), reports.append)

    assert done.counts == {"superseded": 1}
    assert retention(runs, "a") == "7200s"


@pytest.mark.parametrize("error", [requests.ConnectionError("reset"), DataCorruption(None, "checksum"), RefreshError()])
def test_a_download_that_breaks_off_costs_this_state_alone(runs: Runs, mocker, error: Exception) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.put("prod/data/default.tfstate", state([topic("c")], lineage="data"))
    download = Blob.download_to_file

    def breaking(blob: Blob, *arguments: object, **options: object) -> None:
        if "network" in blob.name:
            raise error
        download(blob, *arguments, **options)

    mocker.patch.object(Blob, "download_to_file", breaking)

    assert runs.run().counts == {"applied": 1, "failed": 1}
    assert runs.is_declared("c")


@pytest.mark.parametrize("error", [requests.ConnectionError("reset"), RefreshError("expired")])
def test_a_bucket_that_cannot_be_listed_is_an_error_with_its_name(runs: Runs, mocker, error: Exception) -> None:
    mocker.patch.object(Client, "list_blobs", side_effect=error)
    with pytest.raises(Unavailable, match="gs://states: cannot be listed"):
        runs.run()
