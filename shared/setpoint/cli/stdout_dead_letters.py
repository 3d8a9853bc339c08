"""Dead letters of the command line: report them, and store them if nothing else does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from setpoint.bootstrap import dead_letters_in
from setpoint.cli.output import print_status, print_warning
from setpoint.errors import Unavailable
from setpoint.ports.queues import DeadLetters


class ReportedDeadLetters:
    """``DeadLetters`` that are reported on standard error and appended to a file.

    Args:
        file: where to keep them; None where the message stays in the file that it came from.
    """

    def __init__(self, file: Path | None) -> None:
        self.where = ""
        self._file = file
        self._stream: IO[bytes] | None = None
        self._letters: DeadLetters | None = None

    def put(self, message: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """See ``DeadLetters.put``."""
        print_warning(f"{self.where}: {reason}", "rejected")
        if self._file is None:
            return
        if self._letters is None:
            try:
                self._stream = os.fdopen(os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")
            except OSError as error:
                raise Unavailable(f"{self._file} cannot be written ({error.strerror})") from error
            self._letters = dead_letters_in(self._stream)
            print_status(f"kept in {self._file}")
        self._letters.put(message, attributes, reason)

    def close(self) -> None:
        """Close the file, if a message was written to it."""
        if self._stream is not None:
            self._stream.close()
