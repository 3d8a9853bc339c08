"""Keep declarations that pruning must not remove because an invalid document may declare them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from setpoint.declarations.readers import encodings, whole_files
from setpoint.declarations.readers.documents import IGNORE_FILE, UNREADABLE, Problem
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sources import DeclaredVersion

_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")
_PLACEHOLDER = re.compile(r"\{\{|\$\{|\$\(|<%")
"""Templates, with which a document may name any resource."""


class PruneProtection(NamedTuple):
    """The declarations that must not be removed.

    Args:
        files: invalid files; declarations from them stay.
        words: the words in those files and resources; resources with such a name stay.
        everything: whether an invalid file may name any resource: it is unreadable, truncated, or a template.
        addresses: files and Terraform addresses of invalid resources in valid files; declarations from them stay.
    """

    files: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    everything: bool = False
    addresses: frozenset[tuple[str, str]] = frozenset()

    def holds(self, key: ResourceKey, before: DeclaredVersion | None) -> bool:
        """Whether an undeclared resource stays current.

        Args:
            key: the resource.
            before: the source's current declarations of it.
        """
        if self.everything:
            return True
        if not self.files and not self.addresses:
            return False
        sources = (declaration.source for declaration in (before.declarations if before is not None else ()))
        return self._names(key.name.rpartition("/")[2]) or any(
            source.file in self.files or (source.file, source.address) in self.addresses for source in sources
        )

    def _names(self, segment: str) -> bool:
        """Whether an invalid file has the name, or its first word: a manifest names `robot`, not `robot@p.iam…`."""
        first = _WORD.search(segment)
        return segment in self.words or (first is not None and first[0] in self.words)


NOTHING = PruneProtection()
"""Nothing is kept: all documents are valid."""


def words(value: Any) -> Iterator[str]:
    """The words in the scalars of a value, by which it may name a resource."""
    if isinstance(value, dict):
        for part in value.values():
            yield from words(part)
    elif isinstance(value, list):
        for part in value:
            yield from words(part)
    elif isinstance(value, (str, int)):
        yield from _WORD.findall(str(value))


def by_problems(problems: Iterable[Problem], root: str = "") -> PruneProtection:
    """The declarations that invalid documents may contain; a file that is not YAML or JSON may contain any.

    Args:
        problems: the errors in the files, without warnings.
        root: the directory that file names are relative to; empty if they are as given.
    """
    errors = [problem for problem in problems if not problem.file.endswith(IGNORE_FILE)]
    own = [problem for problem in errors if problem.names]
    held = _by_files([problem for problem in errors if problem.names is None], root)
    return held._replace(
        words=held.words.union(*(problem.names or () for problem in own)),
        addresses=frozenset((problem.file, problem.field) for problem in own),
    )


def _by_files(errors: list[Problem], root: str) -> PruneProtection:
    """The declarations that invalid documents may contain, by their files."""
    files = frozenset(problem.file for problem in errors)
    if any(problem.category == UNREADABLE for problem in errors):
        return PruneProtection(files, everything=True)
    named: set[str] = set()
    for file in files:
        try:
            text = encodings.decoded(whole_files.read(Path(root, file)))
        except (OSError, UnicodeDecodeError):
            return PruneProtection(files, everything=True)
        if _PLACEHOLDER.search(text):
            return PruneProtection(files, everything=True)
        in_file = _WORD.findall(text)
        if not in_file:  # a truncated file may have named any resource
            return PruneProtection(files, everything=True)
        named.update(in_file)
    return PruneProtection(files, frozenset(named))
