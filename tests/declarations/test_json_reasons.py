"""Why a file is not JSON, in words of its author."""

from __future__ import annotations

import pytest

from setpoint.declarations.readers.documents import parse_json


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": ', "a value is missing"),
        ("{a: 1}", "a key in double quotes is missing"),
        ('{"a" 1}', "':' is missing after a key"),
        ('{"a": 1 "b": 2}', "',' or a closing bracket is missing"),
        ('{"a": "b', "a string is not closed"),
        ('{"a": "b\nc"}', "a string contains a control character; escape it"),
        ('{"a": "\\q"}', "an escape sequence is invalid"),
        ('{"a": "\\uzzzz"}', "an escape sequence is invalid"),
    ],
)
def test_a_reason_has_no_words_of_python(text, reason):
    (problem,) = parse_json(text, "a.json")
    assert problem.message == f"not JSON: {reason}"
