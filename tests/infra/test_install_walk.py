"""docs/install.md, walked line by line in a shell.

Terraform is real, and so is `setpoint` but for `doctor`; its store is a file. `gcloud` writes down what it is asked,
and keeps what is uploaded, which is then handed to sync.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import textwrap
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import forked_program
import setpoint
from infra.blocks import TERRAFORM
from infra.functions_archive import deployed_files, pack
from infra.pages import blocks, is_settings
from infra.standin import provider
from setpoint import bootstrap
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.uploads import Uploads, sync_upload
from setpoint.detection.pipeline import Context
from setpoint.operations.diagnostics import preflight
from setpoint.ports.services import Archive

pytestmark = pytest.mark.skipif(not TERRAFORM, reason="NO TERRAFORM: the installation of the docs is not walked")

VERSION = f"v{setpoint.__version__}"
SOURCE = f"git::https://github.com/OWNER/setpoint.git//infra?ref={VERSION}"
GCLOUD = """#!/bin/sh
printf "%s\\n" "gcloud $*" >> "$ASKED"
if [ "$1 $2" = "storage cp" ]; then
  number=$(ls "$UPLOADS" | wc -l)
  cp "$3" "$UPLOADS/$number"
  echo "$4" > "$UPLOADS/$number.name"
fi
"""
SETPOINT = """#!/bin/bash
printf "%s\\n" "setpoint $*" >> "$ASKED"
[ "$1" = doctor ] || exec "$0.forked" "${@/#firestore:*/$STORE}"
"""
DECLARED = """
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/shop-orders, project: my-project}
spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}
"""


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


def afterwards() -> str:
    """The chapters after the installation, as far as they need nothing of Google that is not here."""
    chapters = ("Examples", "First declarations", "Watching Setpoint")
    return "\n".join(block for title in chapters for block in blocks(title) if not is_settings(block))


@pytest.fixture
def root(tmp_path, standins) -> Iterator[Path]:
    """An empty folder but for the stand-in of the bucket of states."""
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "backend_override.tf").write_text(standins.states.backend(str(folder)))
    for name in ("bin", "uploads", "root/fleet"):
        (tmp_path / name).mkdir()
    (folder / "fleet" / "bucket.yaml").write_text(DECLARED)
    for name, text in (("gcloud", GCLOUD), ("setpoint", SETPOINT)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    with forked_program.program(tmp_path / "bin" / "setpoint.forked"):
        yield folder


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
        "STORE": f"sqlite:///{root.parent}/s.db",
        "UPLOADS": str(root.parent / "uploads"),
        "PATH": f"{root.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "TF_CLI_CONFIG_FILE": str(standins.mirror),
        "TF_IN_AUTOMATION": "1",
        "TF_REATTACH_PROVIDERS": provider.reattach(root),
    }
    bootstrap.open_store(environment["STORE"]).close()
    after = "terraform plan -detailed-exitcode >&2\nterraform output -json setpoint > output.json\n" + afterwards()
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
    assert output["needs"].keys() >= {"alerts", "console", "kms_key", "otlp", "remediation", "watch_itself", "worker"}

    commands = [shlex.split(line) for line in asked.read_text().splitlines()]
    (enabled,) = [words for words in commands if words[1:3] == ["services", "enable"]]
    assert {f"{name}.googleapis.com" for name in preflight.APIS} == {word for word in enabled[3:] if word[0] != "-"}
    agents = {word for words in commands for word in words if word.startswith("--service=")}
    assert agents == {"--service=cloudasset.googleapis.com", "--service=pubsub.googleapis.com"}
    made = next((root / ".terraform").glob("setpoint-*.zip"))
    assert made.read_bytes() == pack(root / "same.zip").read_bytes()
    assert set(zipfile.ZipFile(made).namelist()) == deployed_files()

    assert output["needs"]["alerts"][0] in run.stdout
    assert "+ storage/shop-orders  fleet/bucket.yaml:2" in run.stdout
    first, second = synced(root.parent / "uploads", json.loads(standins.states.read(str(root))))
    assert first == "applied INFO: source default: 1 added, 0 unchanged"
    assert re.match(r"applied INFO: source default: 9\d added, 1 unchanged", second), second


def synced(uploads: Path, state: dict[str, Any]) -> list[str]:
    """What sync makes of the uploads, beside the document that Terraform has put into the bucket."""
    (sources,) = [resource for resource in state["resources"] if resource["name"] == "sources"]
    document = sources["instances"][0]["attributes"]
    bucket = document["bucket"]
    kept = {(bucket, document["name"]): Archive(document["content"].encode(), {}, 0)}
    deps = Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue())
    applier = Uploads(Kept(kept), deps, declarations=bucket)
    results = []
    for number, named in enumerate(sorted(uploads.glob("*.name")), 1):
        name = named.read_text().strip().removeprefix(f"gs://{bucket}/")
        kept[bucket, name] = Archive(named.with_suffix("").read_bytes(), {}, number)
        notified = {"bucketId": bucket, "objectId": name, "objectGeneration": str(number)}
        report = sync_upload({}, notified, applier, datetime.now(UTC))
        results.append(f"{report.outcome} {report.severity}: {report.message.partition(': ')[2]}")
    return results


class Kept(NamedTuple):
    """A bucket in memory."""

    objects: dict[tuple[str, str], Archive]

    def read(self, bucket: str, name: str, generation: int) -> Archive:
        archive = self.objects[bucket, name]
        assert generation in (0, archive.revision)
        return archive


def test_from_nothing_to_a_plan_are_ten_commands_at_most_and_a_root_of_twenty_lines():
    (root,) = re.findall(r"cat > main\.tf <<EOF\n(.*?)\nEOF", project(), re.DOTALL)
    assert len(root.splitlines()) <= 20
    before = project().replace(root, "").partition("terraform plan")[0].replace("\\\n", " ")
    loops = re.sub(r"for .*? done", "loop", before.replace("\n", " ; "), flags=re.DOTALL)
    commands = [part for part in loops.split(" ; ") if part.strip() not in ("", "EOF")]
    assert len(commands) + 1 <= 10, commands
