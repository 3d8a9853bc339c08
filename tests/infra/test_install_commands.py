"""Every command and setting of docs/install.md and docs/upgrading.md: one that there is, on what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from infra.blocks import INFRA, TERRAFORM
from infra.functions_archive import copy_repository
from infra.options import BASE
from infra.pages import INSTALL, UPGRADING, blocks_of, commands, is_settings
from infra.workspace import Workspace, addresses
from setpoint.cli import app
from setpoint_tools.testing.warehouse import view_names

GCLOUD: dict[str, set[str]] = {
    "auth application-default login": set(),
    "beta services identity create": {"--service"},
    "builds submit": {"--region", "--tag"},
    "functions logs read": {"--gen2", "--region"},
    "pubsub subscriptions pull": {"--limit"},
    "pubsub subscriptions seek": {"--time"},
    "services enable": set(),
    "storage buckets create": {"--location", "--uniform-bucket-level-access", "--public-access-prevention"},
    "storage cp": set(),
}
"""The commands that the pages show, each with the options of its own that are used.

Source: https://cloud.google.com/sdk/gcloud/reference
"""
GCLOUD_WIDE = {"--project", "--format"}
OTHERS = {".", "cat", "cd", "export", "for", "git", "jq", "make", "mkdir", "pipx", "sed", "source", "tar", "uv"}
"""What everybody has, and what the page asks for in its first chapters."""
TERRAFORM_COMMANDS = {
    ("init",),
    ("init", "-upgrade"),
    ("plan", "-out=setpoint.tfplan"),
    ("apply", "setpoint.tfplan"),
    ("apply", "-var=source_archive=previous.zip"),
    ("output", "-json", "setpoint"),
    ("show", "-json", ">", "fleet/setpoint.json"),
}
"""Each runs in test_install_walk.py or test_cloud_build_steps.py."""
SHOWN = [
    command
    for page in (INSTALL, UPGRADING)
    for block in blocks_of(page)
    if not is_settings(block)
    for command in commands(block)
]


def shown(program: str) -> list[list[str]]:
    return [command[1:] for command in SHOWN if command[0] == program]


def test_every_command_is_of_a_program_that_the_page_knows():
    programs = {command[0] for command in SHOWN}
    assert programs == OTHERS | {"gcloud", "setpoint", "terraform"}


@pytest.mark.parametrize("words", shown("gcloud"), ids=" ".join)
def test_a_command_of_gcloud_is_one_with_options_that_it_has(words):
    line = " ".join(words)
    (path,) = [path for path in GCLOUD if line.startswith(path)]
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert options <= GCLOUD[path] | GCLOUD_WIDE


def test_no_command_of_gcloud_is_left_over_in_the_table():
    lines = [" ".join(words) for words in shown("gcloud")]
    assert [path for path in GCLOUD if not any(line.startswith(path) for line in lines)] == []


def parse(words: list[str]) -> None:
    """Parse a command line as the program does, and run nothing."""
    command: Any = get_command(app)
    context, name = None, "setpoint"
    while command is not None:
        context = command.make_context(name, list(words), parent=context)
        if not isinstance(command, TyperGroup):
            return
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])


@pytest.mark.parametrize("words", shown("setpoint"), ids=" ".join)
def test_a_command_of_setpoint_is_one_with_options_and_values_that_it_has(tmp_path, monkeypatch, words):
    (tmp_path / "fleet").mkdir()
    monkeypatch.chdir(tmp_path)
    values = {"$PROJECT": "my-project", "$REGION": "europe-west1", "NUMBER": "566099688680"}
    for name, value in values.items():
        words = [word.replace(name, value) for word in words]
    parse(words)


def test_what_there_is_not_is_refused():
    for words in (
        ["doctor", "--project", "p", "--preflite"],
        ["dead-letters", "lst"],
        ["plan", "fleet/", "--stor", "x"],
        ["findings", "list", "--limit", "many"],
    ):
        with pytest.raises(Exception, match=r"(?i)no such (option|command)|valid integer"):
            parse(words)


def test_the_commands_of_terraform_are_those_that_are_walked():
    assert {tuple(words) for words in shown("terraform")} == TERRAFORM_COMMANDS


NAMED = {
    "functions logs read": "google_cloudfunctions2_function",
    "pubsub subscriptions pull": "google_pubsub_subscription",
    "pubsub subscriptions seek": "google_pubsub_subscription",
}


@pytest.mark.skipif(not TERRAFORM, reason="NO TERRAFORM: the names in commands are not compared with a plan")
def test_what_commands_name_is_what_terraform_plans(planned_everything):
    resources = planned_everything["planned_values"]["root_module"]["resources"]
    names: dict[str, set[str]] = {}
    for resource in resources:
        names.setdefault(resource["type"], set()).add(resource["values"].get("name"))
    for words in shown("gcloud"):
        line = " ".join(words).replace("$PROJECT", BASE["project_id"])
        for path, kind in NAMED.items():
            if line.startswith(path):
                assert line.removeprefix(path).split()[0] in names[kind], line
    own = re.compile(r"gs://\$PROJECT-(?!terraform)([\w-]+)/")
    buckets = {f"{BASE['project_id']}-{name}" for name in own.findall(INSTALL)}
    assert buckets <= names["google_storage_bucket"]
    jobs = set(re.findall(r"gcloud scheduler jobs run ([\w-]+)", INSTALL))
    assert jobs <= names["google_cloud_scheduler_job"]
    databases = set(re.findall(r"firestore://\$PROJECT/(\w+)|firestore databases \w+ --database=(\w+)", INSTALL))
    assert {name for pair in databases for name in pair if name} <= names["google_firestore_database"]


SETTINGS = [block for block in blocks_of(INSTALL) if is_settings(block) and not block.startswith("SELECT")]


def root(folder: Path) -> Path:
    """A root with everything that the page shows as a setting of the module, at once."""
    setting = re.compile(r"^(\w+) += (\{\n.*?^\}|[^\n]+)", re.MULTILINE | re.DOTALL)
    made: dict[str, str] = {name: value for block in SETTINGS for name, value in setting.findall(block)}
    made |= {"project_id": '"my-project"', "region": '"europe-west1"', "watch_itself": "true"}
    lines = [f"  {name} = {value}" for name, value in made.items()]
    text = "\n".join(['module "setpoint" {', '  source = "../infra"', *lines, "}"])
    (folder / "root").mkdir()
    (folder / "root" / "main.tf").write_text(text.replace('"organizations/NUMBER"', '"organizations/566099688680"'))
    return folder / "root"


@pytest.mark.skipif(not TERRAFORM, reason="NO TERRAFORM: the settings of the page are not planned")
def test_the_settings_of_the_page_can_be_planned_together(tmp_path, standins):
    copy_repository(tmp_path)
    planned: dict[str, Any] = Workspace(root(tmp_path), standins).plan({})
    kinds = {re.sub(r"\[.*", "", address.removeprefix("module.setpoint.")) for address in addresses(planned)}
    assert {
        "google_cloud_run_v2_worker_pool.worker",
        "google_project_iam_custom_role.remediate",
        "google_organization_iam_custom_role.deep_reads",
        "google_cloud_scheduler_job.history",
        "google_bigquery_dataset.reports",
        "google_secret_manager_secret_iam_member.otlp",
    } <= kinds


def test_every_variable_is_in_an_example_or_in_the_table_of_options_with_its_description():
    table = (INFRA / "README.md").read_text()
    examples = "".join(path.read_text() for path in (INFRA / "examples").glob("*/main.tf"))
    variables = re.findall(r'^variable "(\w+)"', (INFRA / "variables.tf").read_text(), re.MULTILINE)
    assert [name for name in variables if f"| `{name}` |" not in table and f"  {name} " not in examples] == []


CREATED = INSTALL.partition("## What it creates")[2].partition("\n## ")[0]


def test_what_the_module_creates_is_listed_file_by_file():
    making = {path.name for path in INFRA.glob("*.tf") if re.search("^resource ", path.read_text(), re.MULTILINE)}
    listed = set(re.findall(r"^\| `([\w.]+)` \|", CREATED, re.MULTILINE))
    assert making <= listed
    assert listed <= {path.name for path in INFRA.glob("*.tf")}


def test_the_number_of_resources_is_that_of_the_base_to_the_next_five():
    base = yaml.safe_load((Path(__file__).with_name("inventories") / "base.yaml").read_text())["adds"]
    (number,) = re.findall(r"About (\d+) resources", CREATED)
    assert abs(len(base) - int(number)) <= 5
    (tables, views) = re.findall(r"a dataset with (\w+) tables and (\w+) views", CREATED)[0]
    assert (tables, views) == ("six", "fourteen")
    assert (len(list((INFRA / "bigquery").glob("*.schema.json"))), len(view_names())) == (6, 14)
