"""The contract of `ProjectStore`, over every backend that the product has."""

from __future__ import annotations

import sqlite3

from setpoint.adapters.sqlite.store import SqliteStore


def test_the_id_of_a_project_that_nobody_has_learned_is_empty(store):
    assert store.project_id("111111111111") == ""


def test_a_project_is_known_by_its_number_once_it_was_learned(backend):
    backend.open().write_project_ids({"111111111111": "billing"})
    backend.open().write_project_ids({"222222222222": "shop"})

    assert backend.open().project_id("111111111111") == "billing"
    assert backend.open().project_id("222222222222") == "shop"


def test_to_learn_a_project_twice_does_no_harm(store):
    for _ in range(2):
        store.write_project_ids({"111111111111": "billing"})

    assert store.project_id("111111111111") == "billing"


def test_of_two_ids_of_a_project_the_latest_is_known(store):
    store.write_project_ids({"111111111111": "billing"})
    store.write_project_ids({"111111111111": "billing-2"})

    assert store.project_id("111111111111") == "billing-2"


def test_the_number_of_a_project_is_known_by_its_id(store):
    store.write_project_ids({"111111111111": "billing", "222222222222": "shop"})

    assert store.project_number("shop") == "222222222222"
    assert store.project_number("111111111111") == ""


EARLIEST = """
DROP TABLE projects; DROP INDEX due; ALTER TABLE findings DROP COLUMN due;
DROP INDEX reading_due; ALTER TABLE findings DROP COLUMN reading_due; PRAGMA user_version = 1
"""


def test_a_file_that_was_made_before_projects_were_learned_learns_them(tmp_path):
    file = tmp_path / "setpoint.db"
    SqliteStore(file).close()
    with sqlite3.connect(file) as connection:
        connection.executescript(EARLIEST)
    connection.close()

    store = SqliteStore(file)
    store.write_project_ids({"111111111111": "billing"})
    assert store.project_id("111111111111") == "billing"
    store.close()
