"""Deduplicate declarations by resource, outside of memory: the first one counts, others are reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

import msgspec

from setpoint.comparison.literal import leaves
from setpoint.comparison.unobservable_fields import unobservable_values
from setpoint.declarations.readers import limits
from setpoint.declarations.readers.deferred_documents import TextStore
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
    """The key and digest of a declared resource and content.

    Args:
        name: the resource.
        content: the content.
        digest: digest, as in ``Desired``.
        order: its position among all declarations in the files.
        places: the positions of the declarations in the temporary file.
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


class DeclaredResources(LazySequence[Desired]):
    """All declarations, ordered by key; read from a temporary file on each iteration."""

    def __init__(self, entries: Spool[Row], bodies: BlobFile) -> None:
        self._entries = entries
        self._bodies = bodies

    @staticmethod
    def of(several: Iterable[Desired]) -> DeclaredResources:
        """Any declarations as such a sequence; of a repeated key the last one counts."""
        if isinstance(several, DeclaredResources):
            return several
        bodies, rows = BlobFile(), ExternalSorter()
        for order, item in enumerate(several):
            key = item.declarations[0].key
            places = tuple(bodies.put(_encode(declaration)) for declaration in item.declarations)
            rows.add((key.name, key.content, -order, item.digest, places))
        entries: Spool[Row] = Spool(encode_row, decode_row)
        for (name, content), group in groupby(rows, key=_key):
            _, _, order, digest, places = next(group)
            entries.append((name, content, digest, -order, places))
        return DeclaredResources(entries, bodies)

    def entries(self) -> Iterator[ManifestEntry]:
        """The entries without their declarations."""
        return map(ManifestEntry._make, self._entries)

    def desired(self, entry: ManifestEntry) -> Desired:
        """The declarations of an entry."""
        return Desired(tuple(_decode(self._bodies.get(place)) for place in entry.places), entry.digest)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Desired]:
        return map(self.desired, self.entries())

    def _item(self, index: int) -> Desired:
        return self.desired(ManifestEntry(*self._entries[index]))


class _Addition(NamedTuple):
    """An added declaration; sorted, those with the same key are adjacent, in the order of the files."""

    name: str
    content: Content
    order: int
    digest: str
    body: FileOffset
    leaves: int
    unchecked: int
    unobservable: int
    after: int
    file: str
    line: int
    text: FileOffset
    text_line: int


class DuplicateDeclaration(NamedTuple):
    """A declaration of an already declared resource.

    Args:
        after: number of other problems before it.
        order: its position among all declarations.
        problem: the error.
    """

    after: int
    order: int
    problem: Problem


class DeduplicatedDeclarations(NamedTuple):
    """The result of deduplication.

    Args:
        declared: the declarations that count.
        repeated: the duplicates, in the order of the files.
        leaves: number of declared values.
        unchecked: number of values that cannot be compared.
        unobservable: number of values in fields that the inventory never carries.
    """

    declared: DeclaredResources
    repeated: list[DuplicateDeclaration]
    leaves: int
    unchecked: int
    unobservable: int


class DeclarationSet:
    """Collects declarations in the order of the files.

    Args:
        texts: stores the texts of documents.
    """

    def __init__(self, texts: TextStore) -> None:
        self._texts = texts
        self._bodies = BlobFile()
        self._added = ExternalSorter()
        self._count = 0

    def add(self, declaration: Declaration, document: Document, after: int) -> None:
        """Add a declaration.

        Args:
            declaration: the declaration.
            document: its document.
            after: number of problems before it.
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
            unobservable_values(declaration.asset_type, declaration.data)
            if declaration.key.content == "resource"
            else 0,
            after,
            document.file,
            document.line,
            self._texts.put(document.text),
            document.text_line,
        )
        self._added.add(tuple(added))

    def done(self) -> DeduplicatedDeclarations:
        """Group the declarations by resource, and drop parts that another declaration owns."""
        entries: Spool[Row] = Spool(encode_row, decode_row)
        repeated: list[DuplicateDeclaration] = []
        total = unchecked = unobservable = 0
        for (name, content), rows in groupby(self._added, key=_key):
            added = [_Addition(*row) for row in rows]
            digest = added[0].digest
            if len(added) > 1:
                added, digest = self._together(added, repeated)
            if (fitting := self._fitting(added, repeated)) != added:
                added = fitting
                if not added:
                    continue
                digest = desired(tuple(_decode(self._bodies.get(addition.body)) for addition in added)).digest
            entries.append((name, content, digest, added[0].order, tuple(addition.body for addition in added)))
            total += sum(addition.leaves for addition in added)
            unchecked += sum(addition.unchecked for addition in added)
            unobservable += sum(addition.unobservable for addition in added)
        repeated.sort()
        return DeduplicatedDeclarations(
            DeclaredResources(entries, self._bodies), repeated, total, unchecked, unobservable
        )

    def _fitting(self, added: list[_Addition], repeated: list[DuplicateDeclaration]) -> list[_Addition]:
        """The declarations that fit in one record with two generations; the others are reported."""
        total, kept = 0, []
        for addition in added:
            _, size = addition.body
            if total + size > limits.LARGEST_DECLARATION:
                what = f"{addition.name} ({addition.content})"
                why = f"what is declared of it has {total + size:,} bytes, and {limits.LARGEST_DECLARATION:,} are kept"
                problem = Problem(
                    addition.file, addition.line, "", f"{what}: {why}; it is not applied; leave fields out"
                )
                repeated.append(DuplicateDeclaration(addition.after, addition.order, problem))
            else:
                total += size
                kept.append(addition)
        return kept

    def _together(self, added: list[_Addition], repeated: list[DuplicateDeclaration]) -> tuple[list[_Addition], str]:
        """Of several declarations of a key those that count, and their digest."""
        kept: list[_Addition] = []
        declarations: list[Declaration] = []
        for addition in added:
            declaration = _decode(self._bodies.get(addition.body))
            twin = next((other for other in declarations if clash(declaration, other)), None)
            if twin is None:
                kept.append(addition)
                declarations.append(declaration)
            else:
                document = Document(
                    addition.file, addition.line, 0, None, self._texts.get(addition.text), addition.text_line
                )
                what = f"{addition.name} ({addition.content})"
                problem = duplicate_problem(document, what, _place(twin), declaration.source.address)
                if declaration.source.address and desired((twin,)).digest == addition.digest:
                    problem = problem._replace(category="repeated")
                repeated.append(DuplicateDeclaration(addition.after, addition.order, problem))
        return kept, desired(tuple(declarations)).digest


def _key(row: Row) -> Row:
    return row[:2]


def _place(declaration: Declaration) -> str:
    origin = declaration.origins.get("", "")
    if declaration.source.address:
        return declaration.source.named
    return f"{declaration.source} ({origin})" if origin else str(declaration.source)


def duplicate_problem(document: Document, what: str, where: str, address: str = "") -> Problem:
    """The error of a document that repeats a declaration; it holds back nothing, since the first one is applied.

    Args:
        document: the later document.
        what: what it declares.
        where: the location of the first declaration.
        address: the Terraform address of the later declaration, which has no line of its own; empty for other formats.
    """
    field, line = (address, document.line) if address else ("metadata.name", document.line_of(("metadata", "name")))
    message = f"{what} is declared already at {where}; the first one counts"
    return Problem(document.file, line, field, message, names=frozenset())
