"""Repair unreadable records of findings: keep the readable fields, and evaluate the resource again."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Literal, NamedTuple

from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import Conflict, NewerRecord, SetpointError
from setpoint.model import safety_limits
from setpoint.model.resource_key import ResourceKey
from setpoint.model.safety_limits import Pause
from setpoint.model.salvage import salvage
from setpoint.operations.record_problem_log import RecordProblemLog
from setpoint.ports.stores import DamagedRecord, RemediationStore
from setpoint.util.retries import retry_on_conflict

Repair = Literal[
    "judged",  # repaired, and judged anew by its last observation
    "reset",  # repaired; nothing was observed that can be read, so that the next sweep judges it
    "deleted",  # not even its resource is known: the next sweep makes it anew
    "left",  # a newer version wrote it
    "failed",  # see the reason
]
_BY = "setpoint repair"


class RepairResult(NamedTuple):
    """The result for one record.

    Args:
        record: its collection and id.
        resource: the full resource name; empty where it is not known.
        repair: what was done.
        reason: why, or what to do next; empty where there is nothing to say.
        is_paused: whether the resource is paused, since an exemption of it may be lost.
    """

    record: str
    resource: str
    repair: Repair
    reason: str = ""
    is_paused: bool = False


def repair(context: Context, now: datetime) -> list[RepairResult]:
    """Repair every unreadable record of a finding; a record that cannot be repaired does not stop the others.

    Where an exemption or the state of a remediation is lost, the resource is paused first: nobody knows any more
    whether it may be written to.

    Raises:
        TransientError: the store does not answer.
    """
    problems = RecordProblemLog(context.store.notices)
    results: list[RepairResult] = []
    for record in list(context.store.damaged()):
        result = _repaired(record, context, now)
        if result.repair not in ("left", "failed"):
            problems.forget(result.record, now)
        else:
            problems.note((record.problem,), now)
        results.append(result)
    return results


def counts(results: list[RepairResult]) -> Counter[Repair]:
    """The number of records by repair."""
    return Counter(result.repair for result in results)


def _repaired(record: DamagedRecord, context: Context, now: datetime) -> RepairResult:
    place = record.problem.record or f"findings/{record.id}"
    if isinstance(record.problem, NewerRecord):
        return RepairResult(place, record.problem.resource, "left", str(record.problem))
    salvaged = salvage(record.body, record.key, record.observation, now)
    state = salvaged.state
    key = state.key if state is not None else record.key
    if key is not None and key.id != record.id:
        state = key = None  # what its fields say is another resource's
    name = key.name if key is not None else ""
    is_paused = salvaged.may_forbid_writes and key is not None
    try:
        if is_paused and key is not None:
            _pause(key, context.store, now)
        context.store.repair(record, state)
        if state is None:
            return RepairResult(place, name, "deleted", "run `setpoint sweep`", is_paused)
        outcome = pipeline.reevaluate(state.key, context)
    except Conflict:
        return RepairResult(
            place, name, "failed", "another process wrote it at the same time; run the command again", is_paused
        )
    except SetpointError as error:
        return RepairResult(place, name, "failed", str(error), is_paused)
    if outcome == "unreadable":
        return RepairResult(place, name, "reset", "run `setpoint sweep`", is_paused)
    return RepairResult(place, name, "judged", outcome, is_paused)


def _pause(key: ResourceKey, store: RemediationStore, now: datetime) -> None:
    """Pause remediation of a resource until a person has looked."""
    reason = "its record was damaged: an exemption of it may be lost"

    def write() -> None:
        stored = store.safety_state()
        paused = safety_limits.pause(stored.value, Pause(key.name, now, _BY, reason))
        store.write_safety_state(paused, stored.version)

    retry_on_conflict(write, what="the safety limits", then="run the command again")
