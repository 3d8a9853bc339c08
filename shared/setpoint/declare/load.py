"""Loading declarations from files and directories: the good ones, and what is wrong with the others."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from setpoint.core.declarations import Declaration, Desired, Scope, clash, desired
from setpoint.core.names import ResourceKey
from setpoint.declare import documents, native
from setpoint.declare.documents import Document, Problem


@dataclass(slots=True)
class Loaded:
    """What files declare.

    Args:
        desired: what is desired of each resource.
        scopes: the parts of the fleet that are fully declared.
        problems: what is wrong, in the order of the files.
        skipped: documents of other kinds, which are none of Setpoint's business.
    """

    desired: list[Desired] = field(default_factory=list)
    scopes: tuple[Scope, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    skipped: int = 0


def load(paths: Iterable[str], *, root: str = "") -> Loaded:
    """Read all declarations in files and directories; bad ones are reported and good ones beside them kept.

    Args:
        paths: files and directories.
        root: a directory that files are called from in what is said of them; as they were given, unless set.
    """
    loaded = Loaded()
    declared: dict[ResourceKey, list[Declaration]] = {}
    scopes: dict[str, Scope] = {}
    for path in paths:
        for file in documents.files(path):
            called = os.path.relpath(file, root) if root else file
            for document in documents.read(file, called):
                if isinstance(document, Problem):
                    loaded.problems.append(document)
                elif native.is_native(document.value):
                    _take(document, declared, scopes, loaded)
                else:
                    loaded.skipped += 1
    loaded.desired = [desired(tuple(ones)) for ones in declared.values()]
    loaded.scopes = tuple(scopes.values())
    return loaded


def _take(
    document: Document,
    declared: dict[ResourceKey, list[Declaration]],
    scopes: dict[str, Scope],
    loaded: Loaded,
) -> None:
    found = native.read(document)
    if isinstance(found, Declaration):
        others = declared.setdefault(found.key, [])
        twin = next((other for other in others if clash(found, other)), None)
        if twin is None:
            others.append(found)
        else:
            loaded.problems.append(_twice(document, f"{found.key.name} ({found.key.content})", str(twin.source)))
    elif isinstance(found, Scope):
        if found.name in scopes:
            loaded.problems.append(_twice(document, f"scope {found.name}", str(scopes[found.name].source)))
        else:
            scopes[found.name] = found
    else:
        loaded.problems.extend(found)


def _twice(document: Document, what: str, where: str) -> Problem:
    line = document.line_of(("metadata", "name"))
    return Problem(document.file, line, "metadata.name", f"{what} is declared already at {where}; the first one counts")
