"""Where a drift comes from, in a word, with the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, get_args

from setpoint.catalog.principal_kinds import kind_of
from setpoint.model.actors import Actor
from setpoint.model.drift_history import DriftHistory

DriftOrigin = Literal["by_hand", "by_tool", "not_declared_yet", "not_applied", "absorbed", "by_google", "unknown"]
"""``by_hand``: a person, through the console or a command line; ``by_tool``: a service account, or a tool that applies
no declarations of this fleet; ``not_declared_yet``: an account that applies declarations, ahead of the declaration;
``not_applied``: the declaration changed, and the resource did not; ``absorbed``: a state was refreshed to reality;
``by_google``: Google or its service agents, or the same change in many projects without a person."""

ORIGINS: tuple[DriftOrigin, ...] = get_args(DriftOrigin)

WORDS: Mapping[DriftOrigin, str] = {
    "by_hand": "by hand",
    "by_tool": "by a tool, not by an applier of this fleet",
    "not_declared_yet": "applied, and not declared yet",
    "not_applied": "declared, and not applied",
    "absorbed": "absorbed into the state",
    "by_google": "by Google or the provider",
    "unknown": "unknown",
}


def in_words(origin: DriftOrigin) -> str:
    """Where a drift comes from; empty if that is unknown."""
    return "" if origin == "unknown" else WORDS[origin]


_TOOLS = frozenset(
    (
        "config-connector",
        "pulumi",
        "crossplane",
        "opentofu",
        "terraform",
        "ansible",
        "deployment-manager",
        "cloud-build",
    )
)
"""Callers that apply declarations of their own; with a person's credentials they are still tools."""
PROJECTS = 5
"""The same change in so many projects, without a person, is not of one project."""
_SAME_CAUSE = timedelta(hours=1)


class Origin(NamedTuple):
    """The origin of a drift.

    Args:
        word: the origin.
        evidence: what it follows from, for people.
    """

    word: DriftOrigin = "unknown"
    evidence: str = ""


def origin_of(
    actor: Actor | None, *, reason: str = "", is_declared: bool = False, history: DriftHistory | None = None
) -> Origin:
    """The origin of one drift.

    Args:
        actor: who made the change; None if unknown.
        reason: the reason of the finding's status.
        is_declared: the declaration changed, and not the resource.
        history: the beginning of the drift, if it was read.
    """
    if reason.startswith("absorbed"):
        return Origin("absorbed", f"{reason}: a state was refreshed to what was observed")
    if is_declared:
        return Origin("not_applied", "the declaration changed, and the resource did not")
    if actor is None:
        latest = history.latest if history is not None else None
        return Origin(evidence=(latest.reason if latest is not None else "") or (history.reason if history else ""))
    kinds = {actor.kind, *(_kind_of(other) for other in actor.others)}
    if len(kinds) > 1:
        return Origin(evidence=f"one of {', '.join((actor.principal, *actor.others))}")
    return Origin(_by(actor), _call(actor))


def _kind_of(principal: str) -> str:
    kind = kind_of(principal)
    return "person" if kind == "unknown" else kind


def _by(actor: Actor) -> DriftOrigin:
    if actor.kind == "person":
        return "by_tool" if actor.caller in _TOOLS else "by_hand"
    by_kind: Mapping[str, DriftOrigin] = {"service": "by_tool", "applier": "not_declared_yet", "google": "by_google"}
    return by_kind[actor.kind]


def _call(actor: Actor) -> str:
    tool = f" with {actor.caller}" if actor.caller else ""
    return f"{actor.principal}{tool}: {actor.method} at {actor.requested_at:%Y-%m-%d %H:%M} ({actor.confidence})"


class DriftBeginning(NamedTuple):
    """What is needed of a finding to see that many began together.

    Args:
        group: the id of its group of equal changes.
        project: its project.
        began_at: when it began.
        origin: its own origin.
        has_actor: whether its actor is known.
    """

    group: str
    project: str
    began_at: datetime
    origin: Origin
    has_actor: bool


class CommonChanges:
    """Finds changes that began in many projects at once without a person, while findings are added one by one."""

    def __init__(self) -> None:
        self._projects: Counter[tuple[str, int]] = Counter()
        self._known: set[tuple[str, int, str]] = set()
        self._persons: set[tuple[str, int]] = set()

    def add(self, begun: DriftBeginning) -> None:
        """Count a finding."""
        for slot in _slots(begun):
            if begun.has_actor:
                self._persons.add(slot)
            elif begun.origin.word == "unknown" and (*slot, begun.project) not in self._known:
                self._known.add((*slot, begun.project))
                self._projects[slot] += 1

    def origin(self, begun: DriftBeginning) -> Origin:
        """The origin of a finding among the others."""
        if begun.origin.word != "unknown" or begun.has_actor:
            return begun.origin
        counts = [self._projects[slot] for slot in _slots(begun) if slot not in self._persons]
        if max(counts, default=0) < PROJECTS:
            return begun.origin
        return Origin("by_google", f"the same change in {max(counts)} projects within an hour, and nobody is known")


def _slots(begun: DriftBeginning) -> Iterable[tuple[str, int]]:
    """The two overlapping hours that a beginning falls into, so that no border parts what began together."""
    half = int(begun.began_at.timestamp() // (_SAME_CAUSE.total_seconds() / 2))
    return (begun.group, half), (begun.group, half - 1)
