"""A sweep in one process: the same messages, handled in sequence."""

from __future__ import annotations

import uuid
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, Conflict, TransientError
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import Content
from setpoint.model.retention import DEFAULT, Retention
from setpoint.model.sweep_records import ShardWork, Summary, SweepMessage, SweepStart
from setpoint.operations.record_problem_log import RecordProblemLog
from setpoint.ports.services import Inventory
from setpoint.ports.stores import Problems, SweepStore
from setpoint.sweep.context import Sweeper
from setpoint.sweep.coordinator import start, work
from setpoint.util.progress import Advance, no_progress

RESUMABLE = timedelta(days=1)
"""A sweep that was interrupted longer ago starts from the beginning, since its listing is out of date."""


@dataclass(slots=True)
class SweepResult:
    """The result of a sweep; see ``Summary`` for what is counted.

    Args:
        summary: its figures.
        outcomes: number of observations by outcome.
        healed: resources whose pending events were published after a crash.
        resumed: whether it continued an interrupted sweep.
        problems: records that cannot be read, and what to do about each.
    """

    summary: Summary
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    healed: int = 0
    resumed: bool = False
    problems: tuple[str, ...] = ()

    @property
    def listed(self) -> int:
        """Listed assets."""
        return self.summary.listed

    @property
    def gone(self) -> int:
        """Declared resources that are deleted, and declared policies that are empty."""
        return self.summary.deleted

    @property
    def unknown(self) -> int:
        """Declared resources that the sweep could not evaluate."""
        return self.summary.unknown

    @property
    def made(self) -> Counter[str]:
        """Undeclared resources within a scope that Google or another resource creates, by creator."""
        return Counter(self.summary.created_by)

    @property
    def denied(self) -> dict[str, str]:
        """Scopes that deny access, and the reason."""
        return self.summary.denied


class _MemoryQueue(deque[SweepMessage]):
    """A queue in memory whose consumer is also its producer."""

    def publish(self, messages: Sequence[SweepMessage]) -> None:
        """See ``SweepQueue.publish``."""
        self.extend(messages)


def sweep(  # noqa: PLR0913 - what is swept, and with what
    scopes: Sequence[str],
    contents: Sequence[Content],
    types: Sequence[str],
    inventory: Inventory,
    detection: Context,
    advance: Advance = no_progress,
    *,
    resume: bool = False,
    retention: Retention = DEFAULT,
) -> SweepResult:
    """List scopes, and evaluate both listed and missing resources.

    Args:
        scopes: ``organizations/N``, ``folders/N`` or ``projects/P``; a denied scope does not stop the others.
        contents: the contents to list.
        types: asset types, or regular expressions for them; all types where empty.
        inventory: lists the assets.
        detection: evaluates findings again.
        advance: called with the number of judged assets, for a progress bar.
        resume: continue the same sweep if it was interrupted less than a day ago; else start from the beginning.
        retention: how long what is kept.

    Raises:
        BadRequest: nothing was listed, which is never a clean fleet.
        Conflict: another process runs the same sweep.
        Unavailable: the inventory or the store does not answer; progress is stored, and the sweep can be resumed.
    """
    problems: Problems = []
    queue = _MemoryQueue()
    sweeper = Sweeper(detection, inventory, queue, advance=advance, retention=retention)
    healed = detection.outbox.republish_pending(problems)
    request = SweepStart(tuple(dict.fromkeys(scopes)), tuple(dict.fromkeys(contents)), tuple(types))
    resumed = resume and _resume(request, sweeper.records, sweeper.now(), queue)
    if not resumed:
        start(request, uuid.uuid4().hex, sweeper, fresh=True)
    summary = _drain(queue, sweeper)
    pipeline.promote_settled(detection, problems)
    RecordProblemLog(detection.store.notices).note(problems, sweeper.now())
    if reason := summary.nothing_listed:
        raise BadRequest(f"nothing was listed in {', '.join(scopes)}: {reason}")
    return SweepResult(summary, Counter(summary.outcomes), healed, resumed, tuple(dict.fromkeys(map(str, problems))))


def _resume(request: SweepStart, records: SweepStore, now: datetime, queue: _MemoryQueue) -> bool:
    """Queue the rest of an interrupted sweep; False if there is none."""
    before = records.sweep(request.name).value
    if before is None or before.summary is not None or before.started_at + RESUMABLE < now:
        return False
    queue.publish([ShardWork(before.name, before.run, number) for number in before.open or (0,)])
    return True


def _drain(queue: _MemoryQueue, sweeper: Sweeper) -> Summary:
    """Handle the queue until the sweep has ended; a shard that fails does not stop the others."""
    failures: list[TransientError] = []
    while queue:
        message = queue.popleft()
        assert isinstance(message, ShardWork)  # noqa: S101 - the queue holds nothing else
        try:
            result = work(message, sweeper)
        except TransientError as error:
            failures.append(error)
            continue
        if result.summary is not None:
            return result.summary
    if failures:
        raise failures[0]
    raise Conflict("another process runs the same sweep; wait for it, or start again with --fresh")
