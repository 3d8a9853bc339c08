"""The inventory's history and the audit log of drift that is older than the installation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from setpoint.model import observation as observations
from setpoint.model.drift_history import AssetVersion
from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content
from setpoint.ports.services import Histories, LogPage, LogWindows
from setpoint_tools.demo import audit_log, messages
from setpoint_tools.demo.fleet import Fleet
from setpoint_tools.demo.incidents import Incident
from setpoint_tools.demo.mutations import edited
from setpoint_tools.demo.samples import Sample

_OLDEST = timedelta(days=90)
"""How long ago the resources took the values that are declared; the inventory tells it of 35 days only."""


class InventoryHistory:
    """``AssetHistory`` and ``ActivityLogs`` of the sample fleet.

    Args:
        fleet: the fleet.
        incidents: what happened to it; those that are old have a past.
        now: the end of the demo's hour.
    """

    def __init__(self, fleet: Fleet, incidents: Sequence[Incident], now: datetime) -> None:
        samples = {sample.key: sample for sample in fleet.samples}
        self._now = now
        self._old = {incident.key: (samples[incident.key], incident) for incident in incidents if incident.is_old}
        self._entries = audit_log.past_entries(fleet, incidents, now)

    def histories(self, parent: str, content: Content, names: Sequence[str], since: datetime) -> Histories:
        """See ``AssetHistory.histories``."""
        del parent
        known = {
            key.name: self._versions(sample, incident, since)
            for key, (sample, incident) in self._old.items()
            if key.content == content and key.name in names
        }
        return Histories(known, frozenset(names) - known.keys())

    def pages(self, windows: LogWindows) -> Iterator[LogPage]:
        """See ``ActivityLogs.pages``."""
        yield LogPage(tuple(windows), [entry.data for entry in self._entries])

    def _versions(self, sample: Sample, incident: Incident, since: datetime) -> list[AssetVersion]:
        drifted_at, began_at = self._now - incident.age, self._now - _OLDEST
        drifted = edited(sample.live, incident.steps[0].edits)
        versions = [
            AssetVersion(_observation(sample, sample.live, began_at), began_at, drifted_at),
            AssetVersion(_observation(sample, drifted, drifted_at), drifted_at),
        ]
        return [version for version in versions if version.ends is None or version.ends > since]


def _observation(sample: Sample, live: Mapping[str, Any], time: datetime) -> Observation:
    observation = observations.parse(messages.changed(sample, live, time, None))
    assert observation is not None  # noqa: S101 - it is no welcome message
    return observation
