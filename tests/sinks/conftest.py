"""Every sink before a fake of what it tells, with what is the same of all of them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from setpoint.adapters.google.security_center import SecurityCommandCenter
from setpoint.adapters.repositories.configured import ConfiguredRepositories
from setpoint.adapters.repositories.issues import GitHubIssues
from setpoint.adapters.slack.sink import SlackSink
from setpoint.adapters.slack.slack_client import client
from setpoint.adapters.webhooks.google_chat import GoogleChatSink
from setpoint.adapters.webhooks.sink_addresses import Addresses
from setpoint.adapters.webhooks.webhook import WebhookSink
from setpoint.alerting.center_sink import FindingCenterSink
from setpoint.ports.people import Sink
from setpoint_tools.testing.code_hosts import NONE as NO_FAULT
from setpoint_tools.testing.code_hosts import CodeHost, HostFault
from setpoint_tools.testing.github import TOKEN as GITHUB_TOKEN
from setpoint_tools.testing.github import github
from setpoint_tools.testing.security_center import SecurityCenter, security_center
from setpoint_tools.testing.slack import TOKEN, Slack, slack
from setpoint_tools.testing.slack_faults import NONE, Fault
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
    per_finding = False
    """Whether it keeps one record per finding, whatever the message."""

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


class HostPlace(Place):
    """A place behind a fake that takes faults of HTTP."""

    channel = "ops"
    host: CodeHost

    def plan(self, *faults):
        self.host.plan = [as_host_fault(fault) for fault in faults]
        self.be_patient(patience(faults))

    @abstractmethod
    def be_patient(self, seconds: float) -> None:
        """Give answers up after this time."""

    @property
    def planned(self):
        return len(self.host.plan)


def as_host_fault(fault: Fault) -> HostFault:
    if fault == NONE:
        return NO_FAULT
    status = fault.status if fault.status != 200 else 500
    return HostFault(status, fault.error, int(fault.retry_after), fault.taken, fault.lost, fault.silent)


class IssuePlace(HostPlace):
    def __init__(self, host: CodeHost, address: str) -> None:
        self.host = host
        setting = {
            "ops": {"url": "https://github.com/acme/fleet", "secret": GITHUB_TOKEN, "format": "github", "api": address}
        }
        self.repositories = ConfiguredRepositories(Addresses(json.dumps(setting)), requests.Session())
        self.sink = GitHubIssues(self.repositories.issues)

    def be_patient(self, seconds):
        self.repositories.issues("ops").rest.seconds = seconds

    def standing(self):
        issues = self.host.repository.issues.values()
        return [(issue.title, issue.body, issue.state, issue.labels) for issue in issues]

    def deliveries(self):
        issues = self.host.repository.issues.values()
        return [*self.standing(), *(text for issue in issues for text in issue.comments.values())]


class CenterPlace(HostPlace):
    per_finding = True

    def __init__(self, host: SecurityCenter, source: str) -> None:
        self.host = host
        addresses = Addresses(json.dumps({"ops": {"url": source, "format": "scc"}}))
        self.center = SecurityCommandCenter(requests.Session, lambda name: addresses.get(name, "scc").url)
        self.sink = FindingCenterSink(self.center, None, lambda _: ())

    def be_patient(self, seconds):
        self.center.seconds = seconds

    def standing(self):
        return list(self.host.findings.items())

    def deliveries(self):
        return self.standing()


@contextmanager
def issue_place() -> Iterator[IssuePlace]:
    with github({}) as (host, address):
        yield IssuePlace(host, address)


@contextmanager
def center_place() -> Iterator[CenterPlace]:
    with security_center() as (host, source):
        yield CenterPlace(host, source)


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


PLACES = {
    "slack": slack_place,
    "webhook": webhook_place,
    "pagerduty": pagerduty_place,
    "chat": chat_place,
    "issue": issue_place,
    "scc": center_place,
}


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
