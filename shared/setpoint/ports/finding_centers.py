"""The port of the centre where an organisation keeps the findings of all its tools."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


class CentralFinding(NamedTuple):
    """A finding as the centre keeps it.

    Args:
        id: its id, 1 to 32 letters and digits.
        resource_name: full resource name.
        category: what is wrong, as ``DRIFT_MODIFIED``.
        is_active: whether a person still has to act.
        severity: ``LOW``, ``MEDIUM``, ``HIGH`` or ``CRITICAL``.
        event_time: when it last changed.
        description: what is wrong, for people.
        external_uri: its page; empty for none.
        properties: further facts, by their names.
    """

    id: str
    resource_name: str
    category: str
    is_active: bool
    severity: str
    event_time: datetime
    description: str
    external_uri: str
    properties: dict[str, str]


class FindingCenter(Protocol):
    """Keeps findings, in the source of an installation."""

    def put(self, source: str, finding: CentralFinding) -> None:
        """Create or update a finding; the same call has the same effect again.

        Args:
            source: the name of the source in the settings.
            finding: the finding.

        Raises:
            Throttled: the rate limit is reached; try again.
            Unavailable: whether it was taken is unknown; try again.
            BadRequest: the source does not exist, or may not be written to.
        """
