"""Opens recorded feeds: a file, standard input or an object in Cloud Storage."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

from setpoint import bootstrap
from setpoint.errors import BadRequest
from setpoint.model.asset_formats import RecordKind
from setpoint.model.asset_stream import FeedMessage, messages, named_messages
from setpoint.util.counts import counted

__all__ = ["FeedMessage", "in_words", "messages", "open_messages"]


def in_words(kinds: Counter[RecordKind]) -> str:
    """How many records there are of each kind, the most frequent first: ``2 assets, 1 feed message``."""
    return ", ".join(
        counted(count, "record of an unknown kind", "records of an unknown kind")
        if kind == "unknown"
        else counted(count, kind)
        for kind, count in kinds.most_common()
    )


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
