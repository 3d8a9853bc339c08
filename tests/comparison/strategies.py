"""Resources made up by the catalogue: what a person may declare, and how a server may answer it."""

from __future__ import annotations

import base64
import random
from datetime import datetime
from functools import cache
from typing import Any

from hypothesis import strategies as st

from setpoint.catalog import oneofs
from setpoint.catalog.schemas import Field, Schema, default_catalogue
from setpoint.comparison import list_order
from setpoint.comparison.system_fields import SYSTEM_FIELDS

TYPES = (
    "compute.googleapis.com/Firewall",
    "compute.googleapis.com/BackendService",
    "storage.googleapis.com/Bucket",
    "sqladmin.googleapis.com/Instance",
    "container.googleapis.com/Cluster",
    "pubsub.googleapis.com/Subscription",
    "run.googleapis.com/Service",
    "bigquery.googleapis.com/Table",
    "monitoring.googleapis.com/AlertPolicy",
    "dns.googleapis.com/ManagedZone",
)

_words = st.from_regex(r"[a-z][a-z0-9]{2,11}", fullmatch=True)
_DEEPEST = 3


def schema_of(asset_type: str) -> Schema:
    schema = default_catalogue().schema_for(asset_type)
    assert schema is not None
    return schema


@cache
def declared(schema: Schema, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Some fields of a message, with values that are not zero, and one of those of which only one may be set."""
    names = [name for name, field in schema.fields.items() if _is_declarable(name, field, depth)]
    if not names:
        return st.builds(dict)
    chosen = st.lists(st.sampled_from(names), unique=True, max_size=6 if depth == 0 else 3)
    return chosen.flatmap(lambda some: st.fixed_dictionaries(_values(schema, some, depth + 1)))


def _values(schema: Schema, chosen: list[str], depth: int) -> dict[str, st.SearchStrategy[Any]]:
    for name in list(chosen):
        if name in chosen:
            chosen = [other for other in chosen if other not in oneofs.excluded(schema, name)]
    return {name: value(schema.fields[name], depth) for name in chosen}


def _is_declarable(name: str, field: Field, depth: int) -> bool:
    if field.output_only or field.input_only or field.sensitive or field.kind == "any":
        return False
    if field.required and field.reference:
        return False  # never gone, whatever an answer leaves out
    if depth == 0 and name in SYSTEM_FIELDS:
        return False
    if field.kind in ("list", "map"):
        return field.item is not None and _is_declarable(name, field.item, depth)
    return field.kind == "scalar" or (depth < _DEEPEST and field.schema is not None)


@cache
def value(field: Field, depth: int) -> st.SearchStrategy[Any]:
    if field.kind == "message":
        assert field.schema is not None
        return declared(field.schema, depth)
    if field.kind == "map":
        return st.dictionaries(_words, value(field.item, depth), max_size=3)
    if field.kind == "list":
        return st.lists(value(field.item, depth), max_size=4, unique_by=repr)
    return _scalar(field)


def _scalar(field: Field) -> st.SearchStrategy[Any]:
    by_format = {
        "duration": st.integers(1, 10**6).map(lambda seconds: f"{seconds}s"),
        "timestamp": st.datetimes(min_value=_year(2000), max_value=_year(2100)).map(
            lambda time: f"{time.isoformat()}Z"
        ),
        "bytes": st.binary(min_size=1, max_size=8).map(_base64),
    }
    if field.format in by_format:
        return by_format[field.format]
    if field.format == "enum":
        return st.sampled_from([name for name in field.enum if name != field.zero] or ["OTHER"])
    by_type = {
        "boolean": st.just(True),
        "integer": st.integers(1, 2**31 - 1),
        "number": st.integers(1, 10**6).map(lambda whole: whole + 0.5),
    }
    return by_type.get(field.type, _words)


def _year(year: int) -> Any:
    return datetime(year, 1, 1)  # noqa: DTZ001 - the strategy wants naive bounds


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def answered(schema: Schema, value_: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """The same resource as a server might answer: sets in another order, 64-bit integers as strings."""
    return {name: _answered(schema.fields[name], name, part, rng) for name, part in value_.items()}


def _answered(field: Field | None, name: str, part: Any, rng: random.Random) -> Any:
    if field is None:
        return part
    if isinstance(part, dict) and field.schema is not None:
        return answered(field.schema, part, rng)
    if isinstance(part, dict):
        return {key: _answered(field.item, key, inner, rng) for key, inner in part.items()}
    if isinstance(part, list):
        elements = [_answered(field.item, name, element, rng) for element in part]
        if not list_order.is_ordered(name, field.item, field) and name not in ("fields", "disks"):
            rng.shuffle(elements)
        return elements
    return _spelled(field.format, part)


def _spelled(form: str, part: Any) -> Any:
    if form in ("int64", "uint64"):
        return str(part)
    return part.replace("s", ".000s") if form == "duration" else part


def leaves(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all scalars."""
    if isinstance(part, dict):
        return [leaf for key, inner in part.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(part, list):
        return [leaf for index, inner in enumerate(part) for leaf in leaves(inner, (*path, index))]
    return [path]


def mutated(part: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(part, bool):
        return not part
    if isinstance(part, (int, float)):
        return part + 1
    if part.endswith("s") and part[:-1].isdigit():
        return f"{int(part[:-1]) + 1}s"
    if part[:4].isdigit() and part.endswith("Z"):
        return f"{int(part[:4]) + 1}{part[4:]}" if part[4:10] != "-02-29" else f"{int(part[:4]) + 4}{part[4:]}"
    return f"{part}x"


def replaced(whole: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value at one path."""
    if not path:
        return new
    if isinstance(whole, dict):
        return {**whole, path[0]: replaced(whole[path[0]], path[1:], new)}
    return [replaced(part, path[1:], new) if index == path[0] else part for index, part in enumerate(whole)]


STATES = ("etag", "fingerprint", "labelFingerprint", "metageneration")


def is_writable(name: str, field: Field) -> bool:
    """Whether a stable API takes the field at any time."""
    fixed = field.output_only or field.input_only or field.immutable or field.sensitive or field.beta
    return not fixed and name not in STATES and field.kind != "any"


def example(field: Field, depth: int = 0) -> Any:
    """A value that a person may declare: the first field of a message that can be written, and so on down."""
    if field.kind == "message":
        assert field.schema is not None
        for name, inner in field.schema.fields.items():
            if is_writable(name, inner) and (depth < 4 or inner.kind == "scalar"):
                return {name: example(inner, depth + 1)}
        return {}
    if field.kind == "list":
        return [example(field.item, depth + 1)]
    if field.kind == "map":
        return {"team": example(field.item, depth + 1)}
    if field.format == "enum":
        return next(name for name in field.enum if name != field.zero)
    return {"boolean": True, "integer": 7, "number": 0.5}.get(
        field.type, "60s" if field.format == "duration" else "web"
    )
