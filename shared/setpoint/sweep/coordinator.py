"""Coordinate a sweep over many runs of a function, one message at a time.

A crash loses nothing: a message that is not acknowledged is delivered again, and its work resumes from the stored
progress. A duplicate or late message finds its work done, or another worker ahead of it, and stops.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, Conflict, MalformedMessage, TransientError
from setpoint.model import sharding
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sources import Control
from setpoint.model.sweep_records import (
    MAX_PLACES,
    HistoryRequest,
    PendingWork,
    Shard,
    ShardWork,
    Summary,
    Sweep,
    SweepMessage,
    SweepStart,
    decode_message,
)
from setpoint.operations.record_problem_log import RecordProblemLog
from setpoint.operations.retention import drop_resolved
from setpoint.ports.services import Inventory
from setpoint.ports.stores import Problems, StoredSweep, SweepStore
from setpoint.sweep.conclude import conclude
from setpoint.sweep.context import HistoryCounts, Sweeper
from setpoint.sweep.list_parents import list_parents
from setpoint.sweep.list_shard import list_shard
from setpoint.util import telemetry
from setpoint.util.retries import retry_on_conflict

_PROJECT = "cloudresourcemanager.googleapis.com/Project"

Done = Literal[
    "begun",  # a sweep: its shards are queued
    "under way",  # the same sweep is still running
    "listed",  # a shard, to its end
    "handed over",  # out of time; another message continues
    "ended",  # a sweep
    "out of date",  # the run has ended or was restarted
    "overtaken",  # another worker is ahead
    "healed",  # pending events are published
    "history read",  # since when and by whom findings drift, as far as the budget goes
    "rejected",  # not a sweep message: dead-lettered
    "not healed",  # the next run, a minute later, retries
]


class MessageResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of one message.

    Args:
        done: the result.
        about: the sweep or shard, in words.
        summary: the summary of a sweep that has ended.
        healed: resources whose pending events were published after a crash.
        settled: drifts evaluated again because their grace period is over.
        deep_reads: resources that were read through their own API.
        dated: findings whose history was read.
        searched: findings whose audit log was read.
        problems: records and resources that cannot be read, and what to do about each.
    """

    done: Done
    about: str = ""
    summary: Summary | None = None
    healed: int = 0
    settled: int = 0
    deep_reads: int = 0
    dated: int = 0
    searched: int = 0
    problems: tuple[str, ...] = ()

    @property
    def severity(self) -> Literal["INFO", "WARNING", "ERROR"]:
        """The log severity: a sweep that listed nothing is an error."""
        if self.done in ("rejected", "not healed") or self.problems:
            return "WARNING"
        if self.summary is None or not (self.summary.denied or self.summary.failed or not self.summary.listed):
            return "INFO"
        return "WARNING" if self.summary.listed else "ERROR"


def receive(message: bytes, attributes: Mapping[str, str], message_id: str, sweeper: Sweeper) -> MessageResult:
    """Handle a message; dead-letter it with the reason if it can never be handled.

    Args:
        message: the message's data.
        attributes: the message attributes.
        message_id: stable across redeliveries; the name of the run that it begins.
        sweeper: the ports and limits.

    Raises:
        PermanentError: the installation is at fault, not the message; fix it and redeliver.
        TransientError: the message failed for now; redeliver it.
    """
    try:
        decoded = decode_message(message)
    except MalformedMessage as error:
        sweeper.dead_letters.put(message, attributes, str(error))
        return MessageResult("rejected", str(error))
    return _HANDLERS[type(decoded)](decoded, message_id, sweeper)


