"""The functions' source as one archive: what the buildpack needs, as Git tracks it, and nothing else that lies around.

The same content gives the same bytes, so that functions are built again only when their source has changed.
"""  # noqa: INP001 - a script

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ".ci/requirements-functions.txt"
"""What Google's buildpack installs, by hashes: it prefers a requirements.txt to pyproject.toml.

Source: https://cloud.google.com/docs/buildpacks/python#specifying_dependencies_with_pip
"""
SOURCE = ("functions", "shared/setpoint", "pyproject.toml", "README.md", "LICENSE", "NOTICE")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip archive can tell."""


def write(archive: Path) -> None:
    """Write the archive.

    Args:
        archive: where to; its folder is made.
    """
    tracked = ["git", "ls-files", "-z", "--", *SOURCE]
    listed = subprocess.run(tracked, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - the words are ours
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as made:
        files = {name: name for name in listed.stdout.decode().rstrip("\0").split("\0")}
        for name, path in sorted({**files, "requirements.txt": LOCK}.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            made.writestr(entry, (ROOT / path).read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "build/setpoint.zip"
    write(target)
    sys.stdout.write(f"{target}\n")
