"""Report fields of Config Connector objects without a place in the API: misspellings as errors, others as warnings."""

from __future__ import annotations

from typing import Any

from setpoint.declarations.readers import krm_not_compared, typos
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.field_mapping_result import UnmappedField
from setpoint.declarations.readers.krm_references import is_reference
from setpoint.declarations.readers.translation import Translated
from setpoint.model import field_path

_LIMIT = 8
"""Maximum number of fields in a message about an object."""


def problems(translated: Translated, document: Document) -> list[Problem]:
    """The problems with fields without a place.

    A misspelling is an error in a manifest from an author. An object with a status comes from a server, and is no
    error.
    """
    slips: list[Problem] = []
    others: list[UnmappedField] = []
    for unplaced in translated.unplaced:
        meant = [name for name in unplaced.nearest() if typos.is_typo(unplaced.name.removesuffix("Ref"), name)]
        if meant and "status" not in document.value:
            line = document.line_of(steps(unplaced.path))
            message = f"{translated.declaration.asset_type} has no such field; did you mean {' or '.join(meant)}?"
            slips.append(Problem(document.file, line, unplaced.path, message, document.subject, "misspelt-field"))
        else:
            others.append(unplaced)
    slips += _dangling(translated, document)
    by_reason: dict[str, list[str]] = {}
    kind = str(document.value.get("kind", ""))
    for unplaced in others:
        by_reason.setdefault(krm_not_compared.reason_of(kind, unplaced), []).append(unplaced.path)
    return [*slips, *(_not_compared(paths, reason, document) for reason, paths in by_reason.items())]


def _not_compared(paths: list[str], reason: str, document: Document) -> Problem:
    """The warning about fields that are not compared for one reason."""
    more = f" and {len(paths) - _LIMIT} more" if len(paths) > _LIMIT else ""
    message = f"not compared, {reason}: {', '.join(paths[:_LIMIT])}{more}"
    line = document.line_of(steps(paths[0]))
    return Problem(document.file, line, "", message, document.subject, "not-compared")


def _dangling(translated: Translated, document: Document) -> list[Problem]:
    """References to objects whose resource name is unknown."""
    unplaced = {field.path for field in translated.unplaced}
    paths = [
        path
        for path in translated.unchecked
        if path not in unplaced and _is_reference(document.value, steps(path)) and "." in path
    ]
    if not paths:
        return []
    message = f"not compared, since the referenced resource is unknown: {', '.join(paths[:_LIMIT])}"
    line = document.line_of(steps(paths[0]))
    return [Problem(document.file, line, "", message, document.subject, "not-compared")]


def _is_reference(value: Any, path: list[str | int]) -> bool:
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return False
    return is_reference(str(path[-1]), value)


def steps(path: str) -> list[str | int]:
    """The keys and positions of an author's path."""
    return [
        int(part[1:-1]) if isinstance(part, field_path.Element) and part[1:-1].isdecimal() else str(part)
        for part in field_path.readable(path)
    ]
