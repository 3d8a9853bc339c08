"""Read recorded assets from a stream: JSON lines, arrays, or indented objects, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple, cast

from setpoint.errors import BadRequest
from setpoint.model.asset_formats import RecordKind, records

_FEED_MESSAGE = re.compile(rb'\{\s*"(?:asset|priorAsset|deleted|window)"\s*:')
_SNAKE = re.compile(rb'"(?:asset_type|prior_asset|update_time|start_time)"')
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


LARGEST_RECORD = 20_000_000
"""Maximum size in bytes of an asset on a line; Pub/Sub takes 10 MB."""
LARGEST_LIST = 200_000_000
"""Maximum size in bytes, unpacked, of a list or of indented assets, which are held in memory."""
_BLOCK = 1 << 20
_TOO_LARGE = (
    f"a list of more than {LARGEST_LIST:,} bytes; use one asset per line, as `gcloud asset export` writes, or as "
    "`jq -c .[]` makes of a list"
)


class FeedMessage(NamedTuple):
    """A message of a recorded feed.

    Args:
        where: line number, from 1.
        data: the message's data.
        attributes: the message's attributes.
        kind: the shape in which it was recorded.
    """

    where: int
    data: bytes
    attributes: Mapping[str, str]
    kind: RecordKind = "feed message"


def messages(stream: BinaryIO) -> Iterator[FeedMessage]:
    """The messages of a recorded feed, in order; invalid records are passed on unchanged, to be rejected.

    Raises:
        OSError: the stream cannot be read.
        BadRequest: the compressed stream, or a list, is damaged or truncated; the messages before it were yielded.
    """
    default_time = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    for where, record in _intact(_records(_decompressed(stream))):
        if _FEED_MESSAGE.match(record) and not _SNAKE.search(record):
            yield FeedMessage(where, record, {})
            continue
        try:
            value = json.loads(record)
        except (ValueError, RecursionError):
            yield FeedMessage(where, record, {}, "unknown")
            continue
        for kind, data, attributes in records(value, default_time):
            yield FeedMessage(where, data, attributes, kind)


def named_messages(name: str, stream: BinaryIO) -> Iterator[FeedMessage]:
    """The messages of a stream; errors start with the stream's name.

    Raises:
        OSError: the stream cannot be read.
        BadRequest: the compressed stream, or a list, is damaged or truncated.
    """
    try:
        yield from messages(stream)
    except BadRequest as error:
        raise BadRequest(f"{name}: {error}") from None


def _intact(numbered: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    try:
        yield from numbered
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the file itself; what the decompressors raise has no number
        raise BadRequest(f"compressed data is damaged or cut off ({error}); create the file again") from None


class _Utf16(io.RawIOBase):
    """A stream in UTF-16 with a byte order mark, as PowerShell writes what it redirects, read as UTF-8."""

    def __init__(self, stream: io.BufferedReader) -> None:
        super().__init__()
        self._text = io.TextIOWrapper(stream, encoding="utf-16", errors="replace", newline="\n")
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or self._text.read(_BLOCK).encode(errors="replace")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _decompressed(stream: BinaryIO) -> BinaryIO:
    """The stream, decompressed if its first bytes are those of gzip, bzip2 or xz."""
    peekable = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
    head = peekable.peek(6)[:6]
    if head.startswith(b"\x1f\x8b"):
        return cast("BinaryIO", gzip.GzipFile(fileobj=peekable))
    if head.startswith(b"BZh"):
        return cast("BinaryIO", bz2.BZ2File(peekable))
    if head.startswith(b"\xfd7zXZ\x00"):
        return cast("BinaryIO", lzma.LZMAFile(peekable))
    if head.startswith(_UTF_16):
        return cast("BinaryIO", io.BufferedReader(_Utf16(peekable)))
    return cast("BinaryIO", peekable)


def _records(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """One record per line; a file that starts with an array, or an object that goes on below, is read as a whole."""
    is_first = True
    for number, line in enumerate(_lines(stream), start=1):
        record = line.strip()
        if number == 1:
            record = record.removeprefix(_BOM)
        if not record:
            continue
        if is_first and _continues(record):
            yield from _indented(number, record + b"\n" + _rest(stream))
            return
        is_first = False
        yield number, record


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream; one that is too long is cut, and is not a record any more."""
    line = stream.readline(LARGEST_LIST + 1)  # the first may be a whole list
    if len(line) > LARGEST_LIST:
        raise BadRequest(_TOO_LARGE)
    while line:
        yield line
        while len(line) > LARGEST_RECORD and not line.endswith(b"\n"):
            line = stream.readline(LARGEST_RECORD + 1)
        line = stream.readline(LARGEST_RECORD + 1)


def _rest(stream: BinaryIO) -> bytes:
    """The rest of a stream, in blocks: a stream allocates as much as it is asked for."""
    blocks: list[bytes] = []
    size = 0
    while block := stream.read(_BLOCK):
        blocks.append(block)
        size += len(block)
        if size > LARGEST_LIST:
            raise BadRequest(_TOO_LARGE)
    return b"".join(blocks)


def _continues(first: bytes) -> bool:
    """Whether the first line begins an array, or an object over several lines; a record that is cut off does not."""
    return first.startswith(b"[") or (first.startswith(b"{") and first.endswith((b"{", b"[", b",")))


def _indented(first_line: int, rest: bytes) -> Iterator[tuple[int, bytes]]:
    """JSON that is not one record per line: an array, or objects over several lines."""
    text = rest.decode(errors="replace")
    decode = json.JSONDecoder().raw_decode
    offset = counted = 0
    line = first_line
    while offset < len(text):
        if text[offset].isspace() or text[offset] == ",":
            offset += 1
            continue
        line, counted = line + text.count("\n", counted, offset), offset
        try:
            value, end = decode(text, offset)
        except (ValueError, RecursionError):
            end = text.find("\n{", offset + 1)
            if end < 0 and text[offset] == "[":
                raise BadRequest(
                    f"the list that begins in line {line} is damaged or cut off; create the file again"
                ) from None
            end = len(text) if end < 0 else end
            yield line, text[offset:end].strip().encode()
        else:
            for element in value if isinstance(value, list) else [value]:
                yield line, json.dumps(element).encode()
        offset = end
