"""Read files of a Git revision as they were committed: no attribute, filter or link changes what is read."""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from setpoint.declarations.readers.documents import STANDARD_INPUT, SUFFIXES
from setpoint.declarations.readers.kustomize import FILE_NAMES
from setpoint.errors import BadRequest
from setpoint.util.external_sort import batches

_SECONDS = 120.0
_TOGETHER = 500
"""Number of files that are read by one process."""
_FILE = "100"
"""The mode of a file begins with this, whether it can be executed or not."""
_LINK = "120000"
_MAX_LINKS = 40
"""As many links may follow each other; Linux has the same limit."""
_Tree = Mapping[str, tuple[str, str]]
"""Mode and object id of each path."""


def extract(revision: str, paths: Sequence[str], folder: Path) -> list[str]:
    """Write the files of a revision to a folder; links are written as the files of the revision that they lead to.

    Args:
        revision: a commit, branch or tag.
        paths: files and directories of one checkout.
        folder: an empty directory.

    Returns:
        The paths below the folder, without those that are not in the revision.

    Raises:
        BadRequest: Git is not installed, the paths are not in one checkout, a declaration is a link out of it, or the
            revision does not exist; fetch it.
    """
    if STANDARD_INPUT in paths:
        raise BadRequest("standard input has no earlier revision; give files with --base")
    top = Path(_git(Path(paths[0]).absolute(), "rev-parse", "--show-toplevel").decode().strip())
    commit = _git(top, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    tree = _tree(top, commit)
    roots = [_resolved(_relative(path, top), tree) for path in paths]
    wanted: dict[str, str] = {}
    for root in roots:
        wanted |= {name: object_id for name, (_, object_id) in _below(root, tree)}
    if any(PurePosixPath(name).name in FILE_NAMES for name in wanted):  # a kustomization may refer to any directory
        wanted |= {name: object_id for name, (_, object_id) in _below("", tree) if name.endswith(SUFFIXES)}
    _write(top, folder, wanted)
    return [str(folder / root) for root in dict.fromkeys(roots) if any(True for _ in _below(root, tree))]


def _relative(path: str, top: Path) -> str:
    """A path in the checkout; only the directory that holds it is resolved, since it may be a link itself."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a link stays one
    for candidate in (absolute, absolute.parent.resolve() / absolute.name):
        if candidate.is_relative_to(top):
            relative = candidate.relative_to(top).as_posix()
            return "" if relative == "." else relative
    raise BadRequest(f"{path} is not in the checkout {top}; give paths of one checkout with --base")


def _tree(top: Path, commit: str) -> _Tree:
    """All files and links of a commit."""
    tree = {}
    for entry in _git(top, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
        meta, _, name = entry.partition(b"\t")
        if name:
            mode, _, object_id = meta.decode().split(" ")
            tree[os.fsdecode(name)] = (mode, object_id)
    return _without_links(tree, top)


def _without_links(tree: _Tree, top: Path) -> _Tree:
    """A tree whose links are replaced by the files that they lead to; other links keep their mode."""
    links = {name: object_id for name, (mode, object_id) in tree.items() if mode == _LINK}
    targets = {name: os.fsdecode(content) for name, content in _contents(top, links)}
    resolved = dict(tree)
    for name in links:
        target = _target(name, targets)
        mode, object_id = tree.get(target, (_LINK, ""))
        resolved[name] = (mode if mode.startswith(_FILE) else f"{_LINK} {target}", object_id)
    return resolved


def _target(name: str, targets: Mapping[str, str]) -> str:
    """The path that a link leads to; empty if it leads out of the checkout, or in a circle."""
    for _ in range(_MAX_LINKS):
        if name not in targets:
            return name
        name = posixpath.normpath(posixpath.join(posixpath.dirname(name), targets[name]))
        if name.startswith(("/", "../")) or name == "..":
            return ""
    return ""


def _resolved(path: str, tree: _Tree) -> str:
    """A given path, or the directory of the revision that it is a link to."""
    mode, _ = tree.get(path, ("", ""))
    link, _, target = mode.partition(" ")
    return target if link == _LINK and target else path


def _below(root: str, tree: _Tree) -> Iterator[tuple[str, tuple[str, str]]]:
    """The files at a path or below it.

    Raises:
        BadRequest: a declaration is a link out of the checkout, so that its earlier content is unknown.
    """
    for name, (mode, object_id) in tree.items():
        if root and name != root and not name.startswith(f"{root}/"):
            continue
        if mode.startswith(_FILE):
            yield name, (mode, object_id)
        elif mode.strip() == _LINK and name.endswith(SUFFIXES):
            raise BadRequest(f"{name} is a link out of the checkout in the revision of --base; commit the file itself")


def _write(top: Path, folder: Path, wanted: Mapping[str, str]) -> None:
    for name, content in _contents(top, wanted):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _contents(top: Path, wanted: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """The content of each path, by object id."""
    for some in batches(wanted.items(), _TOGETHER):
        asked = "".join(f"{object_id}\n" for _, object_id in some).encode()
        yield from zip((name for name, _ in some), _blobs(_git(top, "cat-file", "--batch", content=asked)), strict=True)


def _blobs(answer: bytes) -> Iterator[bytes]:
    """The blobs in an answer of ``git cat-file --batch``.

    Raises:
        BadRequest: an object is not in the clone.
    """
    position = 0
    while position < len(answer):
        end = answer.index(b"\n", position)
        header = answer[position:end].split(b" ")
        if not header[-1].isdigit():
            raise BadRequest(f"git cat-file: {answer[position:end].decode()}; fetch the revision that --base names")
        size = int(header[-1])
        yield answer[end + 1 : end + 1 + size]
        position = end + size + 2  # the line end behind the blob


def _git(place: Path, *arguments: str, content: bytes = b"") -> bytes:
    folder = place if place.is_dir() else place.parent
    try:
        answer = subprocess.run(  # noqa: S603 - arguments without a shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the caller's own git
            input=content,
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
