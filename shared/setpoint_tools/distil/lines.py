"""Merges fields that only beta and alpha versions have into the stable version of an API.

Fleets declare beta fields, and a field that the catalogue does not know is compared by guess. So the stable
schema keeps its say on all it knows, and takes the others' further fields, schemas and enum values, each
field marked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from setpoint_tools.distil import flags, kinds, schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from setpoint_tools.distil.documents import Document, Line

Fields = dict[str, schemas.Packed]


def pack(line: Line) -> dict[str, Any]:
    """Return a line as the artefact holds it: `kinds` (in an asset type → schema), `schemas` (name → fields)."""
    known, fields = _document(line.base)
    for document in line.extras:
        rename = renamer(document.version, line.base.version)
        extra_known, extra = _document(document)
        extra = {rename(name): _renamed(packed, rename) for name, packed in extra.items()}
        for name, packed in extra.items():
            if name in fields:
                _fold(fields[name], packed)
            else:
                fields[name] = {key: _marked(field) for key, field in packed.items()}
        for kind, name in extra_known.items():
            known.setdefault(kind, rename(name))
    return {"kinds": known, "schemas": fields}


def _document(document: Document) -> tuple[dict[str, str], dict[str, Fields]]:
    content = document.content
    resources = schemas.resources(content)
    known = kinds.index(resources, document.service, document.version)
    packer = schemas.Packer(document.service, content.get("schemas", {}), known)
    names = schemas.reachable(content.get("schemas", {}), resources)
    return known, {name: packer.schema(name, resource=name in resources) for name in sorted(names)}


def renamer(version: str, base: str) -> Callable[[str], str]:
    """Return what turns a beta's schema name into the stable one: `...V1beta1Endpoint` → `...V1Endpoint`."""
    mark = version[:1].upper() + version[1:]
    if not re.fullmatch(r"V\d\w*", mark):
        return lambda name: name
    pattern = re.compile(re.escape(mark) + r"(?![a-z0-9])")
    return lambda name: pattern.sub(base[:1].upper() + base[1:], name)


def _renamed(packed: Mapping[str, schemas.Packed], rename: Callable[[str], str]) -> Fields:
    return {name: _renamed_field(field, rename) for name, field in packed.items()}


def _renamed_field(field: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(field, str) or field[1] is None:
        return field
    kind = field[0].split(":")[0]
    inner = field[1]
    if kind == "message":
        inner = rename(inner) if isinstance(inner, str) else _renamed(inner, rename)
    elif kind in {"list", "map"}:
        inner = _renamed_field(inner, rename)
    return [field[0], inner, *field[2:]]


def _fold(stable: Fields, beta: Fields) -> None:
    for name, field in beta.items():
        if name not in stable:
            stable[name] = _marked(field)
        else:
            _fold_field(stable[name], field)


def _fold_field(stable: Any, beta: Any) -> None:
    """Fold into a field that both know: further enum values, and further fields of an anonymous message."""
    if isinstance(stable, str) or isinstance(beta, str):
        return
    kind = stable[0].split(":")[0]
    if kind != beta[0].split(":")[0]:
        return
    if kind == "enum":
        stable[1].extend(value for value in beta[1] if value not in stable[1])
    elif kind == "message" and isinstance(stable[1], dict) and isinstance(beta[1], dict):
        _fold(stable[1], beta[1])
    elif kind in {"list", "map"}:
        _fold_field(stable[1], beta[1])


def _marked(field: schemas.Packed) -> schemas.Packed:
    if isinstance(field, str):
        return schemas.marked(field, flags.BETA)
    return [schemas.marked(field[0], flags.BETA), *field[1:]]
