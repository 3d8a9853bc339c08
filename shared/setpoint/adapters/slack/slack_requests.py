"""What Slack sends when somebody presses a button: who it is from, and handing it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

from slack_sdk.signature import Clock, SignatureVerifier

from setpoint.alerting.rendering import button_payload
from setpoint.errors import BadRequest, MalformedMessage, Unavailable
from setpoint.model import slack_interaction
from setpoint.ports.queues import InteractionQueue

LARGEST = 1_000_000
"""Bytes of a request; a message of 50 blocks is told in far less."""
_SHORTEST_SECRET = 32


class SlackRequests:
    """Takes requests of Slack's, and answers with a status.

    What cannot be told from an answer: the signature covers the time and the body, is compared in constant time, and is
    refused when it is older than five minutes (https://docs.slack.dev/authentication/verifying-requests-from-slack).

    Args:
        secret: the app's signing secret.
        queue: where it is handed on.
        clock: the time.

    Raises:
        BadRequest: it is no signing secret, and could be guessed.
    """

    def __init__(self, secret: str, queue: InteractionQueue, clock: Clock = Clock()) -> None:  # noqa: B008 - it has no state
        if len(secret.strip()) < _SHORTEST_SECRET:
            raise BadRequest("SETPOINT_SLACK_SIGNING_SECRET is no signing secret of a Slack app: it has 32 characters")
        self._verifier = SignatureVerifier(secret.strip(), clock)
        self._queue = queue

    def take(self, headers: Mapping[str, str], stream: IO[bytes]) -> int:
        """Hand on what was pressed.

        Args:
            headers: of the request, by their names as WSGI writes them.
            stream: its body, of which nothing was read; no more than ``LARGEST`` bytes are ever held.

        Returns:
            200 where it was taken, and where it is another button than one of Setpoint's, such as a link; 401 without a
            good signature; 413 where it is too large; 400 where it is nothing that was pressed; 503 where nobody takes
            it over.
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
            return False  # over which the verifier would trip
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:  # Slack signs text
            return False


def _read(stream: IO[bytes]) -> bytes:
    """A body up to the limit, and a byte more where it is larger."""
    parts: list[bytes] = []
    left = LARGEST + 1
    while left > 0 and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