def start(request: SweepStart, run: str, sweeper: Sweeper, *, fresh: bool = False) -> MessageResult:
    """Begin a run of a sweep: plan its shards and queue them; for a run that already began, queue only the open ones.

    A running sweep continues; a stalled one is ended, and resources that it did not list stay unknown.

    Args:
        request: the scopes and contents to sweep.
        run: the name of the run; stable across redeliveries.
        sweeper: the ports and limits.
        fresh: restart a running sweep.
    """
    stored = sweeper.records.sweep(request.name)
    before = stored.value
    if before is not None and before.summary is None and not fresh and before.run != run:
        if not _is_stalled(before, sweeper.records, sweeper.stalled_after, sweeper.now()):
            return MessageResult("under way", _label(request))
        ended = _give_up(stored, sweeper)
        if ended.done != "ended":
            sweeper.queue.publish([request])  # runs after the old sweep has ended
            return ended
        stored = sweeper.records.sweep(request.name)
    if before is None or before.run != run:
        _record_projects(request.scopes, sweeper.inventory, sweeper.detection)
        before = _begin(request, run, stored, sweeper)
    sweeper.queue.publish(_shuffled([ShardWork(request.name, run, number) for number in before.open]))
    return MessageResult("begun" if before.open else "out of date", _label(request))


def _record_projects(scopes: Sequence[str], inventory: Inventory, detection: Context) -> None:
    """Record the id of each project number before resources that are listed by number are evaluated."""
    for scope in scopes:
        with suppress(BadRequest):  # the listing reports it
            for page in inventory.pages(scope, "resource", (_PROJECT,)):
                pipeline.record_project_ids(page.observations, detection)


def work(message: ShardWork, sweeper: Sweeper) -> MessageResult:
    """List a shard within the time of one run; the last shard to end concludes the sweep.

    Raises:
        TransientError: resume later from the stored progress.
    """
    until = sweeper.deadline()
    sweep = _current_sweep(message, sweeper.records)
    if sweep is not None and message.shard in sweep.open:
        listed = _list(message, sweeper, until)
        if listed.done != "listed":
            return listed
        sweep = _mark_shard_ended(message, sweeper.records)
        if sweep is None or sweep.open:
            return listed
    if sweep is None or sweep.open:
        return MessageResult("out of date", f"shard {message.shard} of {message.run}")
    return _end(sweep, message, sweeper, until)


def _current_sweep(message: ShardWork, records: SweepStore) -> Sweep | None:
    """The record of the sweep, if the message belongs to its current run."""
    sweep = records.sweep(message.sweep).value
    return sweep if sweep is not None and _is_current(sweep, message) else None


def _is_current(sweep: Sweep, message: ShardWork) -> bool:
    return sweep.run == message.run and sweep.summary is None


def _list(message: ShardWork, sweeper: Sweeper, until: float) -> MessageResult:
    stored = sweeper.records.shard(message.run, message.shard)
    shard = stored.value
    if shard is None:
        return MessageResult("out of date", f"shard {message.shard} of {message.run}")
    if shard.status == "open":
        sweeper.sleep(random.uniform(0, sweeper.jitter))  # noqa: S311 - no secret
        listed = list_shard(stored, sweeper, until)
        if listed is None:
            return MessageResult("overtaken", shard.label)
        if listed.status == "open":
            sweeper.queue.publish([message])
            return MessageResult("handed over", shard.label)
    return MessageResult("listed", shard.label)


def republish_pending(sweeper: Sweeper) -> MessageResult:
    """Publish pending events and evaluate drifts past their grace period; the next run retries failures."""
    problems: Problems = []
    try:
        healed = sweeper.outbox.republish_pending(problems)
        settled = pipeline.promote_settled(sweeper.detection, problems)
        stored_sweeps = list(sweeper.records.sweeps())
        _note_age([stored.value for stored in stored_sweeps if stored.value is not None], sweeper.now())
        _note_source_age(sweeper.store.control().value, sweeper.now())
        for stored in stored_sweeps:
            sweep = stored.value
            if sweep is None or sweep.summary is not None:
                continue
            if _is_stalled(sweep, sweeper.records, sweeper.stalled_after, sweeper.now()):
                _give_up(stored, sweeper)
        readings = sweeper.read_due()
    except TransientError as error:
        return MessageResult("not healed", str(error))
    RecordProblemLog(sweeper.store.notices).note(problems, sweeper.now())
    if readings is not None and readings.left:
        telemetry.note(deep_reads_due=readings.left)
    return MessageResult(
        "healed",
        healed=healed,
        settled=settled.total(),
        deep_reads=readings.read if readings is not None else 0,
        problems=tuple(dict.fromkeys([*map(str, problems), *(readings.problems if readings is not None else ())])),
    )


