"""The ids by which Terraform imports a resource, from its full resource name.

The table is written by `python -m setpoint_tools.distil.import_ids`. A line: asset type, Terraform type, a template of
the relative resource name, a template of the id. A variable of a template is one segment of the name; a first variable
that a collection follows, as `{{key_ring}}/cryptoKeys/{{name}}`, is the whole name of the parent. A variable of the id
that the name does not give is the last segment of the field of that name; what no field gives stays in the id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from setpoint.catalog.data_files import rows

FILE = Path(__file__).resolve().parent / "data" / "import_ids.tsv"
WHOLE = "{{*}}"
"""The id that is the whole relative name."""
UNKNOWN = "{{import_id}}"
"""The id of a type of which none is known."""

_VARIABLE = re.compile(r"\{\{%?([\w-]+)\}\}")

_COLLECTION = re.compile(r"/[A-Za-z]")


class ImportId(NamedTuple):
    """A resource as Terraform knows it.

    Args:
        type: the Terraform type.
        id: the id for an `import` block.
        variables: the attributes that the name gives, by their names in the template.
        missing: the variables that are still in the id.
    """

    type: str
    id: str
    variables: dict[str, str]
    missing: tuple[str, ...] = ()


class _Line(NamedTuple):
    type: str
    name: str
    id: str
    pattern: re.Pattern[str]


def import_ids(
    asset_type: str, name: str, project: str = "", data: Mapping[str, Any] | None = None
) -> tuple[ImportId, ...]:
    """The import ids of a resource, the preferred one first; several where types of the provider overlap.

    Args:
        asset_type: Cloud Asset Inventory's type.
        name: the full resource name, `//host/path`.
        project: the id of its project, which takes the place of a project number; empty where it is not known.
        data: the resource as it was observed, for what the name does not give.
    """
    path = name.removeprefix("//").partition("/")[2]
    known = []
    for line in _table().get(asset_type, ()):
        match_ = line.pattern.fullmatch(path)
        if match_ is None:
            continue
        variables = dict(match_.groupdict())
        if project and variables.get("project", "").isdecimal():
            variables["project"] = project
        identifier = path if line.id == WHOLE else filled(line.id, {**_fields(line.id, data or {}), **variables})
        missing = tuple(_VARIABLE.findall(identifier))
        known.append(ImportId(line.type, identifier, variables, missing))
    return tuple(known)


def _fields(template: str, data: Mapping[str, Any]) -> dict[str, str]:
    """The variables that are fields of the resource."""
    values = ((variable, data.get(variable)) for variable in _VARIABLE.findall(template))
    return {variable: value.rpartition("/")[2] for variable, value in values if isinstance(value, str)}


def filled(template: str, variables: Mapping[str, str]) -> str:
    """Fill in the variables of a template; one that is not known stays, as `{variable}`."""
    return _VARIABLE.sub(lambda variable: variables.get(variable[1], variable[0]), template)


def lines() -> tuple[tuple[str, str, str, str], ...]:
    """The rows of the table: asset type, Terraform type, template of the resource name, template of the import id."""
    return tuple((asset_type, type_, name, identifier) for asset_type, type_, name, identifier in rows(FILE))


@cache
def _table() -> dict[str, list[_Line]]:
    table: dict[str, list[_Line]] = {}
    for asset_type, type_, name, identifier in lines():
        table.setdefault(asset_type, []).append(_Line(type_, name, identifier, pattern(name)))
    return table


def pattern(template: str) -> re.Pattern[str]:
    """Compile a template of names: each `{variable}` becomes a group of that name.

    Args:
        template: the path after the host, as `projects/{project}/topics/{name}`. A variable is one segment; the
            first is a whole parent, `projects/p` say, where a collection follows it.
    """
    parts = []
    position = 0
    for number, variable in enumerate(_VARIABLE.finditer(template)):
        parts.append(re.escape(template[position : variable.start()]))
        is_parent = number == 0 and variable.start() == 0 and bool(_COLLECTION.match(template, variable.end()))
        parts.append(f"(?P<{variable[1]}>{'.+' if is_parent else '[^/]+'})")
        position = variable.end()
    return re.compile("".join([*parts, re.escape(template[position:])]))
