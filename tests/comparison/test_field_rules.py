"""The tables of single fields: every line has a reason and a source, and speaks of a field that there is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from setpoint.catalog import field_rules
from setpoint.catalog.schemas import Catalogue, Field, Schema
from setpoint.comparison import spellings
from setpoint.comparison.explain import examine
from setpoint.model.references import Project

FOLDER = Path(field_rules.__file__).parent / "data"
VERBS = frozenset(
    (
        *(
            "absent",
            "presence",
            "empty",
            "exact",
            "unreturned",
            "masked",
            "ordered",
            "first",
            "set",
            "same",
            "alias",
            "chosen",
        ),
        *("moved", "upgraded", "elsewhere", "principal"),
    )
)


def lines(name: str) -> list[list[str]]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("name", ["field_rules.tsv", "provider_rules.tsv"])
def test_every_line_has_a_known_verb_a_readable_value_a_reason_and_a_source(name: str) -> None:
    for line in lines(name):
        service, schemas, paths, verb, value, reason, source = line
        assert all((service, schemas, paths, reason, source)), line
        assert verb in VERBS, line
        if value:
            msgspec.json.decode(value)
        if verb == "same":
            names = msgspec.json.decode(value, type=str).split(" ")
            assert all(name in spellings.NAMES or name.startswith(("prefix:", "suffix:")) for name in names), line


def test_the_sources_of_the_lines_by_hand_are_addresses() -> None:
    assert {source.partition("://")[0] for *_, source in lines("field_rules.tsv")} == {"https"}


def test_every_line_by_hand_names_a_field_that_there_is() -> None:
    catalogue = Catalogue()
    for service, schemas, paths, *_ in lines("field_rules.tsv"):
        for name in schemas.split(" "):
            schema = next(filter(None, (line.schema(name) for line in catalogue._services.of(service))), None)
            assert schema is not None, (service, name)
            for path in paths.split(" "):
                assert has_path(schema, path.split(".")), (service, name, path)


def has_path(schema: Schema, parts: list[str]) -> bool:
    field: Field | None = None
    fields = schema.fields
    for part in parts:
        while field is not None and field.kind == "list":
            field = field.item
        if field is not None and field.kind in ("map", "any"):
            field = field.item
            continue
        if field is not None:
            fields = field.schema.fields if field.schema is not None else {}
        field = fields.get(part)
        if field is None:
            return False
    return True


def test_a_line_by_hand_counts_before_one_of_the_provider_and_the_key_of_a_map_may_be_any() -> None:
    rules = field_rules.of("monitoring", "UptimeCheckConfig")
    assert rules is not None
    assert "masked" in rules.at_path(["httpCheck", "headers", "x-own"])
    assert rules.at_path(["httpCheck", "nothing"]) == {}
    assert field_rules.of("monitoring", "NoSuchSchema") is None


@pytest.mark.parametrize(
    ("live", "differs"),
    [
        ({}, False),
        ({"nodePools": [{"initialNodeCount": 1}]}, False),
        ({"nodePools": [{"initialNodeCount": 3}]}, True),
        ({"initialNodeCount": 3}, True),
    ],
)
def test_the_first_size_of_a_cluster_is_compared_wherever_it_is_told_and_unchecked_where_it_is_not(live, differs):
    schema = Catalogue().schema_for("container.googleapis.com/Cluster")
    explained = examine({"initialNodeCount": 1}, live, schema, Project("p"))
    assert bool(explained.differences) == differs
    assert bool(explained.unchecked) == (live == {})
