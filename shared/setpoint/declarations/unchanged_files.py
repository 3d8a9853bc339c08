"""Recognize files that are already applied by their digest, so that nothing is parsed again.

The digest is of the content of all files, of the options that they are read with, of this program, and of the grants of
`Sources`. It is kept with the state of the source, and every other apply of the source removes it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec
from msgspec.structs import replace

import setpoint
from setpoint.declarations.apply import ApplyRequest, ApplyResult, update_control
from setpoint.declarations.readers import boundaries, kustomize, whole_files
from setpoint.declarations.readers.documents import IGNORE_FILE, STANDARD_INPUT, SUFFIXES
from setpoint.model import sources as controlling
from setpoint.model.sources import Control, SourceState
from setpoint.ports.stores import DesiredStore

_SIZE = 16
"""Length of a digest in bytes."""


def digest_of(paths: Iterable[str], options: Iterable[object]) -> str:
    """The digest of files and of how they are read; empty where files elsewhere may matter too.

    Args:
        paths: Files and directories.
        options: What else the result depends on.
    """
    whole = hashlib.blake2b(_code(), digest_size=_SIZE)
    whole.update(repr(tuple(options)).encode())
    for path in paths:
        if path == STANDARD_INPUT or not os.path.exists(path):  # noqa: PTH110 - paths as they were given
            return ""
        is_folder = os.path.isdir(path)  # noqa: PTH112 - as above
        boundary = boundaries.boundary_of(path if is_folder else os.path.dirname(path))  # noqa: PTH120 - as above
        for file in _files(path):
            if file != path and boundaries.refused(file, boundary):
                return ""  # it is not read
            if os.path.basename(file) in kustomize.FILE_NAMES:  # noqa: PTH119 - as above
                return ""  # it may refer to files outside of the directory
            try:
                content = whole_files.read(file) if os.path.isfile(file) else None  # noqa: PTH113 - as above
            except OSError:
                return ""
            if content is None:
                return ""  # a device or a pipe need not end
            whole.update(f"{file}\0{len(content)}\0".encode(errors="surrogateescape"))
            whole.update(content)
    return whole.hexdigest()


def _files(path: str) -> Iterator[str]:
    """The files that are read for a path, and the ignore files that concern them."""
    if not os.path.isdir(path):  # noqa: PTH112 - as above
        yield path
        beside = os.path.join(os.path.dirname(path), IGNORE_FILE)  # noqa: PTH118, PTH120 - as above
        if os.path.isfile(beside):  # noqa: PTH113 - as above
            yield beside
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            if name.endswith(SUFFIXES) or name == IGNORE_FILE or name in kustomize.FILE_NAMES:
                yield os.path.join(folder, name)  # noqa: PTH118 - as above


@cache
def _code() -> bytes:
    return digest_of_program(Path(setpoint.__file__).parent)


def digest_of_program(folder: Path) -> bytes:
    """The digest of all files of the program, by content: builds in containers share sizes and times.

    Args:
        folder: The program's root package, with its tables.
    """
    whole = hashlib.blake2b(digest_size=_SIZE)
    for file in sorted(file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc"):
        content = file.read_bytes()
        whole.update(f"{file.relative_to(folder)}\0{len(content)}\0".encode(errors="surrogateescape"))
        whole.update(content)
    return whole.digest()


def _stored(digest: str, control: Control) -> str:
    """The digest together with what decides which declarations of the files are accepted."""
    grants = msgspec.json.encode(controlling.granted(control))
    return hashlib.blake2b(grants, digest_size=_SIZE, key=digest.encode()).hexdigest()


def in_force(store: DesiredStore, request: ApplyRequest, digest: str) -> SourceState | None:
    """The state of a source whose files were applied as they are, with all their findings judged; else None."""
    control = store.control().value
    state = control.sources.get(request.source)
    if not digest or state is None or not state.inputs or state.inputs != _stored(digest, control):
        return None
    is_settled = not state.pending and state.judged >= state.generation and not state.earlier
    says_revision = bool(state.scopes) and bool(request.commit)  # scopes name the revision that they are of
    return state if is_settled and not says_revision else None


def touch(store: DesiredStore, request: ApplyRequest, state: SourceState, now: datetime) -> None:
    """Record an apply of files that are already applied.

    Raises:
        Conflict: another apply of the source has changed it; apply again.
    """
    applied = replace(state, commit=request.commit, applied_at=now)
    update_control(store, lambda control: controlling.touch(control, request.source, state.generation, applied))


def remember(store: DesiredStore, request: ApplyRequest, synced: ApplyResult, digest: str) -> None:
    """Keep the digest of files that were applied, where nothing about them is left to do or to say again."""
    planned = synced.plan
    if not digest or planned.claimed or planned.refused or planned.kept or synced.unseen or synced.failed:
        return

    def noted(control: Control) -> Control:
        state = control.sources.get(request.source, SourceState())
        if state.generation != synced.generation or state.pending:
            return control
        known = replace(state, inputs=_stored(digest, control))
        return replace(control, sources={**control.sources, request.source: known})

    update_control(store, noted)
