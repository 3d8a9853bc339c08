from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from setpoint.declarations.readers import documents
from setpoint.declarations.readers.documents import Document, Problem
from setpoint_tools.testing.scaling import growth


def read(tmp_path: Path, text: str, name: str = "a.yaml") -> list[Document | Problem]:
    file = tmp_path / name
    file.write_text(text)
    return list(documents.read(str(file)))


def values(tmp_path: Path, text: str, name: str = "a.yaml") -> list[Any]:
    return [document.value for document in read(tmp_path, text, name) if isinstance(document, Document)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("1:30", "1:30"),
        ("2025-01-01", "2025-01-01"),
        ("2025-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
        ("10", 10),
        ("-3", -3),
        ("0644", 420),
        ("0x10", 16),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("08", "08"),
        ("~", None),
        ("", None),
        ('"10"', "10"),
        ("'true'", "true"),
        ("|\n    two\n    lines\n", "two\nlines\n"),
        ("80-90", "80-90"),
        (".inf", ".inf"),
    ],
)
def test_scalars_are_read_as_kubernetes_users_write_them(tmp_path: Path, text: str, value: Any) -> None:
    (read_value,) = values(tmp_path, f"a: {text}")
    assert read_value == {"a": value}
    assert type(read_value["a"]) is type(value)


def test_documents_know_their_line(tmp_path: Path) -> None:
    contents = read(tmp_path, "# head\n\na: 1\n---\n# more\nb:\n  c: 2\n--- {d: 3}\n")
    assert [(document.line, document.value) for document in contents if isinstance(document, Document)] == [
        (3, {"a": 1}),
        (6, {"b": {"c": 2}}),
        (8, {"d": 3}),
    ]
    second = contents[1]
    assert isinstance(second, Document)
    assert second.line_of(("b", "c")) == 7
    assert second.line_of(("b", "nothing")) == 6


def test_a_broken_document_spoils_none_beside_it(tmp_path: Path) -> None:
    contents = read(tmp_path, "a: 1\n---\nb: [1, 2\nc: }\n---\nd: 4\n")
    assert [document.value for document in contents if isinstance(document, Document)] == [{"a": 1}, {"d": 4}]
    (problem,) = (document for document in contents if isinstance(document, Problem))
    assert problem.line == 4


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "`a` stands here twice"),
        ("a: *nowhere\n", 1, "nowhere"),
        ("? [1, 2]\n: 3\n", 1, "key"),
        ("a: {" * 200, 1, "levels deep"),
        ("a: \t- b: '", 1, "not YAML: block sequence entries"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    (problem,) = read(tmp_path, text)
    assert isinstance(problem, Problem)
    assert problem.line == line
    assert what in problem.message


def test_anchors_and_merge_keys_work(tmp_path: Path) -> None:
    (value,) = values(tmp_path, "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: *b\n")
    assert value == {"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 3}, "two": {"x": 1, "y": 2}}


def test_keys_are_strings_as_in_json(tmp_path: Path) -> None:
    assert values(tmp_path, "80: a\ntrue: b\nnull: c\n") == [{"80": "a", "true": "b", "null": "c"}]


def test_a_list_of_documents_is_its_items(tmp_path: Path) -> None:
    assert values(tmp_path, "apiVersion: v1\nkind: List\nitems: [{a: 1}, {b: 2}]\n") == [{"a": 1}, {"b": 2}]
    assert values(tmp_path, '[{"a": 1}, {"b": 2}]', "a.json") == [{"a": 1}, {"b": 2}]


def test_json_may_hold_one_value_many_or_one_a_line(tmp_path: Path) -> None:
    assert values(tmp_path, '{"a": 1}\n{"b": 2}\n\n{"c":\n 3}', "a.jsonl") == [{"a": 1}, {"b": 2}, {"c": 3}]
    contents = read(tmp_path, '{"a": 1}\n{"b": }\n{"c": 3}\n', "b.jsonl")
    assert [document.value for document in contents if isinstance(document, Document)] == [{"a": 1}, {"c": 3}]
    assert [problem_.line for problem_ in contents if isinstance(problem_, Problem)] == [2]


def test_files_that_cannot_be_read_are_problems(tmp_path: Path) -> None:
    (missing,) = documents.read(str(tmp_path / "none.yaml"))
    assert isinstance(missing, Problem)
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe4\n")
    (broken,) = documents.read(str(tmp_path / "latin.yaml"))
    assert isinstance(broken, Problem)
    assert "UTF-8" in broken.message


def test_directories_are_walked_in_the_order_of_names_and_hidden_ones_left_out(tmp_path: Path) -> None:
    for name in ("b/two.yml", "a/one.yaml", ".git/x.yaml", "a/note.txt", "c.json", ".hidden.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    names = [str(Path(file).relative_to(tmp_path)) for file in documents.files(str(tmp_path))]
    assert names == ["c.json", "a/one.yaml", "b/two.yml"]


@given(st.text(max_size=60))
def test_no_text_at_all_makes_it_fail_otherwise(text: str) -> None:
    lines = len(text.splitlines()) + 1
    for part in (*documents.parse(text, "f.yaml"), *documents.parse_json(text, "f")):
        assert isinstance(part, (Document, Problem))
        assert 1 <= part.line <= lines


def test_every_line_of_a_long_file_is_found_at_once(tmp_path: Path) -> None:
    text = "x" * 200

    def read_lines(count: int) -> None:
        lines = "".join(f'{{"a": {number}, "text": "{text}"}}\n' for number in range(count))
        assert [document.line for document in read(tmp_path, lines, "a.jsonl")] == list(range(1, count + 1))

    assert growth(read_lines, 2_000, 20_000) < 40, "ten times as many lines are to take about ten times as long"


def bomb(levels: int, width: int = 10) -> str:
    lines = ["l0: &l0 [" + ", ".join(["x"] * width) + "]"]
    lines += [f"l{number}: &l{number} [" + ", ".join([f"*l{number - 1}"] * width) + "]" for number in range(1, levels)]
    return "\n".join(lines) + "\n"


def test_aliases_that_unfold_to_millions_of_values_are_refused_with_their_line(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, bomb(7))
    assert isinstance(problem, Problem)
    assert problem.line == 4
    assert "more than 20 times the text" in problem.message
    (value,) = values(tmp_path, bomb(3))
    assert len(value["l2"]) == 10


def test_merge_keys_that_unfold_to_millions_of_values_are_refused_too(tmp_path: Path) -> None:
    text = "l0: &l0 {k: [" + ", ".join(["x"] * 100) + "]}\n"
    text += "".join(
        f"l{number}: &l{number} {{{', '.join(f'k{n}: {{<<: *l{number - 1}}}' for n in range(10))}}}\n"
        for number in range(1, 7)
    )
    (problem,) = read(tmp_path, text)
    assert isinstance(problem, Problem)


def test_a_document_with_many_slips_is_parsed_once_for_their_lines(tmp_path: Path, mocker: MockerFixture) -> None:
    (document,) = read(tmp_path, "rules:\n" + "".join(f"- {{name: r{number}}}\n" for number in range(3_000)))
    assert isinstance(document, Document)
    compose = mocker.spy(yaml, "compose")
    assert [document.line_of(("rules", index, "name")) for index in range(3_000)] == list(range(2, 3_002))
    assert compose.call_count == 1
