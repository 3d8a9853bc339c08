"""Terraform states where they are stored, into the store: by object, in parallel, and each by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from google.cloud.storage import Client
from msgspec.structs import replace

from declarations.state_runs import ALL, NETWORK, NOW, Runs, key_of
from declarations.states import state, topic
from setpoint.adapters.states.buckets import BucketStates
from setpoint.declarations import apply, apply_states, plan
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.apply_states import StateOptions, StatesApplied
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, CorruptState, MissingState, Unavailable
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.services import StateObject


def test_each_state_of_a_bucket_is_a_source_of_its_own(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a"), topic("b")]))
    runs.put("prod/data/default.tfstate", state([topic("c")], lineage="data"))
    runs.put("prod/data/default.tflock", b"{}")

    done = runs.run()

    assert done.counts == {"applied": 2}
    assert done.resources == 3
    assert set(runs.context.store.control().value.sources) == {NETWORK, "gs://states/prod/data/default.tfstate"}
    assert all(map(runs.is_declared, "abc"))


def test_a_state_that_has_not_changed_is_not_read_again(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.put("prod/data/default.tfstate", state([topic("c")], lineage="data"))
    runs.run()
    runs.put("prod/data/default.tfstate", state([topic("c", "7200s")], 2, "data"))
    runs.service.reads.clear()

    done = runs.run()

    assert done.counts == {"applied": 1, "unchanged": 1}
    assert runs.service.reads == ["prod/data/default.tfstate"]


def test_a_secret_of_a_state_has_the_digest_of_the_store(runs: Runs) -> None:
    document = json.loads(state([topic("a")]))
    step = {"type": "get_attr", "value": "message_retention_duration"}
    document["resources"][0]["instances"][0]["sensitive_attributes"] = [[step]]
    runs.put("prod/network/default.tfstate", json.dumps(document).encode())
    runs.run()
    [declaration] = runs.context.store.read(key_of("a")).desired.declarations
    assert declaration.digests == runs.context.secrecy.key_id()
    assert declaration.data["messageRetentionDuration"] == runs.context.secrecy.sealed("86400s")
    assert runs.observe("a", "86400s", 1) == "in_sync"
    assert runs.observe("a", "7200s", 2) == "opened"


def test_a_changed_state_resolves_the_finding_of_what_it_declares_now(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.run()
    assert runs.observe("a", "7200s", 1) == "opened"
    runs.put("prod/network/default.tfstate", state([topic("a", "7200s")], 2))

    done = runs.run()

    assert done.outcomes == {"resolved": 1}
    finding = runs.context.store.read(key_of("a")).state.finding
    assert finding.reason == "absorbed by serial 2"
    assert runs.context.bus.events[-1].data.reason == "absorbed by serial 2"


def test_a_drift_that_somebody_reverted_is_not_absorbed(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.run()
    runs.observe("a", "7200s", 1)

    assert runs.observe("a", "86400s", 2) == "resolved"
    assert runs.context.store.read(key_of("a")).state.finding.reason == "in sync"


def test_what_a_state_no_longer_holds_is_no_longer_declared(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a"), topic("b")]))
    runs.run()
    runs.put("prod/network/default.tfstate", state([topic("a")], 2))

    assert runs.run().counts == {"applied": 1}
    assert runs.is_declared("a")
    assert not runs.is_declared("b")


@pytest.mark.parametrize("left", [0, 5])
def test_a_state_that_removes_more_than_the_limit_waits_for_a_person(runs: Runs, left: int) -> None:
    topics = [topic(f"t-{number}") for number in range(30)]
    runs.put("prod/network/default.tfstate", state(topics))
    runs.run()
    runs.put("prod/network/default.tfstate", state(topics[:left], 2))

    done = runs.run()

    assert done.counts == {"waiting": 1}
    assert done.needs_attention
    assert runs.is_declared("t-29")
    assert runs.run(options=StateOptions(1.0)).counts == {"applied": 1}
    assert not runs.is_declared("t-29")


def test_a_state_that_is_gone_stays_in_force_until_somebody_allows_it(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.put("prod/data/default.tfstate", state([topic("c")], lineage="data"))
    runs.run()
    runs.service.delete("states", "prod/network/default.tfstate")

    assert runs.run().counts == {"gone": 1, "unchanged": 1}
    assert "--max-removals 100%" in next(report.message for report in runs.reports if report.status == "gone")
    assert runs.is_declared("a")
    assert runs.run(options=StateOptions(1.0)).counts == {"applied": 1, "unchanged": 1}
    assert not runs.is_declared("a")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"version": 4, "serial": 1, "lineage": "x", "resou', "JSON"),
        (b'{"version": 3, "serial": 1, "modules": []}', "format version 3"),
        (b'{"serial": 1, "lineage": "x", "encrypted_data": "AAAA", "encryption_version": "v0"}', "encrypted"),
        (b"<html></html>", "JSON"),
        (b"{}", "is not a Terraform state"),
        (b"\xc3", "UTF-8"),
        (b"\xff\xfe{", "UTF-16"),
        (b'{"version": 3, "checkpoint": {"stack": "prod", "latest": {"resources": []}}}', "state of Pulumi"),
        (
            b'{"format_version": "1.0", "terraform_version": "1.9.8", "values": {"root_module": {}}}',
            "is not a Terraform state",
        ),
    ],
)
def test_what_is_no_state_costs_this_object_and_changes_nothing(runs: Runs, data: bytes, says: str) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.run()
    runs.put("prod/network/default.tfstate", data)
    runs.put("prod/data/default.tfstate", state([topic("c")], lineage="data"))

    done = runs.run()

    assert done.counts == {"refused": 1, "applied": 1}
    [report] = [report for report in runs.reports if report.status == "refused"]
    assert says in report.message
    assert runs.is_declared("a")
    assert runs.is_declared("c")


def test_a_resource_that_moves_to_another_state_is_declared_all_the_time(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a"), topic("b")]))
    runs.put("prod/data/default.tfstate", state([topic("c")], lineage="data"))
    runs.run()
    runs.put("prod/data/default.tfstate", state([topic("c"), topic("b")], 2, "data"))
    runs.run()
    assert runs.is_declared("b")
    runs.put("prod/network/default.tfstate", state([topic("a")], 2))

    runs.run()

    assert runs.is_declared("b")
    source = runs.context.store.control().value.sources["gs://states/prod/data/default.tfstate"]
    assert (source.declared, source.claims) == (2, ())


def test_two_states_that_declare_one_resource_are_told_apart(runs: Runs) -> None:
    runs.put("prod/data/default.tfstate", state([topic("a")], lineage="data"))
    runs.put("prod/network/default.tfstate", state([topic("a", "7200s"), topic("b")]))
    runs.run()

    source = runs.context.store.control().value.sources[NETWORK]
    assert (source.declared, source.claims) == (1, ("gs://states/prod/data/default.tfstate",))


def test_a_drift_lasts_for_the_grace_of_its_states_before_it_is_a_finding(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.run(options=StateOptions(grace_seconds=300))
    assert runs.observe("a", "7200s", 1) == "settling"


def test_a_run_goes_on_where_one_before_it_was_interrupted(runs: Runs, mocker) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.run()
    runs.observe("a", "7200s", 1)
    runs.put("prod/network/default.tfstate", state([topic("a", "7200s")], 2))
    mocker.patch.object(runs.context.store, "last_observations", side_effect=RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        runs.run()
    mocker.stopall()

    runs.run()

    assert [event.type for event in runs.context.bus.events] == ["drift.opened", "drift.resolved"]
    assert runs.run().counts == {"unchanged": 1}


def test_a_bucket_that_is_not_there_or_holds_no_state_is_an_error(runs: Runs) -> None:
    with pytest.raises(BadRequest, match="no such bucket"):
        runs.run("gs://nothing/**/*.tfstate")
    runs.put("readme.txt", b"")
    with pytest.raises(BadRequest, match="names no state"):
        runs.run()


def test_a_state_that_nobody_can_read_now_is_read_by_the_next_run(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.service.meanwhile.append(lambda: None)
    runs.run()
    runs.put("prod/network/default.tfstate", state([topic("a"), topic("b")], 2))
    storage = BucketStates(Client())
    listed = list(storage.list(ALL))
    runs.put("prod/network/default.tfstate", state([topic("a"), topic("b"), topic("c")], 3))
    with pytest.raises(apply_states.Superseded):
        storage.read(listed[0])

    assert runs.run().counts == {"applied": 1}
    assert runs.is_declared("c")


def test_a_state_larger_than_a_function_holds_is_refused_by_name_and_the_others_are_applied(
    runs: Runs,
) -> None:
    runs.largest = 10_000
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.put("prod/huge/default.tfstate", state([topic(f"t{number}") for number in range(100)]))
    assert runs.run().counts == {"applied": 1, "failed": 1}
    (problem,) = (report for report in runs.reports if report.status == "failed")
    assert "huge" in problem.url
    assert "more than 10,000 bytes are too many for a state" in str(problem)


def test_more_states_than_a_source_stores_are_applied_without_their_serials(deps: Context) -> None:
    for count, stored in ((200, 200), (201, 0)):
        loaded = LoadResult(states={f"lineage-{number}": 1 for number in range(count)})
        apply.sync(loaded, ApplyRequest(f"of-{count}"), deps, NOW)
        source = deps.store.control().value.sources[f"of-{count}"]
        assert len(source.states) == stored


def unjudge(runs: Runs) -> None:
    """Have the store as an interrupted run leaves it: what is in force was not all evaluated."""
    apply.update_control(
        runs.context.store,
        lambda control: replace(
            control, sources={name: replace(source, judged=0) for name, source in control.sources.items()}
        ),
    )


def test_the_limit_of_removals_holds_after_an_interrupted_run(runs: Runs) -> None:
    topics = [topic(f"t-{number}") for number in range(30)]
    runs.put("prod/network/default.tfstate", state(topics))
    runs.run()
    unjudge(runs)
    runs.put("prod/network/default.tfstate", state(topics[:1], 2))

    assert runs.run().counts == {"waiting": 1}
    assert runs.is_declared("t-29")
    assert runs.run(options=StateOptions(1.0)).counts == {"applied": 1}
    assert not runs.is_declared("t-29")
    assert runs.run(options=StateOptions(1.0)).counts == {"unchanged": 1}


def test_a_finding_that_cannot_be_evaluated_fails_its_state_alone(runs: Runs, mocker) -> None:
    def put(retention: str, serial: int) -> None:
        runs.put("prod/network/default.tfstate", state([topic("a", retention)], serial))
        runs.put("prod/data/default.tfstate", state([topic("c", retention)], serial, "data"))

    put("86400s", 1)
    runs.run()
    runs.observe("a", "7200s", 1)
    runs.observe("c", "7200s", 1)
    put("7200s", 2)
    evaluate = pipeline.reevaluate

    def corrupt(key: ResourceKey, context: Context) -> str:
        if key == key_of("a"):
            raise CorruptState("a stored finding cannot be read; repair it")
        return evaluate(key, context)

    mocker.patch.object(pipeline, "reevaluate", corrupt)
    assert runs.run().counts == {"applied": 1, "failed": 1}
    assert "repair it" in next(report.message for report in runs.reports if report.url == NETWORK)
    assert runs.run().counts == {"failed": 1, "unchanged": 1}
    mocker.stopall()

    assert runs.run().counts == {"applied": 1, "unchanged": 1}
    assert runs.context.store.read(key_of("a")).state.finding.status == "resolved"
    assert runs.run().counts == {"unchanged": 2}


def test_a_store_that_does_not_answer_for_one_state_stops_no_other(runs: Runs, mocker) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.put("prod/data/default.tfstate", state([topic("c")], lineage="data"))
    planned = plan.plan

    def unavailable(desired: object, scopes: object, source: str, *arguments: object, **options: object) -> object:
        if source == NETWORK:
            raise Unavailable("the store does not answer")
        return planned(desired, scopes, source, *arguments, **options)

    mocker.patch.object(plan, "plan", unavailable)

    assert runs.run().counts == {"applied": 1, "failed": 1}
    assert runs.is_declared("c")


def test_a_dry_run_plans_each_state_and_writes_nothing(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic(f"t-{number}") for number in range(30)]))
    runs.run()
    before = runs.context.store.control()
    runs.put("prod/network/default.tfstate", state([topic("t-1")], 2))
    runs.put("prod/data/default.tfstate", state([topic("c")], lineage="data"))

    done = runs.run(options=StateOptions(dry_run=True))

    assert done.counts == {"planned": 1, "waiting": 1}
    assert "1 added" in next(report.message for report in runs.reports if report.status == "planned")
    assert runs.context.store.control() == before
    assert not runs.is_declared("c")
    runs.put("prod/network/default.tflock", b"{}")
    runs.service.delete("states", "prod/data/default.tfstate")
    runs.service.delete("states", "prod/network/default.tfstate")
    assert runs.run(options=StateOptions(1.0, dry_run=True)).counts == {"planned": 1}
    assert runs.context.store.control() == before


class Web:
    """A ``StateStorage`` of one URL, as the backend ``http``: without a listing and without revisions."""

    def __init__(self, content: bytes | Exception) -> None:
        self.content = content

    def list(self, pattern: str) -> Iterator[StateObject]:
        yield StateObject(pattern)

    def read(self, _: StateObject) -> bytes:
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


def test_a_url_without_a_state_is_an_error_and_one_whose_state_is_gone_waits_for_a_person(runs: Runs) -> None:
    url = "https://states.example.com/network"
    web = Web(MissingState(f"{url}: there is no state"))

    def run(most: float | None = None) -> StatesApplied:
        runs.reports.clear()
        return apply_states.sync_states(url, web, runs.context, NOW, StateOptions(most), runs.reports.append)

    assert run().counts == {"failed": 1}
    web.content = state([topic("a")])
    assert run().counts == {"applied": 1}
    web.content = MissingState(f"{url}: there is no state")
    assert run().counts == {"gone": 1}
    assert runs.is_declared("a")
    assert run(1.0).counts == {"applied": 1}
    assert not runs.is_declared("a")


def test_the_state_of_another_root_module_under_the_same_name_waits_for_a_person(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a"), topic("b")]))
    runs.run()
    runs.put("prod/network/default.tfstate", state([topic("a"), topic("c")], 9, lineage="data"))

    assert runs.run().counts == {"waiting": 1}
    assert "lineage" in runs.reports[0].message
    assert runs.is_declared("b")
    assert runs.run(options=StateOptions(1.0)).counts == {"applied": 1}
    assert runs.is_declared("c")
    assert not runs.is_declared("b")


def test_another_grace_period_is_a_change_of_every_state(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a")]))
    runs.run()

    assert runs.run(options=StateOptions(grace_seconds=300.0)).counts == {"applied": 1}
    assert runs.context.store.read(key_of("a")).desired.declarations[0].settle == 300.0
    assert runs.run(options=StateOptions(grace_seconds=300.0)).counts == {"unchanged": 1}


def test_a_source_of_files_that_waits_for_a_released_resource_is_not_read_as_a_state(runs: Runs) -> None:
    runs.put("prod/network/default.tfstate", state([topic("a"), topic("b")]))
    runs.run()
    apply.update_control(
        runs.context.store,
        lambda control: replace(
            control, sources={**control.sources, "main": replace(control.sources[NETWORK], claims=(NETWORK,))}
        ),
    )
    runs.put("prod/network/default.tfstate", state([topic("a")], 2))

    assert runs.run().counts == {"applied": 1}
