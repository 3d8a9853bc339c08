"""Find the documents at paths: plain files, Kustomize roots, charts, standard input."""

from __future__ import annotations

import fnmatch
import os
import re
import sys
from collections.abc import Container, Iterable, Iterator
from pathlib import Path, PurePath

from setpoint.declarations.readers import boundaries, documents, encodings, foreign_formats, krm, kustomize, whole_files
from setpoint.declarations.readers.documents import STANDARD_INPUT, UNREADABLE, Document, Problem

_TEMPLATE = re.compile(r"\{\{-?\s*(?:\.|\$|if |with |range |include |template |define |end\b|toYaml|tpl )")


def find(paths: Iterable[str], root: str = "", exclude: Iterable[str] = ()) -> Iterator[Document | Problem]:
    """The documents at some paths, and the errors of unreadable ones.

    Args:
        paths: Files, directories, or ``-`` for standard input.
        root: A directory that reported file names are relative to; empty to report them as given.
        exclude: Globs of files to skip, relative to the given directory or by name.
    """
    globs = dict.fromkeys(exclude, False)
    for path in paths:
        if path == STANDARD_INPUT:
            yield from _standard_input()
        elif os.path.isdir(path):  # noqa: PTH112 - paths stay as they were given
            yield from _Directory(path, root, globs).items()
        elif message := foreign_formats.instead_of_file(path):
            yield Problem(path, 0, "", message, category="foreign-format")
        else:
            yield from _file(path, os.path.relpath(path, root) if root else path)
    for glob in (glob for glob, is_used in globs.items() if not is_used):
        message = f"--exclude {glob}: matches no file of a directory; use the form *.test.yaml or drafts/"
        yield Problem("", 0, "", message, category="value")


def _standard_input() -> Iterator[Document | Problem]:
    try:
        data = whole_files.content(sys.stdin.buffer)
    except OSError as error:
        yield Problem(STANDARD_INPUT, 0, "", f"cannot be read: {error.strerror}", category=UNREADABLE)
    else:
        yield from documents.parse_bytes(data, STANDARD_INPUT)


def _file(path: str, shown: str) -> Iterator[Document | Problem]:
    """The documents of a file; a Helm template is reported and not read."""
    broken: list[Problem] = []
    for item in documents.read(path, shown):
        if isinstance(item, Problem) and item.line:
            broken.append(item)
        else:
            yield item
    if broken and _is_template(path):
        message = "is a template of Helm; render it: `helm template CHART | setpoint apply -`"
        yield Problem(shown, broken[0].line, "", message, category="template")
    else:
        yield from broken


def _is_template(path: str) -> bool:
    try:
        return _TEMPLATE.search(encodings.decoded(whole_files.read(path))) is not None
    except (OSError, UnicodeDecodeError):
        return False


class _Directory:
    """A directory to search.

    Args:
        path: the directory.
        root: a directory that reported file names are relative to; empty to report them as given.
        exclude: globs of files to skip, and whether each has matched one, which is noted here.
    """

    def __init__(self, path: str, root: str, exclude: dict[str, bool]) -> None:
        self._path = path
        self._root = root
        self._exclude = exclude
        self._boundary = boundaries.boundary_of(path)

    def _shown(self, path: str) -> str:
        return os.path.relpath(path, self._root) if self._root else path

    def items(self) -> Iterator[Document | Problem]:
        """All documents below the directory."""
        folders = [folder for folder, *_ in os.walk(self._path) if not self._is_hidden(folder)]
        built = [folder for folder in folders if kustomize.kustomization_of(folder)]
        charts = [folder for folder in folders if Path(folder, "Chart.yaml").is_file()]
        named = {path for folder in built for path in kustomize.references(folder)}
        yield from self._roots(built, named)
        yield from self._charts(charts)
        yield from self._files(_normal(built), _normal(charts), named)

    def _roots(self, built: list[str], named: set[str]) -> Iterator[Document | Problem]:
        """The objects that root kustomizations build: directories that no other one refers to."""
        for folder in sorted(built):
            file = kustomize.kustomization_of(folder)
            if os.path.realpath(folder) in named or kustomize.is_component(folder) or self._is_excluded(file):
                continue
            result = kustomize.build(folder, self._root, self._boundary)
            if isinstance(result, Problem):
                yield result
            else:
                yield from result
        yield from self._cycles(built, named)

    def _cycles(self, built: list[str], named: set[str]) -> Iterator[Document | Problem]:
        """Kustomizations that refer only to each other, so that none of them is a root."""
        roots = [folder for folder in built if os.path.realpath(folder) not in named]
        if built and not roots:
            result = kustomize.build(built[0], self._root, self._boundary)
            yield from result if isinstance(result, list) else [result]

    def _charts(self, charts: list[str]) -> Iterator[Document | Problem]:
        for chart in charts:
            message = f"is a chart of Helm and is not read; render it: `helm template {chart} | setpoint apply -`"
            yield Problem(self._shown(str(Path(chart, "Chart.yaml"))), 0, "", message, category="helm")

    def _files(self, built: set[str], charts: set[str], named: set[str]) -> Iterator[Document | Problem]:
        """Files outside of kustomizations and charts."""
        unlisted: list[str] = []
        for path in documents.files(self._path):
            if self._is_excluded(path) or _is_inside_any(path, charts) or PurePath(path).name in kustomize.FILE_NAMES:
                continue
            if os.path.realpath(path) in named:
                continue
            if reason := boundaries.refused(path, self._boundary):
                yield Problem(self._shown(path), 0, "", reason, category=UNREADABLE)
                continue
            if not _is_inside_any(path, built):
                yield from _file(path, self._shown(path))
                continue
            objects = False
            for item in _file(path, self._shown(path)):
                if isinstance(item, Document) and not krm.is_krm(item.value) and not _is_kubernetes(item):
                    yield item
                else:
                    objects = True
            if objects:
                unlisted.append(path)
        for path in unlisted:
            message = "is not listed in the kustomization of its directory and is not read"
            yield Problem(self._shown(path), 0, "", message, category="not-read")

    def _is_hidden(self, folder: str) -> bool:
        relative = os.path.relpath(folder, self._path)
        return relative != "." and any(part.startswith(".") for part in PurePath(relative).parts)

    def _is_excluded(self, path: str) -> bool:
        relative = PurePath(os.path.relpath(path, self._path)).as_posix()
        matching = [
            glob
            for glob in self._exclude
            if fnmatch.fnmatch(relative, glob)
            or fnmatch.fnmatch(PurePath(path).name, glob)
            or fnmatch.fnmatch(relative, f"{glob.rstrip('/')}/*")
        ]
        self._exclude.update(dict.fromkeys(matching, True))
        return bool(matching)


def _is_inside_any(path: str, folders: Container[str]) -> bool:
    """Whether a path is one of some normal paths, or lies below one."""
    above = os.path.normpath(path)
    while above not in folders:
        below, above = above, os.path.dirname(above)  # noqa: PTH120 - paths as they were given
        if below == above:
            return False
    return True


def _normal(folders: Iterable[str]) -> set[str]:
    return {os.path.normpath(folder) for folder in folders}


def _is_kubernetes(document: Document) -> bool:
    value = document.value
    return isinstance(value, dict) and value.get("kind") == "Namespace"
