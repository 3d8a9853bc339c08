"""Ids of findings in a file, read without opening the store, for which the completion of a shell has no time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

_SECONDS = 0.1
_QUERY = """
SELECT id, json_extract(CAST(body AS TEXT), '$.key.name') FROM findings
WHERE drifted AND id >= ? AND id < ? || 'g' ORDER BY id LIMIT ?
"""


def ids_beginning(path: Path, begun: str, most: int) -> Iterator[tuple[str, str]]:
    """Ids that begin so, with the names of their resources; none where the file is not a store or is busy.

    Args:
        path: the file; it is not changed.
        begun: the first letters of the ids.
        most: how many are given at most.
    """
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_SECONDS)
        with closing(connection):
            yield from connection.execute(_QUERY, (begun, begun, most))
    except sqlite3.Error:
        return
