"""What pruning leaves in force although no file declares it any more: whatever a bad document might have named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from setpoint.declarations.readers.documents import IGNORE_FILE, UNREADABLE, Problem
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sources import Version

_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")
_PLACEHOLDER = re.compile(r"\{\{|\$\{|\$\(|<%")
"""Where a name is filled in later, a document may name anything."""


class HeldBack(NamedTuple):
    """What must not be removed.

    Args:
        files: bad files; what was declared in one of them stays.
        words: the words of their texts; what is called by one of them stays.
        everything: a bad file may name anything: it cannot be read, is cut off, or has placeholders.
    """

    files: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    everything: bool = False

    def holds(self, key: ResourceKey, before: Version | None) -> bool:
        """Whether a resource that is declared no longer stays in force.

        Args:
            key: the resource.
            before: what the source declares of it now.
        """
        if self.everything:
            return True
        if not self.files:
            return False
        declarations = before.declarations if before is not None else ()
        return key.name.rpartition("/")[2] in self.words or any(
            declaration.source.file in self.files for declaration in declarations
        )


NOTHING = HeldBack()
"""Nothing is held back: all documents are good."""


def by_problems(problems: Iterable[Problem], root: str = "") -> HeldBack:
    """What bad documents might have named; one that is not even YAML or JSON may have named anything.

    Args:
        problems: what is wrong, errors only.
        root: the directory that files are called from; empty where they are called as they were given.
    """
    errors = [problem for problem in problems if not problem.file.endswith(IGNORE_FILE)]
    files = frozenset(problem.file for problem in errors)
    if any(problem.category == UNREADABLE for problem in errors):
        return HeldBack(files, everything=True)
    words: set[str] = set()
    for file in files:
        try:
            text = Path(root, file).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return HeldBack(files, everything=True)
        if _PLACEHOLDER.search(text):
            return HeldBack(files, everything=True)
        named = _WORD.findall(text)
        if not named:  # a file that was cut off names nothing, and might have named anything
            return HeldBack(files, everything=True)
        words.update(named)
    return HeldBack(files, frozenset(words))
