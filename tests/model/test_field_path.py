from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.comparison.compare import compare
from setpoint.comparison.source_paths import declared_path
from setpoint.errors import BadDeclaration
from setpoint.model import field_path
from setpoint.model.ignore_patterns import without

_texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.text('ab.[]"\\\\=*\n', max_size=8)
_elements = st.integers(0, 99).map(field_path.index) | st.builds(
    field_path.element, st.sampled_from(["name", "fieldPath"]), _texts | st.integers() | st.booleans()
)


@given(st.lists(_texts | _elements, max_size=5))
def test_every_path_can_be_read_back(parts: list[str]) -> None:
    path: field_path.Path = field_path.ROOT
    for part in parts:
        path = (path, part)
    read = field_path.parse(field_path.text(path))
    assert list(read) == parts
    assert [type(part) for part in read] == [type(part) for part in parts]


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (field_path.element("priority", 1000), "[priority=1000]"),
        (field_path.element("name", "a.b/c=d"), "[name=a.b/c=d]"),
        (field_path.element("value", "[a-z]"), '[value="[a-z]"]'),
        (field_path.element("value", 'a"]b\\c'), r'[value="a\"]b\\c"]'),
        ("[0]", '["[0]"]'),
        (field_path.index(0), "[0]"),
    ],
)
def test_a_part_is_quoted_where_it_could_not_be_read_back(part: str, text: str) -> None:
    assert field_path.text((None, part)) == text
    assert field_path.parse(text) == (part,)


def test_a_difference_in_an_element_with_a_bracket_in_its_name_has_the_authors_path() -> None:
    declared = {"paths": [{"name": "/[a-z]+", "to": "a"}, {"name": 'b"', "to": "b"}]}
    live = {"paths": [{"name": "/[a-z]+", "to": "c"}, {"name": 'b"', "to": "d"}]}
    differences = compare(declared, live)
    assert [difference.path for difference in differences] == ['paths[name="/[a-z]+"].to', r'paths[name="b\""].to']
    assert [declared_path({"": "spec"}, declared, difference.path) for difference in differences] == [
        "spec.paths[0].to",
        "spec.paths[1].to",
    ]
    assert without(declared, ('paths[name="/[a-z]+"]',)) == {"paths": [declared["paths"][1]]}


@pytest.mark.parametrize(
    ("path", "author"),
    [
        ("rules[0].to]x[", "spec.rules[0].to"),
        ("rules[name=a]b].to", "spec.rules[0]"),
        ("rules[\u00b2]", "spec.rules"),
        ("rules[99999999999999999999]", "spec.rules"),
        ("]", "spec"),
        ("", "spec"),
    ],
)
def test_of_a_path_that_cannot_be_read_the_nearest_known_one_is_told(path: str, author: str) -> None:
    assert declared_path({"": "spec"}, {"rules": [{"name": "a", "to": "x"}]}, path) == author


@given(
    _texts, st.recursive(_texts | st.none() | st.integers(), lambda kid: st.lists(kid) | st.dictionaries(_texts, kid))
)
def test_the_authors_path_is_told_of_any_path(path: str, data: Any) -> None:
    assert declared_path({"": "spec"}, data, path).startswith("spec")


def test_what_cannot_be_read_says_where() -> None:
    with pytest.raises(BadDeclaration, match="see character 4"):
        field_path.parse("a.b[")
