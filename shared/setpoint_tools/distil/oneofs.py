"""`python -m setpoint_tools.distil.oneofs DEFINITIONS`: writes the table of fields of which only one may be set.

DEFINITIONS holds a line of JSON for each oneof of Google's published definitions
(https://github.com/googleapis/googleapis): ``message``, package and message, nested ones dotted; ``fields``, in JSON's
spelling. Discovery documents leave oneofs out. A schema of theirs is called by its message (``Probe``) or by package
and message (``GoogleCloudRunV2Probe``).
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from setpoint.catalog.oneofs import TABLE
from setpoint.catalog.schemas import FOLDER, Schema, default_catalogue

_HEADER = """\
# Fields of which only one may be set (oneofs), by Google's published definitions, written by
# `python -m setpoint_tools.distil.oneofs` from https://github.com/googleapis/googleapis at f8291d2b (Apache-2.0).
# service	schema	fields	message
"""
_FEWEST = 2

Row = tuple[str, str, tuple[str, ...], str]
"""Service, schema, fields, and the message that says so."""


def names_of(message: str) -> tuple[str, list[str]]:
    """The package of a message, and what a discovery document may call it, the longest name first.

    >>> names_of("google.cloud.run.v2.Probe")[1][:2]
    ['GoogleCloudRunV2Probe', 'CloudRunV2Probe']
    """
    parts = message.split(".")
    first = next(place for place, part in enumerate(parts) if part[:1].isupper())
    package, nested = parts[:first], parts[first:]
    names = [
        "".join(part[:1].upper() + part[1:] for part in package[start:]) + "".join(nested)
        for start in range(len(package) + 1)
    ]
    return ".".join(package), [*names, nested[-1]]


def bound(definitions: Iterable[dict[str, Any]], schemas: Iterable[Schema]) -> Iterator[Row]:
    """The groups of fields of each schema.

    A message binds a schema of its own API that has two of its fields at least, and one of another API where that has
    all of them: APIs repeat each other's messages.

    Args:
        definitions: the oneofs.
        schemas: all that the catalogue holds.
    """
    by_name: dict[str, list[Schema]] = defaultdict(list)
    for schema in schemas:
        by_name[schema.name.lower()].append(schema)
    groups: dict[tuple[str, str], dict[tuple[str, ...], str]] = defaultdict(dict)
    for definition in definitions:
        package, names = names_of(definition["message"])
        for schema in (schema for name in names for schema in by_name.get(name.lower(), ())):
            fields = tuple(field for field in definition["fields"] if field in schema.fields)
            is_own = schema.service in package.replace(".", "")
            fewest = _FEWEST if is_own else len(definition["fields"])
            if len(fields) >= max(fewest, _FEWEST):
                groups[schema.service, schema.name].setdefault(fields, definition["message"])
    for (service, name), fields_of in sorted(groups.items()):
        for fields, message in sorted(_widest(fields_of).items()):
            yield service, name, fields, message


def _widest(groups: dict[tuple[str, ...], str]) -> dict[tuple[str, ...], str]:
    """Of what several versions of a message say, the groups that no other holds."""
    return {
        fields: message
        for fields, message in groups.items()
        if not any(set(fields) < set(other) or (set(fields) == set(other) and fields > other) for other in groups)
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the table, and say what it holds."""
    parser = argparse.ArgumentParser(prog="python -m setpoint_tools.distil.oneofs", description=__doc__)
    parser.add_argument("definitions", type=Path, help="lines of JSON, a oneof each")
    parser.add_argument("--out", type=Path, default=TABLE, help="the table (%(default)s)")
    options = parser.parse_args(arguments)
    definitions = [msgspec.json.decode(line) for line in options.definitions.read_bytes().splitlines()]
    services = sorted(path.name.partition(".")[0] for path in FOLDER.glob("*.json.gz"))
    schemas = [schema for service in services for schema in default_catalogue().schemas_of(service)]
    rows = list(bound(definitions, schemas))
    lines = "".join(f"{service}\t{name}\t{' '.join(fields)}\t{message}\n" for service, name, fields, message in rows)
    options.out.write_text(_HEADER + lines, encoding="utf-8")
    sys.stdout.write(f"{len(rows)} groups of {len({row[:2] for row in rows})} schemas\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
