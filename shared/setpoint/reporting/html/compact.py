"""Reduce the size of a report: rows without field names, every text once, and truncated values.

Ten thousand findings repeat the same teams, projects, types, paths and values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from setpoint.model.actors import Actor
from setpoint.model.notice_view import TimelineEntry
from setpoint.model.severity import SEVERITIES
from setpoint.reporting.html.model import Field, Onset, Report, Row
from setpoint.util.texts import clip

ROOM = 4_500_000
"""Maximum size of the data in bytes: a page of five million bytes without its other parts."""


class _Limits(NamedTuple):
    """Limits of the details of a finding."""

    value: int
    fields: int
    steps: int


_LIMITS = (_Limits(600, 40, 40), _Limits(200, 20, 20), _Limits(100, 10, 10), _Limits(60, 5, 6), _Limits(40, 2, 3))
"""Limits to try in order until the report fits; the page says if details were omitted."""


def pack(report: Report, room: int = ROOM) -> bytes:
    """The report as JSON for the page, within ``room`` bytes as far as omitting details of findings allows."""
    packed = b""
    for limits in _LIMITS:
        packed = msgspec.json.encode(_packed(report, limits))
        if len(packed) <= room:
            break
    return packed


def _packed(report: Report, limits: _Limits) -> dict[str, Any]:
    packer = _Packer(limits, _seconds(report.generated_at))
    rows = list(map(packer.row, report.rows))
    return {
        "generated_at": _seconds(report.generated_at),
        "since": _seconds(report.since),
        "store": report.store,
        "total": report.total,
        "cut": None if limits == _LIMITS[0] else limits,
        "watched": report.is_watched,
        "figures": report.figures,
        "span": report.span_seconds,
        "spans": [(_seconds(span.start), span.opened, span.resolved, *span.open) for span in report.spans],
        "coverage": {**msgspec.to_builtins(report.coverage), "swept_at": _seconds(report.coverage.swept_at)},
        "texts": list(packer.texts),
        "rows": rows,
    }


class _Packer:
    """Converts rows to numbers; ``assets/data.js`` names the columns."""

    def __init__(self, limits: _Limits, now: int) -> None:
        self.texts: dict[str, int] = {}
        self._limits = limits
        self._now = now

    def _text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def row(self, row: Row) -> list[Any]:
        """One finding."""
        limits = self._limits
        return [
            row.id,
            *map(self._text, (row.resource_name, row.asset_type, row.content, row.what, row.name, row.project)),
            *map(self._text, (row.kind, row.status, row.mode, row.owner.team, row.owner.slack or row.owner.email)),
            SEVERITIES.index(row.severity),
            *map(self._ago, (row.first_seen, row.last_seen, row.resolved_at)),
            row.count,
            row.episodes,
            *map(self._text, (row.reason, row.source, row.group, row.watched)),
            *self._link(row),
            row.field_count,
            list(map(self._field, row.fields[: limits.fields])),
            list(self._steps(row.steps)),
            self._actor(row.actor),
            self._text(row.origin),
            *self._history(row),
        ]

    def _history(self, row: Row) -> list[Any]:
        """The beginning of the drift; nothing for a finding whose history was not read."""
        if not (row.evidence or row.at_least or row.onsets):
            return []
        onsets = [self._onset(onset) for onset in row.onsets[: self._limits.fields]]
        return [self._text(clip(row.evidence, self._limits.value)), int(row.at_least), onsets]

    def _onset(self, onset: Onset) -> list[Any]:
        texts = (onset.path, clip(onset.before, self._limits.value), onset.by, onset.reason)
        return [self._ago(onset.since), int(onset.at_least), *map(self._text, texts)]

    def _ago(self, time: datetime | None) -> int | None:
        """Seconds before the report, which are shorter than the time itself."""
        return None if time is None else self._now - _seconds(time)

    def _link(self, row: Row) -> tuple[int, int]:
        """The indices of a link's text before the file, and between file and line; -1 for a link without its file."""
        file, _, line = row.source.rpartition(":")
        before, name, after = row.link.partition(file) if file else (row.link, "", "")
        if not name or not after.endswith(line):
            return self._text(row.link), -1
        return self._text(before), self._text(after.removesuffix(line))

    def _field(self, field: Field) -> list[Any]:
        cut = [
            self._text(clip(text, self._limits.value))
            for text in (field.path, field.declared, field.observed, field.grant)
        ]
        return [field.op[0], *cut, int(field.immutable) + 2 * int(field.undeclared)]

    def _steps(self, steps: Sequence[TimelineEntry]) -> Iterator[list[Any]]:
        most = self._limits.steps
        for step in steps[-most:] if most else ():
            yield [
                self._ago(step.occurred_at),
                *map(self._text, (step.what, step.by, clip(step.text, self._limits.value))),
            ]

    def _actor(self, actor: Actor | None) -> list[Any]:
        if actor is None:
            return []
        words = (actor.principal, actor.kind, actor.confidence, actor.method, actor.caller, actor.ip)
        return [*map(self._text, words), *(self._text(", ".join(who)) for who in (actor.through, actor.others))]


def _seconds(time: datetime | None) -> int:
    """Seconds since 1970; 0 for never."""
    return int(time.timestamp()) if time is not None else 0
