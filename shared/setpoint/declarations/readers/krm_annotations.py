"""Setpoint's annotations on Config Connector objects.

``setpoint.dev/team``, ``setpoint.dev/slack``, ``setpoint.dev/email``: its owner; ``setpoint.dev/mode``: what may be
done about drift; ``setpoint.dev/ignore``: paths that are not compared, in the API's terms, with commas between them;
``setpoint.dev/exact``: ``true`` where what is not declared is drift too, or the paths of declared objects and maps of
which that holds; ``setpoint.dev/settle``: how long a difference has to last before it is a finding, ``30s``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from msgspec.structs import replace

from setpoint.comparison import scalars
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.owners import owner_of
from setpoint.errors import BadDeclaration
from setpoint.model import field_path
from setpoint.model.declaration import MAX_SETTLE, Declaration, Mode

_PREFIX = "setpoint.dev/"
_KNOWN = ("team", "slack", "email", "mode", "ignore", "exact", "settle")
_MODES: tuple[Mode, ...] = get_args(Mode)


def apply_annotations(declaration: Declaration, document: Document) -> tuple[Declaration, list[Problem]]:
    """Apply the annotations of a declaration's object; return the errors in them."""
    annotations = (document.value.get("metadata") or {}).get("annotations")
    annotations = annotations if isinstance(annotations, dict) else {}
    settings: dict[str, Any] = {
        key.removeprefix(_PREFIX): str(text)
        for key, text in annotations.items()
        if isinstance(key, str) and key.startswith(_PREFIX)
    }
    if not settings:
        return declaration, []
    problems = [_problem(document, name, message) for name, message in _faults(settings)]
    mode = next((known for known in _MODES if known == settings.get("mode")), declaration.mode)
    ignore = tuple(path for path in _paths(settings, "ignore") if not _fault_of(path))
    is_exact = settings.get("exact", "").strip() == "true"
    exact_paths = () if is_exact else tuple(path for path in _paths(settings, "exact") if not _fault_of(path))
    owner = owner_of(settings.get("team", ""), settings.get("slack", ""), settings.get("email", ""))
    settle = None if _settle_fault(settings) else scalars.seconds(settings.get("settle", ""))
    declared = replace(declaration, owner=owner, mode=mode, ignore=ignore, settle=settle)
    if is_exact or exact_paths:
        paths = tuple(dict.fromkeys((*declaration.exhaustive_paths, *exact_paths)))
        declared = replace(declared, exact=is_exact or declaration.exact, exhaustive_paths=paths)
    return declared, problems


def _paths(settings: dict[str, Any], name: str) -> list[str]:
    return [path.strip() for path in settings.get(name, "").split(",") if path.strip()]


def _faults(settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in settings:
        if name not in _KNOWN:
            yield name, f"no such annotation; use one of {', '.join(_KNOWN)}"
    if settings.get("mode", "alert") not in _MODES:
        yield "mode", f"must be {' or '.join(_MODES)}"
    for name in ("ignore", "exact"):
        for path in _paths(settings, name):
            if fault := _fault_of(path):
                yield name, fault
    if settings.get("exact", "").strip() == "false":
        yield "exact", "must be true, or paths; leave it out for what is declared alone"
    if fault := _settle_fault(settings):
        yield "settle", fault


def _settle_fault(settings: dict[str, Any]) -> str:
    if "settle" not in settings:
        return ""
    seconds = scalars.seconds(settings["settle"])
    fits = seconds is not None and seconds <= MAX_SETTLE
    return "" if fits else "must be a duration up to a day, like 30s, 5m or 1h"


def _fault_of(path: str) -> str:
    try:
        field_path.parse(path)
    except BadDeclaration as error:
        return str(error)
    return ""


def _problem(document: Document, name: str, message: str) -> Problem:
    where = ("metadata", "annotations", _PREFIX + name)
    return document.problem(where, message)
