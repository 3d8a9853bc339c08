"""Store the control record in parts, so that an event reads the same amount for any number of sources.

A small record contains every source itself. A larger record only names parts. Each part holds the sources of one slice
of their names, is immutable, and is read once per process. A change writes the changed parts under new names, then
replaces the record: a reader sees all of it or nothing. An older version refuses a record in parts with an error;
otherwise it would see no sources.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, TypeVar
from zlib import crc32

import msgspec

from setpoint.errors import Conflict, CorruptState
from setpoint.model import newer_fields
from setpoint.model.decode_errors import UNREADABLE, reason_of
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.newer_fields import NewerFields
from setpoint.model.sources import CONTROL, Control, SourceState, decode_control, encode_control, rule_inputs
from setpoint.util.retries import retry_on_conflict

_T = TypeVar("_T")

INLINE = 32_768
"""Maximum size in bytes of a record that contains its sources itself."""
PARTS = 64
"""Number of slices of the source names; at 1 KB per source, a part holds a few hundred sources."""
LARGEST_PART = 900_000
"""Maximum size of a part in bytes, below the 1 MiB of a Firestore document."""
_HEADS = 2
"""Number of decoded records in the cache: the current one, and the one before for concurrent readers."""


class _Head(msgspec.Struct, frozen=True):
    """A control record in parts.

    Args:
        last_generation: the last generation that was assigned.
        parts: the name of each part, by its slice.
        sources: null, so that a version without support for parts refuses the record.
        schema: the form of the record.
    """

    last_generation: int
    parts: dict[str, str]
    sources: None = None
    schema: int = 1


class EncodedControl(NamedTuple):
    """A control record to be written.

    Args:
        head: the record itself.
        parts: new parts by name, to be written before the record.
        dropped: parts that are no longer needed after the record is written.
    """

    head: bytes
    parts: Mapping[str, bytes]
    dropped: Sequence[str]


class PartGone(Conflict):
    """A part was replaced since its record was read: read the record again."""


def read_again(read: Callable[[], _T]) -> _T:
    """Read; read again if a part was replaced meanwhile.

    Raises:
        PartGone: a part was replaced during every attempt; try again.
    """
    return retry_on_conflict(read, what="the control record", then="try again")


_encode = msgspec.json.Encoder(order="deterministic").encode
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_part = msgspec.json.Decoder(dict[str, SourceState]).decode


class ControlParts:
    """Reads and writes the control record, with a cache of parts.

    Args:
        fetch: reads parts by name; omits missing ones.
    """

    def __init__(self, fetch: Callable[[Sequence[str]], Mapping[str, bytes]]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._controls: dict[bytes, Control] = {}
        self._rules: dict[bytes, Rules] = {}
        self._parts: dict[str, dict[str, SourceState]] = {}
        self._newer: dict[str, NewerFields] = {}
        self._last_rules: tuple[object, Rules] | None = None

    def control(self, head: bytes) -> Control:
        """Decode a control record; empty bytes give a record without sources.

        Raises:
            PartGone: the record is outdated; read it again.
            CorruptState: the record cannot be read.
        """
        known = self._controls.get(head)
        return known if known is not None else self._read(head)

    def rules(self, head: bytes) -> Rules:
        """The rules of the fleet in a control record; see ``control``."""
        known = self._rules.get(head)
        if known is not None:
            return known
        inputs = rule_inputs(self.control(head))
        with self._lock:
            if self._last_rules is None or self._last_rules[0] != inputs:
                self._last_rules = inputs, rules(*inputs)
            _keep(self._rules, head, made := self._last_rules[1])
        return made

    def _read(self, head: bytes) -> Control:
        with self._lock:
            names = _names(head)
            control = decode_control(head) if names is None else self._assembled(head, names)
            _keep(self._controls, head, control)
            wanted = {name for kept in self._controls for name in (_names(kept) or {}).values()}
            self._parts = {name: part for name, part in self._parts.items() if name in wanted}
            self._newer = {name: fields for name, fields in self._newer.items() if name in wanted}
        return control

    def _assembled(self, head: bytes, names: Mapping[str, str]) -> Control:
        read = _decode_head(head)
        newer_fields.refuse_newer(read.schema, CONTROL)
        missing = [name for name in names.values() if name not in self._parts]
        if missing:
            stored = self._fetch(missing)
            if len(stored) < len(missing):
                raise PartGone("the control record was written by another process; read it again")
            for name, body in stored.items():
                self._parts[name] = _part(body)
                self._note_newer(name, body)
        sources = sorted((item for name in names.values() for item in self._parts[name].items()), key=itemgetter(0))
        return Control(dict(sources), read.last_generation)

    def _note_newer(self, part: str, body: bytes) -> None:
        fields = newer_fields.newer_fields(body, _encode(self._parts[part]))
        if fields is not None:
            self._newer[part] = fields

    def _beyond(self, before: bytes, names: Mapping[str, str] | None) -> NewerFields:
        """The fields of a stored control record that a newer version has added: its own, and those of sources."""
        if not before:
            return NewerFields({}, {})
        if names is None:
            fields = newer_fields.newer_fields(before, encode_control(decode_control(before)))
            own, sources = (fields.own, fields.within.get("sources")) if fields is not None else ({}, None)
            return NewerFields(own, sources.within if sources is not None else {})
        fields = newer_fields.newer_fields(before, _encode(_decode_head(before)))
        parts = (self._newer[name] for name in names.values() if name in self._newer)
        within = {source: inner for part in parts for source, inner in part.within.items()}
        return NewerFields(fields.own if fields is not None else {}, within)

    def encoded(self, control: Control, before: bytes) -> EncodedControl:
        """Encode a control record that replaces another.

        Args:
            control: the new record.
            before: the stored form of the current record; empty if there is none.

        Raises:
            CorruptState: the sources of one slice are too large for a document; split them into fewer or smaller
                sources.
        """
        names_before = _names(before)
        old = names_before or {}
        newer = self._beyond(before, names_before)
        own = NewerFields(newer.own, {})
        inline = encode_control(control) if len(control.sources) * 60 <= INLINE else b""
        if inline and (newer.own or newer.within):
            of_sources = NewerFields({}, newer.within)
            inline = newer_fields.with_newer_fields(inline, replace(own, within={"sources": of_sources}))
        if inline and len(inline) <= INLINE:
            return EncodedControl(inline, {}, tuple(old.values()))
        slices: dict[str, dict[str, SourceState]] = {}
        for name, state in control.sources.items():
            slices.setdefault(_slice(name), {})[name] = state
        names, new = {}, {}
        for part, states in slices.items():
            if part in old and _is_same(self._parts.get(old[part]), states):
                names[part] = old[part]
                continue
            body = _encode(states)
            within = {name: newer.within[name] for name in newer.within.keys() & states.keys()}
            if within:
                body = newer_fields.with_newer_fields(body, NewerFields({}, within))
            if len(body) > LARGEST_PART:
                raise CorruptState(_too_large(states))
            names[part] = f"{part}-{uuid.uuid4().hex[:12]}"
            new[names[part]] = body
        head = _encode(_Head(control.last_generation, names))
        if newer.own:
            head = newer_fields.with_newer_fields(head, own)
        return EncodedControl(head, new, tuple(set(old.values()) - set(names.values())))

    def written(self, encoded: EncodedControl, control: Control) -> None:
        """Cache a record that was just written."""
        with self._lock:
            names = _names(encoded.head) or {}
            by_name = {name: part for part, name in names.items() if name in encoded.parts}
            for source, state in control.sources.items():
                name = names.get(_slice(source), "")
                if name in by_name:
                    self._parts.setdefault(name, {})[source] = state
            for name in by_name:
                self._note_newer(name, encoded.parts[name])


def _names(head: bytes) -> Mapping[str, str] | None:
    """The names of the parts by slice; None if the record contains its sources itself."""
    if b'"parts"' not in head[:_PEEK]:
        return None
    try:
        return _decode_head(head).parts
    except UNREADABLE:
        return None


_PEEK = 64
"""Fields of a head are stored in the order of their names, so ``parts`` is among the first bytes."""


def _part(body: bytes) -> dict[str, SourceState]:
    try:
        return _decode_part(body)
    except UNREADABLE as error:
        raise CorruptState(
            f"a part of the control record cannot be read ({reason_of(error)}); apply its sources again"
        ) from None


@lru_cache(maxsize=65_536)
def _slice(source: str) -> str:
    return f"{crc32(source.encode(errors='replace')) % PARTS:02x}"


def _is_same(known: Mapping[str, SourceState] | None, states: Mapping[str, SourceState]) -> bool:
    """Whether a slice is unchanged since it was read: its states are the same immutable objects."""
    return (
        known is not None
        and len(known) == len(states)
        and all(known.get(name) is state for name, state in states.items())
    )


def _too_large(states: Mapping[str, SourceState]) -> str:
    largest = max(states, key=lambda name: len(_encode(states[name])))
    return (
        f"source {largest}: its scopes and settings have {len(_encode(states[largest])):,} bytes, too many to be stored"
    )


def _keep(cache: dict[bytes, _T], head: bytes, value: _T) -> None:
    cache[head] = value
    for old in list(cache)[:-_HEADS]:
        del cache[old]
