"""The unions (oneofs) of Google's definitions, which discovery documents leave out.

`unions.tsv` beside this module lists them with their source: service, schema, the fields of one union.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("unions.tsv")


def members(service: str, schema: str) -> frozenset[str]:
    """Return the fields of a schema that are members of a union.

    Args:
        service: The API, as `compute`.
        schema: The schema's name in the discovery document.
    """
    return _table().get((service, schema), frozenset())


@cache
def _table() -> Mapping[tuple[str, str], frozenset[str]]:
    table: dict[tuple[str, str], frozenset[str]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            service, schema, fields = line.split("\t")
            table[service, schema] = table.get((service, schema), frozenset()) | frozenset(fields.split())
    return table
