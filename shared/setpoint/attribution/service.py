"""Attributes drift to audit log entries.

Order does not matter. An entry that arrives first is stored under the key of its resource, and the drift event carries
the actor. If the drift arrives first, its finding is evaluated again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from setpoint.attribution import audit_log_parser
from setpoint.attribution.audit_log_parser import LoggedChange
from setpoint.detection import actor_resolution, pipeline
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.errors import MalformedMessage
from setpoint.model.actors import AuditedChange
from setpoint.model.resource_key import ResourceKey, project_of
from setpoint.ports.queues import DeadLetters
from setpoint.ports.stores import ProjectStore, Snapshot, Store
from setpoint.util.frozen import take_over

AttributionOutcome = Literal[
    "told",  # it explains a known drift
    "kept",  # it is stored until a drift is detected
    "own",  # Setpoint itself made the change
    "nothing",  # it describes no change to a known resource
    "rejected",  # not a log entry: dead-lettered
]
"""The outcome of one entry for each of its resources and contents."""

PRECEDENCE: tuple[AttributionOutcome, ...] = ("nothing", "own", "kept", "told", "rejected")
"""Outcomes by rising precedence: an entry about several resources is logged with the highest."""

_PROJECTS = "//cloudresourcemanager.googleapis.com/projects/"


@dataclass(frozen=True, slots=True)
class Attributor:
    """The ports and settings of attribution.

    Flow: an entry of an audit log, from its message to the findings that it explains.

    Args:
        detection: evaluates the findings that an entry explains.
        own: the accounts that Setpoint itself writes with; their changes are not attributed.
        mask_ip: whether to truncate caller addresses.
        store: findings, and the changes of audit logs.
        projects: ids and numbers of projects.
        clock: gives the current time.
        dead_letters: takes messages that can never be handled.
    """

    detection: Context
    own: frozenset[str] = frozenset()
    mask_ip: bool = True
    store: Store = field(init=False)
    projects: ProjectIdResolver = field(init=False)
    clock: Callable[[], datetime] = field(init=False)
    dead_letters: DeadLetters = field(init=False)

    def __post_init__(self) -> None:
        take_over(self, self.detection, "store", "projects", "clock", "dead_letters")


def receive(message: bytes, attributes: Mapping[str, str], attributor: Attributor) -> Counter[AttributionOutcome]:
    """Handle an entry; dead-letter it with the reason if it can never be handled.

    Raises:
        PermanentError: the installation is at fault, not the message; fix it and redeliver.
        TransientError: the message failed for now; redeliver it.
    """
    try:
        logged = audit_log_parser.parse(message, mask_ip=attributor.mask_ip)
    except MalformedMessage as error:
        attributor.dead_letters.put(message, attributes, str(error))
        return Counter(("rejected",))
    if not logged:
        return Counter(("nothing",))
    return Counter(attribute(change, attributor) for change in logged)


def attribute(logged: LoggedChange, attributor: Attributor) -> AttributionOutcome:
    """Store a change, then look for a drift that it explains; in this order, so that neither misses the other.

    Raises:
        TransientError: the store is unavailable; redeliver the message.
    """
    if logged.change.principal in attributor.own:
        return "own"
    keys = _storage_keys(logged, attributor.projects, attributor.store)
    for key in keys:
        attributor.store.remember(key, logged.change, attributor.clock())
    outcome: AttributionOutcome = "kept"
    for key in keys:
        if _explains(logged, attributor.store.read(key)):
            pipeline.reevaluate(key, attributor.detection)
            outcome = "told"
    return outcome


def _explains(logged: LoggedChange, snapshot: Snapshot) -> bool:
    """Whether a change may explain the drift of a resource."""
    appeared = snapshot.state.onset if snapshot.state is not None else None
    return appeared is not None and any(
        actor_resolution.explains(change, appeared) for change in _stored(logged, snapshot)
    )


def _stored(logged: LoggedChange, snapshot: Snapshot) -> Iterator[AuditedChange]:
    """The change as it is stored: with other entries of its operation, and by itself if it is in a summary."""
    for change in snapshot.changes:
        if change.several:
            yield logged.change
        elif _is_part_of(logged, change.log_id, change.operation):
            yield change


def _is_part_of(logged: LoggedChange, log_id: str, operation: str) -> bool:
    change = logged.change
    return log_id == change.log_id or (bool(change.operation) and operation == change.operation)


def _storage_keys(logged: LoggedChange, projects: ProjectIdResolver, store: Store) -> list[ResourceKey]:
    """The keys under which a change is stored: that of its resource; where it is unknown, all candidates."""
    keys = list(dict.fromkeys(candidate_keys(logged, projects, store)))
    known: list[Snapshot] = []
    for key in keys:
        snapshot = store.read(key)
        if snapshot.desired is not None:
            return [key]
        known.append(snapshot)
    return [snapshot.key for snapshot in known if snapshot.state is not None] or keys


def candidate_keys(logged: LoggedChange, projects: ProjectIdResolver, known: ProjectStore) -> Iterator[ResourceKey]:
    """All names in an entry, and the same with the project's id for its number where known.

    Audit logs name a project by its id, and the inventory by its number: of a project itself both are candidates.
    """
    for key in (logged.key, *logged.also):
        yield key
        project = project_of(key.name)
        if project.isdigit() and (identifier := projects.id_of(project)):
            yield ResourceKey(key.name.replace(f"/projects/{project}", f"/projects/{identifier}", 1), key.content)
        elif key.name == f"{_PROJECTS}{project}" and (number := known.project_number(project)):
            yield ResourceKey(f"{_PROJECTS}{number}", key.content)
