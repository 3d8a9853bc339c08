"""All checks, in the order of the output."""

from __future__ import annotations

from setpoint.operations.diagnostics import compute, pubsub, store
from setpoint.operations.diagnostics.result import Check

CHECKS: dict[str, Check] = {
    "permissions": compute.permissions,
    "clock": compute.clock,
    "apis": compute.apis,
    "store": store.store,
    "records": store.records,
    "database": store.database,
    "topics": pubsub.topics,
    "subscriptions": pubsub.subscriptions,
    "publishers": pubsub.publishers,
    "feeds": pubsub.feeds,
    "delivery": pubsub.delivery,
    "functions": compute.functions,
    "versions": compute.versions,
    "secret key": compute.secret_key,
    "tokens": compute.tokens,
    "jobs": compute.jobs,
    "lag": pubsub.lag,
    "dead letters": pubsub.dead_letters,
    "sweeps": store.sweeps,
    "waiting": store.waiting,
    "guardrails": store.guardrails,
}
