"""The tables' schemas: up to date, only ever grown, and wide enough for every event."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.model.events import CloudEvent, encode
from setpoint.reporting.bigquery_schema import columns_of, grown, refused, shrunk
from setpoint.reporting.tables import DRIFT_EVENTS, tables
from setpoint_tools.schemas import HISTORY, TABLES, history, table_schemas, written

ROOT = Path(__file__).resolve().parents[2]
EVENTS = tables()[DRIFT_EVENTS].columns


@pytest.mark.parametrize("name", table_schemas())
def test_the_schema_file_is_that_of_the_models(name):
    assert (ROOT / TABLES / name).read_text() == written(table_schemas()[name]), "run `make schemas`"


def test_no_schema_file_is_without_a_table_and_the_history_is_up_to_date():
    there = {path.name for path in (ROOT / TABLES).glob("*.schema.json")}
    assert there == set(table_schemas())
    assert (ROOT / TABLES / HISTORY).read_text() == written(history(ROOT / TABLES)), "run `make schemas`"


@pytest.mark.parametrize("name", table_schemas())
def test_every_column_that_a_table_ever_had_is_still_there_as_it_was(name):
    before = json.loads((ROOT / TABLES / HISTORY).read_text())[name]
    assert shrunk(before, table_schemas()[name]) == []


class Inner(msgspec.Struct):
    a: str
    b: int = 0


class Model(msgspec.Struct):
    """A model.

    Args:
        scalar: the first, over
            two lines.
        three: any value, which has no column.
    """

    scalar: str
    two: Inner | None
    three: Any = None
    four: tuple[Inner, ...] = ()


def test_a_schema_follows_from_a_model_with_what_its_docstring_says():
    inner = [{"name": "a", "type": "STRING", "mode": "REQUIRED"}, {"name": "b", "type": "INTEGER", "mode": "NULLABLE"}]
    assert columns_of(Model) == [
        {"name": "scalar", "type": "STRING", "mode": "REQUIRED", "description": "the first, over two lines."},
        {"name": "two", "type": "RECORD", "mode": "NULLABLE", "fields": inner},
        {"name": "four", "type": "RECORD", "mode": "REPEATED", "fields": inner},
    ]


def test_a_form_that_no_column_has_is_said():
    class Odd(msgspec.Struct):
        it: dict[str, int]

    with pytest.raises(TypeError, match=r"Odd\.it: no column is of the form"):
        columns_of(Odd)


def column(name: str, kind: str = "STRING", mode: str = "NULLABLE", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "mode": mode, **more}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ([column("a"), column("b")], []),
        ([], ["a is gone"]),
        ([column("a", "INTEGER")], ["a was STRING and is INTEGER"]),
        ([column("a", mode="REQUIRED")], ["a was NULLABLE and is REQUIRED"]),
        ([column("a"), column("b", mode="REQUIRED")], ["b is new and required"]),
    ],
)
def test_a_change_that_a_table_in_use_does_not_survive_is_found(now, expected):
    assert shrunk([column("a")], now) == expected
    nested = [f"x.{change}" for change in expected]
    assert shrunk([column("x", "RECORD", fields=[column("a")])], [column("x", "RECORD", fields=now)]) == nested


def test_what_is_required_may_become_optional():
    assert shrunk([column("a", mode="REQUIRED")], [column("a")]) == []


def test_a_history_forgets_no_column_and_keeps_it_as_it_was():
    before = grown([], [column("a", description="x"), column("x", "RECORD", fields=[column("c")])])
    after = grown(before, [column("x", "RECORD", fields=[column("d")]), column("b", "INTEGER")])
    assert after == [
        column("a"), column("x", "RECORD", fields=[column("c"), column("d")]), column("b", "INTEGER"),
    ]  # fmt: skip


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.isoformat())
VALUES_OF = {
    msgspec.inspect.AnyType: lambda _: JSON_VALUES,
    msgspec.inspect.UnionType: lambda kind: st.one_of(*map(of_model, kind.types)),
    msgspec.inspect.VarTupleType: lambda kind: st.lists(of_model(kind.item_type), max_size=2),
    msgspec.inspect.LiteralType: lambda kind: st.sampled_from(kind.values),
    msgspec.inspect.DateTimeType: lambda _: TIMES,
    msgspec.inspect.NoneType: lambda _: st.none(),
    msgspec.inspect.StrType: lambda _: st.text(max_size=8),
    msgspec.inspect.IntType: lambda _: st.integers(-(2**62), 2**62),
    msgspec.inspect.BoolType: lambda _: st.booleans(),
}


def of_model(kind: Any) -> st.SearchStrategy[Any]:
    """Every value of a type, as JSON has it; from here on down."""
    if not isinstance(kind, msgspec.inspect.StructType):
        return VALUES_OF[type(kind)](kind)
    needed = {field.encode_name: of_model(field.type) for field in kind.fields if field.required}
    more = {field.encode_name: of_model(field.type) for field in kind.fields if not field.required}
    return st.fixed_dictionaries(needed, optional=more)


ANY_EVENT = of_model(msgspec.inspect.type_info(CloudEvent)).map(lambda fields: msgspec.convert(fields, CloudEvent))


@given(ANY_EVENT)
def test_every_event_that_there_can_be_fits_its_columns_but_for_values_of_any_form(event):
    assert refused(EVENTS, json.loads(encode(event)), drop_unknown=True) == []


VALUES = {
    "data.was",
    "data.differences.declared",
    "data.differences.observed",
    "data.remediation.declared",
    "data.history.fields.before",
}


@given(ANY_EVENT)
def test_nothing_but_values_of_any_form_is_left_out(event):
    left_out = {
        refusal.removesuffix(" has no column")
        for refusal in refused(EVENTS, json.loads(encode(event)), drop_unknown=False)
    }
    assert left_out <= VALUES


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"id": None}, ["id is required"]),
        ({"time": "yesterday"}, ["time is not of type TIMESTAMP"]),
        ({"data": "x"}, ["data is not of type RECORD"]),
        ({"sequence": 1}, ["sequence is not of type STRING"]),
        ({"colour": "red"}, ["colour has no column"]),
    ],
)
def test_a_row_that_does_not_fit_is_found(change, expected):
    row = {"id": "1", "type": "drift.opened", "subject": "x", "time": "2026-03-01T12:00:00Z", "sequence": "1"}
    data = [{**event, "mode": "NULLABLE"} if event["name"] == "data" else event for event in EVENTS]
    assert refused(data, row, drop_unknown=False) == []
    assert refused(data, {**row, **change}, drop_unknown=False) == expected
