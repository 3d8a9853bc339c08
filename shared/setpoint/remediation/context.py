"""The ports of remediation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.model.secrecy import Secrecy
from setpoint.ports.queues import DeadLetters
from setpoint.ports.services import ProjectAncestors
from setpoint.ports.stores import Store
from setpoint.remediation.live_resources import LiveResources
from setpoint.remediation.records import AttemptRecords
from setpoint.util.frozen import take_over


@dataclass(frozen=True, slots=True)
class RemediationContext:
    """The ports of remediation.

    Flow: a drift event, a tick or a command, from the decision to the write that is verified.

    Args:
        detection: evaluates what is read of a resource.
        live_resources: the APIs of the resources.
        worker: the name of this worker, for the audit trail.
        places: looks up a project's ancestors right before a write; None to use the last observation.
        store: the findings and safety limits.
        projects: ids and numbers of projects.
        secrecy: hides secrets.
        clock: gives the current time.
        dead_letters: takes messages that can never be handled.
        records: records the steps of attempts.
    """

    detection: Context
    live_resources: LiveResources
    worker: str = "setpoint"
    places: ProjectAncestors | None = None
    store: Store = field(init=False)
    projects: ProjectIdResolver = field(init=False)
    secrecy: Secrecy = field(init=False, repr=False)
    clock: Callable[[], datetime] = field(init=False)
    dead_letters: DeadLetters = field(init=False)
    records: AttemptRecords = field(init=False, repr=False)

    def __post_init__(self) -> None:
        take_over(self, self.detection, "store", "projects", "secrecy", "clock", "dead_letters")
        outbox, schemas = self.detection.outbox, self.detection.schemas
        records = AttemptRecords(self.store, outbox, schemas, self.secrecy, self.clock, self.worker)
        object.__setattr__(self, "records", records)
