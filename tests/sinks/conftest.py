"""Every sink before a fake of what it tells, with what is the same of all of them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from setpoint.adapters.slack.sink import SlackSink
from setpoint.adapters.slack.slack_client import client
from setpoint.adapters.webhooks.google_chat import GoogleChatSink
from setpoint.adapters.webhooks.sink_addresses import Addresses
from setpoint.adapters.webhooks.webhook import WebhookSink
from setpoint.ports.people import Sink
from setpoint_tools.testing.slack import TOKEN, Slack, slack
from setpoint_tools.testing.slack_faults import Fault
from setpoint_tools.testing.webhooks import Webhooks, webhooks

SECRET = "0123456789abcdef"  # noqa: S105 - of the fake
PATIENCE = 5.0
IMPATIENCE = 0.25
"""Seconds until an answer is given up; where a fake is to be silent, it waits for just that."""


def patience(faults: tuple[Fault, ...]) -> float:
    return IMPATIENCE if any(fault.silent for fault in faults) else PATIENCE


class Place(ABC):
    """A sink, its one channel `ops`, and what people find there."""

    sink: Sink
    channel: str

    @abstractmethod
    def plan(self, *faults: Fault) -> None:
        """Let the next calls go wrong."""

    @property
    @abstractmethod
    def planned(self) -> int:
        """How many faults are still to come."""

    @abstractmethod
    def standing(self) -> list[Any]:
        """All messages by now, without replies; where nothing can be changed, the last of each."""

    @abstractmethod
    def deliveries(self) -> list[Any]:
        """Everything that was told, each once, replies and earlier states too."""


class SlackPlace(Place):
    channel = "#ops"

    def __init__(self, service: Slack, address: str) -> None:
        self.service = service
        self.client = client(TOKEN, address, PATIENCE)
        self.sink = SlackSink(self.client)
        service.channel("ops")

    def plan(self, *faults):
        self.service.plan = list(faults)
        self.client.timeout = patience(faults)

    @property
    def planned(self):
        return len(self.service.plan)

    def standing(self):
        return [(message.text, message.blocks) for message in self.service.shown("ops")]

    def deliveries(self):
        return [(message.text, message.blocks) for message in self.service.channel("ops").messages.values()]


class HookPlace(Place):
    channel = "ops"

    def __init__(self, service: Webhooks, address: str, form: str, make: Callable[[Addresses, Any], Sink]) -> None:
        self.service = service
        setting = {"ops": {"url": f"{address}/hook", "secret": SECRET, "format": form}}
        self.sink = make(Addresses(json.dumps(setting)), requests.Session())

    def plan(self, *faults):
        self.service.plan = list(faults)
        self.sink._seconds = patience(faults)

    @property
    def planned(self):
        return len(self.service.plan)

    def standing(self):
        last = {self.about(request.body): request.body for request in self.service.accepted}
        return list(last.values())

    def about(self, body: dict[str, Any]) -> str:
        return body["thread"]["threadKey"] if "thread" in body else body.get("notice") or body["dedup_key"]

    def deliveries(self):
        return [request.body for request in self.service.accepted]


@contextmanager
def slack_place() -> Iterator[SlackPlace]:
    with slack() as (service, address):
        yield SlackPlace(service, address)


@contextmanager
def webhook_place() -> Iterator[HookPlace]:
    with webhooks(SECRET) as (service, address):
        yield HookPlace(
            service, address, "setpoint", lambda addresses, session: WebhookSink(addresses, session, seconds=PATIENCE)
        )


@contextmanager
def pagerduty_place() -> Iterator[HookPlace]:
    with webhooks() as (service, address):
        yield HookPlace(
            service, address, "pagerduty", lambda addresses, session: WebhookSink(addresses, session, seconds=PATIENCE)
        )


@contextmanager
def chat_place() -> Iterator[HookPlace]:
    with webhooks() as (service, address):
        yield HookPlace(
            service, address, "chat", lambda addresses, session: GoogleChatSink(addresses, session, PATIENCE)
        )


PLACES = {"slack": slack_place, "webhook": webhook_place, "pagerduty": pagerduty_place, "chat": chat_place}


@pytest.fixture(params=PLACES)
def new_place(request) -> Callable[[], Any]:
    """Makes empty places of one kind."""
    return PLACES[request.param]


@pytest.fixture
def place(new_place) -> Iterator[Place]:
    with new_place() as made:
        yield made


@pytest.fixture
def in_slack() -> Iterator[SlackPlace]:
    with slack_place() as made:
        yield made
