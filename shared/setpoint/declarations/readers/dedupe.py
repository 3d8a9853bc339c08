"""What files declare, by resource and out of memory: the first declaration of a thing counts, others are problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

import msgspec

from setpoint.comparison.compare import leaves
from setpoint.declarations.readers.deferred_documents import Texts
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.model.declaration import Declaration, Desired, clash, desired
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.util.external_sort import (
    BlobFile,
    ExternalSorter,
    FileOffset,
    LazySequence,
    Row,
    Spool,
    decode_row,
    encode_row,
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Declaration).decode


class ManifestEntry(NamedTuple):
    """What is declared of one resource and content, without the declarations.

    Args:
        name: the resource.
        content: what of it.
        digest: as of ``Desired``.
        order: its place among all of them, as the files have it.
        places: where the declarations are.
    """

    name: str
    content: Content
    digest: str
    order: int
    places: tuple[FileOffset, ...]

    @property
    def key(self) -> ResourceKey:
        """The resource and content."""
        return ResourceKey(self.name, self.content)


class Declared(LazySequence[Desired]):
    """All that is declared, in the order of keys; it is read from a file each time that it is gone through."""

    def __init__(self, entries: Spool[Row], bodies: BlobFile) -> None:
        self._entries = entries
        self._bodies = bodies

    @staticmethod
    def of(several: Iterable[Desired]) -> Declared:
        """Any desired state as such a sequence; of a key that comes twice the last one counts."""
        if isinstance(several, Declared):
            return several
        bodies, rows = BlobFile(), ExternalSorter()
        for order, one in enumerate(several):
            key = one.declarations[0].key
            places = tuple(bodies.put(_encode(declaration)) for declaration in one.declarations)
            rows.add((key.name, key.content, -order, one.digest, places))
        entries: Spool[Row] = Spool(encode_row, decode_row)
        for (name, content), found in groupby(rows, key=_key):
            _, _, order, digest, places = next(found)
            entries.append((name, content, digest, -order, places))
        return Declared(entries, bodies)

    def entries(self) -> Iterator[ManifestEntry]:
        """What is declared, without the declarations."""
        return map(ManifestEntry._make, self._entries)

    def desired(self, entry: ManifestEntry) -> Desired:
        """The declarations of an entry."""
        return Desired(tuple(_decode(self._bodies.get(place)) for place in entry.places), entry.digest)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Desired]:
        return map(self.desired, self.entries())

    def _at(self, at: int) -> Desired:
        return self.desired(ManifestEntry(*self._entries[at]))


class _Addition(NamedTuple):
    """A declaration as it was added; sorted, those of one key stand together in the order of the files."""

    name: str
    content: Content
    order: int
    digest: str
    body: FileOffset
    leaves: int
    unchecked: int
    after: int
    file: str
    line: int
    text: FileOffset
    text_line: int


class Repeated(NamedTuple):
    """A declaration of what is declared already.

    Args:
        after: how many other problems had been found before it.
        order: its place among all declarations.
        problem: what to say of it.
    """

    after: int
    order: int
    problem: Problem


class Gathered(NamedTuple):
    """Everything that was added.

    Args:
        declared: what counts.
        repeated: what does not, in the order of the files.
        leaves: how many declared values there are.
        unchecked: how many of them cannot be compared.
    """

    declared: Declared
    repeated: list[Repeated]
    leaves: int
    unchecked: int


class Gathering:
    """Takes declarations in the order of the files.

    Args:
        texts: where the texts of documents are kept.
    """

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._bodies = BlobFile()
        self._added = ExternalSorter()
        self._count = 0

    def add(self, declaration: Declaration, document: Document, after: int) -> None:
        """Add a declaration.

        Args:
            declaration: what is declared.
            document: what declares it.
            after: how many problems were found before it.
        """
        self._count += 1
        unchecked = len(declaration.unchecked)
        added = _Addition(
            declaration.key.name,
            declaration.key.content,
            self._count,
            desired((declaration,)).digest,
            self._bodies.put(_encode(declaration)),
            leaves(declaration.data) + unchecked,
            unchecked,
            after,
            document.file,
            document.line,
            self._texts.put(document.text),
            document.text_line,
        )
        self._added.add(tuple(added))

    def done(self) -> Gathered:
        """Put together what belongs to one resource, and leave out what another declaration owns."""
        entries: Spool[Row] = Spool(encode_row, decode_row)
        repeated: list[Repeated] = []
        total = unchecked = 0
        for (name, content), rows in groupby(self._added, key=_key):
            added = [_Addition(*row) for row in rows]
            digest = added[0].digest
            if len(added) > 1:
                added, digest = self._together(added, repeated)
            entries.append((name, content, digest, added[0].order, tuple(one.body for one in added)))
            total += sum(one.leaves for one in added)
            unchecked += sum(one.unchecked for one in added)
        repeated.sort()
        return Gathered(Declared(entries, self._bodies), repeated, total, unchecked)

    def _together(self, added: list[_Addition], repeated: list[Repeated]) -> tuple[list[_Addition], str]:
        """Those that count of several declarations of one key, and their digest."""
        kept: list[_Addition] = []
        declarations: list[Declaration] = []
        for one in added:
            declaration = _decode(self._bodies.get(one.body))
            twin = next((other for other in declarations if clash(declaration, other)), None)
            if twin is None:
                kept.append(one)
                declarations.append(declaration)
            else:
                document = Document(one.file, one.line, 0, None, self._texts.get(one.text), one.text_line)
                what = f"{one.name} ({one.content})"
                repeated.append(Repeated(one.after, one.order, twice(document, what, _place(twin))))
        return kept, desired(tuple(declarations)).digest


def _key(row: Row) -> Row:
    return row[:2]


def _place(declaration: Declaration) -> str:
    origin = declaration.origins.get("", "")
    return f"{declaration.source} ({origin})" if origin else str(declaration.source)


def twice(document: Document, what: str, where: str) -> Problem:
    """The problem of a document that declares what is declared elsewhere.

    Args:
        document: the later one.
        what: what it declares.
        where: where that is declared already.
    """
    line = document.line_of(("metadata", "name"))
    return Problem(document.file, line, "metadata.name", f"{what} is declared already at {where}; the first one counts")
