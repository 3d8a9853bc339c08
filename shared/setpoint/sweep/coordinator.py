"""The life of a sweep over many runs of a function: what each message has done.

A crash anywhere loses nothing: a message that is not acknowledged comes again, and what it tells is done from where the
records say that it stopped. Messages that come twice, or out of their order, find that it is done, or is being done by
somebody who is ahead.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from setpoint.detection import pipeline
from setpoint.errors import BadRequest, Conflict, MalformedMessage, TransientError
from setpoint.model import sharding
from setpoint.model.sweep_records import Heal, Shard, Start, Summary, Sweep, SweepMessage, Work, decode_message
from setpoint.ports.stores import StoredSweep
from setpoint.sweep.conclude import conclude
from setpoint.sweep.context import Sweeper
from setpoint.sweep.list_shard import list_shard
from setpoint.util import telemetry

_PROJECT = "cloudresourcemanager.googleapis.com/Project"
_ATTEMPTS = 8

Done = Literal[
    "begun",  # a sweep: its shards have messages
    "under way",  # the same sweep, begun before and not ended
    "listed",  # a shard, to its end
    "handed over",  # time was over; another message goes on
    "ended",  # a sweep
    "out of date",  # a message of what was ended or begun anew
    "overtaken",  # somebody else does the same and is ahead
    "healed",  # what had waited is published
    "rejected",  # no message of a sweep: dead-lettered
    "not healed",  # the next minute will
]


class MessageResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one message.

    Args:
        done: what.
        about: of which sweep or shard, in words.
        summary: what a sweep has found that has ended.
        healed: resources of which events were published that a crash had left behind.
        settled: drifts that were to last for a while, and were judged anew since it is over.
    """

    done: Done
    about: str = ""
    summary: Summary | None = None
    healed: int = 0
    settled: int = 0

    @property
    def severity(self) -> Literal["INFO", "WARNING", "ERROR"]:
        """How a log is to have it: a sweep that knows nothing of the fleet is an error, whatever else it looks like."""
        if self.done in ("rejected", "not healed"):
            return "WARNING"
        if self.summary is None or not (self.summary.denied or self.summary.failed or not self.summary.listed):
            return "INFO"
        return "WARNING" if self.summary.listed else "ERROR"


def receive(message: bytes, attributes: Mapping[str, str], message_id: str, sweeper: Sweeper) -> MessageResult:
    """Do what a message tells, and dead-letter it with the reason where nothing can be done.

    Args:
        message: the message's data.
        attributes: its attributes.
        message_id: the same whenever the message is delivered again; names the run that it begins.
        sweeper: what sweeps work with.

    Raises:
        PermanentError: the installation is at fault, not the message: let it be delivered again when that is mended.
        TransientError: let the message be delivered again.
    """
    try:
        told = decode_message(message)
    except MalformedMessage as error:
        sweeper.deps.dead_letters.put(message, attributes, str(error))
        return MessageResult("rejected", str(error))
    return _HANDLERS[type(told)](told, message_id, sweeper)


def start(told: Start, run: str, sweeper: Sweeper, *, fresh: bool = False) -> MessageResult:
    """Begin a run of a sweep: plan its shards and have them listed; again only what is open, where it was begun before.

    A sweep that is under way is left to go on; one that has stopped is ended, with what is missing unknown.

    Args:
        told: what to sweep.
        run: names the run; the same when the message is delivered again.
        sweeper: what sweeps work with.
        fresh: begin anew whatever is under way.
    """
    stored = sweeper.records.sweep(told.name)
    before = stored.value
    if before is not None and before.summary is None and not fresh and before.run != run:
        if not _has_stopped(before, sweeper):
            return MessageResult("under way", _label(told))
        ended = _give_up(stored, sweeper)
        if ended.done != "ended":
            sweeper.queue.publish([told])  # after the old one has come to its end
            return ended
        stored = sweeper.records.sweep(told.name)
    if before is None or before.run != run:
        _learn_projects(told.scopes, sweeper)
        before = _begin(told, run, stored, sweeper)
    sweeper.queue.publish(_shuffled([Work(told.name, run, number) for number in before.open]))
    return MessageResult("begun" if before.open else "out of date", _label(told))


def _learn_projects(scopes: Sequence[str], sweeper: Sweeper) -> None:
    """Learn what all projects are called, before anything is judged that the inventory lists by their numbers alone."""
    for scope in scopes:
        with suppress(BadRequest):  # the listing itself says so
            for page in sweeper.inventory.pages(scope, "resource", (_PROJECT,)):
                pipeline.record_project_ids(page.observations, sweeper.deps)


