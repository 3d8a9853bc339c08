"""Slack's requests about clicked buttons, and the message that queues them.

Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec

from setpoint.errors import MalformedMessage
from setpoint.model.decode_errors import reason_of

INTERACTION = "press"
"""The attribute ``type`` of a queued interaction."""
_MAX_FIELDS = 16


class Interaction(msgspec.Struct, frozen=True):
    """A button that a user clicked in Slack.

    Args:
        user: id of the user.
        clicked_at: time of the click, by Slack's clock.
        channel: id of the channel.
        ts: id of the message.
        action: the button, in Slack's format.
        blocks: the block with the button; a menu is read together with the buttons beside it.
        thread: id of the message that it replies to; empty if it is not a reply.
    """

    user: str
    clicked_at: datetime = msgspec.field(name="at")
    channel: str
    ts: str
    action: dict[str, Any]
    blocks: tuple[dict[str, Any], ...] = ()
    thread: str = ""


class _Id(msgspec.Struct):
    id: str


class _Container(msgspec.Struct):
    message_ts: str = ""
    channel_id: str = ""
    thread_ts: str = ""


class _Message(msgspec.Struct):
    blocks: list[dict[str, Any]] = []


class _Payload(msgspec.Struct):
    type: Literal["block_actions"]
    user: _Id
    container: _Container
    actions: list[dict[str, Any]]
    message: _Message = msgspec.field(default_factory=_Message)


_read = msgspec.json.Decoder(_Payload).decode
encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Interaction).decode


def of_request(body: bytes) -> Interaction:
    """Read Slack's request: a form with one field, which holds JSON.

    Raises:
        MalformedMessage: the request is not a click of a button.
    """
    try:
        form = parse_qs(body.decode(), strict_parsing=True, max_num_fields=_MAX_FIELDS)
        payload = _read(form["payload"][0])
        action = payload.actions[0]
        clicked_at = datetime.fromtimestamp(float(action["action_ts"]), UTC)
    except (
        msgspec.MsgspecError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        OverflowError,
        OSError,
        RecursionError,
    ) as error:
        raise MalformedMessage(f"not a button click ({type(error).__name__})") from None
    where = payload.container
    blocks = tuple(block for block in payload.message.blocks if block.get("block_id") == action.get("block_id"))
    return Interaction(
        payload.user.id, clicked_at, where.channel_id, where.message_ts, action, blocks[:1], thread=where.thread_ts
    )


def decode(message: bytes) -> Interaction:
    """Read a queued interaction.

    Raises:
        MalformedMessage: the message is not an interaction.
    """
    try:
        return _decode(message)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedMessage(f"not a button click: {reason_of(error)}") from None
