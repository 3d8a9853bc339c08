"""Standard output that cannot be written as it is: no reader, a full disk, or another encoding than UTF-8."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn

_READER_GONE = 141
"""The exit status in a shell of a process whose output has no reader any more (128 + SIGPIPE)."""
_ERROR = 1


_PLAIN = {"·": "-", "→": "->", "…": "...", "─": "-", "│": "|"}
"""What is printed for the signs of Setpoint's own output where the encoding lacks them."""


def replace_unencodable() -> None:
    """Print a plain sign, or a question mark, for a character that the encoding of standard output lacks."""
    if isinstance(sys.stdout, TextIOWrapper) and not is_unicode():
        codecs.register_error("setpoint", _plain)
        sys.stdout.reconfigure(errors="setpoint")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end


def is_unicode() -> bool:
    """Whether standard output can take every character."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")


def flush() -> None:
    """Write what is buffered, while an error can still be reported.

    Raises:
        OSError: it cannot be written.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def stop_writing(code: int = _READER_GONE) -> NoReturn:
    """End quietly; buffered output that cannot be written is discarded."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):  # a stream without a file, as a test has it
                os.dup2(nowhere, stream.fileno())
    raise SystemExit(code)


def stop_unwritten(error: OSError) -> NoReturn:
    """End with an error that says why nothing more can be written."""
    reason = error.strerror or str(error)
    with suppress(OSError):  # standard error may be on the same disk
        sys.stderr.write(f"error: {error.filename or 'the output'}: cannot be written: {reason}\n")
    stop_writing(_ERROR)
