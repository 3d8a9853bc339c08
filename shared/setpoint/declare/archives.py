"""Unpacking an archive of declarations, with care: what it holds was made elsewhere."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from setpoint.declare.documents import SUFFIXES
from setpoint.errors import BadRequest

_MOST_FILES = 200_000
_MOST_BYTES = 2_000_000_000


def unpack(name: str, data: bytes, folder: Path) -> int:
    """Unpack the files with declarations of a tar archive, compressed or not, or of a zip archive.

    Links, devices and files that would lie outside of the folder are left out.

    Args:
        name: the archive's name, for what is said of it.
        data: the archive.
        folder: an empty directory.

    Returns:
        How many files were unpacked.

    Raises:
        BadRequest: it is no archive, or it unpacks to more than is reasonable.
    """
    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return _write(name, _zipped(archive), folder)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return _write(name, _tarred(tar), folder)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise BadRequest(f"{name}: not a tar or zip archive ({error})") from None


def _write(name: str, members: Iterator[tuple[str, int, Callable[[], bytes]]], folder: Path) -> int:
    files = total = 0
    for path, size, read in members:
        parts = PurePosixPath(path).parts
        if not path.endswith(SUFFIXES) or ".." in parts or PurePosixPath(path).is_absolute():
            continue
        files, total = files + 1, total + size
        if files > _MOST_FILES or total > _MOST_BYTES:
            raise BadRequest(f"{name}: unpacks to more than {_MOST_FILES:,} files or {_MOST_BYTES:,} bytes; split it")
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read())
    return files


def _zipped(archive: zipfile.ZipFile) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    for member in archive.infolist():
        if not member.is_dir() and not stat.S_ISLNK(member.external_attr >> 16):
            yield member.filename, member.file_size, partial(archive.read, member)


def _tarred(archive: tarfile.TarFile) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    for member in archive:
        stream = archive.extractfile(member) if member.isfile() else None
        if stream is not None:
            yield member.name, member.size, stream.read
