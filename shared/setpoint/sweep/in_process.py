"""A whole sweep in one process: the same messages, handled one after the other."""

from __future__ import annotations

import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, Conflict, TransientError
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import Content
from setpoint.model.sweep_records import Start, Summary, SweepMessage, Work
from setpoint.ports.services import Inventory
from setpoint.sweep.context import Sweeper
from setpoint.sweep.coordinator import start, work

RESUMABLE = timedelta(days=1)
"""A sweep that was interrupted longer ago is begun anew: what it had listed says little of now."""


@dataclass(slots=True)
class Swept:
    """What a sweep has found; see ``Summary`` for what is counted.

    Args:
        summary: what it has found.
        outcomes: what became of the observations.
        healed: resources of which events were published that a crash had left behind.
        resumed: whether it went on where another one was interrupted.
    """

    summary: Summary
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    healed: int = 0
    resumed: bool = False

    @property
    def listed(self) -> int:
        """Assets that were listed."""
        return self.summary.listed

    @property
    def gone(self) -> int:
        """Declared resources that exist no longer, and declared policies that are empty."""
        return self.summary.gone

    @property
    def unknown(self) -> int:
        """Declared resources of which the sweep can tell nothing."""
        return self.summary.unknown

    @property
    def made(self) -> Counter[str]:
        """Undeclared resources within a scope that Google or another resource makes, by what made them."""
        return Counter(self.summary.made)

    @property
    def denied(self) -> dict[str, str]:
        """Scopes that nobody may list, and why."""
        return self.summary.denied


class _Waiting(deque[SweepMessage]):
    """A queue in memory, for whoever both fills and empties it."""

    def publish(self, messages: Sequence[SweepMessage]) -> None:
        """See ``SweepQueue.publish``."""
        self.extend(messages)


def sweep(
    scopes: Sequence[str],
    contents: Sequence[Content],
    types: Sequence[str],
    inventory: Inventory,
    deps: Context,
    advance: Callable[[int], object] = bool,
    *,
    resume: bool = False,
) -> Swept:
    """List scopes and judge all that is there, and all that is not.

    Args:
        scopes: ``organizations/N``, ``folders/N`` or ``projects/P``; one that is denied stops no other.
        contents: what of the resources to look at.
        types: asset types, or regular expressions for them; all types where empty.
        inventory: what lists them.
        deps: where findings are kept and events go.
        advance: is called with the number of assets judged, for a progress bar.
        resume: go on where the same sweep was interrupted less than a day ago; else begin anew.

    Raises:
        BadRequest: nothing at all was listed, which is never a clean fleet.
        Conflict: another process does the same sweep.
        Unavailable: the inventory or the store does not answer; what was judged is stored, and a sweep may be resumed.
    """
    waiting = _Waiting()
    sweeper = Sweeper(deps, inventory, waiting, advance=advance)
    healed = pipeline.republish_pending(deps)
    told = Start(tuple(dict.fromkeys(scopes)), tuple(dict.fromkeys(contents)), tuple(types))
    resumed = resume and _resume(told, sweeper, waiting)
    if not resumed:
        start(told, uuid.uuid4().hex, sweeper, fresh=True)
    summary = _work_off(waiting, sweeper)
    pipeline.promote_settled(deps)
    if reason := summary.nothing_listed:
        raise BadRequest(f"nothing was listed in {', '.join(scopes)}: {reason}")
    return Swept(summary, Counter(summary.outcomes), healed, resumed)


def _resume(told: Start, sweeper: Sweeper, waiting: _Waiting) -> bool:
    """Have the rest of an interrupted sweep done, where there is one."""
    before = sweeper.records.sweep(told.name).value
    if before is None or before.summary is not None or before.started_at + RESUMABLE < sweeper.now():
        return False
    waiting.publish([Work(before.name, before.run, number) for number in before.open or (0,)])
    return True


def _work_off(waiting: _Waiting, sweeper: Sweeper) -> Summary:
    """Do all that waits; a shard that fails in passing keeps no other from being listed."""
    failures: list[TransientError] = []
    while waiting:
        message = waiting.popleft()
        assert isinstance(message, Work)  # noqa: S101 - nothing else is ever put there
        try:
            told = work(message, sweeper)
        except TransientError as error:
            failures.append(error)
            continue
        if told.summary is not None:
            return told.summary
    if failures:
        raise failures[0]
    raise Conflict("another process does the same sweep; let it end, or begin anew with --fresh")
