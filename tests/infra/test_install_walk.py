"""docs/install.md, walked line by line in a shell.

Terraform is real; `gcloud` and `setpoint` write down what they are asked.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import textwrap
import zipfile
from pathlib import Path

import pytest

import setpoint
from infra.blocks import ROOT, TERRAFORM
from infra.packed import commit, copy_repository, deployed_files, pack
from infra.standin import provider
from setpoint.operations.diagnostics import preflight

pytestmark = pytest.mark.skipif(not TERRAFORM, reason="NO TERRAFORM: the installation of the docs is not walked")

PAGE = (ROOT / "docs" / "install.md").read_text()
VERSION = f"v{setpoint.__version__}"
SOURCE = f"git::https://github.com/OWNER/setpoint.git//infra?ref={VERSION}"
STUB = '#!/bin/sh\nprintf "%s\\n" "$(basename "$0") $*" >> "$ASKED"\n'


def blocks(title: str) -> list[str]:
    """The commands and settings of a chapter, block by block."""
    chapter = PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    indented = re.findall(r"(?:^(?: {4,}.*)?\n)+", chapter, re.MULTILINE)
    return [textwrap.dedent(block).strip() for block in indented if block.strip()]


def project() -> str:
    """One project, as the page says it."""
    return "\n".join(blocks("One project"))


def organization() -> str:
    """An organisation: the line that says what is watched is another, and more lines come with it."""
    (settings, *_) = blocks("An organisation")
    watching = '  watch      = ["projects/$PROJECT"]'
    assert watching in project()
    assert len(settings.splitlines()) == 3
    return project().replace(watching, textwrap.indent(settings.replace("NUMBER", "566099688680"), "  "))


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> str:
    """The address of the module in a repository of Git with one version, for Terraform."""
    folder = copy_repository(tmp_path_factory.mktemp("repository"))
    return f"{commit(folder, VERSION)}//infra?ref={VERSION}"


@pytest.fixture
def root(tmp_path, standins) -> Path:
    """An empty folder but for the stand-in of the bucket of states."""
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "backend_override.tf").write_text(standins.states.backend(str(folder)))
    (tmp_path / "bin").mkdir()
    for name in ("gcloud", "setpoint"):
        (tmp_path / "bin" / name).write_text(STUB)
        (tmp_path / "bin" / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("way", [project, organization])
def test_both_ways_of_the_docs_lead_from_nothing_to_an_installation_that_needs_no_change(
    way, root, standins, repository
):
    script = way()
    assert script.count(SOURCE) == 1
    asked = root.parent / "asked"
    environment = {
        **os.environ,
        "ASKED": str(asked),
        "PATH": f"{root.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "TF_CLI_CONFIG_FILE": str(standins.mirror),
        "TF_IN_AUTOMATION": "1",
        "TF_REATTACH_PROVIDERS": provider.reattach(root),
    }
    after = "terraform plan -detailed-exitcode >&2\nterraform output -json setpoint > output.json"
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(SOURCE, repository) + "\n" + after],
        cwd=root,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    output = json.loads((root / "output.json").read_text())
    assert output["store"] == "firestore://my-project/setpoint"
    assert {"alerts", "console", "remediation"} <= output["needs"].keys()

    commands = [shlex.split(line) for line in asked.read_text().splitlines()]
    (enabled,) = [words for words in commands if words[1:3] == ["services", "enable"]]
    assert {f"{name}.googleapis.com" for name in preflight.APIS} == {word for word in enabled[3:] if word[0] != "-"}
    agents = {word for words in commands for word in words if word.startswith("--service=")}
    assert agents == {"--service=cloudasset.googleapis.com", "--service=pubsub.googleapis.com"}
    made = next((root / ".terraform").glob("setpoint-*.zip"))
    assert made.read_bytes() == pack(root / "same.zip").read_bytes()
    assert set(zipfile.ZipFile(made).namelist()) == deployed_files()


def test_from_nothing_to_a_plan_are_ten_commands_at_most_and_a_root_of_twenty_lines():
    (root,) = re.findall(r"cat > main\.tf <<EOF\n(.*?)\nEOF", project(), re.DOTALL)
    assert len(root.splitlines()) <= 20
    before = project().replace(root, "").partition("terraform plan")[0].replace("\\\n", " ")
    loops = re.sub(r"for .*? done", "loop", before.replace("\n", " ; "), flags=re.DOTALL)
    commands = [part for part in loops.split(" ; ") if part.strip() not in ("", "EOF")]
    assert len(commands) + 1 <= 10, commands
