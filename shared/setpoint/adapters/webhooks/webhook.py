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
from setpoint.model.notice_view import FindingView, GroupView, Links
from setpoint.ports.people import PostedMessage


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

    def show(
        self,
        name: str,
        channel: str,
        view: FindingView | GroupView,
        links: Links,
        posted: PostedMessage | None,
        *,
        maybe: bool = False,
    ) -> PostedMessage:
        """See ``Sink.show``; a retry carries the same id."""
        del posted, maybe
        if not self._page(name, channel, view, links):
            self._send(channel, webhook_payloads.shown(name, view, links))
        return PostedMessage(channel, name)

    def escalate(
        self,
        name: str,
        channel: str,
        view: FindingView,
        links: Links,
        posted: PostedMessage | None,
        *,
        maybe: bool = False,
    ) -> PostedMessage:
        """See ``Sink.escalate``."""
        del posted, maybe
        if not self._page(name, channel, view, links):
            self._send(channel, webhook_payloads.escalation(name, view, links))
        return PostedMessage(channel, name)

    def reply(
        self,
        name: str,
        posted: PostedMessage,
        view: FindingView | Sequence[FindingView],
        links: Links,
        *,
        maybe: bool = False,
    ) -> None:
        """See ``Sink.reply``; a PagerDuty incident has no thread, and is updated by ``show``."""
        del maybe
        if self._is_pager(posted.channel):
            return
        if isinstance(view, FindingView):
            self._send(posted.channel, webhook_payloads.step(name, posted.ts, view, links))
            return
        for part in webhook_payloads.details(name, posted.ts, view):
            self._send(posted.channel, part)

    def digest(
        self, name: str, channel: str, findings: Sequence[FindingView], links: Links, *, maybe: bool = False
    ) -> None:
        """See ``Sink.digest``."""
        del links, maybe
        if self._is_pager(channel):
            raise BadRequest(f"webhook `{channel}`: PagerDuty takes no digests; name another destination for them")
        for part in webhook_payloads.digest(name, findings):
            self._send(channel, part)

    def _is_pager(self, channel: str) -> bool:
        return self._addresses.get(channel, "setpoint", "pagerduty").format == "pagerduty"

    def _page(self, name: str, channel: str, view: FindingView | GroupView, links: Links) -> bool:
        """Send a PagerDuty event if the webhook has that format; return whether it has."""
        if not self._is_pager(channel):
            return False
        address = self._addresses.get(channel, "pagerduty")
        body = msgspec.json.encode(pagerduty.incident(name, view, links, address.secret))
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