def _read_history(
    message: HistoryRequest, read_history: Callable[[ResourceKey | None], HistoryCounts | None]
) -> MessageResult:
    """Read since when and by whom findings drift; what is left waits for the next hour, since progress is stored."""
    key = ResourceKey(message.name, message.content) if message.name else None
    try:
        counts = read_history(key)
    except (BadRequest, TransientError) as error:
        return MessageResult("not healed", str(error))
    if counts is None:
        return MessageResult("history read", "switched off")
    return MessageResult(
        "history read", message.name, dated=counts.dated, searched=counts.searched, problems=tuple(counts.problems)
    )


def _note_age(sweeps: Sequence[Sweep], now: datetime) -> None:
    """Report the seconds since the last sweep ended, or began if none has ended, for an alert on its growth."""
    times = [sweep.summary.ended_at if sweep.summary is not None else sweep.started_at for sweep in sweeps]
    if times:
        telemetry.note(sweep_age_seconds=round((now - max(times)).total_seconds()))


def _note_source_age(control: Control, now: datetime) -> None:
    """Report the seconds since the oldest upload of a source, for an alert where uploads are promised."""
    uploaded = [source.applied_at for source in control.sources.values() if source.revision and source.applied_at]
    if uploaded:
        telemetry.note(source_age_seconds=round((now - min(uploaded)).total_seconds()))


_HANDLERS: dict[type[SweepMessage], Callable[[Any, str, Sweeper], MessageResult]] = {
    SweepStart: start,
    ShardWork: lambda message, _, sweeper: work(message, sweeper),
    PendingWork: lambda _, __, sweeper: republish_pending(sweeper),
    HistoryRequest: lambda message, _, sweeper: _read_history(message, sweeper.read_history),
}


def _begin(request: SweepStart, run: str, stored: StoredSweep, sweeper: Sweeper) -> Sweep:
    """Write the records of a run, the sweep's own last; of two concurrent starts one gets a conflict."""
    before, now = stored.value, sweeper.now()
    counts = before.counts if before else {}
    plan = [
        (content, scope, types)
        for content in request.contents
        for scope in request.scopes
        if content != "access_policy" or scope.startswith("organizations/")
        for types in sharding.split(request.types, counts.get(f"{scope} {content}", {}), sweeper.shard_size)
    ]
    if not plan:
        raise BadRequest("access policies are listed of organisations only; use organizations/NUMBER")
    for number, (content, scope, types) in enumerate(plan):
        with suppress(Conflict):  # an earlier start wrote it and crashed; the plan was the same
            sweeper.records.write_shard(Shard(run, number, scope, content, now, types), None)
    sources = {name: source.generation for name, source in sweeper.store.control().value.sources.items()}
    numbers = tuple(range(len(plan)))
    places = before.places if before else ()
    begun = Sweep(
        request.name,
        run,
        request,
        now,
        sources,
        len(plan),
        numbers,
        counts,
        places=places,
        parents=list_parents(request, run, sweeper.store, sweeper.inventory, sweeper.now),
    )
    sweeper.records.write_sweep(begun, stored.version)
    if before is not None:
        for earlier in filter(None, (before.run, before.parents)):
            sweeper.records.drop_run(earlier)
    return begun


def _places(sweep: Sweep, records: SweepStore) -> tuple[str, ...]:
    """The folders and organizations that a run has listed resources in."""
    parts = (part for number in range(sweep.shards) for part in records.parts(sweep.run, number))
    places = {place for part in parts for place in part.places}
    return tuple(sorted(places)) if len(places) <= MAX_PLACES else ()


def _mark_shard_ended(message: ShardWork, records: SweepStore) -> Sweep | None:
    """Mark a shard as ended; return the record, or None if another run has replaced it."""

    def mark() -> Sweep | None:
        stored = records.sweep(message.sweep)
        sweep = stored.value
        if sweep is None or not _is_current(sweep, message):
            return None
        left = tuple(shard for shard in sweep.open if shard != message.shard)
        if left == sweep.open:
            return sweep
        return records.write_sweep(replace(sweep, open=left), stored.version).value

    return retry_on_conflict(mark, what=f"sweep {message.sweep}")


