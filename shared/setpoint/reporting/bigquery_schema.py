"""Generate BigQuery columns from the models, and check that schemas only grow.

A field that may hold any JSON value gets no column: a Pub/Sub subscription that writes by a table's schema accepts a
JSON column only for a string with JSON text
(https://cloud.google.com/pubsub/docs/create-bigquery-subscription#use_table_schema).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

Column = dict[str, Any]
"""A column in the format of BigQuery's schema files: name, type, mode, description, and the fields of a RECORD.

Source: https://cloud.google.com/bigquery/docs/schemas#creating_a_JSON_schema_file
"""

_TYPES: dict[type, str] = {
    msgspec.inspect.StrType: "STRING",
    msgspec.inspect.IntType: "INTEGER",
    msgspec.inspect.FloatType: "FLOAT",
    msgspec.inspect.BoolType: "BOOLEAN",
    msgspec.inspect.DateTimeType: "TIMESTAMP",
    msgspec.inspect.DateType: "DATE",
    msgspec.inspect.LiteralType: "STRING",
}
_MEMBER = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def columns_of(model: type[msgspec.Struct]) -> list[Column]:
    """The columns of a model, one per field, in their order.

    A field is REQUIRED if every JSON text of the model has it and it is never null. A new field needs a default, since
    BigQuery adds no required column to an existing table.

    Raises:
        TypeError: a field has a type without a column type.
    """
    described = msgspec.inspect.type_info(model)
    assert isinstance(described, msgspec.inspect.StructType)  # noqa: S101 - for the type checker
    return list(_columns(described))


def _columns(model: msgspec.inspect.StructType) -> Iterator[Column]:
    texts = _descriptions(model.cls)
    for field in model.fields:
        form = _form(field.type, f"{model.cls.__name__}.{field.name}")
        if form is None:
            continue
        if "mode" not in form:
            form["mode"] = "REQUIRED" if field.required else "NULLABLE"
        text = texts.get(field.name)
        yield {"name": field.encode_name, **form, **({"description": text} if text else {})}


def _form(kind: msgspec.inspect.Type, where: str) -> Column | None:
    """The type of a column, and its mode if the type determines it; None for any JSON value."""
    if isinstance(kind, msgspec.inspect.AnyType):
        return None
    if isinstance(kind, msgspec.inspect.UnionType):
        rest = [type_ for type_ in kind.types if not isinstance(type_, msgspec.inspect.NoneType)]
        if len(rest) == 1:
            inner = _form(rest[0], where)
            return None if inner is None else {"mode": "NULLABLE", **inner}
    if isinstance(kind, msgspec.inspect.VarTupleType):
        inner = _form(kind.item_type, where)
        return None if inner is None else {**inner, "mode": "REPEATED"}
    if isinstance(kind, msgspec.inspect.StructType):
        return {"type": "RECORD", "fields": list(_columns(kind))}
    if type(kind) in _TYPES:
        return {"type": _TYPES[type(kind)]}
    raise TypeError(f"{where}: no column is of the form {kind}; give it one in reporting/bigquery_schema.py")


def _descriptions(model: type) -> dict[str, str]:
    """The descriptions of a model's fields, from its docstring."""
    _, _, args = (inspect.getdoc(model) or "").partition("Args:\n")
    return {name: " ".join(text.replace("``", "").split()) for name, text in _MEMBER.findall(args)}


def shrunk(before: Sequence[Column], now: Sequence[Column], path: str = "") -> list[str]:
    """Incompatible changes of a schema: removed columns, and new requirements."""
    there = {column["name"]: column for column in now}
    problems = []
    for old in before:
        where = f"{path}{old['name']}"
        new = there.get(old["name"])
        if new is None:
            problems.append(f"{where} is gone")
            continue
        if new["type"] != old["type"]:
            problems.append(f"{where} was {old['type']} and is {new['type']}")
        if new["mode"] != old["mode"] and (old["mode"], new["mode"]) != ("REQUIRED", "NULLABLE"):
            problems.append(f"{where} was {old['mode']} and is {new['mode']}")
        problems += shrunk(old.get("fields", ()), new.get("fields", ()), f"{where}.")
    known = {column["name"] for column in before}
    problems += [
        f"{path}{column['name']} is new and required"
        for column in now
        if column["name"] not in known and column["mode"] == "REQUIRED"
    ]
    return problems


def grown(before: Sequence[Column], now: Sequence[Column]) -> list[Column]:
    """The earlier columns unchanged, followed by the new ones."""
    latest = {column["name"]: column for column in now}
    kept = []
    for old in before:
        new = latest.pop(old["name"], None)
        more = {"fields": grown(old["fields"], new["fields"])} if new is not None and "fields" in old else {}
        kept.append({**_bare(old), **more})
    return [*kept, *map(_bare, latest.values())]


def _bare(column: Column) -> Column:
    """A column without its description, which may change."""
    bare = {name: column[name] for name in ("name", "type", "mode")}
    return {**bare, "fields": [_bare(field) for field in column["fields"]]} if "fields" in column else bare


def refused(columns: Iterable[Column], row: Mapping[str, Any], path: str = "", *, drop_unknown: bool) -> list[str]:
    """Why BigQuery would refuse a row of JSON values.

    Args:
        columns: the table's columns.
        row: the row.
        path: the position in the row.
        drop_unknown: whether fields without a column are dropped rather than refused.
    """
    known = {column["name"]: column for column in columns}
    problems = [] if drop_unknown else [f"{path}{name} has no column" for name in row if name not in known]
    for name, column in known.items():
        where, value = f"{path}{name}", row.get(name)
        if value is None:
            if column["mode"] == "REQUIRED":
                problems.append(f"{where} is required")
        elif column["mode"] == "REPEATED" and not isinstance(value, list):
            problems.append(f"{where} is not a list")
        else:
            for item in value if column["mode"] == "REPEATED" else [value]:
                problems += _refused_value(column, item, where, drop_unknown=drop_unknown)
    return problems


def _refused_value(column: Column, value: Any, where: str, *, drop_unknown: bool) -> list[str]:
    if column["type"] == "RECORD":
        if not isinstance(value, dict):
            return [f"{where} is not of type RECORD"]
        return refused(column["fields"], value, f"{where}.", drop_unknown=drop_unknown)
    return [] if _FITS[column["type"]](value) else [f"{where} is not of type {column['type']}"]


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and _reads(datetime.fromisoformat, value)


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and _reads(date.fromisoformat, value)


def _reads(read: Any, value: str) -> bool:
    try:
        read(value)
    except ValueError:
        return False
    return True


_FITS: dict[str, Callable[[Any], bool]] = {
    "STRING": lambda value: isinstance(value, str),
    "INTEGER": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "FLOAT": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "BOOLEAN": lambda value: isinstance(value, bool),
    "TIMESTAMP": _is_time,
    "DATE": _is_date,
    "JSON": lambda _: True,
}
