"""Write events and dead letters as JSON Lines to a stream."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import msgspec

from setpoint.errors import Unavailable
from setpoint.model import events
from setpoint.model.events import CloudEvent


class JsonlBus:
    """An ``EventBus`` that writes one CloudEvent per line.

    Args:
        stream: the output; flushed after each resource's events.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def publish(self, events_of_one: Sequence[CloudEvent]) -> None:
        """See ``EventBus.publish``."""
        try:
            self._stream.writelines(events.encode(event) + b"\n" for event in events_of_one)
            self._stream.flush()
        except BrokenPipeError:
            raise  # the reader closed the pipe: no error, and no retry
        except OSError as error:
            raise Unavailable(f"the output cannot be written ({error.strerror})") from error


class JsonlDeadLetters:
    """``DeadLetters`` in a stream: one object ``{"reason", "attributes", "message"}`` per line, the message in base64.

    Args:
        stream: the output; flushed after each message.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def put(self, message: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """See ``DeadLetters.put``."""
        letter = {
            "reason": reason,
            "attributes": dict(attributes),
            "message": base64.b64encode(message).decode(),
        }
        try:
            self._stream.write(msgspec.json.encode(letter) + b"\n")
            self._stream.flush()
        except OSError as error:
            raise Unavailable(f"the dead letters cannot be written ({error.strerror})") from error