def _end(sweep: Sweep, message: ShardWork, sweeper: Sweeper, until: float) -> MessageResult:
    """Conclude a sweep whose shards have all ended, or hand over when time is up."""
    label = _label(sweep.start)
    try:
        summary = conclude(sweep, sweeper, until)
        if summary is None:
            _heartbeat(sweep, sweeper.records, sweeper.now())
            sweeper.queue.publish([message])
            return MessageResult("handed over", label)
        stored = sweeper.records.sweep(sweep.name)
        if stored.value != sweep:
            return MessageResult("overtaken", label)
        counts = _counts_to_split(sweep, sweeper.records, sweeper.shard_size)
        ended = replace(sweep, counts=counts, summary=summary, places=_places(sweep, sweeper.records))
        sweeper.records.write_sweep(ended, stored.version)
    except Conflict:
        if sweeper.records.sweep(sweep.name).value == sweep:
            raise  # the conflict is on a finding, not on the sweep
        return MessageResult("overtaken", label)
    sweeper.records.drop_run(sweep.run)
    telemetry.note(coverage=round(summary.coverage, 6))
    drop_resolved(sweeper.store, sweeper.retention, sweeper.now())
    sweeper.store.forget(sweeper.retention, sweeper.now())
    return MessageResult("ended", label, summary)


def _heartbeat(sweep: Sweep, records: SweepStore, now: datetime) -> None:
    """Touch a shard so that the sweep does not count as stalled while it is being concluded."""
    stored = records.shard(sweep.run, 0)
    if stored.value is not None:
        with suppress(Conflict):  # another worker has just touched it
            records.write_shard(replace(stored.value, updated_at=now), stored.version)


def _counts_to_split(sweep: Sweep, records: SweepStore, shard_size: int) -> dict[str, dict[str, int]]:
    """Asset counts by type for scopes and contents too large for one shard; earlier counts if a listing failed."""
    sizes: dict[str, dict[str, int]] = {}
    for stored in records.shards(sweep.run):
        shard = stored.value
        if shard is not None:
            key = f"{shard.scope} {shard.content}"
            known = shard.counts if shard.status == "done" else _counts_covered(shard, sweep.counts.get(key, {}))
            for kind, count in known.items():
                of_scope = sizes.setdefault(key, {})
                of_scope[kind] = of_scope.get(kind, 0) + count
    return {key: kinds for key, kinds in sizes.items() if sum(kinds.values()) > shard_size}


def _counts_covered(shard: Shard, counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: count for kind, count in counts.items() if shard.covers(kind)}


def _is_stalled(sweep: Sweep, records: SweepStore, stalled_after: timedelta, now: datetime) -> bool:
    """Whether a sweep has shown no progress for longer than that."""
    if sweep.started_at + stalled_after > now:
        return False
    times = [shard.value.updated_at for shard in records.shards(sweep.run) if shard.value is not None]
    return max([sweep.started_at, *times]) + stalled_after <= now


def _give_up(stored: StoredSweep, sweeper: Sweeper) -> MessageResult:
    """End a stalled sweep: resources that its open shards did not list stay unknown."""
    sweep = stored.value
    assert sweep is not None  # noqa: S101 - callers check this; the assertion is for the type checker
    until = sweeper.deadline()
    for number in sweep.open:
        shard = sweeper.records.shard(sweep.run, number)
        if shard.value is not None and shard.value.status == "open":
            lost = replace(shard.value, status="lost", reason="it never came back; see the log of the sweep function")
            sweeper.records.write_shard(lost, shard.version)
    closed = replace(sweep, open=())
    if sweep.open:
        sweeper.records.write_sweep(closed, stored.version)
    return _end(closed, ShardWork(sweep.name, sweep.run, 0), sweeper, until)


def _shuffled(messages: list[SweepMessage]) -> list[SweepMessage]:
    """The messages in random order, so that quotas do not always delay the same shards."""
    return random.sample(messages, len(messages))


def _label(request: SweepStart) -> str:
    return " ".join((*request.scopes, *request.contents, *request.types))