def work(told: Work, sweeper: Sweeper) -> MessageResult:
    """List a shard, or what of it fits into the time of one run; whoever ends the last one ends the sweep.

    Raises:
        TransientError: go on later from where it stopped.
    """
    until = sweeper.deadline()
    sweep = _current(told, sweeper)
    if sweep is not None and told.shard in sweep.open:
        listed = _list(told, sweeper, until)
        if listed.done != "listed":
            return listed
        sweep = _closed(told, sweeper)
        if sweep is None or sweep.open:
            return listed
    if sweep is None or sweep.open:
        return MessageResult("out of date", f"shard {told.shard} of {told.run}")
    return _end(sweep, told, sweeper, until)


def _current(told: Work, sweeper: Sweeper) -> Sweep | None:
    """The record of the sweep, where the run that is meant has not ended."""
    sweep = sweeper.records.sweep(told.sweep).value
    return sweep if sweep is not None and _is_current(sweep, told) else None


def _is_current(sweep: Sweep, told: Work) -> bool:
    return sweep.run == told.run and sweep.summary is None


def _list(told: Work, sweeper: Sweeper, until: float) -> MessageResult:
    stored = sweeper.records.shard(told.run, told.shard)
    shard = stored.value
    if shard is None:
        return MessageResult("out of date", f"shard {told.shard} of {told.run}")
    if shard.status == "open":
        sweeper.sleep(random.uniform(0, sweeper.jitter))  # noqa: S311 - no secret
        listed = list_shard(stored, sweeper, until)
        if listed is None:
            return MessageResult("overtaken", shard.label)
        if listed.status == "open":
            sweeper.queue.publish([told])
            return MessageResult("handed over", shard.label)
    return MessageResult("listed", shard.label)


def republish_pending(sweeper: Sweeper) -> MessageResult:
    """Look after what waits, every minute; what fails is left to the next one."""
    try:
        healed = pipeline.republish_pending(sweeper.deps)
        settled = pipeline.promote_settled(sweeper.deps)
        stored_sweeps = list(sweeper.records.sweeps())
        _note_age([stored.value for stored in stored_sweeps if stored.value is not None], sweeper)
        for stored in stored_sweeps:
            if stored.value is not None and stored.value.summary is None and _has_stopped(stored.value, sweeper):
                _give_up(stored, sweeper)
    except TransientError as error:
        return MessageResult("not healed", str(error))
    return MessageResult("healed", healed=healed, settled=settled.total())


def _note_age(sweeps: Sequence[Sweep], sweeper: Sweeper) -> None:
    """Tell how long ago a sweep has ended, or begun where it has not: somebody is to look where that grows."""
    times = [sweep.summary.ended_at if sweep.summary is not None else sweep.started_at for sweep in sweeps]
    if times:
        telemetry.note(sweep_age_seconds=round((sweeper.now() - max(times)).total_seconds()))


_HANDLERS: dict[type[SweepMessage], Callable[[Any, str, Sweeper], MessageResult]] = {
    Start: start,
    Work: lambda told, _, sweeper: work(told, sweeper),
    Heal: lambda _, __, sweeper: republish_pending(sweeper),
}


def _begin(told: Start, run: str, stored: StoredSweep, sweeper: Sweeper) -> Sweep:
    """Write the records of a run, the sweep's own last; of two who begin at once one has a conflict."""
    before, now = stored.value, sweeper.now()
    counts = before.counts if before else {}
    plan = [
        (content, scope, types)
        for content in told.contents
        for scope in told.scopes
        if content != "access_policy" or scope.startswith("organizations/")
        for types in sharding.split(told.types, counts.get(f"{scope} {content}", {}), sweeper.shard_size)
    ]
    if not plan:
        raise BadRequest("access policies are listed of organisations only; use organizations/NUMBER")
    for number, (content, scope, types) in enumerate(plan):
        with suppress(Conflict):  # it is there since a start that has died half-way; the plan was the same
            sweeper.records.write_shard(Shard(run, number, scope, content, now, types), None)
    sources = {name: one.generation for name, one in sweeper.deps.store.control().value.sources.items()}
    numbers = tuple(range(len(plan)))
    begun = Sweep(told.name, run, told, now, sources, len(plan), numbers, counts)
    sweeper.records.write_sweep(begun, stored.version)
    if before is not None:
        sweeper.records.drop_run(before.run)
    return begun


