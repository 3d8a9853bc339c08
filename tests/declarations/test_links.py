"""A link that leads out of the repository is not read: what a checkout holds may come from anybody."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from setpoint.declarations import unchanged_files
from setpoint.declarations.readers import terraform_config
from setpoint.declarations.readers.load import LoadResult, load

SECRET = "token-of-somebody"  # noqa: S105 - what must not be read
BUCKET = (
    "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: //storage.googleapis.com/NAME}\n"
    "spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}\n"
)
TOPIC = (
    "apiVersion: pubsub.cnrm.cloud.google.com/v1beta1\nkind: PubSubTopic\n"
    "metadata: {name: NAME, namespace: billing-1}\nspec: {messageRetentionDuration: 600s}\n"
)
KUSTOMIZATION = "resources: [topic.yaml]\n"
OUT = "leads out of"


@pytest.fixture(name="fleet")
def fleet_(tmp_path: Path) -> Path:
    """A checkout with a good file; beside it lies what belongs to somebody else."""
    outside, fleet = tmp_path / "outside", tmp_path / "repository" / "fleet"
    for folder in (outside / "base", fleet):
        folder.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    for folder in (outside, outside / "base"):
        (folder / "secret.yaml").write_text(BUCKET.replace("NAME", SECRET))
        (folder / "topic.yaml").write_text(TOPIC.replace("NAME", SECRET))
        (folder / "kustomization.yaml").write_text(KUSTOMIZATION)
        (folder / ".setpointignore").write_text(f"{SECRET} labels [\n*\n")
    (outside / "main.tf").write_text(f'resource "google_storage_bucket" "b" {{\n  name = "{SECRET}"\n}}\n')
    (fleet / "good.yaml").write_text(BUCKET.replace("NAME", "good"))
    return fleet


def names(loaded: LoadResult) -> list[str]:
    return [desired.declarations[0].key.name for desired in loaded.desired]


def _file(fleet: Path) -> None:
    (fleet / "a.yaml").symlink_to("../../outside/secret.yaml")


def _hop(fleet: Path) -> None:
    (fleet / "hop").symlink_to("../../outside")
    (fleet / "a.yaml").symlink_to("hop/secret.yaml")


def _ignore_file(fleet: Path) -> None:
    (fleet / ".setpointignore").symlink_to("../../outside/.setpointignore")


def _ignore_file_below(fleet: Path) -> None:
    (fleet / "below").mkdir()
    (fleet / "below" / ".setpointignore").symlink_to("../../../outside/.setpointignore")


def _kustomization(fleet: Path) -> None:
    (fleet / "k").mkdir()
    (fleet / "k" / "topic.yaml").write_text(TOPIC.replace("NAME", "mine"))
    (fleet / "k" / "kustomization.yaml").symlink_to("../../../outside/kustomization.yaml")


def _resource(fleet: Path) -> None:
    (fleet / "k").mkdir()
    (fleet / "k" / "topic.yaml").symlink_to("../../../outside/topic.yaml")
    (fleet / "k" / "kustomization.yaml").write_text(KUSTOMIZATION)


def _base(fleet: Path) -> None:
    (fleet / "k").mkdir()
    (fleet / "base").symlink_to("../../outside/base")
    (fleet / "k" / "kustomization.yaml").write_text("resources: [../base]\n")


def _component(fleet: Path) -> None:
    (fleet / "k").mkdir()
    outside = fleet.parents[1] / "outside" / "base" / "kustomization.yaml"
    outside.write_text("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n" + KUSTOMIZATION)
    (fleet / "base").symlink_to("../../outside/base")
    (fleet / "k" / "kustomization.yaml").write_text("components: [../base]\n")


def _patch(fleet: Path) -> None:
    (fleet / "k").mkdir()
    (fleet / "k" / "topic.yaml").write_text(TOPIC.replace("NAME", "mine"))
    (fleet / "k" / "patch.yaml").symlink_to("../../../outside/topic.yaml")
    (fleet / "k" / "kustomization.yaml").write_text(KUSTOMIZATION + "patches: [{path: patch.yaml}]\n")


LINKS = [_file, _hop, _ignore_file, _ignore_file_below, _kustomization, _resource, _base, _component, _patch]


@pytest.mark.parametrize("link", LINKS)
def test_a_link_out_of_the_repository_is_named_and_not_read(fleet: Path, link: Callable[[Path], None]) -> None:
    link(fleet)
    loaded = load([str(fleet)])
    assert names(loaded) == ["//storage.googleapis.com/good"]
    problems = " ".join(map(str, loaded.problems))
    assert loaded.problems
    assert SECRET not in problems
    assert loaded.prune_protection.everything or link in (_ignore_file, _ignore_file_below)
    assert not loaded.desired[0].declarations[0].ignore
    assert unchanged_files.digest_of([str(fleet)], ()) == ""


def test_the_problem_says_where_the_link_leads_and_what_to_do(fleet: Path) -> None:
    _file(fleet)
    _ignore_file(fleet)
    _base(fleet)
    problems = sorted(str(problem) for problem in load([str(fleet)], root=str(fleet)).problems)
    repository = os.path.realpath(fleet.parent)
    message = f"is a link that leads out of {repository} and is not read; copy the file"
    assert problems[:2] == [f".setpointignore: {message}", f"a.yaml: {message}"]
    assert OUT in problems[2]


def test_links_within_the_repository_are_read(fleet: Path) -> None:
    """Also where only a part of the repository is given."""
    (fleet / "base").mkdir()
    (fleet / "base" / "topic.yaml").write_text(TOPIC.replace("NAME", "clicks"))
    (fleet / "base" / "kustomization.yaml").write_text(KUSTOMIZATION)
    part = fleet / "part"
    part.mkdir()
    (part / "again.yaml").symlink_to("../good.yaml")
    (part / "base").symlink_to("../base")
    (part / ".setpointignore").symlink_to("../ignored")
    (fleet / "ignored").write_text("storage.googleapis.com/Bucket labels\n")
    (part / "k").mkdir()
    (part / "k" / "kustomization.yaml").write_text("resources: [../base]\n")
    loaded = load([str(part)])
    assert loaded.problems == []
    assert names(loaded) == [
        "//pubsub.googleapis.com/projects/billing-1/topics/clicks",
        "//storage.googleapis.com/good",
    ]
    assert loaded.desired[1].declarations[0].ignore == ("labels",)


def test_without_a_repository_links_have_to_stay_in_the_directory(fleet: Path) -> None:
    (fleet.parent / ".git").rmdir()
    (fleet / "in.yaml").symlink_to("good.yaml")
    assert load([str(fleet)]).problems[0].message.startswith("//storage.googleapis.com/good")
    (fleet / "in.yaml").unlink()
    (fleet.parent / "beside.yaml").write_text(BUCKET.replace("NAME", SECRET))
    (fleet / "out.yaml").symlink_to("../beside.yaml")
    loaded = load([str(fleet)])
    assert names(loaded) == ["//storage.googleapis.com/good"]
    assert [problem.category for problem in loaded.problems] == ["unreadable"]


def test_a_file_and_a_directory_that_are_given_by_name_may_be_links(fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(fleet)
    (tmp_path / "file.yaml").symlink_to(fleet / "good.yaml")
    for path in ("current", "file.yaml"):
        loaded = load([str(tmp_path / path)])
        assert (names(loaded), loaded.problems) == (["//storage.googleapis.com/good"], [])


def test_files_that_a_kubernetes_volume_links_to_are_read(fleet: Path) -> None:
    """A mounted ConfigMap has links into a hidden directory beside them."""
    volume = fleet.parents[1] / "volume"
    (volume / "..2026_03_01").mkdir(parents=True)
    (volume / "..data").symlink_to("..2026_03_01")
    (volume / "..2026_03_01" / "a.yaml").write_text(BUCKET.replace("NAME", "mounted"))
    (volume / "a.yaml").symlink_to("..data/a.yaml")
    loaded = load([str(volume)])
    assert (names(loaded), loaded.problems) == (["//storage.googleapis.com/mounted"], [])


@pytest.mark.timeout(20)
def test_pipes_are_named_and_not_read_by_any_reader(fleet: Path) -> None:
    (fleet / "k").mkdir()
    for name in (".setpointignore", "k/topic.yaml", "pipe.yaml"):
        os.mkfifo(fleet / name)
    (fleet / "k" / "kustomization.yaml").write_text(KUSTOMIZATION)
    loaded = load([str(fleet)], root=str(fleet))
    assert names(loaded) == ["//storage.googleapis.com/good"]
    assert {problem.file for problem in loaded.problems} == {".setpointignore", "pipe.yaml", "k/topic.yaml"}
    assert all("is a device or a pipe" in problem.message for problem in loaded.problems)


def test_terraform_code_outside_of_the_repository_is_not_read(fleet: Path) -> None:
    (fleet.parents[1] / "outside" / "more.tf").write_text("# nothing\n")
    (fleet / "more.tf").symlink_to("../../outside/more.tf")
    (fleet / "module").symlink_to("../../outside")
    (fleet / "own.tf").write_text('module "theirs" {\n  source = "./module"\n}\n')
    configuration = terraform_config.read(str(fleet))
    assert configuration.resources == {}
    assert {Path(problem.file).name for problem in configuration.problems} == {"main.tf", "more.tf"}
    assert all(OUT in problem.message for problem in configuration.problems)
