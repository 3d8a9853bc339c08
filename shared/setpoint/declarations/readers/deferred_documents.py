"""Defer documents until all others are read, outside of memory: Config Connector objects refer to each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from setpoint.declarations.readers.documents import Document
from setpoint.declarations.readers.krm_references import Objects, name_of, places_of_namespace
from setpoint.util.external_sort import (
    BlobFile,
    ExternalSorter,
    FileOffset,
    PrefixIndex,
    Row,
    Spool,
    decode_row,
    encode_row,
)

_REMEMBERED = 512
"""Cache size for names that references repeat, such as networks and projects."""

_MAX_NAMES = 2_000
"""How many names of a kind are kept in memory, for finding misspelt references."""

_ANYWHERE, _NOWHERE = "", "!"
"""Placeholders for a missing namespace, and for an invalid one."""


class TextStore:
    """Stores the texts of documents; several documents may share a text."""

    def __init__(self) -> None:
        self._blobs = BlobFile()
        self._last = ""
        self._place = self._blobs.put(b"")

    def put(self, text: str) -> FileOffset:
        """Store a text; return its position."""
        if text is not self._last:
            self._last, self._place = text, self._blobs.put(encode_row(text))
        return self._place

    def get(self, place: FileOffset) -> str:
        """The text at a position."""
        if place != self._place:
            self._last, self._place = str(decode_row(self._blobs.get(place))), place
        return self._last


class DeferredDocuments:
    """Config Connector documents in their order, and the objects that they may refer to.

    Args:
        texts: stores the texts of documents.
    """

    def __init__(self, texts: TextStore) -> None:
        self._texts = texts
        self._values = BlobFile()
        self._deferred: Spool[Row] = Spool(encode_row, decode_row)
        self._names = ExternalSorter()
        self._namespaces: dict[str, dict[str, str]] = {}
        self._names_by_kind: dict[str, set[str]] = {}

    def add(self, document: Document) -> None:
        """Defer a document, which others may refer to."""
        place = self._add_target(document.value)
        text = self._texts.put(document.text)
        place_of = (document.file, document.line, document.position)
        self._deferred.append((*place_of, place, text, document.text_line, document.above))

    def add_target(self, value: Any) -> None:
        """Store a document of another reader as a target of references."""
        self._add_target(value)

    def _add_target(self, value: Any) -> FileOffset:
        place = self._values.put(encode_row(value))
        name = name_of(value)
        if name is not None:
            self._names.add((name, _marked(value["metadata"]), *place))
            kept = self._names_by_kind.setdefault(str(value.get("kind")), set())
            if len(kept) < _MAX_NAMES:
                kept.add(name)
            if places := places_of_namespace(value):
                self._namespaces[name] = places
        return place

    def __iter__(self) -> Iterator[Document]:
        for file, line, position, place, text, text_line, above in self._deferred:
            value = decode_row(self._values.get(place))
            yield Document(file, line, position, value, self._texts.get(text), text_line, tuple(above))

    def objects(self) -> Objects:
        """All objects, for looking up references."""
        index, values = PrefixIndex(self._names), self._values

        @lru_cache(maxsize=_REMEMBERED)
        def named(name: str, namespace: str) -> list[Mapping[str, Any]]:
            wanted = ((name, _ANYWHERE), (name, f"={namespace}")) if namespace else ((name,),)
            rows = (row for key in wanted for row in index.find(key))
            return [decode_row(values.get((offset, size))) for *_, offset, size in rows]

        return Objects.looked_up(named, self._namespaces, self._names_by_kind)


def _marked(metadata: Mapping[str, Any]) -> str:
    if "namespace" not in metadata:
        return _ANYWHERE
    namespace = metadata["namespace"]
    return f"={namespace}" if isinstance(namespace, str) else _NOWHERE
