"""docs/reference.md is complete: all that it names is there, and all that is there is named."""

from __future__ import annotations

import ast
import re
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from typer.main import get_command

from infra.blocks import environment, local
from infra.hcl import entries
from setpoint.bootstrap.settings import VARIABLES
from setpoint.cli import app, exit_codes
from setpoint.model.events import EventType
from setpoint.model.outcome import Outcome
from setpoint.model.sweep_records import Summary, SweepMessage

ROOT = Path(__file__).parents[1]
REFERENCE = (ROOT / "docs/reference.md").read_text()
OF_LOGGING = {"severity", "message", "logging.googleapis.com/trace", "…/spanId", "function", "event", "outcome"}
FOR_TESTS = {"SETPOINT_GOOGLE_APIS", "SETPOINT_SLACK_API"}


def section(title: str) -> str:
    return REFERENCE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:] if not line.startswith("|---")
    ]


def first_cells(title: str) -> list[str]:
    return [name for row in rows(title) for name in re.findall(r"`([^`]+)`", row[0])]


def test_every_setting_is_described_and_every_described_setting_is_read():
    described = set(first_cells("Environment of the functions"))
    otlp = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"}
    assert described | FOR_TESTS == {*VARIABLES.values()} | otlp
    assert all(name in section("Environment of the functions") for name in FOR_TESTS)


@cache
def nodes_of(folder: str) -> list[ast.AST]:
    """All that stands in the code of a folder; parsed once for all tests."""
    return [node for path in (ROOT / folder).rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]


def calls_of(folder: str) -> Iterator[tuple[str, ast.Call]]:
    """The calls of an attribute of a module, such as ``telemetry.note``, each with that name."""
    for node in nodes_of(folder):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            yield f"{node.func.value.id}.{node.func.attr}", node


def test_every_variable_that_the_library_reads_is_named_on_the_page():
    """The command line reads more than the functions do; those in the sentences of the page count."""
    read = {
        node.value
        for node in nodes_of("shared/setpoint")
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"(SETPOINT|TF|TFE|OTEL)_[A-Z_]+", node.value)
    }
    named = set(re.findall(r"`((?:SETPOINT|TF|TFE|OTEL)_[A-Z_]+)`", REFERENCE))
    after_a_host = {name for name in read if name.endswith("_")}
    assert read - after_a_host | {f"{name}HOST" for name in after_a_host} == named


def needed_by_the_worker() -> set[str]:
    module = ast.parse((ROOT / "shared/setpoint/bootstrap/__init__.py").read_text())
    (worker,) = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == "worker"]
    (call,) = [
        node for node in ast.walk(worker) if isinstance(node, ast.Call) and ast.unparse(node.func) == "from_environment"
    ]
    return {VARIABLES[ast.literal_eval(name)] for name in call.args[1:]}


@pytest.mark.parametrize("function", [*entries(local("functions")), "worker"])
def test_the_settings_of_a_function_are_those_that_name_it(function):
    named = {
        re.findall(r"`(\w+)`", row[0])[0]
        for row in rows("Environment of the functions")
        if function in row[1].split(", ")
    }
    assert named == (needed_by_the_worker() if function == "worker" else set(environment(function)))


def test_every_command_has_a_row_and_every_row_is_a_command():
    described = {words.split()[0] for words in first_cells("Commands")}
    commands = {name for name, command in get_command(app).commands.items() if not command.hidden}
    assert described == commands


def test_every_function_has_a_row_and_every_row_is_a_function():
    described = {name.removeprefix("functions/") for name in first_cells("Functions")}
    assert described == {path.parent.name for path in ROOT.glob("functions/*/main.py")}


def test_every_outcome_of_a_message_is_described_and_no_other():
    assert sorted(first_cells("Outcomes of a message")) == sorted(get_args(Outcome))


def test_every_type_of_event_is_named_and_no_other():
    named = re.findall(r"`((?:drift|remediation)\.\w+)`", section("Events"))
    named += [f"remediation{suffix}" for suffix in re.findall(r"`(\.\w+)`", section("Events"))]
    assert sorted(named) == sorted(get_args(EventType))


def test_every_field_of_a_sweeps_summary_is_described_and_no_other():
    fields = {field.encode_name for field in msgspec.structs.fields(Summary)}
    assert set(first_cells("Summary of a sweep")) == fields


def test_every_message_of_a_sweep_has_a_row_and_every_row_is_a_message():
    kinds = [message.__struct_config__.tag for message in get_args(SweepMessage)]
    described = [kind for row in rows("Messages of a sweep") for kind in re.findall(r'"kind": "(\w+)"', row[0])]
    assert sorted(described) == sorted(kinds)


def test_every_exit_code_has_a_row_and_every_row_is_an_exit_code():
    codes = {value for name, value in vars(exit_codes).items() if name.isupper()}
    described = {int(code) for row in rows("Exit codes") for code in row[0].split(", ")}
    assert described == codes | {128 + signal.SIGINT, 128 + signal.SIGPIPE}


def events_logged() -> set[str]:
    """What the library and the functions log on a line of its own, and the line of a message."""
    events = {"handled"}
    for folder in ("shared/setpoint", "functions"):
        for node in nodes_of(folder):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                events |= {
                    value.value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "event"
                }
        for name, call in calls_of(folder):
            if name == "telemetry.log_event":
                events.add(ast.literal_eval(call.args[0]))
            if name == "telemetry.log":
                events |= {keyword.value.value for keyword in call.keywords if keyword.arg == "event"}
    return events


def test_every_event_of_the_log_is_named_and_no_other():
    (row,) = [row for row in rows("The log") if row[0] == "`function`, `event`"]
    assert set(re.findall(r"`(\w+)`", row[1])) == events_logged()


def fields_logged() -> set[str]:
    """What the library adds to the line of a message."""
    fields = set()
    for name, call in calls_of("shared/setpoint"):
        if name in ("telemetry.note", "telemetry.log_event"):
            fields |= {keyword.arg for keyword in call.keywords if keyword.arg}
        if name == "telemetry.add":
            fields.add(ast.literal_eval(call.args[0]))
    for node in nodes_of("shared/setpoint"):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            fields |= {node.slice.value} if ast.unparse(node.value) == "run.fields" else set()
    return fields


def test_every_field_of_the_log_is_described_and_every_described_field_is_logged():
    described = set(first_cells("The log"))
    values = {
        "handled",
        "remediation",
        "problem",
        "record_problem",
        "set_aside",
        "cut",
        "event",
        "observation",
        "refused",
        "unreadable",
        "failed",
        "claim_refused",
    }
    assert described - values - OF_LOGGING == fields_logged() - OF_LOGGING
