"""What is particular to the store in a file: other processes, their death, and files that are not stores."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from contract import sqlite_worker
from contract.records import KEY, NOON, OTHER, declare, declared, drifted
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.errors import BadRequest, CorruptState, Unavailable
from setpoint.model.api_reading import ApiReading
from setpoint.model.sources import DesiredRecord, encode_manifest
from setpoint.ports.people import NoticeIndex
from setpoint.ports.stores import StoredRecord

TIMES = 300


def start_worker(file: Path, name: str, times: int = TIMES) -> subprocess.Popen[str]:
    command = [sys.executable, sqlite_worker.__file__, str(file), name, str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "setpoint.db"


def test_processes_that_start_together_on_a_new_file_lose_no_update(file):
    workers = [start_worker(file, f"worker-{number}") for number in range(4)]
    errors = [worker.communicate(timeout=240)[0].split() for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
    assert [len(lines) for lines in errors] == [TIMES] * 4
    store = SqliteStore(file)
    assert store.read(sqlite_worker.KEY).state.sequence == 4 * TIMES
    store.close()


def test_a_process_that_is_killed_half_way_loses_nothing_that_it_has_committed(file):
    SqliteStore(file).close()
    victim, survivor = start_worker(file, "victim", 1_000_000), start_worker(file, "survivor")
    with victim:
        committed = [victim.stdout.readline() for _ in range(50)]
        victim.send_signal(signal.SIGKILL)
        committed += victim.stdout.readlines()
    survivor.communicate(timeout=240)

    assert (victim.returncode, survivor.returncode) == (-signal.SIGKILL, 0)
    store = SqliteStore(file)
    state = store.read(sqlite_worker.KEY).state
    counts = json.loads(state.fingerprint)
    acknowledged = sum(line.endswith("\n") for line in committed)
    assert counts["survivor"] == TIMES
    assert counts["victim"] in (acknowledged, acknowledged + 1)  # it may have died between the commit and its telling
    assert state.sequence == counts["survivor"] + counts["victim"]
    assert sqlite_worker.increment(store, "successor") == 1
    store.close()


def test_what_is_committed_is_there_when_the_file_is_opened_again(file):
    store = SqliteStore(file)
    declare(store, [declared()])
    committed = store.commit(store.read(KEY), drifted(pending=1))
    store.close()

    again = SqliteStore(file)
    assert again.read(KEY) == committed
    again.close()


def test_a_file_of_a_newer_setpoint_is_refused_and_left_as_it_is(file):
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = file.read_bytes()

    with pytest.raises(BadRequest, match=r"newer Setpoint \(schema 99\)"):
        SqliteStore(file)
    assert file.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(file):
    file.write_text("apiVersion: setpoint.dev/v1\n" * 100)

    with pytest.raises(BadRequest, match=r"setpoint\.db: cannot be used as a store"):
        SqliteStore(file)
    assert file.read_text() == "apiVersion: setpoint.dev/v1\n" * 100


def test_a_path_that_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(BadRequest, match="cannot be used as a store"):
        SqliteStore(tmp_path)
    with pytest.raises(BadRequest, match="cannot be used as a store"):
        SqliteStore(tmp_path / "missing" / "setpoint.db")


def test_a_failed_opening_leaves_no_connection_open(file):
    """An open connection would hold the file on systems that lock what is open."""
    file.write_bytes(b"no database" * 100)
    before = open_files()
    with pytest.raises(BadRequest):
        SqliteStore(file)

    assert open_files() == before


def open_files() -> set[str]:
    return set(open_links())


def open_links() -> list[str]:
    links = Path("/proc/self/fd")
    if not links.exists():
        pytest.skip("SKIPPED: this system does not tell which files a process has open")
    return [str(link.resolve()) for link in links.iterdir() if ".db" in str(link.resolve())]


def test_a_record_that_cannot_be_read_is_said_to_be_corrupt(file):
    store = SqliteStore(file)
    store.commit(store.read(KEY), drifted())
    connection = sqlite3.connect(file)
    connection.execute("UPDATE findings SET body = '{\"key\": 1}'")
    connection.commit()
    connection.close()

    with pytest.raises(CorruptState, match="stored finding"):
        store.read(KEY)
    store.close()


def test_a_store_that_was_closed_does_not_answer(file):
    store = SqliteStore(file)
    store.close()

    with pytest.raises(Unavailable, match="did not respond"):
        store.read(KEY)


def test_the_connection_of_a_thread_is_closed_with_the_thread(file):
    store = SqliteStore(file)
    before = len(open_links())
    for _ in range(20):
        thread = threading.Thread(target=store.read, args=(KEY,))
        thread.start()
        thread.join()

    assert len(open_links()) <= before + 1  # SQLite keeps a file for the next connection while others are open
    assert len(store._connections._closers) <= 2
    store.close()


def test_a_store_that_can_no_longer_be_opened_does_not_answer_a_new_thread(file):
    store = SqliteStore(file)
    store._connections._path = file.parent / "missing" / "setpoint.db"

    with ThreadPoolExecutor(1) as other, pytest.raises(Unavailable):
        other.submit(store.write_records, {KEY: StoredRecord(DesiredRecord(), None)}).result()
    store.close()


READINGS = (
    " DROP INDEX reading_due; ALTER TABLE findings DROP COLUMN reading_due;"
    " DROP INDEX remediation_due; ALTER TABLE findings DROP COLUMN remediation_due;"
)


def test_a_store_that_knew_of_no_readings_learns_them_and_keeps_what_it_has(file):
    store = SqliteStore(file)
    store.commit(store.read(KEY), drifted())
    store.close()
    with sqlite3.connect(file) as older:
        older.executescript(f"{READINGS} PRAGMA user_version = 7")
    older.close()

    store = SqliteStore(file)
    store.commit(store.read(KEY), replace(store.read(KEY).state, api_reading=ApiReading(due=NOON)))

    assert store.readings_due(NOON, 10) == [KEY]
    store.close()


def test_a_store_of_an_earlier_schema_is_brought_up_to_date_and_keeps_what_it_has(file):
    store = SqliteStore(file)
    store.commit(store.read(KEY), drifted())
    store.close()
    with sqlite3.connect(file) as older:
        older.executescript(f"DROP INDEX due; ALTER TABLE findings DROP COLUMN due;{READINGS} PRAGMA user_version = 2")
    older.close()

    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(SqliteStore, [file] * 4))
    store = stores[0]

    assert store.read(KEY).state == drifted()
    store.commit(store.read(KEY), drifted(sequence=2))
    assert list(store.due(NOON)) == []
    for store_ in stores:
        store_.close()


WHOLE = "source TEXT NOT NULL, generation INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (source, generation)"


def test_manifests_that_were_stored_whole_are_read_in_the_order_of_keys(file):
    store = SqliteStore(file)
    declare(store, [declared(KEY), declared(OTHER)])
    in_force = list(store.manifest("default", 1))
    store.close()
    with sqlite3.connect(file) as older:
        older.executescript(
            f"DROP TABLE manifests; CREATE TABLE manifests ({WHOLE});{READINGS} PRAGMA user_version = 3"
        )
        older.execute("INSERT INTO manifests VALUES ('default', 1, ?)", (encode_manifest(reversed(in_force)),))
    older.close()

    store = SqliteStore(file)
    assert list(store.manifest("default", 1)) == in_force
    assert declare(store, [declared(KEY), declared(OTHER)]) == 0
    store.close()


def steps(store: SqliteStore, read: Callable[[], object]) -> int:
    """Instructions of SQLite's virtual machine that a read takes."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection = store._connections.current()
    connection.set_progress_handler(step, 1)
    read()
    connection.set_progress_handler(None, 1)
    return count


