"""The life of one entry of an audit log: from the message to the finding that it explains.

Which comes first does not matter. Where the entry does, it is kept under the key of the resource, and who did it is
told with the drift itself. Where the drift does, its finding is judged again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from setpoint.attribution import audit_log_parser
from setpoint.attribution.audit_log_parser import Logged
from setpoint.detection import actor_resolution, pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import MalformedMessage
from setpoint.model.resource_key import ResourceKey, project_of
from setpoint.ports.stores import Snapshot

AttributionOutcome = Literal[
    "told",  # it explains a drift that is known already
    "kept",  # it is kept until a drift shows
    "own",  # Setpoint itself has done it
    "nothing",  # it changed nothing that anybody could tell
    "rejected",  # no entry of a log: dead-lettered
]
"""What became of one entry, of each resource and content that it is about."""

TELLING: tuple[AttributionOutcome, ...] = ("nothing", "own", "kept", "told", "rejected")
"""What became of it, from the least to the most: an entry about several is told by the most of it."""


@dataclass(frozen=True, slots=True)
class Attributor:
    """What attributing works with.

    Args:
        deps: the findings, and where events go.
        own: the accounts that Setpoint itself writes with; what they do is nobody's drift.
        mask_ip: whether the end of the address that a request came from is left out.
    """

    deps: Context
    own: frozenset[str] = frozenset()
    mask_ip: bool = True


def receive(message: bytes, attributes: Mapping[str, str], attributor: Attributor) -> Counter[AttributionOutcome]:
    """Handle an entry, and dead-letter it with the reason where it can never be handled.

    Raises:
        PermanentError: the installation is at fault, not the message: let it be delivered again when that is mended.
        TransientError: let the message be delivered again.
    """
    try:
        logged = audit_log_parser.parse(message, mask_ip=attributor.mask_ip)
    except MalformedMessage as error:
        attributor.deps.dead_letters.put(message, attributes, str(error))
        return Counter(("rejected",))
    if not logged:
        return Counter(("nothing",))
    return Counter(attribute(one, attributor) for one in logged)


def attribute(logged: Logged, attributor: Attributor) -> AttributionOutcome:
    """Keep one change, then look whether it explains anything; in this order, so that neither misses the other.

    Raises:
        TransientError: tell of it again.
    """
    deps = attributor.deps
    if logged.change.principal in attributor.own:
        return "own"
    homes = _homes(logged, deps)
    for key in homes:
        deps.store.remember(key, logged.change, deps.clock())
    outcomes = [_explain(key, logged, deps) for key in homes]
    return "told" if "told" in outcomes else "kept"


def _explain(key: ResourceKey, logged: Logged, deps: Context) -> AttributionOutcome:
    """Judge a drift again that a change may have brought."""
    snapshot = deps.store.read(key)
    appeared = snapshot.state.appeared if snapshot.state is not None else None
    # Entries of one operation are one change, of which this is a part.
    changes = (change for change in snapshot.changes if _is_of(logged, change.log_id, change.operation))
    if appeared is None or not any(actor_resolution.explains(change, appeared) for change in changes):
        return "kept"
    pipeline.reevaluate(key, deps)
    return "told"


def _is_of(logged: Logged, log_id: str, operation: str) -> bool:
    change = logged.change
    return log_id == change.log_id or (bool(change.operation) and operation == change.operation)


def _homes(logged: Logged, deps: Context) -> list[ResourceKey]:
    """The keys under which a change is kept: that of its resource; where it is not known, each that it may get."""
    keys = list(dict.fromkeys(_spellings(logged, deps)))
    known: list[Snapshot] = []
    for key in keys:
        snapshot = deps.store.read(key)
        if snapshot.desired is not None:
            return [key]
        known.append(snapshot)
    return [one.key for one in known if one.state is not None] or keys


def _spellings(logged: Logged, deps: Context) -> Iterator[ResourceKey]:
    """All names that an entry tells, and the project's id for its number where that is known."""
    for key in (logged.key, *logged.also):
        yield key
        number = project_of(key.name)
        if number.isdigit() and (identifier := deps.projects.id_of(number)):
            yield ResourceKey(key.name.replace(f"/projects/{number}", f"/projects/{identifier}", 1), key.content)
