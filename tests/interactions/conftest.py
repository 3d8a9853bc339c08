"""A drifted bucket, the message that shows it in a fake Slack, and people who click its buttons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, KEY, World
from setpoint.adapters.slack.slack_client import client
from setpoint.adapters.slack.slack_users import SlackPeople
from setpoint.alerting import interactions
from setpoint.alerting.interactions import GroupedFinding, InteractionHandler, InteractionResult
from setpoint.alerting.rendering import button_payload
from setpoint.model import slack_interaction
from setpoint.model.alerting_config import Alerting, Approvers
from setpoint.model.notice_view import SNOOZES
from setpoint.model.policy import Match, Policy, Rule
from setpoint_tools.testing.slack import TOKEN, Slack, signed, slack

ASKING = Policy(rules=(Rule("all", mode="approve"),), dry_run=False, limits=AUTO.limits)
ALERTING = Alerting(
    approvers=(Approvers(Match(projects=("shop-*",)), groups=("SSHOP",), users=("*@ops.example.com",)),)
)


class InteractionHarness:
    """Where buttons are clicked: the world behind it, the fake Slack before it."""

    def __init__(self, world: World, service: Slack, address: str) -> None:
        self.world = world
        self.slack = service
        self.alerting = ALERTING
        self.members: list[GroupedFinding] = []
        service.user("UALICE", "alice@example.com")
        service.user("UBOB", "bob@example.com")
        service.user("UOPS", "olga@ops.example.com")
        service.groups["SSHOP"] = ["UALICE"]
        service.channel("shop")
        self.client = client(TOKEN, address, 5)
        self.people = SlackPeople(self.client, clock=self.now)
        self.handler = InteractionHandler(world.deps, self.people, lambda _: self.members, lambda _: self.alerting)
        self.ts = self.show()

    def now(self) -> float:
        return self.world.clock.now.timestamp()

    def show(self) -> str:
        """Show the finding as it is by now; the message, with every button that there may be."""
        return self._post(button_payload.finding_value(KEY.name, KEY.content, self.world.state.fingerprint))

    def show_several(self, *members: GroupedFinding) -> str:
        self.members = list(members)
        return self._post(button_payload.group_value("g1"))

    def _post(self, value: str) -> str:
        buttons = [
            {"type": "button", "action_id": button_payload.action_id(click), "value": value, "text": _plain(click)}
            for click in ("fix", "approve", "accept", "why")
        ]
        options = [{"text": _plain(time), "value": time} for time in SNOOZES]
        menu = {"type": "static_select", "action_id": button_payload.action_id("snooze"), "options": options}
        elements = [*buttons, {**menu, "placeholder": _plain("Snooze")}]
        blocks = [{"type": "actions", "block_id": "buttons", "elements": elements}]
        return self.client.chat_postMessage(channel="#shop", text="drift", blocks=blocks)["ts"]

    def button(self, click: str, ts: str = "", times: str = "1d") -> dict[str, Any]:
        """A button of a message, as Slack tells of it when it is clicked."""
        (block,) = self.slack.channel("shop").messages[ts or self.ts].blocks
        (element,) = [
            element_ for element_ in block["elements"] if element_["action_id"] == button_payload.action_id(click)
        ]
        chosen = next((option for option in element.get("options", ()) if option["value"] == times), None)
        return element | ({"selected_option": chosen} if chosen else {})

    def message(self, click: str, user: str, ts: str = "", times: str = "1d") -> bytes:
        """What slack_actions hands on."""
        payload = self.slack.clicked("shop", ts or self.ts, self.button(click, ts, times), user)
        body, _ = signed(payload, 0)
        return slack_interaction.encode(slack_interaction.of_request(body))

    def click(self, click: str, user: str = "UALICE", ts: str = "", times: str = "1d") -> InteractionResult:
        return self.receive(self.message(click, user, ts, times))

    def receive(self, message: bytes) -> InteractionResult:
        return interactions.receive(message, {"type": "press"}, self.handler)

    @property
    def whispers(self) -> list[tuple[str, str]]:
        return [(user, text) for user, text, _ in self.slack.channel("shop").whispers]

    @property
    def trail(self) -> list[tuple[str, str]]:
        return [(entry.what, entry.by) for entry in self.world.store.trail(KEY) if entry.by.startswith("slack:")]


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


@pytest.fixture
def world(apis_in_process, rest_in_process, store) -> World:
    apis_in_process.journal.clear()
    made = World(apis_in_process, rest_in_process, store)
    made.declare(ASKING)
    made.drift()
    return made


@pytest.fixture
def harness(world) -> Iterator[InteractionHarness]:
    with slack(clock=lambda: world.clock().timestamp()) as (service, address):
        yield InteractionHarness(world, service, address)


def without_groups(alerting: Alerting) -> Alerting:
    return replace(alerting, approvers=())
