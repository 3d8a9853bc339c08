"""The valid range of an integer field, as far as its format, description and name state it.

``data/number_ranges.tsv`` lists what descriptions state; it is read when a number is first checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from setpoint.catalog.data_files import FOLDER, rows
from setpoint.catalog.schemas import Field, Schema

TABLE = FOLDER / "number_ranges.tsv"

_INT32 = (-(2**31), 2**31 - 1)
_BY_FORMAT = {"int32": _INT32, "uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1)}
_COUNTED = re.compile(
    r"(?:count|gb|mb|kb|bytes|size|days|hours|minutes|seconds|secs?|ms|millis|ports?|replicas|nodes|instances|percent"
    r"|percentage|retries|attempts|connections|requests|ttl|age|length|versions|cpus?|vcpus|cores|workers|shards|iops"
    r"|throughput|capacity|concurrency|priority|limit|quota|threshold|duration|interval|period|timeout)\Z"
    r"|\A(?:num|number|max|min)[A-Z]",
    re.IGNORECASE,
)
"""Names of what is counted or measured, of which there is no less than nothing."""


class NumberRange(NamedTuple):
    """The numbers that a field takes.

    Args:
        least: the smallest.
        most: the greatest.
        is_certain: whether the type of the field allows no others; a description may be older than the API.
    """

    least: int
    most: int
    is_certain: bool


def ranges_of(field: Field, schema: Schema | None) -> tuple[NumberRange, ...]:
    """The ranges in which a number of an integer field has to be, the certain one first.

    Each range includes zero: JSON does not distinguish it from an absent number.

    Args:
        field: the field.
        schema: the message that the field belongs to; None if unknown.
    """
    ranges = [NumberRange(*_BY_FORMAT[field.format], is_certain=True)] if field.format in _BY_FORMAT else []
    stated = _table().get((schema.service, schema.name, field.name)) if schema is not None else None
    if stated is not None:
        ranges += [NumberRange(*stated, is_certain=False)] if stated else []
    elif field.type == "integer" and _COUNTED.search(field.name):
        ranges.append(NumberRange(0, 2**64 - 1, is_certain=False))
    return tuple(ranges)


@cache
def _table() -> Mapping[tuple[str, str, str], tuple[int, int] | tuple[()]]:
    """The stated range of each field by service, schema and name; empty where negative numbers have a meaning."""
    table: dict[tuple[str, str, str], tuple[int, int] | tuple[()]] = {}
    for service, schema, name, least, most in rows(TABLE):
        key = (service, schema, name)
        if not least or table.get(key) == ():
            table[key] = ()
            continue
        earlier = table.get(key) or (int(least), int(most))
        table[key] = (min(int(least), earlier[0]), max(int(most), earlier[1]))  # versions of an API may differ
    return table
