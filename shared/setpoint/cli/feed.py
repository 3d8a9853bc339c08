"""Reads recorded feeds from a file or standard input.

Accepted formats: one TemporalAsset per line; the same inside Pub/Sub's envelope, as a push subscription or
``gcloud pubsub subscriptions pull --format=json`` writes it; and a JSON array or a run of indented objects of either.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

_ENVELOPE = re.compile(rb'\{\s*"(?:message|subscription|ackId|deliveryAttempt)"\s*:')


class FeedMessage(NamedTuple):
    """A message of a recorded feed.

    Args:
        where: line number, from 1.
        data: the message's data.
        attributes: the message's attributes.
    """

    where: int
    data: bytes
    attributes: dict[str, str]


def messages(stream: BinaryIO) -> Iterator[FeedMessage]:
    """The messages of a recorded feed, in order; invalid records are passed on unchanged, to be rejected."""
    for where, record in _records(stream):
        yield _unwrapped(where, record) if _ENVELOPE.match(record) else FeedMessage(where, record, {})


def _records(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """One record a line; a file whose first line is a lone bracket is indented JSON, and read as a whole."""
    is_first = True
    for number, line in enumerate(stream, start=1):
        record = line.strip()
        if number == 1:
            record = record.removeprefix(b"\xef\xbb\xbf")
        if not record:
            continue
        if is_first and (record == b"{" or record.startswith(b"[")):
            yield from _indented(number, record + b"\n" + stream.read())
            return
        is_first = False
        yield number, record


def _indented(first_line: int, rest: bytes) -> Iterator[tuple[int, bytes]]:
    """JSON that is not one record a line: an array, or objects that go over several lines."""
    text = rest.decode(errors="replace")
    decode = json.JSONDecoder().raw_decode
    offset = counted = 0
    line = first_line
    while offset < len(text):
        if text[offset].isspace() or text[offset] == ",":
            offset += 1
            continue
        line, counted = line + text.count("\n", counted, offset), offset
        try:
            value, end = decode(text, offset)
        except (ValueError, RecursionError):
            end = text.find("\n{", offset + 1)
            end = len(text) if end < 0 else end
            yield line, text[offset:end].strip().encode()
        else:
            for element in value if isinstance(value, list) else [value]:
                yield line, json.dumps(element).encode()
        offset = end


def _unwrapped(where: int, record: bytes) -> FeedMessage:
    try:
        envelope: Any = json.loads(record)
        message = envelope["message"]
        data = base64.b64decode(message.get("data") or "", validate=True)
        return FeedMessage(
            where, data, {str(key): str(value) for key, value in (message.get("attributes") or {}).items()}
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return FeedMessage(where, record, {})