def _closed(told: Work, sweeper: Sweeper) -> Sweep | None:
    """Note that a shard has come to its end; the record as it is then, None where there is another run by now."""
    for _ in range(_ATTEMPTS):
        stored = sweeper.records.sweep(told.sweep)
        sweep = stored.value
        if sweep is None or not _is_current(sweep, told):
            return None
        left = tuple(one for one in sweep.open if one != told.shard)
        if left == sweep.open:
            return sweep
        try:
            return sweeper.records.write_sweep(replace(sweep, open=left), stored.version).value
        except Conflict:
            continue
    raise Conflict(f"sweep {told.sweep}: written by others {_ATTEMPTS} times in a row; it will be delivered again")


def _end(sweep: Sweep, told: Work, sweeper: Sweeper, until: float) -> MessageResult:
    """End a sweep of which every shard has come to its end, or hand over where that takes longer than there is time."""
    label = _label(sweep.told)
    try:
        summary = conclude(sweep, sweeper, until)
        if summary is None:
            _show_life(sweep, sweeper)
            sweeper.queue.publish([told])
            return MessageResult("handed over", label)
        stored = sweeper.records.sweep(sweep.name)
        if stored.value != sweep:
            return MessageResult("overtaken", label)
        counts = _worth_splitting(sweep, sweeper)
        sweeper.records.write_sweep(replace(sweep, counts=counts, summary=summary), stored.version)
    except Conflict:
        if sweeper.records.sweep(sweep.name).value == sweep:
            raise  # of a finding, not of the sweep
        return MessageResult("overtaken", label)
    sweeper.records.drop_run(sweep.run)
    telemetry.note(coverage=round(summary.coverage, 6))
    return MessageResult("ended", label, summary)


def _show_life(sweep: Sweep, sweeper: Sweeper) -> None:
    """Note that somebody is at the end of a sweep, and has a message for what is left: nobody has to see to it."""
    stored = sweeper.records.shard(sweep.run, 0)
    if stored.value is not None:
        with suppress(Conflict):  # somebody else has noted something, and so shows life too
            sweeper.records.write_shard(replace(stored.value, updated_at=sweeper.now()), stored.version)


def _worth_splitting(sweep: Sweep, sweeper: Sweeper) -> dict[str, dict[str, int]]:
    """Assets of each type, of scopes and contents that one shard does not hold; as before where not all is known."""
    found: dict[str, dict[str, int]] = {}
    for stored in sweeper.records.shards(sweep.run):
        shard = stored.value
        if shard is not None:
            key = f"{shard.scope} {shard.content}"
            known = shard.counts if shard.status == "done" else _known_of(shard, sweep.counts.get(key, {}))
            for kind, count in known.items():
                of_scope = found.setdefault(key, {})
                of_scope[kind] = of_scope.get(kind, 0) + count
    return {key: kinds for key, kinds in found.items() if sum(kinds.values()) > sweeper.shard_size}


def _known_of(shard: Shard, counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: count for kind, count in counts.items() if shard.covers(kind)}


def _has_stopped(sweep: Sweep, sweeper: Sweeper) -> bool:
    """Whether nothing has been done for a sweep for so long that nobody will."""
    long_ago: timedelta = sweeper.patience
    if sweep.started_at + long_ago > sweeper.now():
        return False
    times = [shard.value.updated_at for shard in sweeper.records.shards(sweep.run) if shard.value is not None]
    return max([sweep.started_at, *times]) + long_ago <= sweeper.now()


def _give_up(stored: StoredSweep, sweeper: Sweeper) -> MessageResult:
    """End a sweep that has stopped: what its open shards did not list is unknown."""
    sweep = stored.value
    assert sweep is not None  # noqa: S101 - callers have looked; this tells the type checker
    until = sweeper.deadline()
    for number in sweep.open:
        shard = sweeper.records.shard(sweep.run, number)
        if shard.value is not None and shard.value.status == "open":
            lost = replace(shard.value, status="lost", reason="it never came back; see the log of the sweep function")
            sweeper.records.write_shard(lost, shard.version)
    closed = replace(sweep, open=())
    if sweep.open:
        sweeper.records.write_sweep(closed, stored.version)
    return _end(closed, Work(sweep.name, sweep.run, 0), sweeper, until)


def _shuffled(messages: list[SweepMessage]) -> list[SweepMessage]:
    """In no order, so that it is not always the same ones that wait for a quota."""
    return random.sample(messages, len(messages))


def _label(told: Start) -> str:
    return " ".join((*told.scopes, *told.contents, *told.types))
