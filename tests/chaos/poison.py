"""Chaos with poison: 1 % of the files, messages and records cannot be read, and a newer version writes and leaves.

Sixteen processes work on one store. A damaged record is repaired as `setpoint repair` does it; a record of a newer
version is left alone, until that version is back.
"""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from chaos.broker import Broker
from chaos.embedded import WRONGS, fleet_of
from chaos.truth import Heard, Report, judge
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.bootstrap import open_store
from setpoint.detection.pipeline import Context
from setpoint.errors import CorruptState
from setpoint.model import events
from setpoint.model.decode_errors import tried
from setpoint.model.resource_state import decode_state
from setpoint.operations.repair import repair
from setpoint_tools.testing.fleet import Fleet

SHARE = 0.01
"""The share of files, messages and records that are poison."""
_BROKEN_FILES = (
    b"spec: [",
    b"kind: \x00",
    b"- a: &a [*a, *a]\n- <<: *b\n",
    b'{"apiVersion": "setpoint',
    b"\xff\xfe: 1",
)
_NEWER = 99


def poisoned_store(folder: Path, messages: int, resources: int = 400, workers: int = 16) -> Report:
    """Files, messages and records that cannot be read, and a roll-back in the middle: all else goes on."""
    fleet = replace(fleet_of(messages, resources), fault_rates=WRONGS._replace(broken=SHARE))
    url = f"sqlite:///{folder}/setpoint.db"
    report, started = Report(f"poison, {workers} workers, SQLite"), time.monotonic()
    report.wrong += _apply_files(fleet, folder / "declarations", url)
    poison = RecordPoison(folder / "setpoint.db", url)
    broker = Broker(url, folder, workers=workers, kill_after=max(messages // 10, 100), held=20)
    broker.deliver(_poisoned(fleet, poison, max(messages // 20, 100)))
    poison.repair()  # publishes what a killed process has not published
    for line in broker.events():
        poison.heard.hear(events.decode(line))
    report.messages, report.deliveries, report.kills = broker.messages, broker.deliveries, broker.kills
    report.seconds = time.monotonic() - started
    if not (poison.damaged and poison.rolled_back):
        report.wrong.append("no record was poison, so that nothing was tried")
    with closing(open_store(url)) as store:
        report.wrong += [f"lost: {record.problem}" for record in store.damaged()]
        return judge(report, fleet, list(store.states()), poison.heard, rewritten=poison.damaged)


def _apply_files(fleet: Fleet, folder: Path, url: str) -> Iterator[str]:
    """Apply the declarations as files, of which some cannot be read; what is wrong."""
    folder.mkdir()
    documents = list(fleet.documents())
    for number, document in enumerate(documents):
        (folder / f"{number}.json").write_text(json.dumps(document))
    broken = [
        folder / f"broken-{number}.yaml" for number in range(max(int(len(documents) * SHARE), len(_BROKEN_FILES)))
    ]
    for file, text in zip(broken, itertools.cycle(_BROKEN_FILES), strict=False):
        file.write_bytes(text)
    command = [sys.executable, "-m", "setpoint", "apply", str(folder), "--store", url]
    applied = subprocess.run(command, capture_output=True, text=True, check=False)
    if applied.returncode != 1:
        yield f"apply ended with {applied.returncode}: {applied.stderr[-500:]}"
    output = applied.stdout + applied.stderr
    yield from (f"lost: {file.name} is not named" for file in broken if file.name not in output)


def _poisoned(fleet: Fleet, poison: RecordPoison, every: int) -> Iterator[bytes]:
    """The feed; meanwhile records are damaged and repaired, and a newer version comes and goes."""
    for number, expectation in enumerate(fleet.feed(), 1):
        yield expectation.data
        if number % every == 0:
            poison.damage()
            (poison.upgrade_again, poison.roll_back, lambda: None)[number // every % 3]()
        if number % every == every // 2:
            poison.repair()
    poison.upgrade_again()
    poison.repair()


class RecordPoison:
    """Damages the records of findings in a SQLite file that others write to.

    Args:
        path: the file.
        url: the store in it.
    """

    def __init__(self, path: Path, url: str) -> None:
        self._path, self._url = path, url
        self._rng = random.Random(0)  # noqa: S311 - chaos, no secret
        self.damaged: set[str] = set()
        self.rolled_back: set[str] = set()
        self.heard = Heard()

    def damage(self) -> None:
        """Damage 1 % of the records: cut off, no JSON, no UTF-8, fields of another type."""
        self.damaged |= self._rewrite(self._rng.choice(_DAMAGES))

    def roll_back(self) -> None:
        """Write 1 % of the records as a newer version does, before it is rolled back."""
        self.rolled_back |= self._rewrite(lambda body: _with_schema(body, _NEWER))

    def upgrade_again(self) -> None:
        """Have the newer version back: it reads its records, and writes them as this one."""
        with closing(sqlite3.connect(self._path, timeout=60)) as connection, connection:
            for name, body in connection.execute("SELECT id, body FROM findings").fetchall():
                if f'"schema":{_NEWER}'.encode() in body:
                    connection.execute("UPDATE findings SET body = ? WHERE id = ?", (_with_schema(body, 1), name))

    def repair(self) -> None:
        """Repair what is damaged, as the command does."""
        with closing(open_store(self._url)) as store:
            bus = MemoryBus()
            context = Context(store, bus, MemoryDeadLetters())
            repair(context, datetime.now(UTC))
            context.outbox.republish_pending()
        for event in bus.events:
            self.heard.hear(event)

    def _rewrite(self, change: Callable[[bytes], bytes]) -> set[str]:
        """Change the bodies of 1 % of the records that can be read; their ids."""
        changed: set[str] = set()
        with closing(sqlite3.connect(self._path, timeout=60)) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            every = connection.execute("SELECT id, body FROM findings").fetchall()
            rows = [(name, body) for name, body in every if _is_readable(body)]
            for name, body in self._rng.sample(rows, -(-len(rows) // 100)):
                statement = "UPDATE findings SET body = ?, version = version + 1 WHERE id = ?"
                connection.execute(statement, (change(body), name))
                changed.add(name)
        return changed


def _is_readable(body: bytes) -> bool:
    return not isinstance(tried(decode_state, body, ""), CorruptState)


def _with_schema(body: bytes, schema: int) -> bytes:
    return json.dumps({**json.loads(body), "schema": schema}, separators=(",", ":")).encode()


def _with(body: bytes, **fields: object) -> bytes:
    return json.dumps({**json.loads(body), **fields}).encode()


_DAMAGES: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: body[: len(body) // 2],
    lambda _: b"",
    lambda _: b"\xff\xfe damaged",
    lambda body: _with(body, finding={"kind": "damaged"}),
    lambda body: _with(body, sequence="lost"),
    lambda body: _with(body, pending=[{"id": 1}]),
)
