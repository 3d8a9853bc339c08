"""The page of the fake Slack: it renders messages as Slack does, with working buttons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from setpoint.alerting.rendering import mrkdwn_html

if TYPE_CHECKING:
    from setpoint_tools.testing.slack import Channel, Slack, SlackMessage


def page(slack: Slack) -> str:
    """All channels with their messages, threads, and what only a single person sees."""
    approver = next((str(user["profile"]["email"]) for user in slack.users.values()), "somebody")
    template = _environment().get_template("fake_slack.html")
    return template.render(
        channels=[_channel(channel, slack) for channel in slack.channels.values()], approver=approver
    )


def _channel(channel: Channel, slack: Slack) -> dict[str, Any]:
    roots = [message for message in channel.messages.values() if not message.thread]
    messages = [_message(root, channel, slack) for root in roots]
    return {"name": channel.name, "messages": messages, "whispers": _whispers("", channel, slack)}


def _message(message: SlackMessage, channel: Channel, slack: Slack) -> dict[str, Any]:
    below = [reply for reply in channel.messages.values() if reply.thread == message.ts]
    return {
        "ts": message.ts,
        "time": datetime.fromtimestamp(float(message.ts), UTC),
        "text": message.text,
        "blocks": message.blocks,
        "edits": message.edits,
        "replies": [_message(reply, channel, slack) for reply in below],
        "whispers": _whispers(message.ts, channel, slack),
    }


def _whispers(thread: str, channel: Channel, slack: Slack) -> list[dict[str, str]]:
    """The private messages in a thread, or outside of all threads."""
    private = [(user, text) for user, text, place in channel.whispers if place == thread]
    return [{"user": _email(slack.users.get(user, {})) or user, "text": text} for user, text in private]


def _email(user: Mapping[str, Any]) -> str:
    return str(user.get("profile", {}).get("email", ""))


@cache
def _environment() -> jinja2.Environment:
    loaders = [jinja2.PackageLoader("setpoint_tools.testing"), jinja2.PackageLoader("setpoint.alerting.rendering")]
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": mrkdwn_html.shown, "mrkdwn": _mrkdwn}
    return environment


def _mrkdwn(text: str) -> Markup:
    return mrkdwn_html.html(text)
