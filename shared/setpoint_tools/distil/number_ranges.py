"""`python -m setpoint_tools.distil.number_ranges`: write the table of the ranges that descriptions state of integers.

A discovery document has no minimum and no maximum: only the text of a field says "between 0 and 65535", or what a
negative number stands for ("-1 for no limit"). What states nothing is not in the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from setpoint.catalog.number_ranges import TABLE
from setpoint.catalog.schemas import FOLDER
from setpoint_tools.distil import documents

_HEADER = """\
# Ranges of integers, by the descriptions of Google's discovery documents, written by
# `python -m setpoint_tools.distil.number_ranges`. Without numbers: the description says what a negative number means.
# service	schema	field	least	most
"""
_NUMBER = r"`?(-?\d[\d,]*)`?"
_BEFORE = r"\b(?:in the|valid|allowed|the) range(?: is| of|:)?(?: from)?"
_RANGES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bbetween {_NUMBER}(?: \(inclusive\))? (?:and|to) {_NUMBER}(?![\d.])",
        rf"{_BEFORE} ?\[?{_NUMBER}(?:,| and| to|-| -|\.\.) ?{_NUMBER}\b",
        rf"\b(?:values?|must be|integer) (?:is |are |must be |can be |in )?(?:from )?{_NUMBER} to {_NUMBER}\b",
        rf"\[{_NUMBER}, ?{_NUMBER}\]",
    )
)
_OTHER_MEANING = re.compile(
    r"\b(?:if|when|for|unless|default|recommended|typically|e\.g\.|example)\b[^.]*\Z", re.IGNORECASE
)
"""What stands before a range that holds in some cases only."""
_NEGATIVE = re.compile(r"(?<![\w-])-\d|(?<!non-)(?<!non)(?<!be )(?<!than )\bnegative|\bminus\b", re.IGNORECASE)
_FORMATS = frozenset(("int32", "int64", "uint32", "uint64"))
_NO_RESOURCE = re.compile(r"(?:Request|Response|Result|Metadata|Date|Money|TimeOfDay|DateTime|Timestamp)\Z")


def stated(description: str) -> tuple[int | None, int | None] | None:
    """The least and the greatest number that a description allows; None where it states nothing.

    (None, None) stands for a description that gives negative numbers a meaning, or several ranges.

    >>> stated("The port. Must be between 1 and 65,535.")
    (1, 65535)
    >>> stated("How many. -1 means all.")
    (None, None)
    >>> stated("The number of nodes.")
    """
    text = " ".join(description.split())
    ranges = {
        (_as_number(match[1]), _as_number(match[2]))
        for pattern in _RANGES
        for match in pattern.finditer(text)
        if not _OTHER_MEANING.search(text[: match.start()])
    }
    if len(ranges) == 1:
        [(least, most)] = ranges
        if least < most:
            return least, most
    return (None, None) if _NEGATIVE.search(text) or ranges else None


def _as_number(text: str) -> int:
    return int(text.replace(",", "").rstrip(","))


def rows() -> Iterator[tuple[str, str, str, str, str]]:
    """The lines of the table, of the services of the catalogue."""
    known = {path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz")}
    lines: set[tuple[str, str, str, str, str]] = set()
    for service, versions in documents.read(documents.directory()).items():
        for document in versions if service in known else ():
            for schema, name, field in _integers(document.content):
                if (range_ := stated(field.get("description", ""))) is not None:
                    least, most = ("" if bound is None else str(bound) for bound in range_)
                    lines.add((service, schema, name, least, most))
    yield from sorted(lines)


def _integers(content: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for schema, definition in content["schemas"].items():
        for name, field in definition.get("properties", {}).items():
            item = field.get("items", field)
            is_integer = item.get("type") == "integer" or item.get("format") in _FORMATS
            if is_integer and not field.get("readOnly") and not _NO_RESOURCE.search(schema):
                yield schema, name, field


def main() -> None:
    """Write the table."""
    TABLE.write_text(_HEADER + "".join("\t".join(row) + "\n" for row in rows()), encoding="utf-8")


if __name__ == "__main__":
    main()
