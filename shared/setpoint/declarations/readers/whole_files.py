"""Read a file or a stream whole, up to a size: it may be sparse, or end never."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

LARGEST = 200_000_000
"""Maximum size in bytes of a file of declarations and of standard input, as of a Terraform state in a bucket."""

_BLOCK = 1 << 20


class TooLargeError(OSError):
    """A file is larger than what is read of one."""

    def __init__(self, largest: int) -> None:
        super().__init__(None, f"it is larger than {largest:,} bytes; split it")


def read(path: str | Path, largest: int = LARGEST) -> bytes:
    """The content of a file.

    Args:
        path: the path.
        largest: its maximum size in bytes.

    Raises:
        TooLargeError: it is larger.
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as stream:
        status = os.fstat(stream.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_size > largest:
            raise TooLargeError(largest)
        return content(stream, largest, status.st_size + 1)


def content(stream: BinaryIO, largest: int = LARGEST, expected: int = 0) -> bytes:
    """The content of a stream, from its position on.

    Args:
        stream: the stream.
        largest: the maximum size in bytes.
        expected: the probable size; a stream allocates as much as it is asked for.

    Raises:
        TooLargeError: it is larger.
        OSError: it cannot be read.
    """
    blocks: list[bytes] = []
    size = 0
    while block := stream.read(max(expected - size, _BLOCK)):
        blocks.append(block)
        size += len(block)
        if size > largest:
            raise TooLargeError(largest)
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)
