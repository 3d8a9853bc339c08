"""What a Git revision holds is read as it was committed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from setpoint.declarations import git_revision
from setpoint.errors import BadRequest

Git = Callable[..., None]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "fleet").mkdir(parents=True)
    (folder / "fleet" / "a.yaml").write_text("a: 1\n")
    (folder / "other.yaml").write_text("o: 1\n")
    git(folder, "init", "-q")
    return folder


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "change")


def extracted(folder: Path, into: Path, *paths: str) -> dict[str, str]:
    into.mkdir(exist_ok=True)
    git_revision.extract("HEAD", [str(folder / path) for path in paths], into)
    return {str(path.relative_to(into)): path.read_text() for path in into.rglob("*") if path.is_file()}


def test_the_files_of_the_paths_are_written_as_they_were_committed(checkout: Path, tmp_path: Path) -> None:
    (checkout / "fleet" / "b [1]*.yaml").write_text("b: 1\n")
    (checkout / ".gitattributes").write_text("fleet/a.yaml export-ignore\n*.yaml export-subst text eol=crlf\n")
    (checkout / "fleet" / "c.yaml").write_text("c: $Format:%H$\n")
    commit(checkout)
    (checkout / "fleet" / "a.yaml").write_text("a: 2\n")

    assert extracted(checkout, tmp_path / "x", "fleet") == {
        "fleet/a.yaml": "a: 1\n",
        "fleet/b [1]*.yaml": "b: 1\n",
        "fleet/c.yaml": "c: $Format:%H$\n",
    }


def test_links_are_read_as_what_they_led_to_in_the_revision(checkout: Path, tmp_path: Path) -> None:
    (checkout / "fleet" / "link.yaml").symlink_to("../other.yaml")
    (checkout / "fleet" / "again.yaml").symlink_to("link.yaml")
    (checkout / "fleet" / "bin").symlink_to("/usr/bin")
    (checkout / "fleet" / "folder").symlink_to("..")
    (checkout / "current").symlink_to("fleet")
    commit(checkout)
    (checkout / "other.yaml").write_text("o: 2\n")
    (checkout / "current").unlink()
    (checkout / "current").symlink_to(".")

    expected = {"fleet/a.yaml": "a: 1\n", "fleet/link.yaml": "o: 1\n", "fleet/again.yaml": "o: 1\n"}
    assert extracted(checkout, tmp_path / "x", "fleet") == expected
    assert extracted(checkout, tmp_path / "y", "current") == expected
    assert git_revision.extract("HEAD", [str(checkout / "current")], tmp_path / "y") == [str(tmp_path / "y" / "fleet")]


@pytest.mark.parametrize("target", ["/etc/fleet.yaml", "../../fleet.yaml", "loop.yaml"])
def test_a_declaration_that_is_a_link_out_of_the_checkout_is_an_error(
    checkout: Path, tmp_path: Path, target: str
) -> None:
    (checkout / "fleet" / "loop.yaml").symlink_to(target)
    commit(checkout)
    with pytest.raises(BadRequest, match=r"fleet/loop\.yaml is a link out of the checkout"):
        extracted(checkout, tmp_path / "x", "fleet")


def test_paths_of_another_checkout_and_standard_input_are_errors(checkout: Path, tmp_path: Path) -> None:
    commit(checkout)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(BadRequest, match="is not in the checkout"):
        git_revision.extract("HEAD", [str(checkout / "fleet"), str(elsewhere)], tmp_path / "x")
    with pytest.raises(BadRequest, match="standard input"):
        git_revision.extract("HEAD", ["-"], tmp_path / "x")


def test_a_path_that_is_not_in_the_revision_is_left_out(checkout: Path, tmp_path: Path) -> None:
    commit(checkout)
    (checkout / "new").mkdir()
    (tmp_path / "x").mkdir()
    paths = [str(checkout / "new"), str(checkout / "fleet")]

    assert git_revision.extract("HEAD", paths, tmp_path / "x") == [str(tmp_path / "x" / "fleet")]


def test_what_a_kustomization_may_refer_to_is_written_too(checkout: Path, tmp_path: Path) -> None:
    (checkout / "fleet" / "kustomization.yaml").write_text("resources: [../base]\n")
    (checkout / "base").mkdir()
    (checkout / "base" / "kustomization.yaml").write_text("resources: []\n")
    (checkout / "base" / "image.bin").write_text("x")
    commit(checkout)

    assert set(extracted(checkout, tmp_path / "x", "fleet")) == {
        "fleet/a.yaml",
        "fleet/kustomization.yaml",
        "base/kustomization.yaml",
        "other.yaml",
    }
