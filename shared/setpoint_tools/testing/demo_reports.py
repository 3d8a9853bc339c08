"""Write docs/reports.md from the views and their rows for the demo: ``python -m setpoint_tools.testing.demo_reports``.

The demo's hour passes at a fixed time. What it has not, exemptions, a dry run, two people who disagree and a sweep in
the evening, is added by the product's own commands.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from setpoint import sweep
from setpoint.adapters.memory.store import MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.events import CloudEvent
from setpoint.model.exemptions import Exemption
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.ports.services import InventoryPage
from setpoint.remediation import commands, engine
from setpoint.remediation.context import RemediationContext
from setpoint.remediation.live_resources import LiveResources
from setpoint.reporting import daily_snapshot
from setpoint.reporting.daily_snapshot import Reporter
from setpoint_tools.demo import fleet as fleets
from setpoint_tools.demo.google import FakeGoogle
from setpoint_tools.demo.pipeline import (
    INSTALLED_BEFORE,
    Clock,
    DemoInstallation,
    DemoPaths,
    DemoRun,
    hour_of,
    pass_the_hour,
    prepare,
)
from setpoint_tools.testing.warehouse import VIEWS, DuckWarehouse, question

TARGET = Path(__file__).resolve().parents[3] / "docs/reports.md"
FED = datetime(2026, 3, 1, 18, tzinfo=UTC)
"""When the demo's hour ends; the snapshots are taken six hours later, and the views are asked in the morning."""
ASKED = datetime(2026, 3, 2, 9, tzinfo=UTC)
_BUCKET = "storage.googleapis.com/Bucket"
_ROWS = 5
_ORDER = (
    *("open_drift", "drift_rate", "time_to_detect", "time_to_resolve", "causes", "flapping", "remediation"),
    *("remediation_blocks", "coverage", "sweep_coverage", "trend", "expiring_exemptions", "weekly_digest", "events"),
)
_WIDEST = 70


@dataclass
class Recorder:
    """A bus and a warehouse that keep what they are given, and the clock that both tell the time by."""

    now: datetime = FED
    published: list[tuple[CloudEvent, datetime]] = field(default_factory=list)
    rows: dict[str, list[bytes]] = field(default_factory=dict)
    clock_of_demo: Clock | None = None

    def clock(self) -> datetime:
        """Some time later than the one before."""
        self.now += timedelta(milliseconds=400)
        return self.now

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """See ``EventBus.publish``."""
        now = self.clock_of_demo.now if self.clock_of_demo is not None else self.now
        self.published += [(event, now + timedelta(seconds=1)) for event in events]

    def replace_day(self, table: str, day: date, rows: Any, run: str) -> int:
        """See ``Warehouse.replace_day``."""
        del day, run
        self.rows[table] = list(rows)
        return len(self.rows[table])


class _Inventory:
    """What exists, as it was last observed."""

    def __init__(self, seen: Sequence[Observation], read_at: datetime) -> None:
        self._seen, self._read_at = seen, read_at

    def lists(self, asset_type: str) -> bool:
        """See ``Inventory.lists``."""
        del asset_type
        return True

    def pages(
        self, scope: str, content: Content, asset_types: Sequence[str] = (), *, page_token: str = ""
    ) -> Iterator[InventoryPage]:
        """See ``Inventory.pages``."""
        del scope, page_token
        listed = [
            entry
            for entry in self._seen
            if entry.key.content == content
            and not entry.deleted
            and (not asset_types or entry.asset_type in asset_types)
        ]
        yield InventoryPage(listed, "", self._read_at)


def warehouse() -> DuckWarehouse:
    """The demo in the warehouse, with its views."""
    recorder, store = Recorder(), MemoryStore()
    deps = _demo(recorder, Context(store, recorder, MemoryDeadLetters(), default_catalogue(), recorder.clock))
    _rehearse(deps, recorder)
    _flap(deps, recorder)
    _leave_alone(deps, recorder)
    _sweep(deps, recorder)
    recorder.now = datetime(2026, 3, 2, 0, 5, tzinfo=UTC)
    daily_snapshot.report(recorder.now.date(), "demo", Reporter(store, recorder, recorder.clock))
    made = DuckWarehouse(ASKED)
    made.publish(recorder.published)
    for table, rows in recorder.rows.items():
        made.load(table, rows)
    return made


