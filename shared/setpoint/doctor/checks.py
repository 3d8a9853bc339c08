"""All checks, in the order in which they are told."""

from __future__ import annotations

from setpoint.doctor import messaging, running, state
from setpoint.doctor.symptoms import Check

CHECKS: dict[str, Check] = {
    "permissions": running.permissions,
    "clock": running.clock,
    "apis": running.apis,
    "store": state.store,
    "database": state.database,
    "topics": messaging.topics,
    "subscriptions": messaging.subscriptions,
    "publishers": messaging.publishers,
    "feeds": messaging.feeds,
    "delivery": messaging.delivery,
    "functions": running.functions,
    "versions": running.versions,
    "tokens": running.tokens,
    "jobs": running.jobs,
    "lag": messaging.lag,
    "dead letters": messaging.dead_letters,
    "sweeps": state.sweeps,
    "waiting": state.waiting,
    "brakes": state.brakes,
}
