"""No file and no archive stops what stands beside it, or costs more than its size allows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tracemalloc
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from declarations import bomb_reader, bombs
from setpoint.declarations.readers import documents, limits, load
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.detection import scopes
from setpoint.errors import BadDeclaration
from setpoint.model import linear_patterns
from setpoint.model.fleet_rules import rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from sizes import size

MEMORY = size(60_000_000, 200_000_000)
SECONDS = size(1, 2)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = (
    "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: //storage.googleapis.com/good}\n"
    "spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}\n"
)


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[str, dict]:
    """By its name what came of each archive, and of each document beside a good one."""
    folder = tmp_path_factory.mktemp("bombs")
    paths = {name: folder / name for name in bombs.ARCHIVES}
    for name, pack in bombs.ARCHIVES.items():
        paths[name].write_bytes(pack())
    for number, (name, content) in enumerate(bombs.documents().items()):
        paths[name] = folder / str(number)
        paths[name].mkdir()
        bomb = content if isinstance(content, bytes) else content.encode(errors="surrogatepass")
        (paths[name] / name).write_bytes(bomb)
        (paths[name] / "good.yaml").write_text(GOOD)
    command = [sys.executable, bomb_reader.__file__, str(MEMORY), *map(str, paths.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["path"] for line in lines] == [str(path) for path in paths.values()], done.stderr[-2_000:]
    return dict(zip(paths, lines, strict=True))


@pytest.mark.thorough
@pytest.mark.parametrize("name", [*bombs.documents(), *bombs.ARCHIVES])
def test_a_bomb_is_refused_by_its_name_within_seconds_and_megabytes(results, name):
    result = results[name]
    assert "leak" not in result
    assert result["problems"], result
    assert name in result["problems"][0]
    assert result["seconds"] < SECONDS


@pytest.mark.thorough
@pytest.mark.parametrize("name", bombs.documents())
def test_a_good_file_beside_a_bomb_is_read(results, name):
    assert "//storage.googleapis.com/good" in results[name]["read"]


@pytest.mark.parametrize("suffix", [".yaml", ".jsonl"])
def test_a_file_may_have_as_many_documents_as_declarations_fit_in_it_and_not_one_more(suffix):
    """The limit is 10,000 documents, and one more for each 40 characters."""
    most = 10_000 + 80_000 // 40
    separator = "\n---\n" if suffix == ".yaml" else "\n"
    allowed = separator.join(["1"] * most).ljust(80_000)
    assert [document.value for document in documents.parse(allowed, f"a{suffix}")] == [1] * most
    *read, problem = documents.parse(separator.join(["1"] * (most + 1)).ljust(80_000), f"a{suffix}")
    assert len(read) == most
    assert isinstance(problem, Problem)
    assert problem.category == documents.UNREADABLE
    assert problem.message.startswith("more than 12,000 documents in 80,000 characters; the rest was not read;")


def test_a_large_json_file_may_have_a_value_for_each_eight_characters_and_not_one_more():
    """Of strings only the characters count, whatever stands in them."""
    state = '{"serial":1,"id":"' + "[{," * 100 + '"}\n'
    text = '{"a":[' + ",".join(["12345678"] * 1_000_000) + "]}" + state * 2_000
    assert len([item for item in documents.parse(text, "a.json") if isinstance(item, Document)]) == 2_001
    (problem,) = documents.parse('{"a":[' + "1," * 2_000_000 + "1]}", "a.json")
    assert str(problem).startswith("a.json: not read: more than 1,000,000 values in 4,000,009 characters; split it")


def test_a_yaml_document_may_have_a_million_values_and_not_one_more(monkeypatch):
    assert limits.MAX_NODES == 1_000_000
    monkeypatch.setattr(limits, "MAX_NODES", 1_000)
    (document,) = documents.parse("a: [" + "[]," * 997 + "]", "a.yaml")
    assert len(document.value["a"]) == 997
    (problem,) = documents.parse("a: [" + "[]," * 998 + "]", "a.yaml")
    assert str(problem).startswith("a.yaml:1: not YAML: more than 1,000 values; split the document")


def test_elements_of_an_aliased_list_have_the_line_of_their_document():
    text = "base: &base\n- {a: 1}\n- {a: 2}\nkind: List\nitems: *base\n"
    assert [(item.line, item.value) for item in documents.parse(text, "a.yaml")] == [(1, {"a": 1}), (1, {"a": 2})]


def test_a_file_whose_name_is_no_utf_8_is_read_and_named(tmp_path):
    """Latin-1 names come out of archives that were made on Windows."""
    folder = os.path.join(os.fsencode(tmp_path), b"gr\xfcn")  # noqa: PTH118 - bytes
    os.mkdir(folder)  # noqa: PTH102 - bytes
    for name, text in ((b"\xe9.yaml", GOOD), (b"\xe8.yaml", "a: ["), (b".setpointignore", "*good labels\n[\n")):
        with open(os.path.join(folder, name), "w") as file:  # noqa: PTH118, PTH123 - bytes
            file.write(text)
    loaded = load.load([str(tmp_path)], root=str(tmp_path))
    (desired,) = loaded.desired
    assert [problem.file for problem in loaded.problems] == ["gr\ufffdn/.setpointignore", "gr\ufffdn/\ufffd.yaml"]
    assert desired.declarations[0].ignored_by == {"labels": "gr\ufffdn/.setpointignore:1: *good labels"}
    assert msgspec.json.encode([desired.declarations, loaded.problems])


def test_an_id_of_21_digits_without_quotation_marks_is_a_text():
    (document,) = documents.parse("uniqueId: 102938475610293847561\n", "a.yaml")
    assert document.value == {"uniqueId": "102938475610293847561"}


def test_anchors_that_people_use_are_read():
    block = "".join(f"  key{i}: value\n" for i in range(20))
    text = f"base: &base\n{block}" + "".join(f"use{i}:\n  <<: *base\n  own: {i}\n" for i in range(100))
    (document,) = documents.parse(text, "a.yaml")
    assert document.value["use99"] == document.value["base"] | {"own": 99}


WORDS = (
    "&a ",
    "*a",
    "<<: *a",
    "  ",
    "- ",
    "? ",
    "! ",
    "!!binary ",
    "null",
    "%YAML 1.1",
    "\n---\n",
    "kind: Declaration",
)
NUMBERS = ("9" * 25, "1e999", "0x", "NaN")
ESCAPES = ("\\ud800", "\\u0000", '"kind":', '"items":', "apiVersion: setpoint.dev/v1")
CHARACTERS = tuple("{}[]:,|>#\"'\0\ufeff\n\x85\u2028\x7féa")
TOKENS = st.sampled_from((*WORDS, *NUMBERS, *ESCAPES, *CHARACTERS))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=size(100, 300))
@given(parts=st.lists(st.one_of(TOKENS, st.text(max_size=8)), max_size=40), suffix=st.sampled_from([".yaml", ".json"]))
@example(parts=["a: ", "9" * 5_000], suffix=".yaml")
@example(parts=["{"] * 2_000, suffix=".yaml")
@example(parts=["!!binary "], suffix=".yaml")
def test_any_text_gives_documents_and_problems_and_nothing_else(parts, suffix):
    for item in documents.parse("".join(parts), f"any{suffix}"):
        assert isinstance(item, Document | Problem)
        if isinstance(item, Document):
            json.dumps(item.value, ensure_ascii=False).encode()
            item.line_of(("a", 0))
        else:
            assert item.file
            assert item.message


HOSTILE = ["*e" * 12 + "*x", "**/e*/" * 8 + "x", "?" * 200 + "*" * 200 + "x", "[e]*" * 40 + "x"]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_hostile_pattern_of_an_ignore_file_holds_up_no_message(tmp_path, pattern):
    (tmp_path / ".setpointignore").write_text(f"{pattern}\n")
    (tmp_path / "scope.yaml").write_text(
        "apiVersion: setpoint.dev/v1\nkind: Scope\nmetadata: {name: all}\nspec: {projects: [shop], assetTypes: ['*']}\n"
    )
    loaded = load.load([str(tmp_path)])
    (scope,) = loaded.scopes
    name = "//compute.googleapis.com/projects/shop/" + "e" * 300 + "/e" * 300
    observation = Observation(ResourceKey(name), "compute.googleapis.com/Firewall", NOON, data={}, project_id="shop")
    started = time.process_time()
    scopes.explain(rules((scope,)), observation)
    assert time.process_time() - started < 0.5


def test_a_line_of_an_ignore_file_of_any_length_is_named_in_few_words(tmp_path):
    (tmp_path / ".setpointignore").write_text("x" * 5_000_000 + "\n" + "x" * 50_000 + "\n" + "[" * 1_900 + "\n*good\n")
    (tmp_path / "good.yaml").write_text(GOOD)
    tracemalloc.start()
    loaded = load.load([str(tmp_path)])
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert memory < 100_000_000
    assert [(problem.line, problem.message) for problem in loaded.problems] == [
        (1, "a line of 5,000,000 letters is too long; 100,000 at most"),
        (2, "a pattern of 50,000 letters is too long; 2,000 at most"),
        (3, f"`{'[' * 80}` is not a pattern as in .gitignore"),
    ]
    assert len(loaded.desired) == 1


def test_a_pattern_that_is_too_long_or_no_expression_is_named():
    with pytest.raises(BadDeclaration, match="at most"):
        linear_patterns.compiled("a" * 3_000)
    with pytest.raises(BadDeclaration, match="is not a pattern"):
        linear_patterns.compiled("(")
