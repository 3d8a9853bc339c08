"""Declarations as files of readable YAML: one per project, type and content, the same bytes for the same fleet.

What is exported waits in a temporary file until all is there, so that memory stays flat and no half of an export is
ever seen.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from setpoint.errors import BadRequest
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey

_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9._:-]|\A\.")


class WrittenFiles(NamedTuple):
    """What became of the files of an export.

    Args:
        written: files that were made or changed.
        unchanged: files that were there already, as they would be written.
        kept: files that would be changed; where there are any, nothing at all was written.
    """

    written: list[Path]
    unchanged: list[Path]
    kept: list[Path]


class _FileOffset(NamedTuple):
    file: str
    offset: int
    length: int


class ExportedFiles:
    """Collects declarations, then writes them; a context, at the end of which what was collected is gone.

    Args:
        folder: the directory below which they are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._places: dict[ResourceKey, _FileOffset] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.close()

    def __contains__(self, key: ResourceKey) -> bool:
        return key in self._places

    def add(self, declaration: Declaration, where: str, text: str, ending: str) -> None:
        """Collect a declaration.

        Args:
            declaration: what is declared.
            where: name of the project, folder or organisation that holds the resource.
            text: the declaration as it is written.
            ending: how the file's name ends, `yaml` or `tf`.
        """
        written = text.encode()
        service, _, kind = declaration.asset_type.partition("/")
        content = "" if declaration.key.content == "resource" else f".{declaration.key.content}"
        file = f"{_file_name(where)}/{_file_name(service.removesuffix('.googleapis.com'))}.{kind}{content}.{ending}"
        self._places[declaration.key] = _FileOffset(file, self._waiting.tell(), len(written))
        self._waiting.write(written)

    def write(self, *, force: bool) -> WrittenFiles:
        """Write all files, or none where one would be changed.

        Args:
            force: change files that are there.

        Raises:
            BadRequest: the folder cannot be written to.
        """
        try:
            return self._write(force=force)
        except OSError as error:
            raise BadRequest(f"{error.filename or self._folder}: cannot be written: {error.strerror}") from error

    def _write(self, *, force: bool) -> WrittenFiles:
        moves: list[tuple[Path, Path]] = []
        unchanged, kept = [], []
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".export-") as staged:
            for file, content in self._files():
                target = self._folder / file
                if _is_there(target, content):
                    unchanged.append(target)
                elif target.exists() and not force:
                    kept.append(target)
                else:
                    moves.append((Path(staged, str(len(moves))), target))
                    moves[-1][0].write_bytes(content)
            if kept:
                return WrittenFiles([], unchanged, kept)
            for source, target in moves:
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
        return WrittenFiles([target for _, target in moves], unchanged, kept)

    def _files(self) -> Iterator[tuple[str, bytes]]:
        """Each file with its documents in the order of the resources' names."""
        files: defaultdict[str, list[tuple[ResourceKey, _FileOffset]]] = defaultdict(list)
        for key, place in self._places.items():
            files[place.file].append((key, place))
        for file in sorted(files):
            yield file, b"".join(self._read(place) for _, place in sorted(files[file]))

    def _read(self, place: _FileOffset) -> bytes:
        self._waiting.seek(place.offset)
        return self._waiting.read(place.length)


def _file_name(name: str) -> str:
    return _NO_FILE_NAME.sub("_", name) or "_"


def _is_there(file: Path, content: bytes) -> bool:
    try:
        return file.read_bytes() == content
    except FileNotFoundError:
        return False
