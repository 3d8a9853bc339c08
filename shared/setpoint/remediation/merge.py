"""Merge declared values into the live resource: only the differences change.

The traversal is that of the comparison, so that exactly the reported differences are remediated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import msgspec

from setpoint.catalog import oneofs
from setpoint.comparison import absence, list_order, masking
from setpoint.comparison.compare import Comparison
from setpoint.comparison.masking import Masking
from setpoint.comparison.options import CompareOptions
from setpoint.comparison.sealed import SealedComparison, SealedMasking
from setpoint.model import field_path
from setpoint.model.difference import Difference
from setpoint.model.field_path import Element, Path
from setpoint.model.references import Project
from setpoint.remediation import wire_format

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema


class FieldChange(NamedTuple):
    """A difference, and its path.

    Args:
        path: the path, in the declaration's spelling.
        difference: the difference as reported, with secrets masked.
        wanted: the declared value; unset if there is none.
        secret: whether the declared value is a secret, or contains one.
    """

    path: Path
    difference: Difference
    wanted: Any
    secret: bool = False


class MergeTarget(NamedTuple):
    """The resource after the write.

    Args:
        body: the resource.
        dropped: fields that were removed because a field that is set now excludes them.
    """

    body: dict[str, Any]
    dropped: tuple[Path, ...] = ()


class _Pair(NamedTuple):
    part: str
    want: Any
    have: Any


class RecordingComparison(Comparison):
    """A comparison that records the paths of differences, and which list elements belong together."""

    __slots__ = ("changes", "pairs")

    records = True

    def __init__(self, own: Project, **options: Unpack[CompareOptions]) -> None:
        super().__init__(own, **options)
        self.changes: list[FieldChange] = []
        self.pairs: dict[Path, list[_Pair]] = {}

    def differ(self, path: Path, op: Any, name: str, field: Field | None, want: Any, have: Any) -> None:
        """See ``Comparison.differ``."""
        super().differ(path, op, name, field, want, have)
        is_hidden = want is not msgspec.UNSET and self.differences[-1].declared != want
        is_secret = is_hidden and masking.holds_secret(_owner(path, name), field, want)
        self.changes.append(FieldChange(path, self.differences[-1], want, is_secret))

    def paired(self, path: Path, part: str, want: list[Any], have: list[Any]) -> None:
        """See ``Comparison.paired``."""
        wanted, other = (side[0] if side else msgspec.UNSET for side in (want, have))
        self.pairs.setdefault(path, []).append(_Pair(part, wanted, other))


class _RecordingSealed(SealedComparison, RecordingComparison):
    """A recording comparison with a declaration with nonces."""

    __slots__ = ()


def _owner(path: Path, name: str) -> str:
    """The key beside a ``value`` in a list of keys and values; else the name of the field."""
    if name == "value" and path is not None and path[0] is not None:
        return field_path.element_value(path[0][1]) or name
    return name


def record(
    declared: Mapping[str, Any],
    live: Mapping[str, Any],
    schema: Schema | None,
    own: Project,
    *,
    masking: Masking = masking.HIDING,
    **options: Unpack[CompareOptions],
) -> RecordingComparison:
    """Compare, and record the position of each difference; with a `SealedMasking` the declaration has nonces."""
    kind = _RecordingSealed if isinstance(masking, SealedMasking) else RecordingComparison
    walk = kind(own, **options)
    walk.masking = masking
    walk.resource(schema, declared, live)
    return walk


def apply_changes(
    declared: Mapping[str, Any],
    live: Mapping[str, Any],
    schema: Schema | None,
    recording: RecordingComparison,
    changes: Iterable[FieldChange],
) -> MergeTarget:
    """The live resource with the changes applied; unchanged values are shared, not copied."""
    merge = _Merge(recording, changes)
    return MergeTarget(merge.message(field_path.ROOT, schema, None, declared, live), tuple(merge.dropped))


_GONE: Any = object()
"""Marks a value for removal."""


class _Positions:
    """The positions of list elements, by identity; the same object may occur twice."""

    def __init__(self, elements: Iterable[Any]) -> None:
        self._free: dict[int, deque[int]] = {}
        for position, element in enumerate(elements):
            self._free.setdefault(id(element), deque()).append(position)

    def take(self, element: Any) -> int:
        """The first position of an element that was not returned before."""
        return self._free[id(element)].popleft()


class _Merge:
    """Builds the changed values from the root down to the differences."""

    def __init__(self, recording: RecordingComparison, changes: Iterable[FieldChange]) -> None:
        self.dropped: list[Path] = []
        self._pairs = recording.pairs
        self._exact: dict[Path, set[str]] = {}
        self._below: dict[Path, dict[Path, None]] = {}
        for change in changes:
            path = change.path
            self._exact.setdefault(path, set()).add(change.difference.op)
            while path is not None:
                self._below.setdefault(path[0], {})[path] = None
                path = path[0]

    def message(self, path: Path, schema: Schema | None, item: Field | None, want: Any, have: Any) -> dict[str, Any]:
        fields: Mapping[str, Field] = schema.fields if schema is not None else {}
        merged = dict(have)
        for below in self._below.get(path, ()):
            assert below is not None  # noqa: S101 - noqa: S101 - the root has no parent
            key = below[1]
            field = wire_format.field(fields, key) or item
            there = wire_format.key_of(fields, key, have)
            value = self._value(below, field, want.get(key, msgspec.UNSET), have.get(there, msgspec.UNSET))
            if value is _GONE:
                merged.pop(there, None)
            else:
                merged[there] = value
                for other in oneofs.excluded(schema, there):
                    if other in merged and other not in want:
                        del merged[other]
                        self.dropped.append((path, other))
        return merged

    def _value(self, path: Path, field: Field | None, want: Any, have: Any) -> Any:
        ops = self._exact.get(path, ())
        if "unexpected" in ops and (want is msgspec.UNSET or want is None):
            return _GONE
        if path in self._pairs and isinstance(have, list):
            return self._elements(path, field, want, have)
        if ops:
            return wire_format.sent(field, want)
        return self.message(
            path,
            field.schema if field is not None else None,
            field.item if field is not None else None,
            want if isinstance(want, dict) else {},
            have if isinstance(have, dict) else {},
        )

    def _elements(self, path: Path, field: Field | None, want: list[Any], have: list[Any]) -> list[Any]:
        item = field.item if field is not None else None
        wanted_positions, live_positions = _Positions(want), _Positions(have)
        changed: dict[int, Any] = {}  # by the position in the live list, as below
        order: dict[int, int] = {}
        added: list[tuple[int, Any]] = []
        for part, wanted, live in self._pairs[path]:
            element_path = (path, Element(part))
            ops = self._exact.get(element_path, ())
            if live is msgspec.UNSET:
                position = wanted_positions.take(wanted)
                if "missing" in ops:
                    added.append((position, wire_format.sent(item, wanted)))
            elif wanted is msgspec.UNSET:
                position = live_positions.take(live)
                if "unexpected" in ops:
                    changed[position] = _GONE
            else:
                position = live_positions.take(live)
                order[position] = wanted_positions.take(wanted)
                if self._is_touched(element_path):
                    changed[position] = self._value(element_path, item, wanted, live)
        kept = [
            (order.get(position, len(want)), value)
            for position, element in enumerate(have)
            if (value := changed.get(position, element)) is not _GONE
        ]
        if list_order.is_ordered(path[1] if path else "", item) or path in self._exact:
            return [value for _, value in sorted(kept + added, key=lambda placed: placed[0])]
        return [value for _, value in kept + added]

    def _is_touched(self, element_path: Path) -> bool:
        return element_path in self._below or "changed" in self._exact.get(element_path, ())


def fields_along(schema: Schema | None, path: Path) -> list[tuple[str, Field | None]]:
    """The keys of a path from the root, each with its schema; a list element has the schema of its items."""
    along: list[tuple[str, Field | None]] = []
    fields: Mapping[str, Field] = schema.fields if schema is not None else {}
    field: Field | None = None
    for distance, part in enumerate(field_path.parts(path)):
        if isinstance(part, Element):
            field = field.item if field is not None else None
        else:
            field = (
                wire_format.field(fields, part) if distance == 0 else absence.child(field, part) or _camel(field, part)
            )
        along.append((part, field))
    return along


def _camel(field: Field | None, part: str) -> Field | None:
    return absence.child(field, wire_format.camel(part))
