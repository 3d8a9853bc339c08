"""Verify Slack's requests about clicked buttons, and queue them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

from slack_sdk.signature import Clock, SignatureVerifier

from setpoint.alerting.rendering import button_payload
from setpoint.errors import BadRequest, MalformedMessage, Unavailable
from setpoint.model import slack_interaction
from setpoint.ports.queues import InteractionQueue

LARGEST = 1_000_000
"""Maximum size of a request in bytes; a message of 50 blocks needs far less."""
_SHORTEST_SECRET = 32


class SlackRequests:
    """Handles Slack's requests, and answers with a status.

    Not visible from outside: the signature covers the time and the body, is compared in constant time, and expires
    after five minutes (https://docs.slack.dev/authentication/verifying-requests-from-slack).

    Args:
        secret: the app's signing secret.
        queue: takes the interactions.
        clock: gives the current time.

    Raises:
        BadRequest: the secret is not a signing secret, and could be guessed; copy it from the app's settings.
    """

    def __init__(self, secret: str, queue: InteractionQueue, clock: Clock = Clock()) -> None:  # noqa: B008 - it has no state
        if len(secret.strip()) < _SHORTEST_SECRET:
            raise BadRequest(
                "SETPOINT_SLACK_SIGNING_SECRET is not a signing secret of a Slack app: it has 32 characters"
            )
        self._verifier = SignatureVerifier(secret.strip(), clock)
        self._queue = queue

    def take(self, headers: Mapping[str, str], stream: IO[bytes]) -> int:
        """Verify a request and queue its interaction.

        Args:
            headers: the headers, by their WSGI names.
            stream: the unread body; at most ``LARGEST`` bytes are read.

        Returns:
            200 if it was queued, or if the button is not one of Setpoint's, such as a link; 401 without a valid
            signature; 413 if it is too large; 400 if it is not an interaction; 503 if the queue is unavailable.
        """
        body = _read(stream)
        if len(body) > LARGEST:
            return 413
        if not self._is_signed(headers, body):
            return 401
        try:
            interaction = slack_interaction.of_request(body)
        except MalformedMessage:
            return 400
        try:
            button_payload.decode(interaction.action, interaction.blocks)
        except MalformedMessage:
            return 200
        try:
            self._queue.publish(interaction)
        except Unavailable:
            return 503
        return 200

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        timestamp = headers.get("X-Slack-Request-Timestamp", "")
        signature = headers.get("X-Slack-Signature", "")
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12 and signature.isascii()):  # noqa: PLR2004 - digits
            return False  # the verifier would raise an error
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:  # Slack signs text
            return False


def _read(stream: IO[bytes]) -> bytes:
    """The body up to the limit, with one more byte if it is larger."""
    parts: list[bytes] = []
    left = LARGEST + 1
    while left > 0 and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
