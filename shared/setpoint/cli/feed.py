"""Opens recorded feeds: a file, standard input or an object in Cloud Storage."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from setpoint import bootstrap
from setpoint.errors import BadRequest
from setpoint.model.asset_stream import FeedMessage, messages, named_messages

__all__ = ["FeedMessage", "messages", "open_messages"]


def open_messages(name: str) -> Iterator[FeedMessage]:
    """The messages of a file, of standard input (``-``) or of ``gs://BUCKET/OBJECT``.

    Raises:
        BadRequest: it cannot be read.
    """
    try:
        with sys.stdin.buffer if name == "-" else bootstrap.open_file(name) as stream:
            yield from named_messages(name, stream)
    except OSError as error:
        raise BadRequest(f"{name}: cannot be read: {error.strerror or error}") from error
