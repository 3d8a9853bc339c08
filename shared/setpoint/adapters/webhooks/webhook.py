"""Send alerts to webhooks: signed CloudEvents, or PagerDuty incidents."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Sequence

import msgspec
import requests

from setpoint.adapters.webhooks.http_post import post
from setpoint.adapters.webhooks.sink_addresses import Addresses
from setpoint.alerting import pagerduty, webhook_payloads
from setpoint.alerting.webhook_payloads import WebhookNotice
from setpoint.errors import BadRequest
from setpoint.model.notice_view import FindingView, GroupView
from setpoint.ports.people import OutgoingMessage, PostedMessage


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of ``Setpoint-Signature``: HMAC-SHA256 of the time and the body, which protects both."""
    return f"v1={hmac.new(secret.encode(), timestamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


class WebhookSink:
    """A ``Sink`` to webhooks, with the names in ``SETPOINT_SINKS`` as channels.

    Args:
        addresses: the webhooks.
        session: made by ``http_post.session``.
        clock: the current time in seconds.
        seconds: timeout in seconds.
    """

    edits = False

    def __init__(
        self,
        addresses: Addresses,
        session: requests.Session,
        clock: Callable[[], float] = time.time,
        seconds: float = 10.0,
    ) -> None:
        self._addresses = addresses
        self._session = session
        self._clock = clock
        self._seconds = seconds

    def show(self, message: OutgoingMessage[FindingView | GroupView]) -> PostedMessage:
        """See ``Sink.show``; a retry carries the same id."""
        if not self._page(message):
            self._send(message.channel, webhook_payloads.shown(message.name, message.view, message.links))
        return PostedMessage(message.channel, message.name)

    def escalate(self, message: OutgoingMessage[FindingView]) -> PostedMessage:
        """See ``Sink.escalate``."""
        if not self._page(message):
            self._send(message.channel, webhook_payloads.escalation(message.name, message.view, message.links))
        return PostedMessage(message.channel, message.name)

    def reply(self, message: OutgoingMessage[FindingView | Sequence[FindingView]], to: PostedMessage) -> None:
        """See ``Sink.reply``; a PagerDuty incident has no thread, and is updated by ``show``."""
        if self._is_pager(to.channel):
            return
        if isinstance(message.view, FindingView):
            self._send(to.channel, webhook_payloads.step(message.name, to.ts, message.view, message.links))
            return
        for part in webhook_payloads.details(message.name, to.ts, message.view):
            self._send(to.channel, part)

    def digest(self, message: OutgoingMessage[Sequence[FindingView]]) -> None:
        """See ``Sink.digest``."""
        channel = message.channel
        if self._is_pager(channel):
            raise BadRequest(f"webhook `{channel}`: PagerDuty takes no digests; name another destination for them")
        for part in webhook_payloads.digest(message.name, message.view):
            self._send(channel, part)

    def _is_pager(self, channel: str) -> bool:
        return self._addresses.get(channel, "setpoint", "pagerduty").format == "pagerduty"

    def _page(self, message: OutgoingMessage[FindingView | GroupView]) -> bool:
        """Send a PagerDuty event if the webhook has that format; return whether it has."""
        channel = message.channel
        if not self._is_pager(channel):
            return False
        address = self._addresses.get(channel, "pagerduty")
        body = msgspec.json.encode(pagerduty.incident(message.name, message.view, message.links, address.secret))
        post(self._session, channel, address.url, body, {}, seconds=self._seconds)
        return True

    def _send(self, channel: str, notice: WebhookNotice) -> None:
        address = self._addresses.get(channel, "setpoint")
        body = webhook_payloads.encode(notice)
        timestamp = str(int(self._clock()))
        headers = {
            "Setpoint-Id": notice.id,
            "Setpoint-Timestamp": timestamp,
            "Setpoint-Signature": signature(address.secret, timestamp, body),
        }
        post(self._session, channel, address.url, body, headers, seconds=self._seconds)
