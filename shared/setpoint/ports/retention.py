"""Port of the deletion of records whose retention period is over."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from setpoint.model.retention import Retention


class ExpiringRecords(Protocol):
    """Records that a store deletes once they are older than they are kept."""

    def forget(self, retention: Retention, now: datetime) -> int:
        """Delete expired records of deleted resources and expired entries of audit trails.

        A store that does so by itself does nothing here.

        Args:
            retention: how long what is kept.
            now: the current time.

        Returns:
            The number of records of resources that were deleted.

        Raises:
            Unavailable: the store does not answer.
        """
