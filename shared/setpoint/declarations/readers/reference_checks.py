"""References of Config Connector objects by name, to objects that are not among the documents.

Such an object may be declared elsewhere: the reference is compared by its name. Where an object of the kind has almost
this name, the reference is probably misspelt.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from setpoint.declarations.readers import typos
from setpoint.declarations.readers.document_path import DocumentPath
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.krm_references import Objects, group_of, is_reference, kind_by_field, namespace_of

_SEPARATORS = re.compile(r"[-_.]")
_SHORT, _FEWEST = 6, 4
"""A word of fewer letters may have one letter wrong only; one of fewer than the second number is not a misspelling."""
_SECRETS = frozenset(("Secret", "ConfigMap"))


class MissingReference(NamedTuple):
    """A reference by name to an object that is not among the documents.

    Args:
        where: the path of the reference.
        name: the name.
        kind: the kind; empty if it is not known.
    """

    where: DocumentPath
    name: str
    kind: str


def missing(value: Mapping[str, Any], objects: Objects) -> Iterator[MissingReference]:
    """The references of an object to objects that are unknown.

    Args:
        value: the object.
        objects: the known objects.
    """
    for where, reference in _references(value.get("spec"), ("spec",)):
        field = next(part for part in reversed(where) if isinstance(part, str))
        name = reference.get("name")
        if not isinstance(name, str) or reference.get("external") is not None:
            continue
        kind = str(reference.get("kind") or kind_by_field(field, group_of(value)))
        namespace = str(reference.get("namespace") or namespace_of(value))
        if kind not in _SECRETS and not objects.has(name, namespace):
            yield MissingReference(where, name, kind)


def misspelt(reference: MissingReference, document: Document, objects: Objects) -> Problem | None:
    """The warning that a reference is probably misspelt; None if no object has a name like it."""
    if reference.kind:
        names: Collection[str] = objects.names.get(reference.kind, ())
    else:
        names = {name for known in objects.names.values() for name in known}
    meant = next((name for name in sorted(names) if _is_misspelt(reference.name, name)), "")
    if not meant:
        return None
    kind = f"{reference.kind} " if reference.kind else ""
    message = f"names {kind}{reference.name}, which none of these files declares; did you mean {meant}?"
    line = document.line_of((*reference.where, "name"))
    return Problem(document.file, line, typos.as_text(reference.where), message, document.subject, "reference")


def _references(tree: Any, where: DocumentPath) -> Iterator[tuple[DocumentPath, Mapping[str, Any]]]:
    if isinstance(tree, dict):
        field = next((part for part in reversed(where) if isinstance(part, str)), "")
        if is_reference(field, tree):
            yield where, tree
            return
        for name, part in tree.items():
            yield from _references(part, (*where, name))
    elif isinstance(tree, list):
        for position, part in enumerate(tree):
            yield from _references(part, (*where, position))


def _is_misspelt(name: str, meant: str) -> bool:
    """Whether a name has one word misspelt, or a separator too many or too few; `vpc-1` and `vpc-2` are two names."""
    if _SEPARATORS.sub("", name) == _SEPARATORS.sub("", meant):
        return True
    words, others = _SEPARATORS.split(name), _SEPARATORS.split(meant)
    differing = [(word, other) for word, other in zip(words, others, strict=False) if word != other]
    if len(words) != len(others) or len(differing) != 1:
        return False
    [(word, other)] = differing
    if not word.isalpha() or not other.isalpha():
        return False
    if sorted(word) == sorted(other):
        return typos.edits(word, other) == 1  # two letters are swapped
    if min(len(word), len(other)) < _FEWEST:
        return False
    return typos.edits(word, other) <= (1 if len(word) < _SHORT else 2)
