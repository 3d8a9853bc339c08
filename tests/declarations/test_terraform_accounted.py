"""Every attribute of every type of the provider: compared, or left out for a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from declarations import terraform_attributes
from declarations.terraform_attributes import NAMING, attributes_that_people_set, name_of, planned, with_one_set
from setpoint.catalog import terraform_types
from setpoint.catalog.terraform_types import Attribute
from setpoint.declarations.readers.terraform_types import meaning

MAX_UNMAPPED = 10
"""Attributes of which no place in the API is known."""
LEAST_PLACED = 0.99
_MORE_VALUES = ('{"typeKind": "INT64"}', '[{"a": "b"}]', "7", "LIVE", "projects/p/topics/t", {"k": "v"}, [{}])


def leaves(attributes: Mapping[str, Attribute]) -> Iterator[Attribute]:
    for attribute in attributes.values():
        yield from leaves(attribute.inside) if attribute.inside else (attribute,)


def test_no_attribute_is_left_out_without_a_reason() -> None:
    reasons: Counter[str] = Counter()
    for name in terraform_types.names():
        known = terraform_types.of(name)
        assert known is not None
        reasons.update(leaf.reason for leaf in leaves(known.attributes) if leaf.class_ != "computed")

    assert reasons["unmapped"] <= MAX_UNMAPPED
    assert reasons.total() > 20_000


def with_key(steps: terraform_attributes.Steps, value: Any) -> dict[str, Any]:
    """The values of a resource in which one attribute is set, with the keys and required attributes beside it."""
    (name, attribute), *rest = steps
    if not rest:
        listed = [value] if attribute.nesting in ("list", "set") else value
        return {name: {"key": value} if attribute.nesting == "map" else listed}
    inside = with_key(tuple(rest), value)
    for sibling, other in attribute.inside.items():
        if sibling not in inside and not other.inside and (other.reason == "key" or other.class_ == "required"):
            filled = other.enum[0] if other.enum else 1 if other.number else "k"
            inside[sibling] = [filled] if other.nesting in ("list", "set") else filled
    return {name: [inside]}


def places_with_blocks(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where a tree has values; a block without attributes is one."""
    if isinstance(value, (dict, list)) and value:
        for step, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places_with_blocks(part, (*above, step))
    elif value == {} or not isinstance(value, (dict, list, type(None))):
        yield above


@pytest.mark.long
def test_nearly_every_attribute_that_an_author_sets_finds_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terraform_attributes, "_values", with_key)
    monkeypatch.setattr(terraform_attributes, "_VALUES", (*terraform_attributes._VALUES, *_MORE_VALUES))
    monkeypatch.setattr(terraform_attributes, "_places", places_with_blocks)
    placed, lost = 0, []
    for name in terraform_types.names():
        known = terraform_types.of(name)
        assert known is not None
        named = {inner: "n" for inner, attribute in known.attributes.items() if attribute.reason == "name"} | NAMING
        monkeypatch.setattr(terraform_attributes, "NAMING", named)
        is_named = planned(name, {key: named[key] for key in named if key in known.attributes}, {}) is not None
        if not meaning(name).known or not is_named:
            continue
        for steps in attributes_that_people_set(name):
            if steps[0][0] in named:
                continue
            if next(with_one_set(name, steps, is_written=True), None) is not None:
                placed += 1
            else:
                lost.append(f"{name}.{name_of(steps)}")
    share = placed / (placed + len(lost))
    with capsys.disabled():
        print(f"\n{placed:,} of {placed + len(lost):,} attributes find their place: {share:.1%}")  # noqa: T201 - the number
    assert share >= LEAST_PLACED, lost
