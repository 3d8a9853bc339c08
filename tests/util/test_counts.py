from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from setpoint.util.counts import counted

CLI = Path(__file__).parents[2] / "shared/setpoint/cli"
COUNT = re.compile(r"(?:len|sum)\(|\.total\(\)|_?count\b")
PLURAL = re.compile(r" (?:more |open )?(?!is\b|was\b|has\b)[a-z]+s\b")


@pytest.mark.parametrize(
    ("text", "count", "words"),
    [
        ("0 findings", 0, ("finding",)),
        ("1 finding", 1, ("finding",)),
        ("2 findings", 2, ("finding",)),
        ("1,204 open findings", 1204, ("open finding",)),
        ("2 entries", 2, ("entry", "entries")),
    ],
)
def test_a_count_has_its_noun_in_the_right_number(text, count, words):
    assert counted(count, *words) == text


def test_nothing_may_have_a_word_of_its_own():
    assert counted(0, "open finding", none="no") == "no open findings"


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_no_command_writes_a_plural_behind_a_count_that_may_be_one(path):
    for text in ast.walk(ast.parse(path.read_text())):
        if isinstance(text, ast.JoinedStr):
            for value, after in zip(text.values, text.values[1:], strict=False):
                if isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant):
                    is_count = COUNT.search(ast.unparse(value.value)) and "counted(" not in ast.unparse(value.value)
                    assert not (is_count and PLURAL.match(str(after.value))), ast.unparse(text)
