"""Any text of Terraform code gives a structure or one error, whatever is in it."""

from __future__ import annotations

import pytest

from setpoint.declarations.readers import hcl
from setpoint.declarations.readers.hcl import NotHclError


@pytest.mark.parametrize(
    "text",
    ['a = "' + '${"' * 3_000 + '"}' * 3_000 + '"', "a {\n" * 3_000 + "}\n" * 3_000, 'a = "${', "a = <<EOT\n", "/* "],
    ids=["nested templates", "nested blocks", "open template", "open heredoc", "open comment"],
)
def test_code_that_cannot_be_taken_apart_is_one_error(text: str) -> None:
    with pytest.raises(NotHclError):
        hcl.parse(text)


@pytest.mark.parametrize("value", ["030", r'"\U00110000"', r'"\q"', '"${a}"', "a + 1"])
def test_a_value_that_is_no_plain_literal_is_one_error(value: str) -> None:
    (attribute,) = hcl.parse(f"a = {value}\n").attributes
    with pytest.raises(NotHclError):
        hcl.scalar(attribute.tokens)


@pytest.mark.parametrize(("value", "read"), [("30", 30), ("-1", -1), ("true", True), (r'"a\u00e9$${b}"', "aé${b}")])
def test_a_literal_has_its_value(value: str, read: object) -> None:
    (attribute,) = hcl.parse(f"a = {value}\n").attributes
    assert hcl.scalar(attribute.tokens) == read
