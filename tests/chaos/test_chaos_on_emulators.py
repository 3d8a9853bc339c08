"""Chaos on Google's emulators, in small; `make chaos` does the same for long."""

from __future__ import annotations

import pytest

from chaos import cloud
from chaos.emulated_storm import emulated_storm

pytestmark = [pytest.mark.emulator, pytest.mark.long]


@pytest.fixture
def system(pubsub_emulator, firestore_emulator, tmp_path):
    with cloud.cloud(pubsub_emulator, firestore_emulator, tmp_path / "processes") as made:
        yield made


def test_workers_that_are_killed_while_services_fail_lose_nothing_and_find_nothing_false(system):
    report = cloud.killed_workers(system, 5_000, kill_every=1_200)

    assert report.is_true, (report.figures(), system.logs()[-3000:])
    assert report.messages >= 5_000
    assert report.kills >= 3
    assert report.again, "nothing was told twice, so that little can have failed"


def test_workers_that_contend_for_a_handful_of_records_lose_nothing(system):
    report = cloud.contended(system, 200)

    assert report.is_true, report.figures()


def test_what_pubsub_has_forgotten_is_found_by_a_sweep(system):
    report = cloud.forgetful_pubsub(system, 400)

    assert report.is_true, report.figures()


def test_a_function_that_is_killed_under_push_loses_nothing(system):
    report = cloud.killed_function(system, 400)

    assert report.is_true, report.figures()
    assert report.kills == 3


def test_a_storm_of_one_cause_is_one_message_and_neither_lost_nor_false(system):
    storm = emulated_storm(system, 20)

    assert storm.is_true, storm.figures()


def test_a_worker_with_a_slow_store_keeps_what_it_holds(system):
    report = cloud.slow_store(system, 300)

    assert report.is_true, report.figures()
