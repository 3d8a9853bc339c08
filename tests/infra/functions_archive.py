"""The functions' archive, as the module makes it: without Terraform, by the stand-in's own writer."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.blocks import INFRA, ROOT
from infra.standin import archive

_TREES = ("infra", "functions", "shared/setpoint")
_FILES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE", ".gitignore", ".ci/requirements-functions.txt")


def pack(target: Path, infra: Path = INFRA) -> Path:
    """Write the archive that infra/storage.tf has the provider write."""
    ignored = (infra.parent / ".gitignore").read_text().split()
    excludes = [f"**/{pattern.strip('/')}" for pattern in ignored]
    source = {"source_dir": str(infra / "source"), "excludes": excludes, "output_file_mode": "0644"}
    archive.write({**source, "output_path": str(target)})
    return target


def tracked(*paths: str) -> list[str]:
    """What Git tracks there, or would once it is added, and what is in the working tree of it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return sorted({name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()})


def deployed_files() -> set[str]:
    """The names that the archive is to have."""
    library = set(tracked("functions", "shared/setpoint"))
    return library | {"requirements.txt", "pyproject.toml", "README.md", "LICENSE", "NOTICE"}


def copy_repository(target: Path) -> Path:
    """Copy what the module and its archive are made of, links as links."""
    for name in tracked(*_TREES, *_FILES):
        copied = target / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_symlink():
            copied.symlink_to((ROOT / name).readlink())
        else:
            copied.write_bytes((ROOT / name).read_bytes())
    return target


def commit(folder: Path, tag: str) -> str:
    """Make a folder a repository of Git with one commit and a tag; its address for Terraform."""
    settings = {
        "user.name": "test",
        "user.email": "test@example.com",
        "core.compression": "0",
        "pack.window": "0",  # no deltas: a clone takes a third of the processor time
    }
    configured = [["config", name, value] for name, value in settings.items()]
    for arguments in (["init", "-q"], *configured, ["add", "-A"], ["commit", "-qm", "test"], ["tag", tag]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    return f"git::file://{folder}"