def test_reads_of_one_record_cost_the_same_however_many_there_are(file):
    store = SqliteStore(file)
    reads = {
        "notices of a finding": lambda: store.notices.of_finding("notices", "finding-7"),
        "notices of a thread": lambda: list(store.notices.of_thread("notices", "thread-7")),
        "due notices": lambda: next(store.notices.due("notices", NOON)),
        "number of a project": lambda: store.project_number("project-7"),
        "id of a project": lambda: store.project_id("7"),
    }
    costs: list[dict[str, int]] = []
    for numbers in (range(300), range(300, 3_000)):
        with store._connections.transaction():
            for number in numbers:
                due = NOON - timedelta(seconds=number)
                filed = NoticeIndex(f"finding-{number}", f"thread-{number}", due)
                store.notices.write("notices", f"{number:05}", b"{}", None, filed)
        store.write_project_ids({str(number): f"project-{number}" for number in numbers})
        assert all(read() for read in reads.values())
        costs.append({name: steps(store, read) for name, read in reads.items()})
    few, many = costs
    assert {name: cost for name, cost in many.items() if cost > 2 * few[name]} == {}
    store.close()


def test_a_store_without_space_asks_for_some(file):
    store = SqliteStore(file)
    connection = store._connections.current()
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")

    def fill():
        for number in range(500):
            key = replace(KEY, name=f"{KEY.name}-{number}")
            store.commit(store.read(key), replace(drifted(), key=key))

    with pytest.raises(Unavailable, match=r"disk is full\); free space on its disk, and run the command again"):
        fill()
    store.close()


@pytest.mark.parametrize(
    ("made", "step"),
    [
        (lambda path: path.write_bytes(b"not a database" * 100), "give the path of another file"),
        (lambda path: path.mkdir(), "its folder must exist and be writable"),
    ],
)
def test_a_file_that_is_no_store_names_the_next_step(tmp_path, made, step):
    path = tmp_path / "x.db"
    made(path)
    with pytest.raises(BadRequest, match=step):
        SqliteStore(path)
