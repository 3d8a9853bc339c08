"""The content of an object of Cloud Storage, held in memory up to a limit."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class LimitedContent(BytesIO):
    """Takes a download, and raises an error as soon as it is too large.

    Args:
        largest: maximum size in bytes.
        too_large: makes the error.
    """

    def __init__(self, largest: int, too_large: Callable[[], Exception]) -> None:
        super().__init__()
        self._largest = largest
        self._too_large = too_large

    def write(self, data: ReadableBuffer, /) -> int:
        """Take a part of the download."""
        written = super().write(data)
        if self.tell() > self._largest:
            raise self._too_large()
        return written
