"""Unpack an untrusted archive of declarations safely."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from setpoint.declarations.readers import kustomize
from setpoint.declarations.readers.documents import IGNORE_FILE, SUFFIXES
from setpoint.errors import BadRequest

_MAX_FILES = 200_000
_MAX_BYTES = 600_000_000
"""Maximum unpacked size in bytes: archive and files have to fit in the memory of a function of 2 GiB."""
_RATIO = 50
_FREE_BYTES = 20_000_000
"""Unpacked bytes that are always allowed, and maximum ratio beyond; YAML compresses to a tenth or less."""
_FILE_BYTES = 4_096
"""Minimum size that a file counts with, in bytes."""
_DEEPEST = 100
_LONGEST_PATH = 4_000
"""Maximum number of directories above a file, and of letters of its path; Linux takes 4,096 bytes."""
_BLOCK = 1 << 20
_LARGEST_HEADER = 16 * _BLOCK
_COMPRESSED: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\0", lzma.open),
)
"""The first bytes of compressed tar archives."""
_ZIPPED = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
"""Compression methods that are read in blocks of bounded size; others in a zip archive are refused."""
_ZIP_ENTRY = b"PK\x01\x02"
"""How an entry of the directory of a zip archive begins (APPNOTE.TXT 4.3.12)."""
_ZIPPED_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
"""The first bytes of zip archives, the second ones of an empty one (APPNOTE.TXT 4.3.7, 4.3.16)."""
_ENCRYPTED = 1
_SEPARATOR = re.compile("/+")
_WANTED_NAMES = frozenset((IGNORE_FILE, *kustomize.FILE_NAMES))
"""Names of files that are unpacked with any suffix."""
_BAD_NAMES = frozenset((errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.EILSEQ))
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    RuntimeError,
    LookupError,
    struct.error,
)
"""Errors of the archive libraries for unreadable bytes."""

ArchiveMember = tuple[str, Callable[[], IO[bytes]]]


def unpack(name: str, data: bytes, folder: Path) -> int:
    """Unpack the declaration files of a tar archive, compressed or not, or of a zip archive.

    Links, devices and paths outside of the folder are skipped. A truncated archive is refused, since its missing files
    would look like removed declarations.

    Args:
        name: the archive's name, for error messages.
        data: the archive.
        folder: an empty directory.

    Returns:
        The number of unpacked files: declarations and ignore files.

    Raises:
        BadRequest: the file is not an archive, is damaged or encrypted, or unpacks to too much; upload it again.
    """
    limit = min(_MAX_BYTES, max(_FREE_BYTES, _RATIO * len(data)))
    try:
        if data.startswith(_ZIPPED_STARTS):  # the library would find a zip archive at the end of a tar archive, too
            if data.count(_ZIP_ENTRY) > _MAX_FILES:
                raise _too_large(name, limit)  # the library would hold each entry in memory
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                _check_count(name, _zipped(name, archive), limit)
                return _write(name, _zipped(name, archive), folder, limit)
        stream = _stream(name, data, limit)
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as tar:
            _check_count(name, _tarred(name, tar), limit)
        stream = _stream(name, data, limit)
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as tar:
            files = _write(name, _tarred(name, tar), folder, limit)
        stream.finish()
    except _BROKEN as error:
        raise BadRequest(f"{name}: not a tar or zip archive, or damaged ({error})") from None
    return files


class _Stream:
    """An unpacked tar archive that is read sequentially, up to a limit."""

    def __init__(self, name: str, stream: IO[bytes], limit: int) -> None:
        self._name = name
        self._limit = limit
        self._stream = stream
        self._last = b""

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, position: int) -> int:
        if position < self._stream.tell():
            raise tarfile.ReadError("its members overlap")
        if position > self._limit:
            raise _too_large(self._name, self._limit)
        return self._stream.seek(position)

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _LARGEST_HEADER:
            raise tarfile.ReadError("a header is too large")
        self._last = self._stream.read(size)
        if self._stream.tell() > self._limit:
            raise _too_large(self._name, self._limit)
        return self._last

    def finish(self) -> None:
        """Check that the archive is complete, and read its checksum."""
        if len(self._last) != tarfile.BLOCKSIZE or any(self._last):
            raise tarfile.ReadError("it breaks off")
        while self.read(_BLOCK):
            pass


def _stream(name: str, data: bytes, limit: int) -> _Stream:
    unpacking = next((of for start, of in _COMPRESSED if data.startswith(start)), None)
    raw = io.BytesIO(data)
    return _Stream(name, unpacking(raw) if unpacking else raw, limit)


def _check_count(name: str, members: Iterator[ArchiveMember], limit: int) -> None:
    """Refuse an archive of too many files and directories before the first is created, which takes longer."""
    most = min(_MAX_FILES, limit // _FILE_BYTES)
    files = 0
    folders: set[int] = set()
    for path, _ in members:
        if not _is_wanted(path):
            continue
        if len(path) > _LONGEST_PATH or path.count("/") > _DEEPEST:
            raise BadRequest(
                f"{name}: {path:.200} has more than {_DEEPEST} directories above it or a path of more than "
                f"{_LONGEST_PATH:,} letters; move it up"
            )
        files += _is_read(path)
        folders.update(hash(path[: part.start()]) for part in _SEPARATOR.finditer(path))
        if files + len(folders) > most:
            raise _too_large(name, limit)


def _is_read(path: str) -> bool:
    """Whether a member is unpacked: a declaration or an ignore file inside of the folder."""
    parts = PurePosixPath(path)
    return _is_wanted(path) and ".." not in parts.parts and not parts.is_absolute()


def _write(name: str, members: Iterator[ArchiveMember], folder: Path, limit: int) -> int:
    files = total = 0
    for path, opened in members:
        if not _is_read(path):
            continue
        files += 1
        total += _FILE_BYTES
        if total > limit:
            raise _too_large(name, limit)
        parts = PurePosixPath(path).parts
        with opened() as source, _created(folder.joinpath(*parts), f"{name}: {path:.200}") as out:
            while block := source.read(_BLOCK):
                total += len(block)  # the actual number of bytes, which may differ from the header
                if total > limit:
                    raise _too_large(name, limit)
                out.write(block)
    return files


def _created(target: Path, member: str) -> IO[bytes]:
    """Create a file and the directories above it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return target.open("wb")
    except OSError as error:
        if error.errno not in _BAD_NAMES:
            raise
        raise BadRequest(f"{member} cannot be unpacked ({error.strerror}); rename it") from None


