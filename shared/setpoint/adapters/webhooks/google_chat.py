"""Send alerts to spaces of Google Chat by incoming webhooks.

Source: https://developers.google.com/workspace/chat/quickstart/webhooks
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
import requests

from setpoint.adapters.webhooks.http_post import post
from setpoint.adapters.webhooks.sink_addresses import Addresses
from setpoint.alerting.rendering import google_chat as messages
from setpoint.model.notice_view import FindingView, GroupView
from setpoint.ports.people import OutgoingMessage, PostedMessage

_REPLY = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"


class GoogleChatSink:
    """A ``Sink`` to spaces of Google Chat, with the names in ``SETPOINT_SINKS`` as channels.

    A webhook cannot update a message; changes of a finding are replies in its thread. Each message carries a request id
    that follows from its content, which Chat deduplicates by
    (https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create).

    Args:
        addresses: the webhooks.
        session: made by ``http_post.session``.
        seconds: timeout in seconds.
    """

    edits = False

    def __init__(self, addresses: Addresses, session: requests.Session, seconds: float = 10.0) -> None:
        self._addresses = addresses
        self._session = session
        self._seconds = seconds

    def show(self, message: OutgoingMessage[FindingView | GroupView]) -> PostedMessage:
        """See ``Sink.show``."""
        view, links = message.view, message.links
        card = messages.group(view, links) if isinstance(view, GroupView) else messages.finding(view, links)
        return self._send(message.name, message.channel, message.name, card)

    def escalate(self, message: OutgoingMessage[FindingView]) -> PostedMessage:
        """See ``Sink.escalate``."""
        card = messages.escalation(message.view, message.links)
        return self._send(message.name, message.channel, message.name, card)

    def reply(self, message: OutgoingMessage[FindingView | Sequence[FindingView]], to: PostedMessage) -> None:
        """See ``Sink.reply``."""
        view, links = message.view, message.links
        cards = [messages.step(view, links)] if isinstance(view, FindingView) else messages.details(view, links)
        for number, card in enumerate(cards, 1):
            self._send(f"{message.name}/{number}", to.channel, to.ts, card)

    def digest(self, message: OutgoingMessage[Sequence[FindingView]]) -> None:
        """See ``Sink.digest``."""
        self._send(message.name, message.channel, message.name, messages.digest(message.view, message.links))

    def _send(self, name: str, channel: str, thread: str, card: dict[str, Any]) -> PostedMessage:
        address = self._addresses.get(channel, "chat")
        body = msgspec.json.encode(card | {"thread": {"threadKey": thread}})
        query = {"messageReplyOption": _REPLY, "requestId": _request_id(name, body)}
        post(self._session, channel, address.url, body, {}, query, seconds=self._seconds)
        return PostedMessage(channel, thread)


def _request_id(name: str, body: bytes) -> str:
    return hashlib.blake2b(name.encode() + b"\n" + body, digest_size=16).hexdigest()
