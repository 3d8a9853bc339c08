"""`apply` of files that are in force already reads no document again, and of all others every one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import forked
from setpoint import bootstrap
from setpoint.cli import app, loading
from setpoint.declarations import unchanged_files
from setpoint.declarations.apply import ApplyRequest, sync
from setpoint.declarations.readers.load import load

Run = Callable[..., subprocess.CompletedProcess[str]]
SAME = "the files are as they were"


def declaration(name: str, location: str = "EU") -> str:
    return (
        "apiVersion: setpoint.dev/v1\nkind: Declaration\n"
        f"metadata: {{name: //storage.googleapis.com/{name}}}\n"
        f"spec: {{assetType: storage.googleapis.com/Bucket, data: {{location: {location}, labels: {{a: b}}}}}}\n"
    )


@pytest.fixture(name="fleet")
def fleet_(tmp_path: Path) -> Path:
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "a.yaml").write_text(declaration("a"))
    (folder / "b.yaml").write_text(declaration("b"))
    return folder


@pytest.fixture(name="run")
def run_(tmp_path: Path) -> Run:
    environment = {**os.environ, "SETPOINT_STORE": f"sqlite:///{tmp_path}/s.db", "COLUMNS": "200"}

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return forked.command_line("apply", *arguments, cwd=tmp_path, environment=environment)

    return command


@pytest.mark.usefixtures("fleet")
def test_files_that_are_in_force_are_not_read_again(run: Run) -> None:
    assert "2 added" in run("fleet").stderr
    for _ in range(2):
        again = run("fleet", "--commit", "0123456")
        assert (again.returncode, f"2 unchanged; {SAME}" in again.stderr) == (0, True)


def _changed(fleet: Path) -> None:
    (fleet / "a.yaml").write_text(declaration("a", "US"))


def _added(fleet: Path) -> None:
    (fleet / "c.yaml").write_text(declaration("c"))


def _ignored(fleet: Path) -> None:
    (fleet / ".setpointignore").write_text("storage.googleapis.com/Bucket labels\n")


@pytest.mark.parametrize("change", [_changed, _added, _ignored])
def test_any_change_of_the_files_is_applied(run: Run, fleet: Path, change: Callable[[Path], None]) -> None:
    run("fleet")
    change(fleet)
    changed = run("fleet")
    assert SAME not in changed.stderr
    assert "nothing to change" not in changed.stderr
    assert SAME in run("fleet").stderr


def test_a_removed_file_is_said_until_its_declarations_are_removed(run: Run, fleet: Path) -> None:
    run("fleet")
    (fleet / "b.yaml").unlink()
    for _ in range(2):
        assert "1 no longer declared and kept" in run("fleet").stderr
    assert "1 removed" in run("fleet", "--prune", "--max-removals", "100%").stderr
    assert SAME in run("fleet", "--prune").stderr


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    "options", [("--project", "p-123"), ("--exclude", "b.yaml"), ("--dry-run",), ("--output", "json")]
)
def test_other_options_read_the_files_again(run: Run, options: tuple[str, ...]) -> None:
    run("fleet")
    assert SAME not in run("fleet", *options).stderr


def test_a_bad_document_is_said_each_time(run: Run, fleet: Path) -> None:
    (fleet / "c.yaml").write_text("apiVersion: setpoint.dev/v1\nkind: Declaration\n")
    for _ in range(2):
        result = run("fleet")
        assert (result.returncode, SAME in result.stderr) == (1, False)


def test_a_kustomization_may_refer_elsewhere_and_is_built_each_time(run: Run, fleet: Path) -> None:
    (fleet / "kustomization.yaml").write_text("resources: [a.yaml, b.yaml]\n")
    (fleet / "a.yaml").write_text(
        "apiVersion: pubsub.cnrm.cloud.google.com/v1beta1\nkind: PubSubTopic\nmetadata: {name: t, namespace: p-123}\n"
    )
    (fleet / "b.yaml").write_text((fleet / "a.yaml").read_text().replace("name: t", "name: u"))
    run("fleet")
    assert SAME not in run("fleet").stderr


@pytest.mark.usefixtures("fleet")
def test_other_files_of_the_same_source_replace_what_was_in_force(run: Run, tmp_path: Path) -> None:
    run("fleet")
    (tmp_path / "other.yaml").write_text(declaration("a", "US"))
    assert "1 changed" in run("other.yaml").stderr
    assert "1 changed" in run("fleet").stderr


@pytest.mark.usefixtures("fleet")
def test_resources_that_another_source_declares_are_tried_again(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(declaration("a"))
    run("other.yaml", "--source", "other")
    for _ in range(2):
        assert SAME not in run("fleet").stderr
    (tmp_path / "other.yaml").write_text(declaration("z"))
    run("other.yaml", "--source", "other", "--prune", "--max-removals", "100%")
    assert "1 added" in run("fleet").stderr
    assert SAME in run("fleet").stderr


@pytest.mark.usefixtures("fleet")
def test_sources_that_come_into_force_are_checked(run: Run, tmp_path: Path) -> None:
    run("fleet")
    (tmp_path / "sources.yaml").write_text(
        "apiVersion: setpoint.dev/v1\nkind: Sources\nspec: {sources: [{name: default, projects: [shop-1]}]}\n"
    )
    granted = run("sources.yaml", "--source", "setpoint", "--not-seen-yet")
    assert granted.returncode == 0, granted.stderr
    assert SAME not in run("fleet").stderr


def test_what_a_pipe_gives_is_applied(run: Run, fleet: Path, tmp_path: Path) -> None:
    """As of ``apply <(kustomize build)``: a pipe can be read once."""
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    with subprocess.Popen(["/bin/sh", "-c", f"cat {fleet}/a.yaml > {pipe}"]) as writer:
        applied = run(str(pipe))
        writer.kill()
    assert "1 added" in applied.stderr


def test_a_device_in_a_directory_is_told_and_never_read(run: Run, fleet: Path) -> None:
    (fleet / "c.yaml").symlink_to("/dev/zero")
    os.mkfifo(fleet / "d.yaml")
    applied = run("fleet")
    assert "c.yaml" in applied.stderr
    assert "d.yaml" in applied.stderr
    assert applied.stderr.count("is a device or a pipe and is not read") == 2
    assert (applied.returncode, "2 added" in applied.stderr) == (1, True)


def test_files_that_change_while_they_are_read_are_read_again(
    fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETPOINT_STORE", f"sqlite:///{tmp_path}/s.db")
    load_all = loading.load_all

    def edited(*arguments: Any) -> Any:
        (fleet / "a.yaml").write_text(declaration("a", "US"))
        return load_all(*arguments)

    monkeypatch.setattr(loading, "load_all", edited)
    assert "2 added" in CliRunner().invoke(app, ["apply", str(fleet)]).stderr
    monkeypatch.setattr(loading, "load_all", load_all)
    (fleet / "a.yaml").write_text(declaration("a", "EU"))
    assert "1 changed" in CliRunner().invoke(app, ["apply", str(fleet)]).stderr


def test_a_digest_is_not_kept_with_the_generation_of_another_apply(tmp_path: Path, fleet: Path) -> None:
    deps = bootstrap.open_detection(f"sqlite:///{tmp_path}/s.db", None)
    request = ApplyRequest("default")
    digest = unchanged_files.digest_of([str(fleet)], ())
    synced = sync(load([str(fleet)]), request, deps, datetime.now(UTC))
    (fleet / "a.yaml").write_text(declaration("a", "US"))
    sync(load([str(fleet)]), request, deps, datetime.now(UTC))
    unchanged_files.remember(deps.store, request, synced, digest)
    assert unchanged_files.in_force(deps.store, request, digest) is None
    deps.store.close()


def test_two_builds_of_the_program_with_equal_sizes_and_times_are_not_the_same(tmp_path: Path) -> None:
    digests = []
    for build, rule in (("a", "x = 1\n"), ("b", "x = 2\n"), ("c", "x = 1\n")):
        package = tmp_path / build / "rules"
        package.mkdir(parents=True)
        (package / "one.py").write_text(rule)
        (package / "one.pyc").write_text(build)
        os.utime(package / "one.py", (0, 0))
        digests.append(unchanged_files.digest_of_program(tmp_path / build))
    assert digests[0] == digests[2] != digests[1]