def _is_wanted(path: str) -> bool:
    return path.endswith(SUFFIXES) or path.rpartition("/")[2] in _WANTED_NAMES


def _too_large(name: str, limit: int) -> BadRequest:
    why = f" ({_RATIO} times its size, or {_FREE_BYTES:,})" if limit < _MAX_BYTES else ""
    return BadRequest(
        f"{name}: unpacks to more than {_MAX_FILES:,} files and directories or {limit:,} bytes{why}; split it"
    )


def _zipped(name: str, archive: zipfile.ZipFile) -> Iterator[ArchiveMember]:
    for member in archive.infolist():
        if member.is_dir() or stat.S_ISLNK(member.external_attr >> 16):
            continue
        if member.flag_bits & _ENCRYPTED and _is_wanted(member.filename):
            raise BadRequest(f"{name}: {member.filename} is encrypted; make the archive without a password")
        if member.compress_type not in _ZIPPED and _is_wanted(member.filename):
            raise BadRequest(f"{name}: {member.filename} is compressed in a rare way; use deflate, zip's own")
        yield member.filename, partial(archive.open, member)


def _tarred(name: str, archive: tarfile.TarFile) -> Iterator[ArchiveMember]:
    for number, member in enumerate(archive):
        if number >= _MAX_FILES:
            raise _too_large(name, _MAX_BYTES)
        vars(archive)["members"] = []  # the library keeps every member in memory otherwise
        if member.issparse() and _is_wanted(member.name):
            raise BadRequest(f"{name}: {member.name:.200} is stored sparse; make the archive without `--sparse`")
        if member.isfile() and not member.issparse():
            stream = archive.extractfile(member)
            if stream is not None:
                yield member.name, partial(_itself, stream)


def _itself(stream: IO[bytes]) -> IO[bytes]:
    return stream
