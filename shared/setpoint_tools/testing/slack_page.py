"""What stands in the fake Slack, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape, unescape
from typing import TYPE_CHECKING, Any

from setpoint_tools.testing.slack_blocks import texts

if TYPE_CHECKING:
    from setpoint_tools.testing.slack import Channel, Slack, SlackMessage

_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Fake Slack</title>
<style>body{font:15px sans-serif;max-width:60em;margin:2em auto}article{border-left:3px solid #999;margin:1em 0;
padding:0 1em}article article{margin-left:1em}button{margin-right:.5em}p{white-space:pre-wrap;margin:.3em 0}</style>
</head><body><main><h1>Fake Slack</h1>"""


def page(slack: Slack) -> str:
    """All channels with their messages and threads; buttons are shown, and do nothing."""
    shown = "".join(_channel(channel) for channel in slack.channels.values())
    return f"{_HEAD}{shown or '<p>No channels yet.</p>'}</main></body></html>"


def _channel(channel: Channel) -> str:
    roots = [message for message in channel.messages.values() if not message.thread]
    return f"<section><h2>#{escape(channel.name)}</h2>{''.join(_message(root, channel) for root in roots)}</section>"


def _message(message: SlackMessage, channel: Channel) -> str:
    below = "".join(_message(reply, channel) for reply in channel.messages.values() if reply.thread == message.ts)
    body = "".join(_block(block) for block in message.blocks) or f"<p>{_text(message.text)}</p>"
    edited = " <small>(edited)</small>" if message.edits else ""
    return f"<article>{body}{edited}{below}</article>"


def _block(block: Mapping[str, Any]) -> str:
    if block.get("type") == "divider":
        return "<hr>"
    elements = [*(block.get("elements") or ()), *([block["accessory"]] if "accessory" in block else [])]
    rest = {key: value for key, value in block.items() if key not in ("elements", "accessory")}
    parts = list(texts(rest)) + [text for element in elements if "action_id" not in element for text in texts(element)]
    return f"<p>{'<br>'.join(map(_text, parts))}</p>{''.join(_buttons(elements))}"


def _buttons(elements: list[Mapping[str, Any]]) -> Iterator[str]:
    for element in elements:
        if "action_id" in element:
            label = element.get("text") or element.get("placeholder") or {}
            yield f"<button>{_text(str(label.get('text', element['action_id'])))}</button>"


def _text(text: str) -> str:
    """Slack's markup as it is written, with what it escapes shown as what it stands for."""
    return escape(unescape(text))
