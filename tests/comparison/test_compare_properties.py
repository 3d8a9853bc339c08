from __future__ import annotations

import random
from functools import reduce
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from comparison.strategies import TYPES, answered, declared, leaves, mutated, replaced, schema_of
from setpoint.comparison import literal
from setpoint.comparison.compare import compare, comparison_of
from setpoint.comparison.explain import examine
from setpoint.model import field_path
from setpoint.model.difference import Difference
from setpoint.model.references import Project
from sizes import size

pytestmark = pytest.mark.parametrize("asset_type", TYPES)
SETTINGS = settings(max_examples=size(8, 40), deadline=None)


@SETTINGS
@given(st.data())
def test_a_resource_does_not_differ_from_itself(asset_type: str, data: st.DataObject) -> None:
    schema = schema_of(asset_type)
    wanted = data.draw(declared(schema))
    assert compare(wanted, wanted, schema) == ()
    assert compare(wanted, wanted, schema, exact=True) == ()
    assert compare(wanted, wanted, None) == ()


@SETTINGS
@given(st.data(), st.randoms(use_true_random=False))
def test_another_order_of_a_set_and_another_spelling_of_a_number_are_no_drift(
    asset_type: str, data: st.DataObject, rng: random.Random
) -> None:
    schema = schema_of(asset_type)
    wanted = data.draw(declared(schema))
    assert compare(wanted, answered(schema, wanted, rng), schema) == ()


@SETTINGS
@given(st.data())
def test_every_change_of_a_declared_leaf_is_found(asset_type: str, data: st.DataObject) -> None:
    schema = schema_of(asset_type)
    wanted = data.draw(declared(schema))
    where = leaves(wanted)
    assume(where)
    path = data.draw(st.sampled_from(where))
    old = reduce(lambda whole, part: whole[part], path, wanted)
    live = replaced(wanted, path, mutated(old))
    assert compare(wanted, live, schema) != ()
    assert compare(live, wanted, schema) != ()


@SETTINGS
@given(st.data())
def test_every_declared_leaf_that_is_gone_is_found_or_explained(asset_type: str, data: st.DataObject) -> None:
    schema = schema_of(asset_type)
    wanted = data.draw(declared(schema))
    keys = [path for path in leaves(wanted) if path and isinstance(path[-1], str)]
    assume(keys)
    path = data.draw(st.sampled_from(keys))
    examined = examine(wanted, replaced(wanted, path, None), schema, Project())
    is_default = any(note.reason.startswith("default is absent") for note in examined.notes)
    assert examined.differences or examined.unchecked or is_default


@SETTINGS
@given(st.data())
def test_fields_that_are_literally_equal_need_no_walk(asset_type: str, data: st.DataObject) -> None:
    schema = schema_of(asset_type)
    wanted, other = data.draw(declared(schema)), data.draw(declared(schema))
    names = [name for name in wanted if data.draw(st.booleans())]
    live = {**other, **{name: wanted[name] for name in names}}
    whole = comparison_of(wanted, live, schema, own=Project())
    part = comparison_of(wanted, live, schema, own=Project(), keys=literal.unlike(wanted, live))
    assert part.differences == whole.differences
    assert part.unchecked == whole.unchecked
    assert compare(wanted, live, schema) == tuple(whole.differences)


@SETTINGS
@given(st.data())
def test_putting_the_differences_right_leaves_no_difference(asset_type: str, data: st.DataObject) -> None:
    schema = schema_of(asset_type)
    wanted, other = data.draw(declared(schema)), data.draw(declared(schema))
    live = {**other, **{key: value for key, value in wanted.items() if data.draw(st.booleans())}}
    mended = live
    for difference in compare(wanted, live, schema):
        mended = put_right(wanted, mended, difference)
    assert compare(wanted, mended, schema) == ()


@SETTINGS
@given(st.data())
def test_what_is_not_declared_is_drift_only_where_the_declaration_is_exact(
    asset_type: str, data: st.DataObject
) -> None:
    schema = schema_of(asset_type)
    live = data.draw(declared(schema))
    assume(live)
    hidden = data.draw(st.sampled_from(sorted(live)))
    shown = {key: value for key, value in live.items() if key != hidden}
    assert compare(shown, live, schema) == ()
    assert {difference.op for difference in compare(shown, live, schema, exact=True)} <= {"unexpected"}


def put_right(wanted: dict[str, Any], live: dict[str, Any], difference: Difference) -> dict[str, Any]:
    """The live side with one difference undone; a list is put back as a whole."""
    parts = []
    for part in field_path.parse(difference.path):
        if part.startswith("["):
            break
        parts.append(part)
    value = reduce(lambda whole, part: whole[part], parts, wanted)
    mended: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(live))
    holder: Any = mended
    for part in parts[:-1]:
        holder[part] = holder.get(part) if isinstance(holder.get(part), dict) else {}
        holder = holder[part]
    holder[parts[-1]] = value
    return mended
