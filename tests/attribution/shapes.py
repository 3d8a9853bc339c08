"""Entries of audit logs in the shapes in which services write them, with invented names and what each one means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from setpoint.attribution.audit_log_parser import LoggedChange, parse

FOLDER = Path(__file__).parents[1] / "audit_logs"


class Shape(NamedTuple):
    """An entry, and what is expected of it."""

    name: str
    entry: dict[str, Any]
    expected: dict[str, Any]

    @property
    def service(self) -> str:
        return self.entry["protoPayload"]["serviceName"]

    def parsed(self) -> tuple[LoggedChange, ...]:
        return parse(msgspec.json.encode(self.entry), mask_ip=True)

    @property
    def is_right(self) -> bool:
        """Whether the resources are those that are meant, no more and no fewer, with the other names that are told."""
        changes = self.parsed()
        keys = {(change.key.content, change.key.name) for change in changes}
        also = {(key.content, key.name) for change in changes for key in change.also}
        return keys == pairs(self.expected["keys"]) and pairs(self.expected["also"]) <= also


def pairs(listed: list[list[str]]) -> set[tuple[str, str]]:
    return {(content, name) for content, name in listed}


def shapes(folder: Path) -> list[Shape]:
    return [
        Shape(path.stem, content["entry"], content["expected"])
        for path in sorted(folder.glob("*.json"))
        for content in (json.loads(path.read_text()),)
    ]


KNOWN = shapes(FOLDER)
HELD_OUT = shapes(FOLDER / "held_out")
"""Shapes that were written when the code was done, to see what it makes of what it was not written for."""