def _demo(recorder: Recorder, deps: Context) -> Context:
    """Let the demo's hour pass: declarations, feed, audit log, remediation."""
    fleet = fleets.make()
    hour = hour_of(fleet, FED)
    clock = Clock(FED - INSTALLED_BEFORE)
    recorder.clock_of_demo = clock
    installed = DemoInstallation(deps, clock)
    with tempfile.TemporaryDirectory() as folder:
        places = DemoPaths(Path(folder))
        prepare(fleet, hour, places)
        installed.begin(places, hour.past)
    messages = ((message.data, dict[str, str]()) for message in hour.sent)
    pass_the_hour(hour, messages, installed, DemoRun(), lambda: None)
    recorder.clock_of_demo = None
    recorder.now = FED
    return deps


def _open(deps: Context) -> list[ResourceState]:
    states = [state for state in deps.store.states(drifted=True) if state.is_open]
    return sorted(states, key=lambda state: state.key)


def _rehearse(deps: Context, recorder: Recorder) -> None:
    """The policy becomes a dry run, and another drift is approved: its write is only reported."""
    state = next(state for state in _open(deps) if state.asset_type == _BUCKET and _waits(state))
    policy = replace(deps.store.read(state.key).rules.policy or Policy(), dry_run=True)
    apply.sync(LoadResult(policy=policy), ApplyRequest("fleet"), deps, recorder.clock())
    google = FakeGoogle()
    remediation = RemediationContext(deps, LiveResources(google, default_catalogue()), worker="demo")
    seen = deps.store.last_observation(state.key)
    google.observe(state.key, seen.data if seen is not None else {})
    commands.approve(state.key, state.fingerprint, "lea.koch@example.com", deps.store, deps.projects, deps.clock)
    engine.remediate(state.key, remediation)
    recorder.now += timedelta(minutes=2)


def _waits(state: ResourceState) -> bool:
    return state.key.content == "resource" and state.remediation is not None and state.remediation.step == "asked"


def _observe(key: ResourceKey, data: Any, deps: Context) -> None:
    """A feed tells what a resource is by now."""
    seen = deps.store.last_observation(key)
    if seen is not None:
        pipeline.handle_observation(replace(seen, observed_at=deps.clock(), data=data), deps)


def _flap(deps: Context, recorder: Recorder) -> None:
    """Somebody and somebody else cannot agree on where a bucket is."""
    key = next(
        state.key
        for state in sorted(deps.store.states(), key=lambda entry: entry.key)
        if state.asset_type == _BUCKET and state.key.content == "resource" and state.judged_by and state.finding is None
    )
    seen = deps.store.last_observation(key)
    for _ in range(3):
        for data in ({**seen.data, "location": "US"}, seen.data) if seen is not None else ():
            recorder.now += timedelta(minutes=25)
            _observe(key, data, deps)


def _leave_alone(deps: Context, recorder: Recorder) -> None:
    """Two of what is open are exempted for a while."""
    for state, days in zip(_open(deps)[-2:], (5, 12), strict=True):
        until = recorder.now + timedelta(days=days)
        exemption = Exemption("moves to the new network, NET-417", "lea.koch@example.com", recorder.now, until)
        commands.exempt(state.key, exemption, deps)


def _sweep(deps: Context, recorder: Recorder) -> None:
    """The inventory is swept; it shows what was last observed."""
    recorder.now = FED + timedelta(hours=5)
    seen = [
        observation
        for state in deps.store.states()
        if (observation := deps.store.last_observation(state.key)) is not None
    ]
    sweep.sweep(["organizations/566099688680"], ["resource", "iam_policy"], (), _Inventory(seen, recorder.now), deps)


