"""Delete resolved findings after their retention period, at the end of each sweep."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from setpoint.errors import PermanentError, TransientError
from setpoint.model.resource_key import ResourceKey
from setpoint.model.retention import Retention, due_since, without_finding
from setpoint.ports.stores import Problems, StateStore
from setpoint.util import telemetry

_LIMIT = 2_000
"""Findings that one run drops at most."""


def drop_resolved(store: StateStore, retention: Retention, now: datetime) -> int:
    """Delete resolved findings after their retention period; the oldest first, within a time limit.

    The age of the oldest overdue record is logged, for an alert on its growth.

    Raises:
        TransientError: the store does not answer.
    """
    unread: Problems = []
    due: list[tuple[datetime, ResourceKey]] = []
    lag = 0.0
    for state in store.states(drifted=True, problems=unread):
        since = due_since(state, retention)
        if since is None or since > now:
            continue
        if len(due) < _LIMIT:
            due.append((since, state.key))
        else:
            lag = max(lag, (now - since).total_seconds())
    dropped = 0
    for _, key in due:
        with suppress(PermanentError, TransientError):
            snapshot = store.read(key)
            since = due_since(snapshot.state, retention) if snapshot.state is not None else None
            if snapshot.state is not None and since is not None and since <= now:
                store.commit(snapshot, without_finding(snapshot.state))
                dropped += 1
    telemetry.note(retention_lag_seconds=round(lag))
    return dropped
