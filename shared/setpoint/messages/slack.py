"""Messages in Slack's form (a stand-in)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from setpoint.core.notices import SNOOZES, Group, Links, Message, Press, Shown
from setpoint.messages import presses

_PRESSES: tuple[Press, ...] = ("fix", "approve", "accept", "why")


def _message(text: str, value: str = "") -> Message:
    blocks: list[dict[str, object]] = [{"type": "section", "text": {"type": "mrkdwn", "text": text[:2000]}}]
    if value:
        blocks.append({"type": "actions", "block_id": "buttons", "elements": _buttons(value)})
    return Message(text[:2000], tuple(blocks))


def _buttons(value: str) -> list[dict[str, Any]]:
    buttons: list[dict[str, Any]] = [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": press},
            "action_id": presses.action_id(press),
            "value": value,
        }
        for press in _PRESSES
    ]
    options = [{"text": {"type": "plain_text", "text": time}, "value": time} for time in SNOOZES]
    menu = {"type": "static_select", "action_id": presses.action_id("snooze"), "options": options}
    return [*buttons, {**menu, "placeholder": {"type": "plain_text", "text": "Snooze"}}]


def finding(shown: Shown, links: Links) -> Message:
    """A finding."""
    data = shown.data
    value = presses.finding_value(data.resource_name, data.content, data.fingerprint)
    return _message(f"{data.resource_name} {data.status} {data.fingerprint} {links.finding}", value)


def group(group: Group, links: Links) -> Message:
    """Several findings of one cause."""
    return _message(f"{group.total} of {group.cause.asset_type} {links.group}", presses.group_value(group.id))


def digest(findings: Sequence[Shown], links: Links) -> Message:
    """Many findings."""
    return _message(f"{len(findings)} findings {links.finding}")


def details(findings: Sequence[Shown], links: Links) -> tuple[Message, ...]:
    """All of some findings."""
    return tuple(_message(f"{one.data.resource_name} {links.finding}") for one in findings)


def step(shown: Shown, links: Links) -> Message:
    """What has last happened to a finding."""
    return _message(f"{shown.event} {shown.data.resource_name} {links.finding}")


def escalation(shown: Shown) -> Message:
    """A finding that is still open."""
    return _message(f"still {shown.data.status}: {shown.data.resource_name}")
