"""The whole path of a sweep: messages pushed to the served function, the fake inventory, findings in Firestore."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from detection.swept_fleet import ORG, bucket, declare, populate, topic
from setpoint.bootstrap import open_store
from setpoint.model.sweep_records import SweepStart, encode_message
from setpoint_tools.testing import inventory
from setpoint_tools.testing.emulators import free_port
from setpoint_tools.testing.polling import wait_until
from setpoint_tools.testing.pubsub import PubSubProject
from setpoint_tools.testing.serving import Served

pytestmark = pytest.mark.emulator

TOTAL = 1_500
START = SweepStart((ORG,), ("resource",))


def test_a_sweep_whose_function_is_killed_half_way_finds_everything(
    pubsub_emulator, pubsub_project, firestore_emulator, firestore_project, asset_service, tmp_path
):
    pubsub = PubSubProject(pubsub_project)
    sweeps, drift_events, dead_letters = map(pubsub.topic, ("sweeps", "drift-events", "dead-letters"))
    port = free_port()
    environment = {
        "SETPOINT_STORE": f"firestore://{firestore_project}/(default)",
        "SETPOINT_EVENTS_TOPIC": drift_events,
        "SETPOINT_DEAD_LETTER_TOPIC": dead_letters,
        "SETPOINT_SWEEP_TOPIC": sweeps,
        "SETPOINT_SWEEP_SECONDS": "2",
        "SETPOINT_HISTORY_CALLS": "0",
        "SETPOINT_MASK_IP": "true",
        "SETPOINT_OWN_ACCOUNTS": "setpoint-remediate@fleet-ops.iam.gserviceaccount.com",
        pubsub_emulator.kind.variable: pubsub_emulator.address,
        firestore_emulator.kind.variable: firestore_emulator.address,
    }
    store = open_store(environment["SETPOINT_STORE"])
    populate(asset_service, TOTAL)
    declare(store, TOTAL)
    program = [sys.executable, str(Path(inventory.__file__)), asset_service.address]
    log = tmp_path / "function.log"

    def ended() -> bool:
        record = store.sweeps.sweep(START.name).value
        return record is not None and record.summary is not None

    def listed() -> int:
        record = store.sweeps.sweep(START.name).value
        return sum(shard.value.listed for shard in store.sweeps.shards(record.run)) if record else 0

    with log.open("wb") as stream, Served("sweep", port, environment, stream, under=program) as function:
        subscription = pubsub.subscription(sweeps, push_to=f"http://127.0.0.1:{port}/{sweeps}")
        pubsub.publish(sweeps, [(encode_message(START), {})])
        wait_until(lambda: listed() >= 1_000, lambda: f"{listed()} of 1,000 assets are listed")
        function.kill()
        assert not ended(), "nothing is left to do"
        function.start()
        wait_until(ended, lambda: f"the sweep does not end; {listed()} assets are listed")
        pubsub.unsubscribe(subscription)

    summary = store.sweeps.sweep(START.name).value.summary
    wrong = {bucket(number) for number in range(TOTAL) if number % 7 == 1}
    drifted = {state.key.name for state in store.states(drifted=True) if state.finding.status == "open"}
    assert drifted == wrong | {bucket(TOTAL), topic(TOTAL)}
    assert (summary.listed, summary.declared, summary.deleted) == (2 * TOTAL, 2 * TOTAL + 2, 2)
    assert (summary.drifted, summary.unknown) == (len(wrong) + 2, 0)
    assert "handed over" in log.read_text()
    store.close()
    pubsub.close()