def page() -> str:
    """The whole of docs/reports.md."""
    made = warehouse()
    parts = [_INTRODUCTION]
    parts += [f"- [`{name}`](#{name}): {question(name).partition('?')[0]}?" for name in _ORDER]
    for name in _ORDER:
        rows = made.ask(name)
        parts += ["", f"## {name}", question(name), "", _answer(rows), "", _sql(name)]
    made.close()
    return "\n".join(parts) + "\n"


def _sql(name: str) -> str:
    text = (VIEWS / f"{name}.sql").read_text()
    query = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    link = f"[infra/bigquery/views/{name}.sql](../infra/bigquery/views/{name}.sql)"
    return f"<details><summary>The SQL</summary>\n\n{link}\n\n```sql\n{query}\n```\n</details>"


def _answer(rows: list[dict[str, Any]]) -> str:
    """The first rows as a table, and how many there are."""
    if not rows:
        return "No row."
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([_shown(row[name]) for name in names] for row in _chosen(rows))]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{table}\n\n{len(rows)} row{'s' if len(rows) > 1 else ''}{' in all' if len(rows) > _ROWS else ''}."


def _chosen(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first rows; of each group one at least, the last ones of a series of days."""
    if "grouped_by" in rows[0]:
        groups = list(dict.fromkeys(row["grouped_by"] for row in rows))
        return [row for group in groups for row in [row for row in rows if row["grouped_by"] == group][:2]]
    if rows[0].keys() >= {"day", "opened"}:
        return rows[-_ROWS + 2 :]
    if "sequence" in rows[0]:
        rows = sorted(rows, key=lambda row: (row["time"], row["id"]))
        return rows[:2]
    return rows[:_ROWS]


def _shown(value: Any) -> str:
    match value:
        case None:
            return "null"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case _:
            text = str(value).replace("|", "\\|")
            return text if len(text) <= _WIDEST or ". " in text else f"{text[: _WIDEST - 1]}…"


_INTRODUCTION = """# Reports

*`make reports` writes this page from the views and from their answers for the demo, on a morning that is always the
same: the numbers are those of `make demo`, with a later sweep, two exemptions, a bucket on which two people disagree,
and a remediation in a dry run. The demo waits for no feed: detection takes three seconds at most, but for
the seven drifts that were there before Setpoint, which its first sweep found.*

With `reports = { enabled = true }` Pub/Sub writes every drift event to BigQuery, without code of Setpoint's in between.
`functions/report` adds once a day what no event holds: the findings as they are, how much of what is declared is
compared, the latest sweeps, and a digest of the week before. Fourteen views answer what a platform team asks:

    SELECT * FROM `PROJECT.setpoint.open_drift` WHERE team = 'payments'

| table | a row is | partitioned by |
|---|---|---|
| `drift_events` | an event in columns; delivered twice, it is there twice | `recordedtime`, when it was recorded |
| `drift_messages` | an event as it was published: JSON with all values, and the message's metadata | `publish_time` |
| `findings_snapshot` | a finding as it was on a day | `day` |
| `coverage_snapshot` | what a team declares in a project of one type, and how much of it was ever compared | `day` |
| `sweeps_snapshot` | the latest run of a sweep | `day` |
| `digests` | a week of the fleet or of a team, in figures and in words | `day` |

**No query reads all history.** Each table requires a filter on its days. Views of events look back 90 days
(`reports.days`), views of snapshots eight days, of which they take the latest. `make reports` and the tests run the
same SQL on DuckDB, translated by SQLGlot; [decision 22](decisions/0022-the-warehouse.md) compares it with BigQuery
itself, and [performance](performance.md#reports) has the cost.

**Good to know**

- `time` is the time of the observation. What a sweep finds of long ago does not count as news of today; it shows in
  `open_drift` from the next snapshot on.
- Declared and observed values are in `drift_messages` only (`JSON_QUERY(data, '$.data.differences')`).
- An event that BigQuery refuses goes to `warehouse-dead-letters`, from where it can be published again. No view counts
  an event twice.
- To write a day again, publish any message to the topic `reports`.

## The views
"""


def main() -> None:
    """Write the page."""
    TARGET.write_text(page())


if __name__ == "__main__":
    main()
