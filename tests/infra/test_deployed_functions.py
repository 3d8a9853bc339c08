"""What is deployed is what the code is: functions, their settings, their callers."""

from __future__ import annotations

import ast
import inspect
import re

import pytest

from infra.blocks import ROOT, environment, functions_pushed_to, local, pushes_of, typed
from infra.hcl import entries, strings
from setpoint.bootstrap.settings import VARIABLES
from setpoint.cli import worker


def settings_needed(function: str) -> set[str]:
    """The settings that the wiring of a function asks for, by the call that its main.py makes."""
    main = (ROOT / f"functions/{function}/main.py").read_text()
    (entry,) = set(re.findall(r"bootstrap\.(\w+)\(\)", main))
    bootstrap = ast.parse((ROOT / "shared/setpoint/bootstrap/__init__.py").read_text())
    (made,) = [
        statement for statement in bootstrap.body if isinstance(statement, ast.FunctionDef) and statement.name == entry
    ]
    (call,) = [
        node for node in ast.walk(made) if isinstance(node, ast.Call) and ast.unparse(node.func) == "from_environment"
    ]
    return {ast.literal_eval(name) for name in call.args[1:]}


def test_every_function_of_the_code_is_deployed_and_no_other():
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}
    assert set(entries(local("functions"))) == folders
    (accounts,) = [
        block for used, block in typed() if used == "google_service_account" and block.labels[1] == "function"
    ]
    assert accounts.attributes["for_each"] == "local.deployed"
    assert set(strings(local("deployed"))) == folders


def test_the_entry_point_and_the_source_are_those_of_the_function():
    (function,) = [block for used, block in typed() if used == "google_cloudfunctions2_function"]
    (build,) = function.named("build_config")
    assert build.attributes["entry_point"] == "each.key"
    source = strings(entries(build.attributes["environment_variables"])["GOOGLE_FUNCTION_SOURCE"])
    assert source == ["functions/${each.key}/main.py"]
    for name in entries(local("functions")):
        main = ast.parse((ROOT / f"functions/{name}/main.py").read_text())
        decorated = [
            statement for statement in main.body if isinstance(statement, ast.FunctionDef) and statement.decorator_list
        ]
        assert [function.name for function in decorated] == [name]


def checks_of_the_caller(function: str) -> set[str]:
    """The settings by which a function checks who calls it: one that an event calls always does."""
    if "serving.handling(" not in (ROOT / f"functions/{function}/main.py").read_text():
        return set()
    return {"push_account", "push_audience"}


@pytest.mark.parametrize("function", sorted(entries(local("functions"))))
def test_the_environment_is_exactly_what_the_function_reads(function):
    read_by = settings_needed(function) | checks_of_the_caller(function)
    assert set(environment(function)) == {VARIABLES[name] for name in read_by}


def test_every_push_carries_the_token_that_its_function_checks_to_its_address():
    pushing = [
        (block, token)
        for used, block in typed()
        if used == "google_pubsub_subscription" and pushes_of(block)
        for token in [inner for inner in block.walk() if inner.kind == "oidc_token"]
    ]
    assert {block.labels[1] for block, _ in pushing} == {"detect", "push"}
    for block, token in pushing:
        of = {"detect": '"detect"', "push": "each.value.function"}[block.labels[1]]
        assert token.attributes["audience"] == f"local.functions[{of}].environment.SETPOINT_PUSH_AUDIENCE"
        for function in pushes_of(block):
            assert token.attributes["service_account_email"] == environment(function)["SETPOINT_PUSH_ACCOUNT"]
            audience = strings(environment(function)["SETPOINT_PUSH_AUDIENCE"])[0]
            assert audience == f"https://setpoint-{function}-${{local.host}}"
    assert len(functions_pushed_to()) >= 3


def test_the_worker_reads_what_detect_reads_and_a_subscription():
    (pool,) = [block for used, block in typed() if used == "google_cloud_run_v2_worker_pool"]
    given, wrapped = [
        block.attributes["for_each"] for block in pool.walk() if block.kind == "dynamic" and block.labels == ("env",)
    ]
    assert wrapped == "var.secret_key_version[*]"
    assert given.startswith("merge(local.functions.detect.environment,")
    assert VARIABLES["subscription"] in given
    options = inspect.signature(worker.worker).parameters
    (args,) = [block.attributes["args"] for block in pool.walk() if "args" in block.attributes]
    assert {string.partition("=")[0].removeprefix("--") for string in strings(args)[1:]} <= options.keys()


def test_topics_are_given_by_their_full_name_and_the_store_by_its_url():
    for function in entries(local("functions")):
        for variable, value in environment(function).items():
            if variable.endswith("_TOPIC"):
                # projects/P/topics/T; of a topic that may not be there, null
                assert re.fullmatch(r"google_pubsub_topic\.\w+\.id|one\(google_pubsub_topic\.\w+\[\*\]\.id\)", value)
    assert local("store") == '"firestore://${var.project_id}/${google_firestore_database.setpoint.name}"'
