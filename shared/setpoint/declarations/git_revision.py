"""Read files of a Git revision."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from setpoint.errors import BadRequest

_SECONDS = 120.0


def extract(revision: str, paths: Sequence[str], folder: Path) -> list[str]:
    """Write the files of a revision to a folder.

    Args:
        revision: a commit, branch or tag.
        paths: files and directories of one checkout.
        folder: an empty directory.

    Returns:
        The paths below the folder, without those that are not in the revision.

    Raises:
        BadRequest: Git is not installed, the paths are in no checkout, or the revision does not exist; fetch it.
    """
    top = Path(_git(Path(paths[0]).resolve(), "rev-parse", "--show-toplevel").decode().strip())
    commit = _git(top, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    extracted = []
    for path in paths:
        relative = Path(path).resolve().relative_to(top)
        name = "" if relative == Path() else relative.as_posix()
        limit = ["--", name] if name else []
        if not _git(top, "ls-tree", "--name-only", commit, *limit):
            continue
        archive = _git(top, "archive", "--format=tar", commit, *limit)
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        extracted.append(str(folder / relative))
    return extracted


def _git(place: Path, *arguments: str) -> bytes:
    folder = place if place.is_dir() else place.parent
    try:
        answer = subprocess.run(  # noqa: S603 - arguments without a shell, paths after --
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the caller's own git
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadRequest(f"git {arguments[0]}: {error}; --base needs Git and a checkout") from None
    if answer.returncode:
        reason = answer.stderr.decode(errors="replace").strip().splitlines()
        message = reason[-1] if reason else f"exit code {answer.returncode}"
        raise BadRequest(f"git {arguments[0]} in {folder}: {message}; fetch the revision that --base names")
    return answer.stdout
