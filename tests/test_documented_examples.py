"""A reader can copy every example of the docs as it stands."""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from setpoint.cli import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("infra/**/*.md"), *ROOT.glob("*.md")])
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    .*$", re.MULTILINE)
STARTS = re.compile(r"(?<!\S)(?:setpoint [a-z]|gcloud [a-z]+ [a-z]|terraform (?:init|plan|apply|show)\b)")
PARTS_OF_A_FLEET = "and nothing else; give them with the documents that they are for"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def examples(language: str) -> list[object]:
    return [
        pytest.param(match[2], id=f"{name_of(page)}:{match.string.count(chr(10), 0, match.start()) + 1}")
        for page in PAGES
        for match in FENCED.finditer(page.read_text())
        if match[1] == language
    ]


@pytest.mark.parametrize("text", examples("yaml"))
def test_every_example_in_yaml_is_yaml_and_every_whole_document_is_valid(tmp_path: Path, text: str) -> None:
    documents = list(yaml.safe_load_all(text))
    assert all(isinstance(document, dict) for document in documents)
    if not all("apiVersion" in document for document in documents):
        return
    (tmp_path / "example.yaml").write_text(text)
    result = CliRunner().invoke(app, ["validate", str(tmp_path)])
    assert result.exit_code == 0 or PARTS_OF_A_FLEET in str(result.exception), result.output


@pytest.mark.parametrize("text", examples("hcl"))
def test_every_example_in_hcl_is_hcl(text: str) -> None:
    assert pytest.importorskip("hcl2").loads(text)


@pytest.mark.parametrize("text", examples("json"))
def test_every_example_in_json_is_json(text: str) -> None:
    assert json.loads(text)


@pytest.mark.parametrize("text", examples("python"))
def test_every_example_in_python_is_python(text: str) -> None:
    assert ast.parse(text)


def commands_on(line: str) -> int:
    code = re.sub(r"\"[^\"]*\"|'[^']*'|`[^`]*`", '""', line)
    return max(len(STARTS.findall(part)) for part in re.split(r"\||&&|;|\$\(|<\(|\bdo\b", code))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_line_of_an_example_has_one_command(page: Path) -> None:
    text = page.read_text()
    fenced = "".join(body for language, body in FENCED.findall(text) if language in ("sh", "bash"))
    for line in [*fenced.splitlines(), *INDENTED.findall(FENCED.sub("", text))]:
        assert commands_on(line) <= 1, line


def commands() -> list[str]:
    """The commands of runbooks, and of the blocks of all pages, with values in place of their placeholders."""
    written = set()
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        if page.parent.name == "runbooks":
            written |= set(re.findall(r"`(setpoint [a-z][^`]*)`", text))
        for line in re.findall(r"^(?: {4,})?(setpoint [a-z].*)$", text, re.MULTILINE):
            written |= {part for part in re.split(r" && | \| ", line) if part.startswith("setpoint ")}
    plain = (command.partition(" #")[0] for command in written)
    return sorted(re.sub(r"\$?REGION\b", "europe-west1", re.sub(r"\$?PROJECT\b", "shop-prod", c)) for c in plain)


@pytest.mark.parametrize("command", commands())
def test_every_command_that_a_reader_runs_has_what_it_needs(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SETPOINT_STORE", raising=False)
    arguments = [word for word in shlex.split(command)[1:] if not word.startswith(("<", ">"))]
    group, context = get_command(app), None
    while hasattr(group, "resolve_command"):
        context = group.make_context("setpoint", arguments, parent=context)
        _, group, arguments = group.resolve_command(context, [*context._protected_args, *context.args])
    group.make_context("setpoint", arguments, parent=context)
