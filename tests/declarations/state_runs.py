"""Runs over Terraform states in the fake Cloud Storage."""

from __future__ import annotations

from datetime import UTC, datetime

from google.cloud.storage import Client

from setpoint.adapters.states.buckets import BucketStates
from setpoint.declarations import apply_states
from setpoint.declarations.apply_states import StateOptions, StateReport, StatesApplied
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.testing.storage_service import StorageService

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ALL = "gs://states/**/*.tfstate"
NETWORK = "gs://states/prod/network/default.tfstate"
TOPIC = "pubsub.googleapis.com/Topic"


def key_of(name: str) -> ResourceKey:
    return ResourceKey(f"//pubsub.googleapis.com/projects/shop-prod/topics/{name}")


class Runs:
    """Runs over the states of the fake, into one store."""

    def __init__(self, service: StorageService, context: Context) -> None:
        self.service = service
        self.context = context
        self.reports: list[StateReport] = []
        self.largest = 1_000_000

    def put(self, path: str, data: bytes) -> None:
        self.service.put("states", path, data)

    def run(
        self,
        pattern: str = ALL,
        options: StateOptions = StateOptions(),  # noqa: B008 - immutable
        now: datetime = NOW,
    ) -> StatesApplied:
        self.reports.clear()
        storage = BucketStates(Client(), self.largest)
        return apply_states.sync_states(pattern, storage, self.context, now, options, self.reports.append)

    def statuses(self) -> dict[str, str]:
        return {report.url: report.status for report in self.reports}

    def is_declared(self, name: str) -> bool:
        return self.context.store.read(key_of(name)).desired is not None

    def observe(self, name: str, retention: str, minute: int) -> str:
        data = {"name": f"projects/shop-prod/topics/{name}", "messageRetentionDuration": retention}
        moment = NOW.replace(minute=minute)
        observation = Observation(key_of(name), TOPIC, moment, data=data | {"labels": {"team": "shop"}})
        return pipeline.handle_observation(observation, self.context)
